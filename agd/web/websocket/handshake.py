"""The opening handshake, server side (RFC 6455, section 4.2). Pure: headers in, headers out.

No extension is accepted. permessage-deflate (RFC 7692) would have to be bounded while it inflates, which wsproto does
not offer, and its two windows cost some 300 KB a connection for text that usually stays on one machine. No
subprotocol is accepted either: none is specified for Responses.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from hashlib import sha1

from twisted.web.http_headers import Headers

from agd.errors import BadRequest, GatewayError
from agd.web.headers import printable, texts

_VERSION = "13"
_KEY_BYTES = 16
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""What a server shows with that it understood (section 1.3): hashed with the client's key."""
_FINAL = ("X-Should-Retry", "false")


def wants_upgrade(headers: Headers) -> bool:
    """Tell whether a request asks for a WebSocket."""
    return "websocket" in _tokens(headers, "upgrade")


def accept(protocol: bytes, headers: Headers) -> list[tuple[str, str]]:
    """Check a handshake and return the headers of the 101.

    ``protocol`` is the request's HTTP version. Raises ``GatewayError``: 400 for a malformed handshake, 426 for another
    version of the protocol.
    """
    if protocol != b"HTTP/1.1" or "upgrade" not in _tokens(headers, "connection"):
        raise _malformed("A WebSocket handshake is an HTTP/1.1 request with 'Connection: Upgrade'")
    version = ", ".join(texts(headers, "sec-websocket-version"))
    if version != _VERSION:
        shown = printable(version[:20])
        raise upgrade_required(
            f"WebSocket version '{shown}' is not spoken here, only {_VERSION} is",
            "unsupported_websocket_version",
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", _VERSION),
        )
    return [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", _answer(_key(headers))),
    ]


def upgrade_required(message: str, code: str, *headers: tuple[str, str]) -> GatewayError:
    """Make the 426 at which clients turn to HTTP at once: Codex does so at this status alone."""
    return GatewayError(426, message, code=code, headers=(*headers, _FINAL))


def disabled() -> GatewayError:
    """Make the answer for a daemon without WebSockets; RFC 9110, section 15.5.22, wants the protocol to use named."""
    message = "The WebSocket of /v1/responses is turned off (proxy.websocket): use POST /v1/responses"
    return upgrade_required(message, "websocket_disabled", ("Upgrade", "HTTP/1.1"))


def _key(headers: Headers) -> bytes:
    keys = headers.getRawHeaders(b"sec-websocket-key", [])
    if len(keys) != 1:
        raise _malformed("A WebSocket handshake needs exactly one Sec-WebSocket-Key")
    key = keys[0].strip()
    try:
        nonce = b64decode(key, validate=True)
    except NotBase64:
        nonce = b""
    if len(nonce) != _KEY_BYTES:
        raise _malformed(f"Sec-WebSocket-Key must be {_KEY_BYTES} bytes in base64")
    return key


def _answer(key: bytes) -> str:
    return b64encode(sha1(key + _GUID, usedforsecurity=False).digest()).decode()


def _malformed(message: str) -> BadRequest:
    return BadRequest(message, code="malformed_handshake")


def _tokens(headers: Headers, name: str) -> set[str]:
    return {token.strip().lower() for value in texts(headers, name) for token in value.split(",")}
