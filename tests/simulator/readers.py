"""Protocols that read the bodies of responses as badly behaved clients do."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure


class Reader(Protocol):
    """Counts bytes; ``pause``, ``resume`` and ``leave`` are what its user does; ``done`` fires at the end."""

    def __init__(self) -> None:
        self.received = 0
        self.done: Deferred[None] = Deferred()

    @property
    def _body(self) -> Any:
        return self.transport

    def pause(self) -> None:
        """Read no further."""
        self._body.pauseProducing()

    def resume(self) -> None:
        """Read on."""
        self._body.resumeProducing()

    def leave(self) -> None:
        """Go away in the middle."""
        self._body.loseConnection()

    def dataReceived(self, data: bytes) -> None:
        """Count."""
        self.received += len(data)

    def connectionLost(self, reason: Failure | None = None) -> None:
        """Tell the end."""
        self.done.callback(None)
