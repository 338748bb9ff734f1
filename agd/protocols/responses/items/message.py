"""A message (OpenAI ``OutputMessage``): content parts of text with annotations and probabilities, and of refusals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from attrs import define, field

from agd.protocols.responses.items.item import Item, ItemStatus, Payload, added, done

Wording = Literal["output_text", "refusal"]


@define
class OpenMessage:
    """A message; its content parts, text and refusal, follow one another."""

    id: str
    index: int
    _content: list[Item] = field(factory=list)
    _wording: Wording | None = None
    _pieces: list[str] = field(factory=list)
    _annotations: list[Item] = field(factory=list)
    _logprobs: list[Item] = field(factory=list)

    def begin(self) -> Iterator[Payload]:
        """Open the item."""
        yield added(self.index, self._written("in_progress", []))

    def add(self, wording: Wording, text: str, logprobs: Sequence[Item] = ()) -> Iterator[Payload]:
        """Add words; another kind of words closes the content part and opens the next."""
        if wording != self._wording:
            yield from self._close_part()
            self._wording = wording
            yield "response.content_part.added", {**self._place(), "part": _part(wording, "", [], [])}
        if text:
            self._pieces.append(text)
            self._logprobs += logprobs
            extra: Item = {"logprobs": list(logprobs)} if wording == "output_text" else {}
            yield f"response.{wording}.delta", {**self._place(), "delta": text, **extra}

    def cite(self, annotation: Item) -> Iterator[Payload]:
        """Add a source of the text; a refusal has none."""
        if self._wording == "output_text":
            place = {**self._place(), "annotation_index": len(self._annotations)}
            self._annotations.append(annotation)
            yield "response.output_text.annotation.added", {**place, "annotation": annotation}

    def weigh(self, logprobs: Sequence[Item]) -> None:
        """Take probabilities of text that is told already; they are told when the text is complete."""
        if self._wording == "output_text":
            self._logprobs += logprobs

    def end(self, status: ItemStatus) -> Iterator[Payload]:
        """Close the content part and the item."""
        yield from self._close_part()
        yield done(self.index, self._written(status, list(self._content)))

    def item(self, status: ItemStatus) -> Item:
        """Return the message as far as it is told."""
        return self._written(status, [*self._content, *self._last_part()])

    def _close_part(self) -> Iterator[Payload]:
        place = self._place()
        for part in self._last_part():
            keys = ("text", "logprobs") if part["type"] == "output_text" else ("refusal",)
            yield f"response.{part['type']}.done", {**place, **{key: part[key] for key in keys}}
            yield "response.content_part.done", {**place, "part": part}
            self._content.append(part)
        self._pieces, self._annotations, self._logprobs, self._wording = [], [], [], None

    def _last_part(self) -> list[Item]:
        if self._wording is None:
            return []
        return [_part(self._wording, "".join(self._pieces), self._annotations, self._logprobs)]

    def _place(self) -> Item:
        return {"item_id": self.id, "output_index": self.index, "content_index": len(self._content)}

    def _written(self, status: ItemStatus, content: list[Item]) -> Item:
        return {"id": self.id, "type": "message", "status": status, "role": "assistant", "content": content}


def recite(index: int, item: Mapping[str, Any]) -> Iterator[Payload]:
    """Tell a finished message once more."""
    message = OpenMessage(item["id"], index)
    yield from message.begin()
    for part in item["content"]:
        yield from _recited(message, part)
    yield from message.end(item["status"])


def _recited(message: OpenMessage, part: Item) -> Iterator[Payload]:
    if part["type"] == "refusal":
        yield from message.add("refusal", part["refusal"])
        return
    yield from message.add("output_text", part["text"], part["logprobs"])
    for annotation in part["annotations"]:
        yield from message.cite(annotation)


def _part(wording: Wording, text: str, annotations: list[Item], logprobs: list[Item]) -> Item:
    if wording == "refusal":
        return {"type": "refusal", "refusal": text}
    return {"type": "output_text", "text": text, "annotations": list(annotations), "logprobs": list(logprobs)}
