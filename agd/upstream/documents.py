"""A fetched document: its body within a limit, and its type if models can read it."""

from __future__ import annotations

from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.iweb import UNKNOWN_LENGTH, IResponse

from agd.protocols.magic import kind_of

_FAMILIES = ("image/", "audio/", "video/", "text/")
_TYPES = frozenset({"application/pdf"})


class TooLargeError(Exception):
    """The body is larger than it may be."""


@frozen
class Document:
    """What stood at a URL. ``mime`` is its MIME type without parameters."""

    mime: str
    data: bytes


class _Gatherer(Protocol):
    """Keeps a whole body; ends the connection as soon as it is too large."""

    def __init__(self, limit: int) -> None:
        self._left = limit
        self._pieces: list[bytes] = []
        self.body: Deferred[bytes] = Deferred(lambda _: self._stop())

    def dataReceived(self, data: bytes) -> None:
        if self.body.called:
            return
        self._left -= len(data)
        if self._left < 0:
            self.refuse()
        else:
            self._pieces.append(data)

    def refuse(self) -> None:
        """The body is too large: whatever of it is here or still to come is of no use."""
        self._pieces.clear()
        self.body.errback(TooLargeError())
        self._stop()

    def connectionLost(self, reason: Failure | None = None) -> None:
        if self.body.called:
            return
        # A body without a told length ends with its connection; Twisted cannot know whether that is all.
        if reason is not None and not reason.check(ResponseDone, PotentialDataLoss):
            self.body.errback(reason)
        else:
            self.body.callback(b"".join(self._pieces))

    def _stop(self) -> None:
        transport: Any = self.transport
        transport.stopProducing()


def gather(response: IResponse, limit: int) -> Deferred[bytes]:
    """Read a whole body. Cancelling ends the connection.

    Fails with ``TooLargeError`` for one of more than ``limit`` bytes, with Twisted's error for one that breaks off.
    """
    gatherer = _Gatherer(limit)
    response.deliverBody(gatherer)
    told = response.length
    if told is not UNKNOWN_LENGTH and told > limit and not gatherer.body.called:
        gatherer.refuse()
    return gatherer.body


class _Discarder(Protocol):
    def connectionMade(self) -> None:
        transport: Any = self.transport
        transport.stopProducing()


def discard(response: IResponse) -> None:
    """End the connection of a response whose body nobody wants; left alone it would stay open."""
    response.deliverBody(_Discarder())


def readable_type(data: bytes, declared: str | None) -> str | None:
    """Return the type of a document that models can read, None for any other; the bytes outrank what was declared."""
    plain = declared.partition(";")[0].strip().lower() if declared else None
    mime = kind_of(data, plain or None)
    return mime if mime in _TYPES or (mime or "").startswith(_FAMILIES) else None
