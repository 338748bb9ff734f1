"""Output items while they grow: each knows the events that open it, fill it and close it.

An event is a pair of its type and its fields; the stream adds ``sequence_number``. Ids are made once per item and are
the same in every event and in the final output. ``index`` is the item's place in the final output.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from attrs import define, field

from agd.conversation import MediaPart, ToolCallStart
from agd.protocols.signatures import extra_content

Payload = tuple[str, dict[str, Any]]
"""An event: its type, and its fields but for ``type`` and ``sequence_number``."""

ItemStatus = Literal["in_progress", "completed", "incomplete"]
Wording = Literal["output_text", "refusal"]


def added(index: int, item: dict[str, Any]) -> Payload:
    """The event that opens an item."""
    return "response.output_item.added", {"output_index": index, "item": item}


def done(index: int, item: dict[str, Any]) -> Payload:
    """The event that closes an item, with all of it."""
    return "response.output_item.done", {"output_index": index, "item": item}


@define
class OpenMessage:
    """A message; its content parts, text and refusal, follow one another."""

    id: str
    index: int
    _content: list[dict[str, Any]] = field(factory=list)
    _wording: Wording | None = None
    _pieces: list[str] = field(factory=list)
    _annotations: list[dict[str, Any]] = field(factory=list)

    def begin(self) -> Iterator[Payload]:
        """Open the item."""
        yield added(self.index, self._item("in_progress"))

    def add(self, wording: Wording, text: str) -> Iterator[Payload]:
        """Add words; another kind of words closes the content part and opens the next."""
        if wording != self._wording:
            yield from self._close_part()
            self._wording = wording
            yield "response.content_part.added", {**self._place(), "part": _part(wording, "", [])}
        if text:
            self._pieces.append(text)
            extra: dict[str, Any] = {"logprobs": []} if wording == "output_text" else {}
            yield f"response.{wording}.delta", {**self._place(), "delta": text, **extra}

    def cite(self, annotation: dict[str, Any]) -> Iterator[Payload]:
        """Add a source of the text; a refusal has none."""
        if self._wording == "output_text":
            place = {**self._place(), "annotation_index": len(self._annotations)}
            self._annotations.append(annotation)
            yield "response.output_text.annotation.added", {**place, "annotation": annotation}

    def end(self, status: ItemStatus) -> Iterator[Payload]:
        """Close the content part and the item."""
        yield from self._close_part()
        yield done(self.index, self._item(status))

    def _close_part(self) -> Iterator[Payload]:
        if self._wording is None:
            return
        text = "".join(self._pieces)
        words = {"text": text, "logprobs": []} if self._wording == "output_text" else {"refusal": text}
        part, place = _part(self._wording, text, self._annotations), self._place()
        yield f"response.{self._wording}.done", {**place, **words}
        yield "response.content_part.done", {**place, "part": part}
        self._content.append(part)
        self._pieces, self._annotations, self._wording = [], [], None

    def _place(self) -> dict[str, Any]:
        return {"item_id": self.id, "output_index": self.index, "content_index": len(self._content)}

    def _item(self, status: ItemStatus) -> dict[str, Any]:
        head = {"id": self.id, "type": "message", "status": status, "role": "assistant"}
        return {**head, "content": list(self._content)}


@define
class OpenReasoning:
    """A run of thoughts: one item with one summary part."""

    id: str
    index: int
    _pieces: list[str] = field(factory=list)

    def begin(self) -> Iterator[Payload]:
        """Open the item and its summary part."""
        yield added(self.index, self._item("in_progress", []))
        yield "response.reasoning_summary_part.added", {**self._place(), "part": _summary("")}

    def add(self, text: str) -> Iterator[Payload]:
        """Add to the summary."""
        self._pieces.append(text)
        yield "response.reasoning_summary_text.delta", {**self._place(), "delta": text}

    def end(self, status: ItemStatus) -> Iterator[Payload]:
        """Close the summary part and the item."""
        text, place = "".join(self._pieces), self._place()
        yield "response.reasoning_summary_text.done", {**place, "text": text}
        yield "response.reasoning_summary_part.done", {**place, "part": _summary(text)}
        yield done(self.index, self._item(status, [_summary(text)]))

    def _place(self) -> dict[str, Any]:
        return {"item_id": self.id, "output_index": self.index, "summary_index": 0}

    def _item(self, status: ItemStatus, summary: list[dict[str, Any]]) -> dict[str, Any]:
        return {"id": self.id, "type": "reasoning", "status": status, "summary": summary}


@define
class OpenCall:
    """A function call; ``id`` names the item, ``call_id`` pairs the call with its result."""

    id: str
    index: int
    start: ToolCallStart
    _pieces: list[str] = field(factory=list)

    def begin(self) -> Iterator[Payload]:
        """Open the item, without arguments."""
        yield added(self.index, self._item("in_progress", ""))

    def add(self, arguments: str) -> Iterator[Payload]:
        """Add to the arguments."""
        if arguments:
            self._pieces.append(arguments)
            place = {"item_id": self.id, "output_index": self.index}
            yield "response.function_call_arguments.delta", {**place, "delta": arguments}

    def end(self, status: ItemStatus) -> Iterator[Payload]:
        """Close the item; a complete call without arguments has an empty object."""
        if status == "completed" and not self._pieces:
            yield from self.add("{}")
        arguments = "".join(self._pieces)
        fields = {"item_id": self.id, "output_index": self.index, "name": self.start.name}
        yield "response.function_call_arguments.done", {**fields, "arguments": arguments}
        yield done(self.index, self._item(status, arguments))

    def _item(self, status: ItemStatus, arguments: str) -> dict[str, Any]:
        item = {"id": self.id, "type": "function_call", "status": status, "call_id": self.start.id}
        item |= {"name": self.start.name, "arguments": arguments}
        if self.start.signature is not None:
            return {**item, "extra_content": extra_content(self.start.signature)}
        return item


def picture(item_id: str, index: int, media: MediaPart) -> Iterator[Payload]:
    """Write an image, which comes whole, as an ``image_generation_call`` with all its events."""
    place = {"item_id": item_id, "output_index": index}
    item = {"id": item_id, "type": "image_generation_call", "status": "in_progress", "result": None}
    yield added(index, item)
    yield "response.image_generation_call.in_progress", place
    yield "response.image_generation_call.completed", place
    yield done(index, {**item, "status": "completed", "result": media.data})


def _part(wording: Wording, text: str, annotations: list[dict[str, Any]]) -> dict[str, Any]:
    if wording == "refusal":
        return {"type": "refusal", "refusal": text}
    return {"type": "output_text", "text": text, "annotations": annotations, "logprobs": []}


def _summary(text: str) -> dict[str, Any]:
    return {"type": "summary_text", "text": text}
