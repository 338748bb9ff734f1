"""What all machines over events have in common: pure, sans-I/O, one per answer, fed until closed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from attrs import frozen

from agd.conversation import Event


class Machine(Protocol):
    """Takes events of one answer in order and gives events in their place.

    A machine owns the events it is fed: whoever feeds it must not look at them afterwards.
    """

    def feed(self, events: Iterable[Event]) -> list[Event]:
        """Take further events; return those that can be told now."""

    def close(self) -> list[Event]:
        """The answer is over: return what was held back. Called once, after the last ``feed``."""


@frozen
class Chain:
    """Machines one behind another, as one machine; without any, events pass as they are."""

    _machines: tuple[Machine, ...]

    def feed(self, events: Iterable[Event]) -> list[Event]:
        """Send events through every machine in turn."""
        for machine in self._machines:
            events = machine.feed(events)
        return list(events)

    def close(self) -> list[Event]:
        """Close every machine in turn; what one gives at its end still goes through those behind it."""
        events: list[Event] = []
        for machine in self._machines:
            events = machine.feed(events) + machine.close()
        return events


def chain(*machines: Machine) -> Chain:
    """Join machines into one; the first is fed first."""
    return Chain(machines)
