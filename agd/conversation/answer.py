"""A whole answer, folded from its events: a plain reply is this fold of what a stream sends, so they cannot differ."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, field

from agd.conversation.events import (
    Citation,
    CodePart,
    Details,
    Event,
    Finished,
    FinishReason,
    LogProbs,
    MediaPart,
    OpaquePart,
    RefusalDelta,
    TextDelta,
    ThoughtDelta,
    TokenLogprob,
    ToolCallDelta,
    ToolCallDone,
    ToolCallStart,
    Usage,
    UsageReport,
)
from agd.conversation.prompt import Code, Media, Opaque, Part, Text, Thought, ToolCall


@define
class Choice:
    """One folded alternative of an answer: its parts in the order in which they came."""

    parts: list[Part] = field(factory=list)
    refusal: str = ""
    reason: FinishReason | None = None
    native: str = ""
    detail: str = ""
    citations: list[Citation] = field(factory=list)
    logprobs: list[TokenLogprob] = field(factory=list)
    details: dict[str, Any] = field(factory=dict)
    _calls: dict[int, tuple[ToolCallStart, list[str]]] = field(factory=dict)

    def add(self, event: Any) -> None:
        """Take one event of this choice."""
        _FOLDS[type(event)](self, event)

    def add_text(self, event: TextDelta) -> None:
        """Continue the visible text."""
        _join(self.parts, Text, event)

    def add_thought(self, event: ThoughtDelta) -> None:
        """Continue the thoughts."""
        _join(self.parts, Thought, event)

    def begin_call(self, event: ToolCallStart) -> None:
        """Begin a call; it becomes a part when it is complete."""
        self._calls[event.index] = (event, [])

    def continue_call(self, event: ToolCallDelta) -> None:
        """Continue a call's arguments."""
        self._calls[event.index][1].append(event.arguments)

    def end_call(self, event: ToolCallDone) -> None:
        """Make a complete call a part."""
        start, pieces = self._calls.pop(event.index)
        self.parts.append(ToolCall(start.id, start.name, "".join(pieces), start.signature))

    def add_media(self, event: MediaPart) -> None:
        """Take an image or a sound."""
        self.parts.append(Media(event.mime, data=event.data, signature=event.signature))

    def add_code(self, event: CodePart) -> None:
        """Take code or what it printed."""
        code = Code(event.text, event.language, event.result, event.signature, event.outcome, event.id)
        self.parts.append(code)

    def add_citation(self, event: Citation) -> None:
        """Take a source."""
        self.citations.append(event)

    def add_logprobs(self, event: LogProbs) -> None:
        """Take probabilities of further tokens."""
        self.logprobs += event.tokens

    def add_opaque(self, event: OpaquePart) -> None:
        """Take provider state."""
        self.parts.append(Opaque(event.data))

    def add_details(self, event: Details) -> None:
        """Take what is told beside the answer; what is told again replaces what was told before."""
        self.details.update(event.data)

    def add_refusal(self, event: RefusalDelta) -> None:
        """Continue the refusal."""
        self.refusal += event.text

    def finish(self, event: Finished) -> None:
        """Take the end."""
        self.reason, self.native, self.detail = event.reason, event.native, event.detail


_FOLDS: dict[type, Callable[[Choice, Any], None]] = {
    TextDelta: Choice.add_text,
    ThoughtDelta: Choice.add_thought,
    ToolCallStart: Choice.begin_call,
    ToolCallDelta: Choice.continue_call,
    ToolCallDone: Choice.end_call,
    MediaPart: Choice.add_media,
    CodePart: Choice.add_code,
    Citation: Choice.add_citation,
    LogProbs: Choice.add_logprobs,
    OpaquePart: Choice.add_opaque,
    Details: Choice.add_details,
    RefusalDelta: Choice.add_refusal,
    Finished: Choice.finish,
}


@define
class Answer:
    """The fold of an answer's events."""

    choices: dict[int, Choice] = field(factory=dict)
    usage: Usage | None = None

    def add(self, event: Event) -> None:
        """Take one event; events come in the order in which the provider told them."""
        if isinstance(event, UsageReport):
            self.usage = event.usage
        else:
            self.choices.setdefault(event.choice, Choice()).add(event)


def _join(parts: list[Part], kind: type[Text] | type[Thought], event: TextDelta | ThoughtDelta) -> None:
    """Append to the last part when it is of the same kind and not signed yet, else begin a new one (C05)."""
    last = parts[-1] if parts else None
    if isinstance(last, kind) and last.signature is None and event.text:
        parts[-1] = kind(last.text + event.text, event.signature)
    elif event.text or event.signature:
        parts.append(kind(event.text, event.signature))
