"""Who may come in: client keys, and with no keys the checks against a browser being used as a bridge.

Pure: headers in, a verdict out. Keys are compared in constant time, as digests, so that neither their length nor
their beginning can be learnt from how long a refusal takes.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Iterable, Mapping
from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

from attrs import field, frozen
from twisted.web.http_headers import Headers

from agd.errors import GatewayError

Mode = Literal["off", "strict", "all_except_health"]

_LOCAL_NAMES = frozenset({"localhost", "host.docker.internal"})
_KEY_HEADERS = ("x-api-key", "x-goog-api-key")


@frozen
class Door:
    """The effective rules of one configuration."""

    mode: Mode
    _digests: Mapping[bytes, str] = field(repr=False)
    allowed_hosts: frozenset[str] = frozenset()
    cors_origins: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        mode: Mode,
        keys: Iterable[tuple[str, str]],
        allowed_hosts: Collection[str] = (),
        cors_origins: Collection[str] = (),
    ) -> Door:
        """Make the door for (name, key) pairs."""
        digests = {_digest(key): name for name, key in keys}
        return cls(mode, digests, frozenset(map(str.lower, allowed_hosts)), frozenset(cors_origins))

    def check(self, path: str, headers: Headers) -> None:
        """Let a request in or raise ``GatewayError``: 401 without a valid key, 403 for a foreign host or origin."""
        if self.mode == "off":
            self._check_host(headers)
            self._check_origin(headers)
        elif (self.mode == "strict" or path != "/healthz") and self.owner(headers) is None:
            raise _unauthorized(any(True for _ in presented(headers)))

    def owner(self, headers: Headers) -> str | None:
        """Give the name of the first valid key among those presented."""
        for key in presented(headers):
            digest = _digest(key)
            matches = [name for known, name in self._digests.items() if hmac.compare_digest(known, digest)]
            if matches:
                return matches[0]
        return None

    def allows_origin(self, origin: str) -> bool:
        """Tell whether a browser page of this origin may read answers."""
        return origin in self.cors_origins

    def _check_host(self, headers: Headers) -> None:
        host = _last(headers, "host")
        if host is not None and not (_is_local_host(name := _hostname(host)) or name in self.allowed_hosts):
            raise _forbidden(
                f"Host '{host[:100]}' is not allowed while authentication is off; add it to proxy.allowed_hosts"
            )

    def _check_origin(self, headers: Headers) -> None:
        origin = _last(headers, "origin")
        if origin is not None and not (self.allows_origin(origin) or is_harmless_origin(origin)):
            raise _forbidden(
                f"Origin '{origin[:100]}' is not allowed while authentication is off; add it to proxy.cors_origins"
            )


def presented(headers: Headers) -> Iterable[str]:
    """Give every key that a request presents: ``Authorization: Bearer`` first, then the two other headers."""
    for value in headers.getRawHeaders("authorization", []):
        scheme, _, credentials = value.strip().partition(" ")
        if scheme.lower() == "bearer" and credentials.strip():
            yield credentials.strip()
    for name in _KEY_HEADERS:
        yield from (value.strip() for value in headers.getRawHeaders(name, []) if value.strip())


def is_harmless_origin(origin: str) -> bool:
    """Tell whether an Origin cannot be a foreign web page: another scheme than http(s), or a loopback page."""
    if origin == "null":
        return False
    try:
        parts = urlsplit(origin)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme not in ("http", "https"):
        return True
    return host == "localhost" or _is_loopback(host)


def _hostname(host: str) -> str:
    """Take the port off a Host header."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0] if host.count(":") == 1 else host


def _is_local_host(name: str) -> bool:
    if name in _LOCAL_NAMES:
        return True
    try:
        ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _last(headers: Headers, name: str) -> str | None:
    values = headers.getRawHeaders(name)
    return values[-1] if values else None


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def _unauthorized(presented_one: bool) -> GatewayError:
    message = (
        "Incorrect API key provided."
        if presented_one
        else "You didn't provide an API key. Send it as 'Authorization: Bearer YOUR_KEY'."
    )
    return GatewayError(401, message, code="invalid_api_key", headers=(("WWW-Authenticate", 'Bearer realm="agd"'),))


def _forbidden(message: str) -> GatewayError:
    return GatewayError(403, message, type="permission_error", code="forbidden_origin")
