"""How the answers of a plan's calls become one answer: what joins them and what is done to their events. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from attrs import define

from agd.conversation import Answer, Event, Notice
from agd.emulation.best_of import choose
from agd.emulation.fan_in import FanIn
from agd.emulation.fence import FenceStripper
from agd.emulation.first_call import FirstCallOnly
from agd.emulation.machine import Machine, chain
from agd.emulation.schema_watch import SchemaWatch
from agd.emulation.stops import StopCutter
from agd.gateway.plan import Plan


@define
class Flow:
    """The state of one answer on its way. ``is_idle``: one call's events are the answer as they come."""

    fan_in: FanIn
    machine: Machine
    is_idle: bool
    _cutter: StopCutter | None

    @classmethod
    def of(cls, plan: Plan, tell: Callable[[Notice], None] | None = None) -> Flow:
        """Make the machines for one answer; ``tell`` hears of text that does not fit its schema."""
        calls = len(plan.calls)
        cutter = StopCutter(plan.stops, calls * plan.choices_each) if plan.stops else None
        machines: list[Machine] = []
        if plan.first_call_only:
            machines.append(FirstCallOnly())
        if cutter is not None:
            machines.append(cutter)
        if plan.strips_fence:
            machines.append(FenceStripper())
        if tell is not None and plan.checked_schema is not None:
            machines.append(SchemaWatch(plan.checked_schema, lambda words: tell(misfit(words))))
        return cls(FanIn(calls, plan.choices_each), chain(*machines), calls == 1 and not machines, cutter)

    def take(self, number: int, events: Iterable[Event]) -> list[Event]:
        """Take further events of call ``number``; return those of the answer."""
        return self.machine.feed(self.fan_in.feed(number, events))

    def close(self, number: int) -> list[Event]:
        """Call ``number`` has ended: return what can be told now, all that is left when it was the last."""
        events = self.machine.feed(self.fan_in.close(number))
        return events + self.machine.close() if self.is_over else events

    def cut(self) -> list[Event]:
        """Nothing more is taken: return what is left."""
        return self.machine.close()

    @property
    def is_over(self) -> bool:
        """Whether every call has ended."""
        return self.fan_in.complete

    @property
    def is_cut(self) -> bool:
        """Whether every choice was cut at a stop string, so that no further event matters."""
        return self._cutter is not None and self._cutter.done


def fold(plan: Plan, answers: Sequence[Iterable[Event]]) -> Answer:
    """Join the events of all calls of a plan into one answer."""
    flow, answer = Flow.of(plan), Answer()
    for number, events in enumerate(answers):
        for event in events if flow.is_idle else flow.take(number, events) + flow.close(number):
            answer.add(event)
    best_of = plan.prompt.best_of
    return answer if best_of is None else choose(answer, plan.prompt.n, best_of)


def misfit(words: str) -> Notice:
    """Return the notice for text that does not fit its schema."""
    return Notice("response_format", f"the answer does not fit its schema: {words}")
