"""Reading contents and their parts: https://ai.google.dev/api/caching#Content."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agd.simulator.asked import Call, Media, Other, Part, Result, Said, Turn
from agd.simulator.catalogue import is_gemini_3
from agd.simulator.fields import array, boolean, members, octets, proto_name, string, struct
from agd.simulator.rpc_status import invalid_argument
from agd.simulator.signatures import BYPASSES, is_accepted

_DATA = (
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
)
_IMAGES = frozenset({"image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"})
_FAMILIES = ("audio/", "video/", "text/")


def read_content(value: Any, path: str, model: str) -> Turn:
    """Read one content; a missing role is ``user``, as the API takes it. Raises ``Refused``."""
    content = members(value, "Content", path)
    role = string(content.get("role", "user"), path + ".role")
    if role not in {"user", "model"}:
        raise invalid_argument("Please use a valid role: user, model.")
    parts = array(content.get("parts", []), path + ".parts")
    if not parts:
        raise invalid_argument(f"* GenerateContentRequest.{path}.parts: contents.parts must not be empty.\n")
    return Turn(role, tuple(read_part(part, f"{path}.parts[{i}]", model) for i, part in enumerate(parts)))


def read_part(value: Any, path: str, model: str) -> Part:
    """Read one part, which holds exactly one kind of data. Raises ``Refused``."""
    part = members(value, "Part", path)
    kinds = [kind for kind in _DATA if kind in part]
    if not kinds:
        words = "required oneof field 'data' must have one initialized field"
        raise invalid_argument(f"* GenerateContentRequest.{path}.data: {words}\n")
    if len(kinds) > 1:
        raise invalid_argument(f"Invalid value at '{path}' (oneof), oneof field 'data' is already set.")
    if "mediaResolution" in part and not is_gemini_3(model):
        raise invalid_argument("Per part media resolution is not supported for this Model.")
    signed = _signature(part.get("thoughtSignature"), path + ".thought_signature", model)
    reader = _READERS.get(kinds[0])
    if reader is None:
        return Other(kinds[0])
    return reader(part, f"{path}.{proto_name(kinds[0])}", model, signed)


def _signature(value: Any, path: str, model: str) -> bool:
    if value is None:
        return False
    signature = string(value, path)
    if signature not in BYPASSES and not is_accepted(octets(signature, path)) and is_gemini_3(model):
        raise invalid_argument("Corrupted thought signature.")
    return True


def _text(part: dict[str, Any], path: str, _model: str, _signed: bool) -> Said:
    thought = boolean(part.get("thought", False), path.removesuffix("text") + "thought")
    return Said(string(part["text"], path), thought)


def _inline(part: dict[str, Any], path: str, _model: str, _signed: bool) -> Media:
    blob = members(part["inlineData"], "Blob", path)
    mime = string(blob.get("mimeType", ""), path + ".mime_type")
    if mime not in _IMAGES and mime != "application/pdf" and not mime.startswith(_FAMILIES):
        raise invalid_argument(f"Unsupported MIME type: {mime}")
    data = octets(blob.get("data", ""), path + ".data")
    if not data:
        raise invalid_argument(f"* GenerateContentRequest.{path}: data must not be empty.\n")
    return Media(mime, len(data))


def _file(part: dict[str, Any], path: str, _model: str, _signed: bool) -> Media:
    data = members(part["fileData"], "FileData", path)
    if not string(data.get("fileUri", ""), path + ".file_uri"):
        raise invalid_argument(f"* GenerateContentRequest.{path}.file_uri: file_uri must not be empty.\n")
    return Media(string(data.get("mimeType", "application/octet-stream"), path + ".mime_type"), 0)


def _call(part: dict[str, Any], path: str, _model: str, signed: bool) -> Call:
    call = members(part["functionCall"], "FunctionCall", path)
    name = _name(call, path, "function_call")
    return Call(name, struct(call.get("args", {}), path + ".args"), _id(call, path), signed)


def _result(part: dict[str, Any], path: str, model: str, _signed: bool) -> Result:
    result = members(part["functionResponse"], "FunctionResponse", path)
    name = _name(result, path, "function_response")
    if "response" not in result:
        raise invalid_argument(f"* GenerateContentRequest.{path}.response: response must be set.\n")
    pieces = array(result.get("parts", []), path + ".parts")
    if pieces and not is_gemini_3(model):
        raise invalid_argument("Multimodal function response is not supported for this model.")
    for index, piece in enumerate(pieces):
        where = f"{path}.parts[{index}]"
        read_part(members(piece, "FunctionResponsePart", where), where, model)
    return Result(name, struct(result["response"], path + ".response"), _id(result, path))


def _name(value: dict[str, Any], path: str, kind: str) -> str:
    name = string(value.get("name", ""), path + ".name")
    if not name:
        raise invalid_argument(f"* GenerateContentRequest.{path}.name: Name cannot be empty in {kind}.\n")
    return name


def _id(value: dict[str, Any], path: str) -> str | None:
    return string(value["id"], path + ".id") if "id" in value else None


_READERS: dict[str, Callable[[dict[str, Any], str, str, bool], Part]] = {
    "text": _text,
    "inlineData": _inline,
    "fileData": _file,
    "functionCall": _call,
    "functionResponse": _result,
}
