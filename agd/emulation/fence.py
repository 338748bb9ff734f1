"""Taking one outer Markdown fence off answers that were asked to be JSON, while they stream (D27)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from attrs import define, evolve, field

from agd.conversation import Citation, CodePart, Event, Finished, MediaPart, TextDelta, ToolCallStart, UsageReport

_OPENING = re.compile(r"\s{0,64}```[^\n`]{0,32}\n")
_HALF_AN_OPENING = re.compile(r"\s{0,64}(?:`{0,3}|```[^\n`]{0,32})")


@define
class Fence:
    """Passes text on without its fence; what may still become one is held back, and never more than that.

    What comes out in all does not depend on how the text is cut. ``removed`` counts the code points of the opening.
    """

    removed: int = 0
    _held: str = ""
    _decided: bool = False

    def feed(self, text: str) -> str:
        """Return what of the text so far can be shown."""
        text = self._held + text
        if not self._decided:
            if _HALF_AN_OPENING.fullmatch(text):
                self._held = text
                return ""
            self._decided = True
            opening = _OPENING.match(text)
            if opening is not None:
                self.removed = opening.end()
                text = text[self.removed :]
        if not self.removed:
            self._held = ""
            return text
        cut = _closing_of(text)
        self._held = text[cut:]
        return text[:cut]

    def flush(self) -> str:
        """Return what is held: more follows that is not text, so it cannot be a closing fence."""
        held, self._held, self._decided = self._held, "", True
        return held

    def end(self) -> str:
        """Return what is left at the end of the text: nothing when it is the closing fence."""
        held = self.flush()
        return "" if self.removed and held.rstrip().endswith("```") else held


@define
class FenceStripper:
    """A machine that takes the fence off the text of every choice, and moves citations with the text."""

    _fences: dict[int, Fence] = field(factory=dict, init=False)

    def feed(self, events: Iterable[Event]) -> list[Event]:
        """Take further events; return those that can be told now."""
        out: list[Event] = []
        for event in events:
            if isinstance(event, UsageReport):
                out.append(event)
            else:
                out += self._passed(event, self._fence(event.choice))
        return out

    def close(self) -> list[Event]:
        """Return what is held of choices that never ended."""
        return [event for choice, fence in self._fences.items() for event in _text(fence.flush(), choice)]

    def _fence(self, choice: int) -> Fence:
        fence = self._fences.get(choice)
        if fence is None:
            fence = self._fences[choice] = Fence()
        return fence

    def _passed(self, event: Event, fence: Fence) -> Iterable[Event]:
        """Return what becomes of one event."""
        match event:
            case TextDelta():
                return _text(fence.feed(event.text), event.choice, event.signature)
            case Citation():
                removed = fence.removed
                return [evolve(event, start=max(0, event.start - removed), end=max(0, event.end - removed))]
            case Finished():
                return [*_text(fence.end(), event.choice), event]
            case ToolCallStart() | MediaPart() | CodePart():
                return [*_text(fence.flush(), event.choice), event]
        return [event]


def _text(text: str, choice: int, signature: str | None = None) -> list[TextDelta]:
    return [TextDelta(text, choice, signature)] if text or signature else []


def _closing_of(text: str) -> int:
    """Return where a closing fence begins, or the text that may become one when more comes."""
    bare = text.rstrip()
    cut = len(bare) - 3 if bare.endswith("```") else len(text) - _ticks(text)
    return cut - 1 if text[cut - 1 : cut] == "\n" else cut


def _ticks(text: str) -> int:
    return len(text) - len(text.rstrip("`"))
