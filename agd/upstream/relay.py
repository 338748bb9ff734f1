"""One answer on its way: the upstream's bytes in, events out to a sink, and nothing kept in between.

The relay is the body protocol of the upstream's response and the push producer of the client's request at once, so a
client that reads slowly pauses the upstream, and one that leaves stops it. Until a sink is attached, events are held:
that is the moment in which a failure may still be answered by asking another account.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, Protocol, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime
from twisted.internet.protocol import Protocol as BodyProtocol
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from zope.interface import implementer

from agd.errors import ClientLostError, FailureKind, UpstreamFailure
from agd.gemini.framing import Framer

if TYPE_CHECKING:
    from agd.conversation import Event, Usage
    from agd.gemini.answers import AnswerReader


class Sink(Protocol):
    """What takes the events of an answer as they come."""

    def take(self, events: Sequence[Event]) -> None:
        """Take the events of one read from the network, in order."""


def _nothing(_: UpstreamFailure | None) -> None:
    """What happens at the end of a call where nobody wants to know of it."""


@implementer(IPushProducer)
class Relay(BodyProtocol):
    """Carries one answer. ``first`` fires when the first event is there, or fails when none will come.

    ``done`` fires when the last event was given to the sink; it fails with ``UpstreamFailure`` when the answer broke
    off, and with ``ClientLostError`` when the client left or did not read for ``stall_seconds``. Cancelling either
    aborts the upstream call at once. How long the first event may take is the caller's to limit; ``total_seconds`` is
    how long the whole answer may. ``cleanse`` takes out of the upstream's words what nobody may read. ``gap`` is told
    the seconds between two reads, from when the answer is poured.

    ``on_end`` is called once, whatever
    ends the call, also where ``done`` never fires, and before that fires: the upstream has no more to do. It is given
    the failure when the answer broke off.
    """

    def __init__(
        self,
        reader: AnswerReader,
        clock: IReactorTime,
        *,
        idle_seconds: float,
        stall_seconds: float,
        total_seconds: float | None = None,
        cleanse: Callable[[str], str] = str,
        gap: Callable[[float], object] | None = None,
    ) -> None:
        self._reader = reader
        self._framer = Framer()
        self._clock = clock
        self._idle_seconds = idle_seconds
        self._stall_seconds = stall_seconds
        self._held: list[Event] = []
        self._sink: Sink | None = None
        self._see: Callable[[Sequence[Event]], None] | None = None
        self._last_read = 0.0
        self._repeated = b""
        self._timer: IDelayedCall | None = None
        self._cleanse = cleanse
        self._gap = gap
        self._ends_at = inf if total_seconds is None else clock.seconds() + total_seconds
        self.paused = False
        self._over = False
        self.on_end: Callable[[UpstreamFailure | None], None] = _nothing
        self.first: Deferred[None] = Deferred(self._abandon)
        self.done: Deferred[None] = Deferred(self._abandon)

    # ------------------------------------------------------------------ towards the sink

    def pour(self, sink: Sink) -> Deferred[None]:
        """Give the sink what is held and all that follows. Gives ``done``."""
        self._sink = sink
        held, self._held = self._held, []
        if held:
            self._guard(sink.take, held)
        if not self._over and not self.paused:
            self._watch_silence()
            self._network().resumeProducing()
        return self.done

    def watch(self, see: Callable[[Sequence[Event]], None]) -> None:
        """Show what is held, and all that follows before the sink takes it."""
        see(self._held)
        self._see = see

    def pauseProducing(self) -> None:
        """Stop reading: the client does not keep up. Its silence is timed instead of the upstream's."""
        if not self.paused and not self._over:
            self.paused = True
            self._network().pauseProducing()
            self._set_timer(self._stall_seconds, self._stalled)

    def resumeProducing(self) -> None:
        """Read on."""
        if self.paused and not self._over:
            self.paused = False
            self._watch_silence()
            self._network().resumeProducing()

    def stopProducing(self) -> None:
        """Abort the upstream call: nobody wants the answer any more."""
        if not self._over:
            self._fail(Failure(ClientLostError("the client left")))

    def dismiss(self) -> None:
        """End the upstream call without a word: what is still to come does not matter.

        ``done`` does not fire any more. Where it has failed already and nobody waits for it, that is dropped too.
        """
        if not self._over:
            self._end()
            self._network().stopProducing()
        elif self.done.called:
            self.done.addErrback(lambda _: None)

    @property
    def held(self) -> Sequence[Event]:
        """What has come while there was no sink."""
        return self._held

    @property
    def usage(self) -> Usage | None:
        """The tokens of the answer as far as the upstream has told them, None when it has not."""
        return self._reader.usage

    # ------------------------------------------------------------------ from the upstream

    def dataReceived(self, data: bytes) -> None:
        """Turn one read into events and give them on at once."""
        if self._over:
            return
        self._guard(self._convert, partial(self._framer.feed, data))

    def connectionLost(self, reason: Failure | None = None) -> None:
        """The body ended, well or not."""
        if self._over:
            return
        if reason is not None and not reason.check(ResponseDone, PotentialDataLoss):
            self._fail(Failure(UpstreamFailure(FailureKind.CUT, "the upstream's answer broke off")))
            return
        self._guard(self._conclude)

    # ------------------------------------------------------------------ within

    def _guard(self, step: Callable[..., None], *arguments: object) -> None:
        """Run a step of the answer; whatever it raises ends the answer and is told to whoever waits for it.

        Twisted takes an exception within a read for a broken connection: a mistake of agd's would look like the
        upstream's, or leave the client waiting for ever.
        """
        try:
            step(*arguments)
        except Exception:  # noqa: BLE001 - not swallowed: it is what ``first`` or ``done`` fails with
            if not self.done.called:
                self._fail(Failure())

    def _convert(self, frame: Callable[[], list[bytes]]) -> None:
        """Read events from what the framer completes; those before a fault are given on before the fault is told."""
        events: list[Event] = []
        fault: Failure | None = None
        try:
            payloads = frame()
            for payload in payloads:
                events += self._reader.feed(payload)
            self._note_progress(payloads, events)
        except UpstreamFailure:
            fault = Failure()
        self._give(events)
        if fault is not None and not self._over:
            self._fail(fault)

    def _note_progress(self, payloads: list[bytes], events: list[Event]) -> None:
        """Start the silence anew, unless all that came says nothing and has been said just before (G19)."""
        if events or any(payload != self._repeated for payload in payloads) or not payloads:
            now = self._clock.seconds()
            if self._gap is not None and self._last_read and self._sink is not None:
                self._gap(now - self._last_read)
            self._last_read = now
        self._repeated = payloads[-1] if payloads and not events else b""

    def _conclude(self) -> None:
        self._convert(self._framer.close)
        if self._over:
            return
        events = self._reader.close()
        self._end()
        self._give(events)
        self.done.callback(None)

    def _give(self, events: list[Event]) -> None:
        if not events:
            return
        if self._see is not None:
            self._see(events)
        if self._sink is not None:
            self._sink.take(events)
            return
        self._held += events
        if not self.first.called:
            self.first.callback(None)
            if self._sink is None and not self._over:
                self._network().pauseProducing()

    def _fail(self, failure: Failure) -> None:
        if isinstance(failure.value, UpstreamFailure):
            failure.value.message = self._cleanse(failure.value.message)
        self._end(failure.value if isinstance(failure.value, UpstreamFailure) else None)
        if self.transport is not None:
            # Closes the socket also under TLS; loseConnection would wait for a peer that only writes.
            self._network().stopProducing()
        if not self.first.called:
            self.first.errback(failure)
        else:
            self.done.errback(failure)

    def _abandon(self, _: Deferred[None]) -> None:
        """Cancelled from outside: end the upstream call; the Deferred fails with CancelledError by itself."""
        self._end()
        if self.transport is not None:
            self._network().stopProducing()

    def _end(self, failure: UpstreamFailure | None = None) -> None:
        """Nothing more comes."""
        self._over = True
        self._stop_timer()
        on_end, self.on_end = self.on_end, _nothing
        on_end(failure)

    @property
    def is_over(self) -> bool:
        """Whether the upstream has no more to do."""
        return self._over

    def _network(self) -> IPushProducer:
        transport: Any = self.transport
        return cast(IPushProducer, transport)

    # ------------------------------------------------------------------ time

    def _watch_silence(self) -> None:
        self._last_read = self._clock.seconds()
        self._set_timer(self._idle_seconds, self._check_silence)

    def _check_silence(self) -> None:
        """One timer for many reads: when it rings it looks how long the silence really was."""
        remaining = self._last_read + self._idle_seconds - self._clock.seconds()
        if remaining > 0:
            self._set_timer(remaining, self._check_silence)
        else:
            message = f"the upstream was silent for {self._idle_seconds:g} seconds"
            self._fail(Failure(UpstreamFailure(FailureKind.TIMEOUT, message)))

    def _stalled(self) -> None:
        self._fail(Failure(ClientLostError(f"the client read nothing for {self._stall_seconds:g} seconds")))

    def _set_timer(self, seconds: float, ring: Callable[[], None]) -> None:
        """Ring in so many seconds, or when the whole answer must be over; one timer for both, for there are many."""
        self._stop_timer()
        left = self._ends_at - self._clock.seconds()
        if left < seconds:
            self._timer = self._clock.callLater(max(left, 0.0), self._overdue)
        else:
            self._timer = self._clock.callLater(seconds, ring)

    def _overdue(self) -> None:
        message = "the answer went on for longer than total_seconds"
        self._fail(Failure(UpstreamFailure(FailureKind.TIMEOUT, message)))

    def _stop_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None


class Collector:
    """A sink that keeps everything, for replies that are sent whole."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def take(self, events: Sequence[Event]) -> None:
        """Keep the events."""
        self.events += events
