"""Answers that came well and are no good all the same: asked for again, passed on with a notice, or refused. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from attrs import define

from agd.conversation import (
    CodePart,
    Event,
    Finished,
    FinishReason,
    MediaPart,
    Notice,
    OpaquePart,
    RefusalDelta,
    TextDelta,
    ToolCallStart,
)
from agd.emulation.fence import FenceStripper
from agd.emulation.machine import chain
from agd.emulation.schema_watch import SchemaWatch
from agd.errors import GatewayError
from agd.gateway.flow import misfit
from agd.gateway.plan import Plan

BLANK = Notice("messages", "the model answered with nothing, also when asked again")

_SOMETHING = (ToolCallStart, MediaPart, CodePart, OpaquePart, RefusalDelta)


@define
class Scrutiny:
    """Judges the answers to one call, one after another: it knows how often another one was asked for.

    ``tell`` hears what is wrong with an answer that is accepted for all that.
    """

    _plan: Plan
    _tell: Callable[[Notice], object]
    _blank: int = 0
    _misfit: int = 0

    def accepts(self, events: Iterable[Event]) -> bool:
        """Tell whether what has come so far may be given on; false: the same is to be asked again (F06)."""
        if not _is_blank(events):
            return True
        if self._blank < self._plan.options.retry_empty:
            self._blank += 1
            return False
        self._tell(BLANK)
        return True

    def accepts_whole(self, events: Iterable[Event]) -> bool:
        """Judge a whole answer by its schema as well (D26). Raises ``GatewayError`` where a misfit is an error."""
        if not self.accepts(events):
            return False
        words = self._misfit_of(events)
        if words is None:
            return True
        if self._plan.options.schema_violation == "error":
            message = f"The model's answer does not fit the schema that was asked for: {words}"
            raise GatewayError(502, message, type="server_error", code="upstream_schema_violation")
        if self._plan.options.schema_violation == "retry" and not self._misfit:
            self._misfit += 1
            return False
        self._tell(misfit(words))
        return True

    def _misfit_of(self, events: Iterable[Event]) -> str | None:
        """Return how an answer violates its schema; one that agd itself cuts at stop strings need not fit."""
        plan = self._plan
        if plan.checked_schema is None or plan.stops:
            return None
        found: list[str] = []
        watch = SchemaWatch(plan.checked_schema, found.append)
        (chain(FenceStripper(), watch) if plan.strips_fence else watch).feed(events)
        return found[0] if found else None


def _is_blank(events: Iterable[Event]) -> bool:
    """Tell whether these are a whole answer that ended well and says nothing."""
    ends = [event for event in events if isinstance(event, Finished)]
    return bool(ends) and all(end.reason is FinishReason.STOP for end in ends) and not any(map(_says, events))


def _says(event: Event) -> bool:
    return bool(event.text) if isinstance(event, TextDelta) else isinstance(event, _SOMETHING)
