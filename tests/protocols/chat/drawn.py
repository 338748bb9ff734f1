"""Drawing whole chat answers: every kind of event, several choices at once, in any legal order."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from agd.conversation import (
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

_texts = st.text(max_size=8) | st.sampled_from(["```json\n", "\n```", "```", "<think>", "\n"])
_signatures = st.none() | st.sampled_from(["c2ln", "b25l"])
_offsets = st.integers(0, 9)
_tokens = st.builds(TokenLogprob, _texts, st.floats(-9, 0), st.just((("a", -2.0), ("\ufffd", -1.0))))


def _parts(choice: int) -> st.SearchStrategy[Any]:
    mine = st.just(choice)
    return st.one_of(
        st.builds(TextDelta, _texts, mine, _signatures),
        st.builds(ThoughtDelta, _texts, mine, _signatures),
        st.builds(CodePart, _texts, st.just("python"), st.booleans(), mine, _signatures),
        st.builds(MediaPart, st.just("image/png"), st.just("aGk="), mine, _signatures),
        st.builds(MediaPart, st.just("audio/L16;rate=24000"), st.sampled_from(["aGk=", "aGkx", "aA=="]), mine),
        st.builds(OpaquePart, st.just({"toolCall": {"id": "x", "args": {"n": 1}}}), mine),
        st.builds(LogProbs, st.lists(_tokens, max_size=2).map(tuple), mine),
        st.builds(Citation, _offsets, _offsets, st.just("https://a.example/"), _texts, choice=mine),
        st.builds(Details, st.dictionaries(st.sampled_from(["a", "b"]), st.integers(0, 3)), mine),
        st.tuples(st.lists(_texts, max_size=3), _signatures),
    )


@st.composite
def _choice(draw: st.DrawFn, choice: int) -> list[Event]:
    events: list[Event] = []
    calls = 0
    for part in draw(st.lists(_parts(choice), max_size=7)):
        if not isinstance(part, tuple):
            events.append(part)
            continue
        pieces, signature = part
        events.append(ToolCallStart(calls, f"call_{choice}_{calls}", "tool", signature, choice))
        events += [ToolCallDelta(calls, piece, choice) for piece in pieces]
        events.append(ToolCallDone(calls, choice))
        calls += 1
    if draw(st.integers(0, 5)) == 0:
        events.append(RefusalDelta(draw(_texts), choice))
    reason = draw(st.sampled_from(list(FinishReason)))
    return [*events, Finished(reason, draw(st.sampled_from(["STOP", ""])), choice)]


@st.composite
def conversations(draw: st.DrawFn) -> tuple[int, list[list[Event]]]:
    """Draw how many choices there are, and their events, mixed with one another and cut into writes."""
    n = draw(st.integers(1, 3))
    waiting = [draw(_choice(index)) for index in range(n)]
    events: list[Event] = []
    while any(waiting):
        queue = draw(st.sampled_from([events for events in waiting if events]))
        events.append(queue.pop(0))
    if draw(st.booleans()):
        events.append(UsageReport(Usage(draw(st.integers(0, 99)), draw(st.integers(0, 99)))))
    cuts = sorted(draw(st.lists(st.integers(0, len(events)), max_size=4)))
    return n, [events[low:high] for low, high in pairwise([0, *cuts, len(events)])]
