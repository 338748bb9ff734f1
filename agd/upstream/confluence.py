"""Several answers, or one with machines behind it, poured into one sink.

For ``n`` choices, lists of prompts, stop strings beyond the provider's and the like. What is done to the events is
pure and stands in ``emulation``; here it is only joined to the relays, whose coupling with the client stays: pausing
this pauses all, stopping it stops all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.python.failure import Failure
from zope.interface import implementer

from agd.conversation import Event
from agd.upstream.relay import Relay, Sink


class Course(Protocol):
    """What makes one answer out of the events of several calls."""

    @property
    def is_over(self) -> bool:
        """Whether every call has ended."""

    @property
    def is_cut(self) -> bool:
        """Whether no further event matters, so that upstream can be let go."""

    def take(self, number: int, events: Iterable[Event]) -> list[Event]:
        """Take further events of call ``number``; return those of the answer."""

    def close(self, number: int) -> list[Event]:
        """Call ``number`` has ended: return what can be told now, all that is left when it was the last."""

    def cut(self) -> list[Event]:
        """Nothing more is taken: return what is left."""


@implementer(IPushProducer)
@define(eq=False)
class Confluence:
    """Relays as one source."""

    _relays: Sequence[Relay]
    _course: Course
    paused: bool = field(default=False, init=False)
    _sink: Sink = field(init=False)
    _done: Deferred[None] = field(init=False)
    _over: bool = field(default=False, init=False)

    def pour(self, sink: Sink) -> Deferred[None]:
        """Give the sink everything; fires and fails as a relay's ``done`` does."""
        self._sink = sink
        self._done = Deferred(lambda _: self._release())
        for number, relay in enumerate(self._relays):
            if not self._over:
                relay.pour(_Branch(self, number)).addCallback(self._ended, number).addErrback(self._broke)
        return self._done

    def pauseProducing(self) -> None:
        """Pause all: the client does not keep up."""
        self.paused = True
        for relay in self._relays:
            relay.pauseProducing()

    def resumeProducing(self) -> None:
        """Go on with all."""
        self.paused = False
        for relay in self._relays:
            relay.resumeProducing()

    def stopProducing(self) -> None:
        """Stop all: the client left. The first that tells so ends the answer."""
        for relay in self._relays:
            relay.stopProducing()

    def flow(self, number: int, events: Sequence[Event]) -> None:
        """Take events of one relay."""
        if self._over:
            return
        course = self._course
        told = course.take(number, events)
        if course.is_cut:
            self._release()
            self._give(told + course.cut())
            self._done.callback(None)
        else:
            self._give(told)

    def _ended(self, _: None, number: int) -> None:
        if self._over:
            return
        told = self._course.close(number)
        self._over = self._course.is_over
        self._give(told)
        if self._over:
            self._done.callback(None)

    def _broke(self, failure: Failure) -> None:
        """One relay has failed, or a step of this one: that ends all."""
        self._release()
        if not self._done.called:
            self._done.errback(failure)

    def _release(self) -> None:
        """Let go of every relay; those that have ended do not mind."""
        self._over = True
        for relay in self._relays:
            relay.dismiss()

    def _give(self, events: Sequence[Event]) -> None:
        if events:
            self._sink.take(events)


@define(eq=False)
class _Branch:
    """The sink of one relay."""

    _confluence: Confluence
    _number: int

    def take(self, events: Sequence[Event]) -> None:
        """Pass the events on with the number of their relay."""
        self._confluence.flow(self._number, events)


@implementer(IPushProducer)
@define(eq=False)
class Settled:
    """An answer that is known without asking anybody."""

    _events: Sequence[Event]
    paused: bool = field(default=False, init=False)

    def pour(self, sink: Sink) -> Deferred[None]:
        """Give all at once."""
        sink.take(self._events)
        done: Deferred[None] = Deferred()
        done.callback(None)
        return done

    def pauseProducing(self) -> None:
        """Nothing comes any more."""

    def resumeProducing(self) -> None:
        """Nothing comes any more."""

    def stopProducing(self) -> None:
        """Nothing comes any more."""
