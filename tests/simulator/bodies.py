"""Request bodies that the simulator's tests build on."""

from __future__ import annotations

from typing import Any

SUM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "number"}, "note": {"type": "string"}},
    "required": ["a", "b"],
}


def user(text: str) -> dict[str, Any]:
    """Give a user turn of one text."""
    return {"role": "user", "parts": [{"text": text}]}


def asking(text: str, **fields: Any) -> dict[str, Any]:
    """Give a request of one user text with further fields of the request."""
    return {"contents": [user(text)], **fields}


def tools(*names: str, schema: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """Give one tool with functions of these names."""
    return [{"functionDeclarations": [{"name": one, "parametersJsonSchema": schema or SUM_SCHEMA} for one in names]}]


def round_trip(call: dict[str, Any], *results: dict[str, Any], signature: str | None = None) -> list[dict[str, Any]]:
    """Give a conversation in which the model made a call and got these results."""
    part = {"functionCall": call} | ({"thoughtSignature": signature} if signature else {})
    answers = [{"functionResponse": one} for one in results]
    return [user("add"), {"role": "model", "parts": [part]}, {"role": "user", "parts": answers}]
