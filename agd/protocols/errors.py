"""OpenAI's error object, and the first step of every request: bytes to a JSON object."""

from __future__ import annotations

from typing import Any

from agd.encoding import InvalidJSON, decode
from agd.errors import BadRequest, GatewayError
from agd.protocols.fields import json_type

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
    return body
