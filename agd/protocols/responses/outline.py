"""What each event of an answer means to a Responses client: which item it begins, fills or ends.

What comes while a call's arguments are still coming waits for the call's end. Plain answers are made by the same
outline as streams, so the two cannot differ.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from attrs import define, field

from agd.conversation import (
    Citation,
    CodePart,
    Details,
    Event,
    Finished,
    LogProbs,
    MediaPart,
    OpaquePart,
    RefusalDelta,
    TextDelta,
    ThoughtDelta,
    ToolCallDelta,
    ToolCallDone,
    ToolCallStart,
)
from agd.protocols.markdown import fenced
from agd.protocols.responses.asked import Asked
from agd.protocols.responses.calling import Calling
from agd.protocols.responses.gathering import Layout
from agd.protocols.responses.items import picture
from agd.protocols.responses.items.code import OpenCode, logs
from agd.protocols.responses.items.compaction import compaction
from agd.protocols.responses.items.function import OpenFunctionCall
from agd.protocols.responses.items.item import Item, ItemStatus, Payload, tell
from agd.protocols.responses.items.logprobs import Probabilities
from agd.protocols.responses.items.message import OpenMessage, Wording
from agd.protocols.responses.items.reasoning import OpenReasoning
from agd.protocols.responses.items.search import OpenSearch
from agd.protocols.responses.order import Order
from agd.protocols.responses.searches import SOURCES, Searches
from agd.protocols.visible import Visible

LOGPROBS = "message.output_text.logprobs"
OUTPUTS = "code_interpreter_call.outputs"


@define
class Outline:
    """Turns neutral events into Responses events (without numbers); the items are gathered in ``order``."""

    order: Order
    asked: Asked
    finish: Finished | None = field(default=None, init=False)
    _calling: Calling | None = field(default=None, init=False)
    _held: deque[Event] = field(factory=deque, init=False)
    _searches: Searches = field(init=False)
    _probabilities: Probabilities = field(factory=Probabilities, init=False)
    _visible: Visible = field(factory=Visible, init=False)
    _told: int = field(default=0, init=False)
    _start: int = field(default=0, init=False)
    """Where the open message begins in the provider's words, of which there were ``_told`` so far."""

    def __attrs_post_init__(self) -> None:
        self._searches = Searches(SOURCES in self.asked.include)

    def take(self, event: Event) -> Iterator[Payload]:
        """Yield what one event of the answer means to the client."""
        if isinstance(event, Finished):
            self.finish = event
        elif self._calling is not None and not self._calling.owns(event):
            self._held.append(event)
        elif (told := _TAKES.get(type(event))) is not None:
            yield from told(self, event)

    def end(self, status: ItemStatus) -> Iterator[Payload]:
        """Yield what closes all that is open; an answer that shows nothing gets one empty message."""
        while self._calling is not None:
            yield from self._end_call("incomplete")
        if not self.order.items and self.order.open is None:
            yield from self._say("output_text", "")
        yield from self._make_room(status, carry=False)
        action = self._searches.last()
        if action is not None:
            yield from self.order.begin(OpenSearch(self.order.id("ws"), self.order.next, action))
            yield from self.order.shut("completed")
        yield from self.order.carry()

    def compact(self, sealed: str) -> Iterator[Payload]:
        """Yield a compaction item: the conversation so far, sealed."""
        yield from self._make_room()
        yield from self.order.whole(tell(self.order.next, compaction(self.order.id("cmp"), sealed)))

    def text(self, event: TextDelta) -> Iterator[Payload]:
        """Show words."""
        if event.text:
            yield from self._say("output_text", event.text, spoken=True)
        if event.text or event.signature:  # else it is nothing, and parts no thoughts
            self.order.gathering.words(len(event.text), event.signature)

    def refusal(self, event: RefusalDelta) -> Iterator[Payload]:
        """Show words of a refusal, as a content part of the message."""
        if event.text:
            yield from self._say("refusal", event.text)
            self.order.gathering.refuse(len(event.text))

    def thought(self, event: ThoughtDelta) -> Iterator[Payload]:
        """Show thoughts: a run of them is one item (I14)."""
        if not (event.text or event.signature):
            return
        reasoning = self.order.open
        if not isinstance(reasoning, OpenReasoning):
            yield from self._make_room(carry=False)
            reasoning = OpenReasoning(self.order.id("rs"), self.order.next)
            if event.text:
                yield from self.order.begin(reasoning)
        if event.text:
            yield from reasoning.add(event.text)
        self.order.gathering.thought(event.text, event.signature)

    def code(self, event: CodePart) -> Iterator[Payload]:
        """Show code that the provider ran, or what it printed: as an item of its own, or in the text."""
        if self.asked.code_items:
            yield from self._run(event)
            return
        block = fenced(event)
        yield from self._say("output_text", block)
        self._visible.block(block)
        self.order.gathering.shown_code(event, len(block))

    def media(self, event: MediaPart) -> Iterator[Payload]:
        """Show an image."""
        yield from self._make_room()
        image = picture.image(self.order.id("ig"), event)
        self.order.gathering.item(image["id"])
        self.order.gathering.image(image["id"], event.signature)
        yield from self.order.whole(picture.tell(self.order.next, image))

    def opaque(self, event: OpaquePart) -> Iterator[Payload]:
        """Keep a part of the provider's own; where it is a search of the web, show that."""
        search = self._searches.begun(event.data)
        if search is not None:
            yield from self._make_room()
            run, action = search
            yield from self.order.begin(OpenSearch(self.order.id("ws"), self.order.next, action, run))
        self.order.gathering.opaque(event.data)
        opened = self.order.open
        if isinstance(opened, OpenSearch) and self._searches.ends(event.data, opened.run):
            yield from self.order.shut("completed")

    def details(self, event: Details) -> Iterator[Payload]:
        """Take what is told beside the answer: its sources."""
        self._searches.details(event.data)
        yield from ()

    def logprobs(self, event: LogProbs) -> Iterator[Payload]:
        """Take probabilities of tokens, if they are wanted."""
        if LOGPROBS in self.asked.include:
            self._probabilities.take(event.tokens)
        yield from ()

    def cite(self, event: Citation) -> Iterator[Payload]:
        """Annotate the open message; a source of words before it came too late to be told."""
        message = self.order.open
        if isinstance(message, OpenMessage) and event.start >= self._start:
            start, end = self._visible.place(event.start - self._start, event.end - self._start)
            place = {"type": "url_citation", "start_index": start, "end_index": end}
            yield from message.cite({**place, "url": event.uri, "title": event.title})

    def begin_call(self, event: ToolCallStart) -> Iterator[Payload]:
        """Begin a call; a function's item opens now, any other tool's when its arguments are known."""
        yield from self._make_room(call=event)
        self._calling = Calling(event, self.asked.toolbox.binding(event.name))
        if self._calling.binding.kind == "function":
            yield from self._begin_function(self._calling)

    def continue_call(self, event: ToolCallDelta) -> Iterator[Payload]:
        """Continue a call's arguments."""
        if self._calling is not None:
            self._calling.add(event.arguments)
        if isinstance(self.order.open, OpenFunctionCall):
            yield from self.order.open.add(event.arguments)

    def end_call(self, event: ToolCallDone) -> Iterator[Payload]:
        """End a call, and go on with what waited for it."""
        yield from self._end_call("completed")

    def _run(self, event: CodePart) -> Iterator[Payload]:
        """Begin or end a run of code that is an item."""
        run = self.order.open
        if not (event.result and isinstance(run, OpenCode)):
            yield from self._make_room()
            code = "" if event.result else event.text
            run = OpenCode(self.order.id("ci"), self.order.next, f"cntr_{self.order.token}", code)
            self.order.gathering.item(run.id)
            yield from self.order.begin(run)
        self.order.gathering.code(run.id, event)
        if event.result:
            run.printed([logs(event.text)] if OUTPUTS in self.asked.include else None)
            yield from self.order.shut("completed")

    def _end_call(self, status: ItemStatus) -> Iterator[Payload]:
        calling, self._calling = self._calling, None
        if calling is not None and not isinstance(self.order.open, OpenFunctionCall):
            yield from self._tell_call(calling, status)
        yield from self.order.shut(status)
        held, self._held = self._held, deque()
        for event in held:
            yield from self.take(event)

    def _tell_call(self, calling: Calling, status: ItemStatus) -> Iterator[Payload]:
        """Tell a call whose arguments are known, or, if they say nothing to its tool, as the function call it is."""
        whole = calling.whole(status)
        if whole is None:
            yield from self._begin_function(calling)
            return
        form, written = whole
        told = {"id": self.order.id(form.prefix), **written}
        self.order.gathering.item(told["id"])
        yield from self.order.whole(form.tell(self.order.next, told))

    def _begin_function(self, calling: Calling) -> Iterator[Payload]:
        call = calling.function(self.order.id("fc"), self.order.next)
        self.order.gathering.item(call.id)
        yield from self.order.begin(call)
        yield from call.add(calling.arguments)

    def _say(self, wording: Wording, text: str, *, spoken: bool = False) -> Iterator[Payload]:
        """Add words to the open message, or to a new one; ``spoken`` by the provider, they have an offset."""
        message = self.order.open
        if not isinstance(message, OpenMessage):
            yield from self._make_room()
            message = OpenMessage(self.order.id("msg"), self.order.next)
            self.order.gathering.item(message.id, Layout())
            self._visible, self._start = Visible(), self._told
            yield from self.order.begin(message)
        yield from message.add(wording, text, self._speak(text) if spoken else ())

    def _speak(self, text: str) -> Sequence[Item]:
        """Count words of the provider's; returns the probabilities of their tokens, as far as these are known."""
        self._weigh()
        start = self._told
        self._told += len(text)
        self._visible.text(text)
        return self._probabilities.within(start, self._told) if self._probabilities.waiting else ()

    def _make_room(
        self, status: ItemStatus = "completed", *, call: ToolCallStart | None = None, carry: bool = True
    ) -> Iterator[Payload]:
        """Close what is open, for the next item; a call's signature is carried by what stands before the call."""
        self._weigh()
        self.order.gathering.close()
        if call is not None:
            self.order.gathering.call(call.id, call.signature)
        yield from self.order.make_room(status, carry=carry)

    def _weigh(self) -> None:
        """Give the open message the probabilities of its words that came after them."""
        if self._probabilities.waiting and isinstance(self.order.open, OpenMessage):
            self.order.open.weigh(self._probabilities.within(self._start, self._told))


_TAKES: dict[type, Callable[[Outline, Any], Iterator[Payload]]] = {
    TextDelta: Outline.text,
    ThoughtDelta: Outline.thought,
    CodePart: Outline.code,
    MediaPart: Outline.media,
    OpaquePart: Outline.opaque,
    Details: Outline.details,
    LogProbs: Outline.logprobs,
    Citation: Outline.cite,
    RefusalDelta: Outline.refusal,
    ToolCallStart: Outline.begin_call,
    ToolCallDelta: Outline.continue_call,
    ToolCallDone: Outline.end_call,
}
