"""Answers to render: a context, legal sequences of events, and reading back what was written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from agd.conversation import (
    Answer,
    CodePart,
    Event,
    Finished,
    FinishReason,
    MediaPart,
    Prompt,
    RefusalDelta,
    TextDelta,
    ThoughtDelta,
    ToolCallDelta,
    ToolCallDone,
    ToolCallStart,
    Usage,
    UsageReport,
)
from agd.options import DEFAULT, Options
from agd.protocols.endpoint import Context

TOKEN = "0123456789abcdef01234567"


def context(
    include_usage: bool = False,
    echo: Mapping[str, Any] | None = None,
    options: Options = DEFAULT,
    **fields: Any,
) -> Context:
    """Return a context for a plain prompt; ``fields`` are further ones of the prompt."""
    prompt = Prompt("gemini-3-flash", (), include_usage=include_usage, stream=True, echo=echo or {}, **fields)
    return Context(TOKEN, 1_700_000_000, prompt, options)


def fold(events: Iterable[Event]) -> Answer:
    """Return the answer that these events make."""
    answer = Answer()
    for event in events:
        answer.add(event)
    return answer


def frames(stream: bytes) -> list[dict[str, Any]]:
    """Return the JSON of every event but ``[DONE]``; checks the framing and that named events name their type."""
    assert stream.endswith(b"\n\n")
    found = []
    for block in stream.decode().removesuffix("\n\n").split("\n\n"):
        name, _, data = block.rpartition("data: ")
        if data != "[DONE]":
            payload = json.loads(data)
            assert not name or name == f"event: {payload['type']}\n"
            found.append(payload)
    return found


def call(index: int, name: str, *pieces: str, signature: str | None = None) -> list[Event]:
    """Return the events of one whole call."""
    start = ToolCallStart(index, f"call_{index}", name, signature)
    return [start, *(ToolCallDelta(index, piece) for piece in pieces), ToolCallDone(index)]


_texts = st.text(max_size=8)
_part = st.one_of(
    st.builds(lambda text: [TextDelta(text)], _texts),
    st.builds(lambda text: [ThoughtDelta(text)], _texts),
    st.builds(
        lambda text, result, signature: [CodePart(text, "PYTHON", result, signature=signature)],
        _texts,
        st.booleans(),
        st.none() | st.just("c2ln"),
    ),
    st.just([MediaPart("image/png", "aGk=")]),
    st.builds(
        lambda pieces, signature: (pieces, signature),
        st.lists(_texts, max_size=3),
        st.none() | st.just("c2ln"),
    ),
)
_usage = st.builds(Usage, *(st.integers(0, 1000) for _ in ("prompt", "completion", "reasoning", "cached", "tool_use")))


@st.composite
def answers(draw: st.DrawFn) -> list[Event]:
    """Draw the events of one legal answer: parts in any order, a refusal last, a finish, perhaps usage."""
    events: list[Event] = []
    calls = 0
    for part in draw(st.lists(_part, max_size=6)):
        if isinstance(part, tuple):
            events += call(calls, "tool", *part[0], signature=part[1])
            calls += 1
        else:
            events += part
    if draw(st.booleans()):
        events.append(RefusalDelta(draw(_texts)))
    events.append(Finished(draw(st.sampled_from(list(FinishReason))), draw(st.sampled_from(["STOP", ""]))))
    if draw(st.booleans()):
        events.append(UsageReport(draw(_usage)))
    return events


@st.composite
def writes(draw: st.DrawFn) -> list[list[Event]]:
    """Draw a legal answer cut into the pieces in which it is written."""
    events = draw(answers())
    cuts = sorted(draw(st.lists(st.integers(0, len(events)), max_size=4)))
    places = [0, *cuts, len(events)]
    return [events[low:high] for low, high in pairwise(places)]
