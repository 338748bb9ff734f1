"""What a client's URL asks to be fetched: read once, in one way, and checked before any name is looked up."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import Any

from hyperlink import URL
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IHostnameResolver, IResolutionReceiver
from zope.interface import implementer

from agd.upstream.reach import Reach

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\.?", re.IGNORECASE)
_PLAIN = re.compile(r"[\x21-\x7e]+")

Resolve = Callable[[str], Deferred[Sequence[str]]]
"""Gives the addresses of a host name, in the order in which to try them; none when the name is not known."""


class UnfetchableError(Exception):
    """A URL is not fetched; the words say why and continue "The document at HOST"."""


def read_target(url: str, reach: Reach) -> URL:
    """Read a URL that may be fetched, as far as that shows in its text: https, an allowed port, no credentials.

    The result is in ASCII and without fragment. Raises ``UnfetchableError``.
    """
    target = _parse(url)
    if target.scheme != "https":
        raise UnfetchableError("is not an https URL")
    if target.userinfo:
        raise UnfetchableError("has credentials in its URL")
    target = _ascii(target)
    if not (is_address(target.host) or _NAME.fullmatch(target.host)):
        raise UnfetchableError("has no valid host name")
    if target.port is None or not reach.takes_port(target.port):
        raise UnfetchableError("is on a port that is not allowed")
    return target


def host_of(url: str) -> str:
    """Return the host of a URL for a message to the client, which holds nothing else of the URL."""
    try:
        return _parse(url).host or "(no host)"
    except UnfetchableError:
        return "(no host)"


def is_address(host: str) -> bool:
    """Tell whether a host is an address in the usual form and not a name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def resolver(names: IHostnameResolver) -> Resolve:
    """Resolve with a reactor's ``nameResolver``."""

    def resolve(host: str) -> Deferred[Sequence[str]]:
        receiver = _Receiver()
        names.resolveHostName(receiver, host)
        return receiver.resolved

    return resolve


@implementer(IResolutionReceiver)
class _Receiver:
    """Collects what one resolution finds. A resolution goes on when it is cancelled; its result is then lost."""

    def __init__(self) -> None:
        self._found: list[str] = []
        self.resolved: Deferred[Sequence[str]] = Deferred()

    def resolutionBegan(self, resolutionInProgress: Any) -> None:
        """Nothing to do."""

    def addressResolved(self, address: Any) -> None:
        """Take an address."""
        self._found.append(address.host)

    def resolutionComplete(self) -> None:
        """Give all of them."""
        self.resolved.callback(self._found)


def _parse(url: str) -> URL:
    scheme, colon, rest = url.partition(":")
    try:
        # The library takes schemes as they are written, and HTTPS would be one that it does not know.
        return URL.from_text(scheme.lower() + colon + rest)
    except ValueError:
        raise UnfetchableError("has no valid URL") from None


def _ascii(target: URL) -> URL:
    """Write a URL as it goes over the wire: international names in Punycode, the rest percent-encoded."""
    host = target.host
    try:
        # Only international names go through IDNA: it takes neither addresses nor the underscores of real names.
        if host.isascii():
            plain = target.replace(host="a", fragment="").to_uri().replace(host=host.lower())
        else:
            plain = target.replace(fragment="").to_uri()
    except ValueError:
        raise UnfetchableError("has no valid host name") from None
    if not _PLAIN.fullmatch(plain.to_text()):
        raise UnfetchableError("has no valid URL")
    return plain
