"""``parallel_tool_calls: false`` towards a provider that has no such switch: one call per choice is kept (B40)."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import define, field

from agd.conversation import Event, ToolCallDelta, ToolCallDone, ToolCallStart


@define
class FirstCallOnly:
    """Keeps the first tool call of each choice; ``dropped`` counts the others. Everything else passes.

    Signatures that must outlive the drop are to be observed before this machine.
    """

    dropped: int = field(default=0, init=False)
    _first: dict[int, int] = field(factory=dict, init=False)

    def feed(self, events: Iterable[Event]) -> list[Event]:
        """Take further events; return those of the first calls and all that concern no call."""
        return [event for event in events if self._keeps(event)]

    def close(self) -> list[Event]:
        """Return nothing: nothing is held back."""
        return []

    def _keeps(self, event: Event) -> bool:
        match event:
            case ToolCallStart():
                keeps = self._first.setdefault(event.choice, event.index) == event.index
                self.dropped += not keeps
                return keeps
            case ToolCallDelta() | ToolCallDone():
                return self._first.get(event.choice) == event.index
        return True
