"""Sinks for relays: what a client's response would take."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, field

from agd.conversation import Event, TextDelta


@define(eq=False)
class Recorder:
    """Keeps what it is given: ``reads`` has one list for each call."""

    reads: list[list[Event]] = field(factory=list)

    def take(self, events: Sequence[Event]) -> None:
        """Keep the events of one read."""
        self.reads.append(list(events))

    @property
    def events(self) -> list[Event]:
        """Every event so far."""
        return [event for read in self.reads for event in read]

    @property
    def text(self) -> str:
        """The visible text so far."""
        return "".join(event.text for event in self.events if isinstance(event, TextDelta))


class Faulty:
    """A sink with a mistake in it."""

    def take(self, events: Sequence[Event]) -> None:
        """Fail as a program does that was written wrong."""
        raise ZeroDivisionError("a mistake of agd's own")
