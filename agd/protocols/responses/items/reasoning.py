"""Reasoning (OpenAI ``ReasoningItem``): a run of thoughts as a summary, and provider state sealed for the way back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import define, field

from agd.protocols.responses.items.item import Item, ItemStatus, Payload, added, done


@define
class OpenReasoning:
    """A run of thoughts: one item with one summary part, or with none where it only carries state."""

    id: str
    index: int
    sealed: str | None = None
    """``encrypted_content``: known when the run is over, and shown when the item closes."""
    _pieces: list[str] = field(factory=list)

    def begin(self) -> Iterator[Payload]:
        """Open the item."""
        yield added(self.index, self._written("in_progress", []))

    def add(self, text: str) -> Iterator[Payload]:
        """Add to the summary."""
        if not self._pieces:
            yield "response.reasoning_summary_part.added", {**self._place(), "part": _summary("")}
        self._pieces.append(text)
        yield "response.reasoning_summary_text.delta", {**self._place(), "delta": text}

    def end(self, status: ItemStatus) -> Iterator[Payload]:
        """Close the summary part and the item."""
        text, place = "".join(self._pieces), self._place()
        if text:
            yield "response.reasoning_summary_text.done", {**place, "text": text}
            yield "response.reasoning_summary_part.done", {**place, "part": _summary(text)}
        yield done(self.index, self.item(status))

    def item(self, status: ItemStatus) -> Item:
        """Return the thoughts as far as they are told, with the sealed state if there is any."""
        text = "".join(self._pieces)
        item = self._written(status, [_summary(text)] if text else [])
        return item if self.sealed is None else {**item, "encrypted_content": self.sealed}

    def _place(self) -> Item:
        return {"item_id": self.id, "output_index": self.index, "summary_index": 0}

    def _written(self, status: ItemStatus, summary: list[Item]) -> Item:
        return {"id": self.id, "type": "reasoning", "status": status, "summary": summary}


def recite(index: int, item: Mapping[str, Any]) -> Iterator[Payload]:
    """Tell finished reasoning once more."""
    reasoning = OpenReasoning(item["id"], index, item.get("encrypted_content"))
    yield from reasoning.begin()
    for part in item["summary"]:
        yield from reasoning.add(part["text"])
    yield from reasoning.end(item["status"])


def _summary(text: str) -> Item:
    return {"type": "summary_text", "text": text}
