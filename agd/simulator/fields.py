"""Reading a message of Gemini's REST as strictly as protobuf's JSON mapping does.

Names may be written in lowerCamelCase or as in the proto; an unknown or doubled name is refused, ``null`` is absent
(https://protobuf.dev/programming-guides/json/). Paths in the refusals are in proto names, as in the real ones.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from agd.simulator.rpc_status import Refused, field_violations, invalid_argument

MESSAGES: dict[str, frozenset[str]] = {
    name: frozenset(names.split())
    for name, names in {
        "GenerateContentRequest": "model systemInstruction contents tools toolConfig safetySettings generationConfig "
        "cachedContent serviceTier",
        "CountTokensRequest": "contents generateContentRequest",
        "GenerationConfig": "candidateCount stopSequences maxOutputTokens temperature topP topK seed "
        "responseMimeType responseSchema responseJsonSchema presencePenalty frequencyPenalty responseLogprobs "
        "logprobs enableEnhancedCivicAnswers responseModalities speechConfig thinkingConfig imageConfig "
        "mediaResolution responseFormat",
        "ThinkingConfig": "includeThoughts thinkingBudget thinkingLevel",
        "Content": "role parts",
        "Part": "text inlineData fileData functionCall functionResponse executableCode codeExecutionResult toolCall "
        "toolResponse thought thoughtSignature videoMetadata mediaResolution partMetadata",
        "Blob": "mimeType data displayName",
        "FileData": "mimeType fileUri",
        "FunctionCall": "id name args",
        "FunctionResponse": "id name response parts willContinue scheduling",
        "FunctionResponsePart": "inlineData fileData",
        "Tool": "functionDeclarations googleSearch googleSearchRetrieval codeExecution urlContext computerUse "
        "fileSearch googleMaps",
        "FunctionDeclaration": "name description parameters parametersJsonSchema response responseJsonSchema behavior",
        "ToolConfig": "functionCallingConfig retrievalConfig includeServerSideToolInvocations",
        "FunctionCallingConfig": "mode allowedFunctionNames",
        "Schema": "type format title description nullable enum maxItems minItems properties required minProperties "
        "maxProperties minLength maxLength pattern example anyOf propertyOrdering default items minimum maximum",
    }.items()
}
"""The field names (lowerCamelCase) of the messages that this API version knows."""


def proto_name(name: str) -> str:
    """Give the proto spelling of a lowerCamelCase name: ``topP`` is ``top_p``."""
    return re.sub(r"(?<!^)([A-Z])", lambda found: "_" + found[1].lower(), name)


def json_name(name: str) -> str:
    """Give the lowerCamelCase spelling of a proto name: ``top_p`` is ``topP``."""
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name)


def members(value: Any, message: str, path: str = "") -> dict[str, Any]:
    """Read an object as ``message`` (a key of ``MESSAGES``) and give its present fields by lowerCamelCase name.

    ``path`` is where it stands. Raises ``Refused`` for what is no object and for unknown or doubled names.
    """
    if not isinstance(value, dict):
        raise invalid_value(path, f"type.googleapis.com/google.ai.generativelanguage.v1beta.{message}", value)
    known = MESSAGES[message]
    found: dict[str, Any] = {}
    unknown: list[tuple[str, str]] = []
    for key, member in value.items():
        name = json_name(key)
        if name not in known or name in found:
            unknown.append((path, _unknown(key, path)))
        else:
            found[name] = member
    if unknown:
        raise invalid_argument("\n".join(text for _, text in unknown), field_violations(unknown))
    return {name: member for name, member in found.items() if member is not None}


def invalid_value(path: str, kind: str, value: Any) -> Refused:
    """Give the refusal of a value of the wrong type; ``kind`` is the proto's word for the right one."""
    shown = f'"{value}"' if isinstance(value, str) else str(value)
    where = f" at '{path}'" if path else ""
    text = f"Invalid value{where} ({kind}), {shown[:60]}"
    return invalid_argument(text, field_violations([(path, text)]))


def number(value: Any, path: str) -> float:
    """Read a number (TYPE_FLOAT)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise invalid_value(path, "TYPE_FLOAT", value)
    return value


def integer(value: Any, path: str) -> int:
    """Read a signed 32-bit integer (TYPE_INT32); ``3.0`` is one."""
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not whole or not -(2**31) <= value < 2**31:
        raise invalid_value(path, "TYPE_INT32", value)
    return int(value)


def string(value: Any, path: str) -> str:
    """Read a string (TYPE_STRING)."""
    if not isinstance(value, str):
        raise invalid_value(path, "TYPE_STRING", value)
    return value


def boolean(value: Any, path: str) -> bool:
    """Read a boolean (TYPE_BOOL)."""
    if not isinstance(value, bool):
        raise invalid_value(path, "TYPE_BOOL", value)
    return value


def array(value: Any, path: str) -> list[Any]:
    """Read a repeated field, which REST carries as an array."""
    if not isinstance(value, list):
        raise invalid_value(path, "repeated field", value)
    return value


def struct(value: Any, path: str) -> dict[str, Any]:
    """Read a free object (google.protobuf.Struct)."""
    if not isinstance(value, dict):
        raise invalid_value(path, "type.googleapis.com/google.protobuf.Struct", value)
    return value


def octets(value: Any, path: str) -> bytes:
    """Read base64 (TYPE_BYTES): the standard or the URL-safe alphabet, padding optional."""
    text = string(value, path).translate(_STANDARD).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise invalid_value(path, "TYPE_BYTES", f"Base64 decoding failed for {value}") from None


_STANDARD = str.maketrans("-_", "+/")


def _unknown(key: str, path: str) -> str:
    where = f" at '{path}'" if path else ""
    return f'Invalid JSON payload received. Unknown name "{key}"{where}: Cannot find field.'
