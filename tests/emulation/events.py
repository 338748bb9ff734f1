"""Events in short, and what they say when they are joined."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from agd.conversation import Event, TextDelta, ToolCallDelta, ToolCallDone, ToolCallStart


def text_of(events: Iterable[Event], choice: int = 0) -> str:
    """Join the visible text of a choice."""
    return "".join(event.text for event in events if isinstance(event, TextDelta) and event.choice == choice)


def call(index: int, choice: int = 0, signature: str | None = None) -> list[Event]:
    """Make the events of a whole call."""
    start = ToolCallStart(index, f"call_{choice}_{index}", "look", signature, choice)
    return [start, ToolCallDelta(index, "{}", choice), ToolCallDone(index, choice)]


def deltas(text: str, cuts: Iterable[int]) -> list[Event]:
    """Cut a text at the given places; empty pieces stay."""
    places = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    return [TextDelta(text[start:end]) for start, end in pairwise(places)]
