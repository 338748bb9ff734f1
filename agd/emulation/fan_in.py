"""Several answers that feed one client as one: ``n`` single calls, or the prompts of a list (E09, E10, J01)."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from attrs import astuple, define, field

from agd.conversation import Event, Usage, UsageReport


@define
class FanIn:
    """Joins the answers of ``sources`` calls, each with up to ``choices_each`` choices.

    Choices are numbered source by source, so that those of a list of prompts come in the order of the prompts. Tool
    calls keep their numbers, which count within a choice. The usage of all is told once, when the last has ended.
    """

    _sources: int
    _choices_each: int = 1
    _usages: dict[int, Usage] = field(factory=dict, init=False)
    _ended: set[int] = field(factory=set, init=False)

    @property
    def complete(self) -> bool:
        """Whether every source has ended."""
        return len(self._ended) >= self._sources

    def feed(self, source: int, events: Iterable[Event]) -> list[Event]:
        """Take further events of a source (from 0) and number their choices anew, in place.

        A choice beyond ``choices_each`` was not asked for and is dropped: it would be taken for the next source's.
        """
        first = source * self._choices_each
        out: list[Event] = []
        for event in events:
            if isinstance(event, UsageReport):
                self._usages[source] = event.usage
            elif event.choice < self._choices_each:
                event.choice += first
                out.append(event)
        return out

    def close(self, source: int) -> list[Event]:
        """A source has ended: return the usage of all if it was the last one, and any told its own."""
        already = self.complete
        self._ended.add(source)
        if already or not self.complete or not self._usages:
            return []
        return [UsageReport(total(self._usages.values()))]


def total(usages: Collection[Usage]) -> Usage:
    """Add up the tokens of several calls, kind by kind; a prompt that was sent twice was read twice."""
    return Usage(*(sum(counts) for counts in zip(*map(astuple, usages), strict=True)))
