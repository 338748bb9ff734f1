"""What is said on the socket: events as they are over SSE, and errors in an envelope of their own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import ceil
from typing import Any

from agd.encoding import encode
from agd.errors import BadRequest, GatewayError
from agd.protocols.errors import error_object

_STREAM_ID = re.compile(r"[A-Za-z0-9_.-]{1,256}")


def tagged(event: bytes, stream_id: str | None) -> bytes:
    """Write a named lane's id into the JSON text of an event."""
    if stream_id is None:
        return event
    return b'%s,"stream_id":"%s"}' % (event[:-1], stream_id.encode())


def error_frame(error: GatewayError, request_id: str, stream_id: str | None) -> bytes:
    """Write the envelope of an error for which there is no response (``WebSocketErrorEvent`` of Open Responses).

    ``headers`` are those that the error would have over HTTP: Codex obeys them, and the request id finds the log line.
    """
    told: dict[str, Any] = error_object(error)["error"]
    told["code"] = error.code or error.type
    headers = {"x-request-id": request_id}
    headers.update((name.lower(), value) for name, value in error.headers if name.lower().startswith("x-"))
    if error.retry_after is not None:
        headers["retry-after"] = str(max(1, ceil(error.retry_after)))
        headers["retry-after-ms"] = str(max(1, ceil(error.retry_after * 1000)))
    return tagged(encode({"type": "error", "status": error.status, "error": told, "headers": headers}), stream_id)


def stream_id_of(event: Mapping[str, Any]) -> str | None:
    """Read the lane that a client's event is for, None for the default lane. Raises ``BadRequest``."""
    stream_id = event.get("stream_id")
    if stream_id is None:
        return None
    if not isinstance(stream_id, str) or not _STREAM_ID.fullmatch(stream_id):
        message = "'stream_id' must be 1 to 256 letters, digits, underscores, hyphens and periods, or be left out"
        raise BadRequest(message, "stream_id", "invalid_stream_id")
    return stream_id


def request_body(event: Mapping[str, Any]) -> dict[str, Any]:
    """Make the body of the same request over HTTP from a ``response.create``. Raises ``BadRequest``.

    A WebSocket always streams. ``stream: true`` should not be sent, but Codex does.
    """
    for name, allowed in (("stream", True), ("background", False)):
        if event.get(name) not in (None, allowed):
            value = encode(allowed).decode()
            raise BadRequest(f"'{name}' may only be {value} on a WebSocket; leave it out", name, "unsupported_value")
    body = {name: value for name, value in event.items() if name not in ("type", "stream_id")}
    return body if body.get("stream") is not None else body | {"stream": True}
