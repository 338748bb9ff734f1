"""A plain Response: the items that a stream ends with, made by the same outline."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from agd.conversation import (
    Answer,
    Choice,
    Code,
    CodePart,
    Details,
    Event,
    Finished,
    LogProbs,
    Media,
    MediaPart,
    Opaque,
    OpaquePart,
    RefusalDelta,
    Text,
    TextDelta,
    Thought,
    ThoughtDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallDone,
    ToolCallStart,
    UsageReport,
)
from agd.protocols.chat.answer import render_choice
from agd.protocols.endpoint import Context
from agd.protocols.finish import finish_of
from agd.protocols.responses.narration import Narration
from agd.protocols.responses.order import Seal


def render(
    answer: Answer,
    context: Context,
    seal: Seal | None = None,
    *,
    stored: bool = False,
    now: Callable[[], float] | None = None,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the whole Response, and the provider state that it does not carry (see ``Narration.memory``).

    Raises ``GatewayError`` when the answer never finished.
    """
    narration = Narration(context, seal, now)
    narration.write(list(replay(answer.choices.get(0, Choice()))))
    if answer.usage is not None:
        narration.write([UsageReport(answer.usage)])
    narration.finish()
    return narration.resource(stored), narration.memory


def with_choices(whole: dict[str, Any], answer: Answer, context: Context) -> dict[str, Any]:
    """Put a chat answer's ``choices`` beside a Response that is sent as a body, if the setting says so (I09).

    They are an extension: clients that were promised chat's shape on this route find their text there, and typed
    clients overlook it. They are neither streamed nor stored.
    """
    if not context.options.responses_choices:
        return whole
    return {**whole, "choices": [_chat_choice(answer.choices.get(0, Choice()), context)]}


def _chat_choice(choice: Choice, context: Context) -> dict[str, Any]:
    rendered = render_choice(0, choice, context)
    kept = ("role", "content", "refusal", "tool_calls")
    message = {key: value for key, value in rendered["message"].items() if key in kept}
    return {**rendered, "message": message}


def replay(choice: Choice) -> Iterator[Event]:
    """Yield the events whose fold the choice is; sources follow the words that they belong to.

    Raises ``GatewayError`` when the choice never finished.
    """
    told, citations = 0, deque(sorted(choice.citations, key=lambda citation: citation.end))
    if choice.logprobs:
        yield LogProbs(tuple(choice.logprobs))
    for index, part in enumerate(choice.parts):
        yield from _events(index, part)
        if isinstance(part, Text):
            told += len(part.text)
            while citations and citations[0].end <= told:
                yield citations.popleft()
    yield from citations
    if choice.details:
        yield Details(choice.details)
    if choice.refusal:
        yield RefusalDelta(choice.refusal)
    yield Finished(finish_of(choice), choice.native)


def _events(index: int, part: Any) -> Iterator[Event]:
    match part:
        case Text():
            yield TextDelta(part.text, signature=part.signature)
        case Thought():
            yield ThoughtDelta(part.text, signature=part.signature)
        case Code():
            yield CodePart(part.text, part.language, part.result, 0, part.signature, part.outcome, part.id)
        case Media():
            yield MediaPart(part.mime or "", part.data or "", signature=part.signature)
        case Opaque():
            yield OpaquePart(part.data)
        case ToolCall():
            yield ToolCallStart(index, part.id, part.name, part.signature)
            yield ToolCallDelta(index, part.arguments)
            yield ToolCallDone(index)
