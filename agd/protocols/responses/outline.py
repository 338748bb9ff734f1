"""The order of output items: which one is open, when it closes, what the final output is.

Message and reasoning items follow one another; a call keeps its own place, so that its arguments may go on while the
next item has begun. Plain answers are made by the same outline as streams, so the two cannot differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import define, field

from agd.conversation import (
    Citation,
    CodePart,
    Event,
    Finished,
    MediaPart,
    RefusalDelta,
    TextDelta,
    ThoughtDelta,
    ToolCallDelta,
    ToolCallDone,
    ToolCallStart,
)
from agd.protocols.markdown import fenced
from agd.protocols.responses.items import (
    ItemStatus,
    OpenCall,
    OpenMessage,
    OpenReasoning,
    Payload,
    Wording,
    picture,
)
from agd.protocols.responses.resource import status_of
from agd.protocols.visible import Visible


@define
class Outline:
    """Turns neutral events into Responses events (without numbers) and gathers the finished items."""

    token: str
    finish: Finished | None = None
    _items: list[dict[str, Any] | None] = field(factory=list)
    _open: OpenMessage | OpenReasoning | None = None
    _calls: dict[int, OpenCall] = field(factory=dict)
    _visible: Visible = field(factory=Visible)
    _told: int = 0
    _start: int = 0
    """Where the open message begins in the provider's words, of which there were ``_told`` so far."""

    @property
    def output(self) -> list[dict[str, Any]]:
        """The finished items in their places."""
        return [item for item in self._items if item is not None]

    def take(self, event: Event) -> Iterator[Payload]:
        """Yield what one event of the answer means to the client."""
        for payload in self._payloads(event):
            yield self._noted(payload)

    def end(self) -> Iterator[Payload]:
        """Yield what closes all that is open; an answer that shows nothing gets one empty message."""
        status = status_of(self.finish.reason) if self.finish is not None else "incomplete"
        for payload in self._closing(status):
            yield self._noted(payload)

    def _noted(self, payload: Payload) -> Payload:
        kind, fields = payload
        if kind == "response.output_item.done":
            self._items[fields["output_index"]] = fields["item"]
        return payload

    def _payloads(self, event: Event) -> Iterator[Payload]:
        match event:
            case TextDelta(text=text) if text:
                yield from self._say("output_text", text)
                self._told += len(text)
                self._visible.text(text)
            case CodePart():
                block = fenced(event)
                yield from self._say("output_text", block)
                self._visible.block(block)
            case Citation():
                yield from self._cite(event)
            case RefusalDelta(text=text) if text:
                yield from self._say("refusal", text)
            case ThoughtDelta(text=text) if text:
                yield from self._think(text)
            case MediaPart():
                yield from self._shut("completed")
                index = self._next()
                yield from picture(self._id("ig", index), index, event)
            case ToolCallStart() | ToolCallDelta() | ToolCallDone():
                yield from self._call(event)
            case Finished():
                self.finish = event
            case _:
                pass

    def _say(self, wording: Wording, text: str) -> Iterator[Payload]:
        if not isinstance(self._open, OpenMessage):
            yield from self._shut("completed")
            index = self._next()
            self._open = OpenMessage(self._id("msg", index), index)
            self._visible, self._start = Visible(), self._told
            yield from self._open.begin()
        yield from self._open.add(wording, text)

    def _cite(self, citation: Citation) -> Iterator[Payload]:
        """Annotate the open message; a source of words before it came too late to be told."""
        if isinstance(self._open, OpenMessage) and citation.start >= self._start:
            start, end = self._visible.place(citation.start - self._start, citation.end - self._start)
            place = {"type": "url_citation", "start_index": start, "end_index": end}
            yield from self._open.cite({**place, "url": citation.uri, "title": citation.title})

    def _think(self, text: str) -> Iterator[Payload]:
        if not isinstance(self._open, OpenReasoning):
            yield from self._shut("completed")
            index = self._next()
            self._open = OpenReasoning(self._id("rs", index), index)
            yield from self._open.begin()
        yield from self._open.add(text)

    def _call(self, event: ToolCallStart | ToolCallDelta | ToolCallDone) -> Iterator[Payload]:
        match event:
            case ToolCallStart():
                yield from self._shut("completed")
                index = self._next()
                call = self._calls[event.index] = OpenCall(self._id("fc", index), index, event)
                yield from call.begin()
            case ToolCallDelta():
                yield from self._calls[event.index].add(event.arguments)
            case ToolCallDone():
                yield from self._calls.pop(event.index).end("completed")

    def _closing(self, status: ItemStatus) -> Iterator[Payload]:
        if not self._items:
            yield from self._say("output_text", "")
        yield from self._shut(status)
        for call in self._calls.values():
            yield from call.end("incomplete")
        self._calls.clear()

    def _shut(self, status: ItemStatus) -> Iterator[Payload]:
        """Close the open message or reasoning item, if there is one."""
        item, self._open = self._open, None
        if item is not None:
            yield from item.end(status)

    def _next(self) -> int:
        """Take the next place in the output."""
        self._items.append(None)
        return len(self._items) - 1

    def _id(self, prefix: str, index: int) -> str:
        return f"{prefix}_{self.token}_{index}"
