"""Telling answers: contexts that ask for something, a seal that can be looked into, and drawn sequences of events."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import count
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
    Prompt,
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
from agd.errors import GatewayError, UpstreamFailure
from agd.gemini.answers import AnswerReader
from agd.gemini.framing import Framer
from agd.options import DEFAULT, Options
from agd.protocols.endpoint import Context
from agd.protocols.responses.asked import KEY, Asked
from agd.protocols.responses.narration import Frame, Narration
from agd.protocols.responses.repeated import repeated
from agd.protocols.responses.toolbox import Binding, Toolbox
from tests.protocols.answers import TOKEN
from tests.protocols.responses.legality import check
from tests.protocols.schemas import validate_event
from tests.shared_data import recordings

STOP = Finished(FinishReason.STOP, "STOP")
ENCRYPTED = "reasoning.encrypted_content"
LOGPROBS = "message.output_text.logprobs"
OUTPUTS = "code_interpreter_call.outputs"
SOURCES = "web_search_call.action.sources"

TOOLBOX = Toolbox(
    bindings={
        "tool": Binding("function", "tool"),
        "files__read": Binding("function", "read", "files"),
        "apply_patch": Binding("custom", "apply_patch"),
        "local_shell": Binding("local_shell", "local_shell"),
        "shell": Binding("shell", "shell"),
        "patch": Binding("apply_patch", "apply_patch"),
        "tool_search": Binding("tool_search", "tool_search"),
    }
)
ARGUMENTS = {
    "tool": '{"a": 1}',
    "files__read": "{}",
    "apply_patch": '{"input": "*** Begin Patch\\n"}',
    "local_shell": '{"command": ["ls", "-l"], "timeout_ms": 5}',
    "shell": '{"commands": ["ls", "", "pwd"]}',
    "patch": '{"operation": {"type": "update_file", "path": "a", "diff": "@@\\n-a\\n+b"}}',
    "tool_search": '{"query": "files"}',
}


def asking(*include: str, code_items: bool = False, options: Options = DEFAULT, **asked: Any) -> Context:
    """Return the context of a request that asked for these things."""
    prompt = Prompt("gemini-3-flash", (), stream=True)
    told = Asked(TOOLBOX, repeated(prompt), frozenset(include), code_items=code_items, **asked)
    return Context(TOKEN, 1_700_000_000, Prompt("gemini-3-flash", (), stream=True, echo={KEY: told}), options)


def seal(value: Any) -> str:
    """Seal nothing: what was to be sealed can be read in tests."""
    return f"sealed:{json.dumps(value)}"


def unseal(sealed: str) -> Any:
    """Return what was sealed."""
    return json.loads(sealed.removeprefix("sealed:"))


def read(frames: Iterable[Frame]) -> list[dict[str, Any]]:
    """Return the events in frames; each is named by its type."""
    events = []
    for kind, text in frames:
        event = json.loads(text)
        assert event["type"] == kind
        events.append(event)
    return events


def narrate(narration: Narration, *writes: Sequence[Event]) -> list[dict[str, Any]]:
    """Tell a whole answer; the stream must be legal, and each of its events valid."""
    frames = [frame for events in writes for frame in narration.write(events)]
    return approved([*frames, *narration.finish(), *narration.terminal(stored=True)])


def broken(narration: Narration, error: GatewayError = GatewayError(502, "Cut.")) -> list[Frame]:  # noqa: B008 - never changed
    """Tell that an answer failed, to the end."""
    return [*narration.break_off(error), *narration.terminal(stored=True)]


def cancelled(narration: Narration) -> list[Frame]:
    """Tell that an answer was cancelled, to the end."""
    return [*narration.cancel(), *narration.terminal(stored=True)]


def approved(frames: Iterable[Frame]) -> list[dict[str, Any]]:
    """Return the events of a whole stream that is legal and valid."""
    events = read(frames)
    for event in events:
        validate_event(event)
    check(events)
    return events


def told(*events: Event, asked: Context | None = None) -> list[dict[str, Any]]:
    """Tell a whole answer, the events in one write."""
    return narrate(Narration(asked or asking(), seal), events)


def kinds(events: Iterable[dict[str, Any]]) -> list[str]:
    """Return the events' types without their common prefix."""
    return [event["type"].removeprefix("response.") for event in events]


def output(events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the final output of a stream."""
    items: list[dict[str, Any]] = events[-1]["response"]["output"]
    return items


def recorded() -> Iterator[tuple[str, list[Event]]]:
    """Yield the name and the events of every recorded answer of the real provider that is one."""
    for recording in recordings():
        if recording["response"]["status"] == 200:
            body = recording["response"]["text"].encode()
            numbers = count()
            framer, reader = Framer(), AnswerReader(partial(_mint, numbers))
            try:
                payloads = [*framer.feed(body), *framer.close()]
                yield recording["id"], [*(e for payload in payloads for e in reader.feed(payload)), *reader.close()]
            except UpstreamFailure:
                continue


def _mint(numbers: Iterator[int]) -> str:
    return f"call_{next(numbers)}"


_signatures = st.none() | st.sampled_from(["c2ln", "bW9yZQ=="])
_words = st.text(max_size=6)
_search: dict[str, Any] = {"toolType": "GOOGLE_SEARCH_WEB", "id": "s", "args": {"queries": ["q"]}}
_opaque = st.sampled_from(
    [
        {"toolCall": {"toolType": "FILE_SEARCH", "id": "f"}},
        {"toolCall": _search},
        {"toolResponse": {"id": "s", "toolType": "GOOGLE_SEARCH_WEB", "response": {}}},
    ]
)
_grounding = st.fixed_dictionaries(
    {
        "webSearchQueries": st.lists(st.sampled_from(["q", "r"]), max_size=2),
        "groundingChunks": st.lists(
            st.sampled_from([{"web": {"uri": "https://a.example/"}}, {"retrievedContext": {"title": "t"}}]), max_size=2
        ),
    }
)
_loose = st.one_of(
    st.builds(TextDelta, _words, st.just(0), _signatures),
    st.builds(ThoughtDelta, _words, st.just(0), _signatures),
    st.builds(CodePart, _words, st.just("python"), st.booleans(), st.just(0), _signatures),
    st.builds(MediaPart, st.just("image/png"), st.just("aGk="), st.just(0), _signatures),
    st.builds(OpaquePart, _opaque),
    st.builds(Details, st.builds(lambda grounding: {"groundingMetadata": grounding}, _grounding)),
    st.builds(RefusalDelta, _words),
    st.builds(Citation, st.integers(0, 9), st.integers(0, 9), st.just("https://a.example/"), st.just("A")),
    st.builds(lambda text: LogProbs((TokenLogprob(text, -0.5, ((text, -0.5),)),)), _words),
)


@st.composite
def _calls(draw: st.DrawFn) -> list[list[Event]]:
    """Draw the events of some calls, each in its own order, perhaps without its end."""
    calls: list[list[Event]] = []
    for index in range(draw(st.integers(0, 3))):
        name = draw(st.sampled_from([*ARGUMENTS, "undeclared"]))
        text = draw(st.one_of(st.just(ARGUMENTS.get(name, "")), _words))
        cut = draw(st.integers(0, len(text)))
        pieces = [text[:cut], text[cut:]]
        start = ToolCallStart(index, f"call_{index}", name, draw(_signatures))
        events: list[Event] = [start, *(ToolCallDelta(index, piece) for piece in pieces), ToolCallDone(index)]
        calls.append(events[: draw(st.sampled_from([4, 4, 4, 3, 1]))])
    return calls


@st.composite
def tales(draw: st.DrawFn) -> list[Event]:
    """Draw any sequence of events that a provider may tell: in any order, interleaved, cut, perhaps with an end."""
    lanes = [[[event] for event in draw(st.lists(_loose, max_size=7))], *([[e] for e in c] for c in draw(_calls()))]
    events: list[Event] = []
    while lanes := [lane for lane in lanes if lane]:
        events += lanes[draw(st.integers(0, len(lanes) - 1))].pop(0)
    if draw(st.integers(0, 4)):
        events.append(Finished(draw(st.sampled_from(list(FinishReason))), "STOP"))
        if draw(st.booleans()):
            events.append(UsageReport(draw(st.builds(Usage, *(st.integers(0, 99) for _ in range(5))))))
    return events


@st.composite
def orderly(draw: st.DrawFn) -> list[Event]:
    """Draw an answer as providers tell it: whole calls, whatever belongs to words right behind them, a good end."""
    events: list[Event] = []
    calls = 0
    for part in draw(st.lists(st.one_of(_parts, st.sampled_from(list(ARGUMENTS))), max_size=7)):
        if isinstance(part, str):
            start = ToolCallStart(calls, f"call_{calls}", part, draw(_signatures))
            events += [start, ToolCallDelta(calls, ARGUMENTS[part]), ToolCallDone(calls)]
            calls += 1
        else:
            events.append(part)
    grounding = draw(st.none() | _grounding)
    events += [] if grounding is None else [Details({"groundingMetadata": grounding})]
    events += [RefusalDelta("no")] if draw(st.booleans()) else []
    return [*events, Finished(draw(st.sampled_from(list(FinishReason))), "STOP")]


_parts = st.one_of(
    st.builds(TextDelta, _words, st.just(0), _signatures),
    st.builds(ThoughtDelta, _words, st.just(0), _signatures),
    st.builds(CodePart, _words, st.just("python"), st.booleans(), st.just(0), st.just("Y29kZQ==")),
    st.builds(MediaPart, st.just("image/png"), st.just("aGk="), st.just(0), _signatures),
    st.builds(OpaquePart, _opaque),
)

contexts = st.builds(
    lambda include, code_items: asking(*include, code_items=code_items),
    st.sets(st.sampled_from([ENCRYPTED, LOGPROBS, OUTPUTS, SOURCES])),
    st.booleans(),
)
"""Contexts that ask for any of what can be asked for."""
