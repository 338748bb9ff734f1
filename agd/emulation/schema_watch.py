"""Looking whether answers fit the JSON Schema that was asked for (D26), without changing them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import define, field

from agd.conversation import Event, Finished, FinishReason, TextDelta
from agd.emulation.json_text import fits


@define
class SchemaWatch:
    """A machine that passes everything and tells, in words, of each choice that ends well and does not fit.

    A choice that was cut at its length, was filtered, or calls tools has not been asked to fit.
    """

    _schema: Mapping[str, Any]
    _tell: Callable[[str], object]
    _texts: dict[int, list[str]] = field(factory=dict, init=False)

    def feed(self, events: Iterable[Event]) -> list[Event]:
        """Look at further events and pass them on."""
        events = list(events)
        for event in events:
            if isinstance(event, TextDelta):
                self._texts.setdefault(event.choice, []).append(event.text)
            elif isinstance(event, Finished) and event.reason is FinishReason.STOP:
                self._check("".join(self._texts.pop(event.choice, ())))
        return events

    def close(self) -> list[Event]:
        """Return nothing: nothing is held back."""
        return []

    def _check(self, text: str) -> None:
        words = fits(self._schema, text)
        if words is not None:
            self._tell(words)
