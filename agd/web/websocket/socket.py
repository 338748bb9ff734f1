"""The life of one WebSocket: what keeps it alive, what paces it, and how it closes (RFC 6455, section 7)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime
from twisted.python.failure import Failure
from zope.interface import implementer

from agd.errors import BadRequest, GatewayError
from agd.web.websocket.session import LIFETIME_MINUTES, Farewell
from agd.web.websocket.wire import Binary, Broken, Closed, Heard, Pinged, Text, TooBig, Wire

if TYPE_CHECKING:
    from agd.web.channel import Channel

PING_SECONDS = 25.0
"""Silence from the peer after which it is asked for a sign of life: proxies drop what is silent for 30 to 60 s."""
MAX_UNANSWERED = 2
CLOSE_SECONDS = 5.0
"""How long the peer may take to answer a close, once it has read what was said before it."""


class Listener(Protocol):
    """What is told of everything that happens on a socket."""

    def received(self, message: bytes) -> None:
        """A text message came."""

    def refuse(self, error: GatewayError) -> None:
        """Something came that is not a text message."""

    def pause(self) -> None:
        """The peer does not keep up."""

    def resume(self) -> None:
        """The peer reads again."""

    def expire(self) -> None:
        """The connection has lived as long as it may."""

    def leave(self, farewell: Farewell) -> None:
        """Close when nothing runs any more."""

    def cut_short(self, farewell: Farewell) -> None:
        """Close soon: end what runs."""

    def lost(self, why: str) -> None:
        """Nobody is there any more. May be told more than once."""


@implementer(IPushProducer)
@define(eq=False)
class Socket:
    """What a channel is upgraded to. ``limit`` gives the most bytes of a message."""

    _channel: Channel
    _clock: IReactorTime
    _limit: Callable[[], int]
    _stall_seconds: float
    _wire: Wire = field(init=False)
    _listener: Listener = field(init=False)
    _timers: dict[str, IDelayedCall] = field(factory=dict, init=False)
    _heard_at: float = field(default=0.0, init=False)
    _unanswered: int = field(default=0, init=False)
    _holding: bool = field(default=False, init=False)
    _ending: bool = field(default=False, init=False)
    paused: bool = field(default=False, init=False)

    def begin(self, listener: Listener) -> None:
        """Start. The 101 has been written by the time anything is said."""
        self._wire = Wire(self._limit)
        self._listener = listener
        self._heard_at = self._clock.seconds()
        self._ring("ping", PING_SECONDS, self._beat)
        self._ring("life", LIFETIME_MINUTES * 60, listener.expire)

    # ------------------------------------------------------------------ what comes

    def dataReceived(self, data: bytes) -> None:
        """Read on."""
        self._heard_at = self._clock.seconds()
        self._unanswered = 0
        for heard in self._wire.hear(data):
            self._take(heard)

    def _take(self, heard: Heard) -> None:
        if self._ending and not isinstance(heard, Closed | Broken):
            return
        match heard:
            case Text(data):
                self._listener.received(data)
            case Binary():
                self._listener.refuse(BadRequest("A message must be JSON in a text frame", code="binary_message"))
            case Pinged(answer):
                self._write(answer)
            case TooBig():
                self._refuse_size()
            case Broken(code, reason):
                self._end(self._wire.close(code, reason), f"the client broke the protocol ({code})")
                self._channel.close_unread()
            case Closed(answer):
                self._end(answer, "the client left")
                self.paused = False  # whether it reads the rest does not matter any more, nor is it told here
                self._channel.loseConnection()

    def _refuse_size(self) -> None:
        message = f"A message is larger than the {self._limit()} bytes that proxy.max_body_bytes allows"
        self._listener.refuse(GatewayError(413, message, code="message_too_big"))
        self._end(self._wire.close(1009, "message_too_big"), "the client sent too large a message")
        self._channel.close_unread()

    # ------------------------------------------------------------------ what goes

    def say(self, messages: Iterable[bytes]) -> None:
        """Send messages, all in one write."""
        self._write(b"".join(map(self._wire.say, messages)))

    def _write(self, data: bytes) -> None:
        """Write. While the peer does not read, whatever it sends that wants an answer is the last that is read."""
        if not data:
            return
        if self.paused and not self._holding:
            self._holding = True
            self._channel.hold_reading()
        self._channel.write(data)

    def pauseProducing(self) -> None:
        """The peer does not keep up: nothing is fetched for it, and it has only so long to begin again."""
        if not self.paused:
            self.paused = True
            self._ring("stall", self._stall_seconds, self._stalled)
            self._listener.pause()

    def resumeProducing(self) -> None:
        """The peer reads again."""
        if self.paused:
            self.paused = False
            self._quiet("stall")
            if self._holding:
                self._holding = False
                self._channel.resume_reading()
            self._listener.resume()
            if self._ending:
                self._ring("close", CLOSE_SECONDS, self._overdue)

    def stopProducing(self) -> None:
        """The connection is lost."""
        self._listener.lost("the client left")

    # ------------------------------------------------------------------ how it ends

    def close(self, code: int, reason: str) -> None:
        """Say that this side closes, and wait for the peer's answer. What still runs is given up."""
        if not self._ending:
            self._end(self._wire.close(code, reason), f"the connection was closed ({code} {reason})")

    def close_when_idle(self) -> None:
        """The daemon is to stop: close now, or when the running turns have ended."""
        error = GatewayError(503, "agd is shutting down", type="server_error", code="shutting_down")
        self._listener.leave(_going_away(error))

    def cut_short(self, error: GatewayError) -> None:
        """End what runs with an error that the client can read, and close."""
        self._listener.cut_short(_going_away(error))

    def drop(self) -> None:
        """Give the connection up, with all that is unsent."""
        if not self._ending:
            self._ending = True
            self._channel.abort()

    def connectionLost(self, reason: Failure | None = None) -> None:
        """The connection is gone."""
        self._ending = True
        for name in list(self._timers):
            self._quiet(name)
        self._listener.lost("the client left")

    def _end(self, last: bytes, why: str) -> None:
        """Write the last frame and give everything up; a peer that has it and does not go is dropped."""
        self._write(last)
        self._ending = True
        self._quiet("ping")
        self._quiet("life")
        self._ring("close", CLOSE_SECONDS, self._overdue)
        self._listener.lost(why)

    # ------------------------------------------------------------------ time

    def _beat(self) -> None:
        """One timer for many reads: when it rings it looks how long the silence really was.

        Nothing is asked of a peer that does not read: its time is up in another way.
        """
        silence = self._clock.seconds() - self._heard_at
        if silence >= PING_SECONDS and not self.paused:
            if self._unanswered >= MAX_UNANSWERED:
                self._listener.lost(f"the client gave no sign of life for {silence:.0f} seconds")
                self.drop()
                return
            self._unanswered += 1
            self._write(self._wire.ping())
            silence = 0.0
        self._ring("ping", max(PING_SECONDS - silence, 1.0), self._beat)

    def _overdue(self) -> None:
        """Drop a peer that does not go; one that has not even read all before that has the time of ``_stalled``."""
        if not self.paused:
            self._channel.abort()

    def _stalled(self) -> None:
        self._listener.lost(f"the client read nothing for {self._stall_seconds:g} seconds")
        self._ending = True
        self._channel.abort()

    def _ring(self, name: str, seconds: float, call: Callable[[], None]) -> None:
        self._quiet(name)
        self._timers[name] = self._clock.callLater(seconds, call)

    def _quiet(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None and timer.active():
            timer.cancel()


def _going_away(error: GatewayError) -> Farewell:
    return Farewell(error, 1001, error.code or error.type)
