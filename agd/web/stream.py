"""A streamed answer: events become bytes on the client's transport the moment they are there.

The status line waits for the first event, so that it can still tell the truth; when that takes too long the stream
begins without it, and comment lines keep everything between here and the client from taking silence for death.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.web.http_headers import Headers

from agd.errors import GatewayError
from agd.protocols.endpoint import StreamWriter
from agd.web.errors import error_reason
from agd.web.request import Request

if TYPE_CHECKING:
    from agd.conversation import Event

HEARTBEAT_SECONDS = 15.0
HEARTBEAT = b": keep-alive\n\n"
"""A comment (WHATWG HTML, section 9.2.6 of server-sent events): every parser skips it."""


class Pourable(Protocol):
    """A push producer that gives all it has to a sink, such as a relay. ``paused``: the client does not keep up."""

    paused: bool

    def pour(self, sink: Any, /) -> Deferred[None]:
        """Give the sink everything; fires at the end, and fails when there is no good one."""

    def stopProducing(self) -> None:
        """The client is gone: fail with ``ClientLostError``."""


class Teller(Protocol):
    """Turns an answer into the bytes of one event stream; its end may have to be waited for."""

    def write(self, events: Sequence[Any], /) -> bytes:
        """Return the bytes for what was poured in one piece."""

    async def close(self) -> bytes:
        """Return what ends a complete answer."""

    async def fail(self, error: GatewayError) -> bytes:
        """Return what ends an answer that broke off."""


@frozen
class Speaker:
    """The teller of a protocol whose streams end at once."""

    _writer: StreamWriter

    def write(self, events: Sequence[Event]) -> bytes:
        """Return the bytes for these events."""
        return self._writer.write(events)

    async def close(self) -> bytes:
        """Return what ends a complete answer."""
        return self._writer.close()

    async def fail(self, error: GatewayError) -> bytes:
        """Return what ends an answer that broke off."""
        return self._writer.fail(error)


class EventStream:
    """One SSE response. It is the sink of a relay; ``write`` calls happen within the upstream's read."""

    def __init__(self, request: Request, teller: Teller, clock: IReactorTime, stall_seconds: float) -> None:
        self._request = request
        self._teller = teller
        self._clock = clock
        self._stall_seconds = stall_seconds
        self._last_write = 0.0
        self._timer: IDelayedCall | None = None
        self._relay: Pourable | None = None
        self.begun = False

    def begin(self) -> None:
        """Commit to status 200 and send the head now."""
        self.begun = True
        request = self._request
        request.setHeader("Content-Type", "text/event-stream; charset=utf-8")
        request.setHeader("Cache-Control", "no-cache")
        request.setHeader("X-Accel-Buffering", "no")
        self._last_write = self._clock.seconds()
        self._timer = self._clock.callLater(HEARTBEAT_SECONDS, self._beat)
        request.write(b"")
        request.responseHeaders = Headers()  # they have left, and the answer may stream for long

    def begin_waiting(self) -> None:
        """Commit to status 200 before there is any event, and say so with a comment."""
        self.begin()
        self._write(HEARTBEAT)

    async def pour(self, relay: Pourable) -> None:
        """Send all but the end. Raises ``UpstreamFailure`` when it breaks off, ``ClientLostError`` if nobody reads."""
        self._relay = relay
        self._request.registerProducer(relay, True)
        try:
            await relay.pour(self)
        finally:
            self._let_go()

    async def close(self) -> None:
        """Send what ends a complete answer."""
        self._write(await self._teller.close())

    def take(self, events: Sequence[Any]) -> None:
        """Send events: all of one read in one write."""
        data = self._teller.write(events)
        if data:
            self._write(data)

    async def fail(self, error: GatewayError) -> None:
        """End with an error event: a stream never pretends that it is complete."""
        self._let_go()
        self._request.trail.broke = error.status
        self._request.trail.failures.append(error_reason(error))
        self._write(await self._teller.fail(error))

    def _write(self, data: bytes) -> None:
        self._last_write = self._clock.seconds()
        self._request.write(data)

    def _beat(self) -> None:
        """One timer for many writes: when it rings it looks how long the silence really was.

        A client that reads nothing is given up at last. A relay does so earlier, and by itself; what is told again
        from memory does not.
        """
        silence = self._clock.seconds() - self._last_write
        if self._relay is not None and self._relay.paused and silence >= self._stall_seconds + HEARTBEAT_SECONDS:
            self._relay.stopProducing()
            return
        if silence >= HEARTBEAT_SECONDS and (self._relay is None or not self._relay.paused):
            self._write(HEARTBEAT)
            silence = 0.0
        self._timer = self._clock.callLater(max(HEARTBEAT_SECONDS - silence, 1.0), self._beat)

    def stop(self) -> None:
        """Stop the heartbeat: the response ends here, whatever comes of it."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def _let_go(self) -> None:
        """Release the producer before the request is finished; Twisted wants it so."""
        if self._relay is not None and self._request.producer is self._relay:
            self._relay = None
            if self._request.channel is not None:  # Twisted takes it away when the connection is lost
                self._request.unregisterProducer()
