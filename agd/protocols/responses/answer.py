"""Writing a plain Response: the same items that a stream ends with, and beside them the choices of a chat answer."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from agd.conversation import (
    Answer,
    Choice,
    Code,
    CodePart,
    Event,
    Finished,
    Media,
    MediaPart,
    RefusalDelta,
    Text,
    TextDelta,
    Thought,
    ThoughtDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallDone,
    ToolCallStart,
)
from agd.protocols.chat.answer import render_choice
from agd.protocols.endpoint import Context
from agd.protocols.finish import finish_of
from agd.protocols.responses.outline import Outline
from agd.protocols.responses.resource import resource, status_of


def render(answer: Answer, context: Context) -> dict[str, Any]:
    """Return the whole Response; raises ``GatewayError`` when the answer never finished.

    ``choices`` is an extension: clients that were promised chat's shape on this route find their text there, and
    typed clients overlook it.
    """
    choice = answer.choices.get(0, Choice())
    reason = finish_of(choice)
    output = _output(choice, context.token)
    whole = resource(context, status_of(reason), output, usage=answer.usage, reason=reason)
    return {**whole, "choices": [_chat_choice(choice, context)]}


def _output(choice: Choice, token: str) -> list[dict[str, Any]]:
    outline = Outline(token)
    for event in _replay(choice):
        for _ in outline.take(event):
            pass
    for _ in outline.end():
        pass
    return outline.output


def _chat_choice(choice: Choice, context: Context) -> dict[str, Any]:
    rendered = render_choice(0, choice, context)
    kept = ("role", "content", "refusal", "tool_calls")
    message = {key: value for key, value in rendered["message"].items() if key in kept}
    return {**rendered, "message": message}


def _replay(choice: Choice) -> Iterator[Event]:
    """Yield the events whose fold the choice is; sources follow the words that they belong to."""
    told, citations = 0, deque(sorted(choice.citations, key=lambda citation: citation.end))
    for index, part in enumerate(choice.parts):
        match part:
            case Text(text=text):
                yield TextDelta(text)
                told += len(text)
                while citations and citations[0].end <= told:
                    yield citations.popleft()
            case Thought(text=text):
                yield ThoughtDelta(text)
            case Code():
                yield CodePart(part.text, part.language, part.result, outcome=part.outcome)
            case Media():
                yield MediaPart(part.mime or "", part.data or "")
            case ToolCall():
                yield ToolCallStart(index, part.id, part.name, part.signature)
                yield ToolCallDelta(index, part.arguments)
                yield ToolCallDone(index)
            case _:
                continue
    yield from citations
    if choice.refusal:
        yield RefusalDelta(choice.refusal)
    yield Finished(finish_of(choice), choice.native)
