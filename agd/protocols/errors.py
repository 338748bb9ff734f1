"""OpenAI's error object, and the first step of every request: bytes to a JSON object."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from agd.encoding import InvalidJSON, decode
from agd.errors import BadRequest, GatewayError
from agd.protocols.fields import json_type

MAX_DEPTH = 200
"""How deep a body may be nested: far beyond any real one, far below where walking it would break."""

_MESSAGE_LIMIT = 80


def error_object(error: GatewayError) -> dict[str, Any]:
    """Return ``{"error": {message, type, param, code}}``; all four are always there, null where not known."""
    return {"error": {"message": error.message, "type": error.type, "param": error.param, "code": error.code}}


def read_body(data: bytes) -> dict[str, Any]:
    """Read a request body. Raises ``BadRequest`` when it is not one JSON object; never echoes the body."""
    try:
        body = decode(data)
    except InvalidJSON as error:
        raise BadRequest(
            f"The request body is not valid JSON: {str(error)[:_MESSAGE_LIMIT]}", code="invalid_json"
        ) from None
    if not isinstance(body, dict):
        raise BadRequest(f"The request body must be a JSON object, but it is {json_type(body)}.", code="invalid_type")
    if data.count(b"{") + data.count(b"[") > MAX_DEPTH and _is_deeper(body, MAX_DEPTH):
        raise BadRequest(f"The request body is nested deeper than {MAX_DEPTH} levels.", code="invalid_json")
    return body


def _is_deeper(value: Any, limit: int) -> bool:
    """Walk level by level, without recursion: what is looked for is what would break a recursion."""
    level = [value]
    for _ in range(limit):
        level = [child for container in level for child in _children(container)]
        if not level:
            return False
    return True


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
