"""Reading a whole body that must be small: errors and lists."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from twisted.web.iweb import IResponse


class _Collector(Protocol):
    """Keeps at most ``limit`` bytes, then ends the connection: what an upstream says beyond is not read."""

    def __init__(self, limit: int) -> None:
        self._left = limit
        self._pieces: list[bytes] = []
        self.body: Deferred[bytes] = Deferred(lambda _: self._stop())

    def dataReceived(self, data: bytes) -> None:
        if self.body.called:
            return
        self._pieces.append(data[: self._left])
        self._left -= len(data)
        if self._left <= 0:
            self._complete()
            self._stop()

    def connectionLost(self, reason: Failure | None = None) -> None:
        # However the body ended: what is there is all there will be, and a short error is still an error.
        self._complete()

    def _stop(self) -> None:
        transport: Any = self.transport
        transport.stopProducing()

    def _complete(self) -> None:
        if not self.body.called:
            self.body.callback(b"".join(self._pieces))


def collect(response: IResponse, limit: int) -> Deferred[bytes]:
    """Read at most ``limit`` bytes of a response's body. Cancelling ends the connection."""
    collector = _Collector(limit)
    response.deliverBody(collector)
    return collector.body
