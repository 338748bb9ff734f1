"""Who may come in: client keys, and with no keys the checks against a browser being used as a bridge.

Headers in, a verdict out. Keys are looked up by their digests, so that neither their length nor their beginning can be
learnt from how long a refusal takes: how far a wrong key's digest agrees with a right one's says nothing of either.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from ipaddress import ip_address
from types import MappingProxyType
from typing import Literal
from urllib.parse import urlsplit

from attrs import field, frozen
from twisted.web.http_headers import Headers

from agd.errors import GatewayError
from agd.gateway.trail import LOCAL
from agd.keys.key import Guest, digest_of, owner_of
from agd.keys.refusals import CHALLENGE, expired
from agd.web.headers import printable, texts

Mode = Literal["off", "strict", "all_except_health"]

_LOCAL_NAMES = frozenset({"localhost", "host.docker.internal"})
_HOST_AND_PORT = re.compile(r"(?P<name>\[[^\[\]]*\]|[^:\[\]]*):[0-9]*")
_KEY_HEADERS = ("x-api-key", "x-goog-api-key")


def _nameless(_: str) -> str:
    raise ValueError("a client key without a name, and nothing to name its owner by")


@frozen
class Door:
    """The effective rules of one configuration."""

    mode: Mode
    _guests: Mapping[bytes, Guest] = field(repr=False)
    _mac: Callable[[str], str] = field(repr=False)
    allowed_hosts: frozenset[str] = frozenset()
    cors_origins: frozenset[str] = frozenset()
    _now: Callable[[], float] = time.time

    @classmethod
    def of(
        cls,
        mode: Mode,
        keys: Iterable[tuple[str | None, str]],
        allowed_hosts: Collection[str] = (),
        cors_origins: Collection[str] = (),
        *,
        mac: Callable[[str], str] = _nameless,
        guests: Mapping[bytes, Guest] = MappingProxyType({}),
        now: Callable[[], float] = time.time,
    ) -> Door:
        """Make the door for (name, key) pairs, and for the ``guests`` whose keys have these digests.

        ``mac`` is what a key without a name is known by: see ``KeyRing``. ``now`` gives unix seconds.
        """
        known = {**guests, **{digest_of(key): Guest(name) for name, key in keys}}
        return cls(mode, known, mac, frozenset(map(str.lower, allowed_hosts)), frozenset(cors_origins), now)

    def check(self, path: str, headers: Headers) -> None:
        """Let a request in or raise ``GatewayError``: 401 without a valid key, 403 for a foreign host or origin."""
        if self.mode == "off":
            self._check_host(headers)
            self._check_origin(headers)
        elif self.mode == "strict" or path != "/healthz":
            self._valid(headers)

    def tenant(self, headers: Headers) -> str:
        """Say whose a request is; what is kept for one owner is never given to another (I51).

        ``key:NAME`` for a key with a name, which survives the key's rotation; ``mac:...`` for one without; ``local``
        where no key is asked for. Raises ``GatewayError`` where one is asked for and none is valid: such a request is
        nobody's, and must not fall to an owner that others share.
        """
        if self.mode == "off":
            return LOCAL
        key, name = self._valid(headers)
        return f"mac:{self._mac(key)}" if name is None else owner_of(name)

    def _valid(self, headers: Headers) -> tuple[str, str | None]:
        """Give the first valid key among those presented, with its name. Raises ``GatewayError`` 401."""
        refusal: GatewayError | None = None
        for key in presented(headers):
            guest = self._guests.get(digest_of(key))
            if guest is None:
                refusal = refusal or _unauthorized(presented_one=True)
            elif guest.expires is not None and self._now() >= guest.expires:
                refusal = expired()
            else:
                return key, guest.name
        raise refusal or _unauthorized(presented_one=False)

    def allows_origin(self, origin: str) -> bool:
        """Tell whether a browser page of this origin may read answers."""
        return origin in self.cors_origins

    def _check_host(self, headers: Headers) -> None:
        for host in texts(headers, "host"):
            name = hostname(host)
            if not (_is_local_host(name) or name in self.allowed_hosts):
                raise _forbidden("Host", host, "proxy.allowed_hosts")

    def _check_origin(self, headers: Headers) -> None:
        for origin in texts(headers, "origin"):
            if not (self.allows_origin(origin) or is_harmless_origin(origin)):
                raise _forbidden("Origin", origin, "proxy.cors_origins")


def presented(headers: Headers) -> Iterable[str]:
    """Give every key that a request presents: ``Authorization: Bearer`` first, then the two other headers."""
    for value in texts(headers, "authorization"):
        words = value.split(maxsplit=1)
        if len(words) == 2 and words[0].lower() == "bearer":
            yield words[1].strip()
    for name in _KEY_HEADERS:
        yield from (value.strip() for value in texts(headers, name) if value.strip())


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


def hostname(host: str) -> str:
    """Take the port off a Host header: ``[::1]:8045`` gives ``[::1]``. One that is not well formed stays as it is."""
    host = host.strip().lower()
    found = _HOST_AND_PORT.fullmatch(host)
    return found["name"] if found else host


def _is_local_host(name: str) -> bool:
    if name in _LOCAL_NAMES:
        return True
    try:
        ip_address(name[1:-1] if name.startswith("[") and name.endswith("]") else name)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _unauthorized(*, presented_one: bool) -> GatewayError:
    message = (
        "Incorrect API key provided."
        if presented_one
        else "You didn't provide an API key. Send it as 'Authorization: Bearer YOUR_KEY'."
    )
    return GatewayError(401, message, code="invalid_api_key", headers=CHALLENGE)


def _forbidden(header: str, value: str, setting: str) -> GatewayError:
    shown = printable(value[:100])
    message = f"{header} '{shown}' is not allowed while authentication is off; add it to {setting}"
    return GatewayError(403, message, type="permission_error", code="forbidden_origin")
