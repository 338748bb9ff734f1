"""Single parts of a content, as both sides send them. No byte of a text, an argument or a picture changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agd.conversation import Code, Opaque, Text, ToolCall, ToolResult
from agd.encoding import InvalidJSON, decode
from agd.errors import BadRequest

_CONTENT = frozenset({"text", "inlineData", "fileData", "functionCall", "functionResponse"})


def signed(part: dict[str, Any], signature: str | None) -> dict[str, Any]:
    """Put the provider's signature, where there is one, into a part just made, and return it."""
    if signature:
        part["thoughtSignature"] = signature
    return part


def words(part: Text) -> dict[str, Any]:
    """Return words of either side."""
    return {"text": part.text, "thoughtSignature": part.signature} if part.signature else {"text": part.text}


def arguments(call: ToolCall) -> dict[str, Any]:
    """Return a call's arguments as the object they must be; text that is none is kept whole inside one."""
    if not call.arguments or call.arguments.isspace():
        return {}
    read = _object(call.arguments)
    return {"arguments": call.arguments} if read is None else read


def response(result: ToolResult, *, parse: bool) -> dict[str, Any]:
    """Return what a tool said, unchanged, as ``output`` or ``error``; with ``parse``, a JSON object as that object."""
    text = "".join([part.text for part in result.output if isinstance(part, Text)])
    read = _object(text) if parse and not result.error else None
    return {"error" if result.error else "output": text} if read is None else read


def code(part: Code) -> dict[str, Any]:
    """Return code that the model ran, or what it printed."""
    run = {"id": part.id} if part.id else {}
    if part.result:
        outcome = part.outcome or "OUTCOME_OK"
        return signed({"codeExecutionResult": {**run, "outcome": outcome, "output": part.text}}, part.signature)
    language = part.language.upper() or "PYTHON"
    return signed({"executableCode": {**run, "language": language, "code": part.text}}, part.signature)


def opaque(part: Opaque) -> Mapping[str, Any]:
    """Return provider state as it came.

    Raises ``BadRequest`` for what is no state but content, which has its own rules and its own place in a message.
    """
    if not part.data or part.data.keys() & _CONTENT:
        raise BadRequest("What is given back as provider state must not carry content.", "messages")
    return part.data


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = decode(text)
    except InvalidJSON:
        return None
    return value if isinstance(value, dict) else None
