"""What a browser must be told so that a page of an allowed origin may call agd (WHATWG Fetch, CORS protocol)."""

from __future__ import annotations

from twisted.web.http_headers import Headers

from agd.web.auth import Door
from agd.web.headers import last_text, printable

EXPOSED = (
    "X-Request-Id, X-Mapped-Model, X-Account-Email, X-Agd-Notices, X-Agd-Attempts, Server-Timing, Retry-After, "
    "Retry-After-Ms"
)
METHODS = "GET, HEAD, POST, DELETE, OPTIONS"
PREFLIGHT_SECONDS = "600"


def permissions(door: Door, headers: Headers) -> list[tuple[str, str]]:
    """Give the headers of an answer to this request; none for other clients and for origins that are not allowed."""
    origin = last_text(headers, "origin")
    if origin is None or not door.allows_origin(origin):
        return []
    return [("Access-Control-Allow-Origin", origin), ("Access-Control-Expose-Headers", EXPOSED), ("Vary", "Origin")]


def preflight_permissions(door: Door, headers: Headers) -> list[tuple[str, str]]:
    """Give the headers that answer a browser's question before the request itself."""
    allowed = permissions(door, headers)
    if not allowed:
        return []
    wanted = printable(last_text(headers, "access-control-request-headers") or "authorization, content-type")
    return [
        *allowed,
        ("Access-Control-Allow-Methods", METHODS),
        ("Access-Control-Allow-Headers", wanted),
        ("Access-Control-Max-Age", PREFLIGHT_SECONDS),
    ]


def is_preflight(method: bytes, headers: Headers) -> bool:
    """Tell whether a request is that question: it carries no credentials, so none are asked for."""
    return method == b"OPTIONS" and headers.hasHeader("origin") and headers.hasHeader("access-control-request-method")
