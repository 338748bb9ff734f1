"""Errors on their way out: the one place where an exception becomes a status line and a body."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from math import ceil

from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from agd.encoding import encode
from agd.errors import GatewayError
from agd.protocols.errors import error_object
from agd.web.headers import printable
from agd.web.paths import SERVED, canonical

_SHOULD_RETRY = "X-Should-Retry"
_FINAL = frozenset({400, 401, 403, 404, 405, 409, 413, 415, 422})


def error_body(error: GatewayError) -> bytes:
    """Give OpenAI's error JSON."""
    return encode(error_object(error))


def error_reason(error: GatewayError) -> str:
    """Tell an error in the log: its code, or its type, and its param; not its message, which may quote the client."""
    param = f" param {printable(error.param[:100]).replace(' ', '?')}" if error.param else ""
    return f"error {error.code or error.type}{param}"


def error_headers(error: GatewayError) -> list[tuple[str, str]]:
    """Give the headers that go with an error; Retry-After in whole seconds, at least 1.

    OpenAI's clients obey ``X-Should-Retry``: asking for the same again is of no use (G38).
    """
    headers = [("Content-Type", "application/json"), *error.headers]
    if error.status in _FINAL and not any(name.lower() == _SHOULD_RETRY.lower() for name, _ in headers):
        headers.append((_SHOULD_RETRY, "false"))
    if error.retry_after is not None:
        headers.append(("Retry-After", str(max(1, ceil(error.retry_after)))))
        headers.append(("Retry-After-Ms", str(max(1, ceil(error.retry_after * 1000)))))
    return headers


def from_werkzeug(error: HTTPException, method: str, path: str, base_url: str) -> GatewayError:
    """Turn the router's refusal into OpenAI's words; ``base_url`` is the one that this client should use."""
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(sorted(error.valid_methods or ()))
        message = f"{method} is not allowed on {path}; allowed: {allowed}"
        return GatewayError(405, message, code="method_not_allowed", headers=(("Allow", allowed),))
    if isinstance(error, NotFound):
        return unknown_path(method, path, base_url)
    status = error.code or 500
    return GatewayError(status, reason_phrase(status), code="http_error")


def unknown_path(method: str, path: str, base_url: str) -> GatewayError:
    """Answer for a path that means no endpoint: under ``/v1/`` the endpoint is at fault, elsewhere the base URL."""
    if canonical(path, method).startswith("/v1/"):
        hint = f"agd does not serve this endpoint; it serves {', '.join(SERVED)}"
    else:
        hint = f"Check the base URL of your client (base_url): it must end in /v1, as in {base_url}"
    return GatewayError(404, f"Unknown request URL: {method} {path[:200]}. {hint}", code="unknown_url")


def internal_error() -> GatewayError:
    """Answer for a mistake of agd's; what happened is in the log under the request id."""
    message = "agd could not answer because of a mistake of its own; its log has the details under this X-Request-Id"
    return GatewayError(500, message, type="server_error", code="internal_error")


def raw_response(error: GatewayError, headers: Iterable[tuple[str, str]], *, with_body: bool = True) -> bytes:
    """Write a whole HTTP/1.1 response for a request that never becomes one; the connection closes after it."""
    body = error_body(error)
    head = [f"HTTP/1.1 {error.status} {reason_phrase(error.status)}"]
    head += [f"{name}: {value}" for name, value in (*error_headers(error), *headers)]
    head += [f"Content-Length: {len(body)}", "Connection: close"]
    return "\r\n".join(head).encode("ascii", "replace") + b"\r\n\r\n" + (body if with_body else b"")


def reason_phrase(status: int) -> str:
    """Give the standard words for a status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
