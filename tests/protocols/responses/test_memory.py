"""Tests of agd.protocols.responses.memory and gathering: provider state on its way to the client and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import (
    Code,
    Event,
    Media,
    Message,
    Opaque,
    Part,
    Prompt,
    Text,
    TextDelta,
    Thought,
    ThoughtDelta,
    ToolCall,
)
from agd.protocols.endpoint import Context
from agd.protocols.responses.memory import entries_in, restore
from agd.protocols.responses.narration import Narration
from agd.protocols.responses.past import Past
from agd.protocols.responses.request import read
from tests.protocols.answers import TOKEN, call, fold
from tests.protocols.responses.telling import ENCRYPTED, STOP, orderly, recorded, seal, unseal

_TOOLS: list[dict[str, Any]] = [
    {"type": "function", "name": "tool", "parameters": {"type": "object"}},
    {"type": "namespace", "name": "files", "tools": [{"type": "function", "name": "read", "parameters": {}}]},
    {"type": "custom", "name": "apply_patch"},
    {"type": "local_shell"},
    {"type": "shell"},
]
_USER = {"type": "message", "id": "msg_user", "role": "user", "content": [{"type": "input_text", "text": "x"}]}


def _told(events: Sequence[Event], *include: str, runs_code: bool) -> tuple[Narration, dict[str, Any]]:
    """Tell an answer to a request; returns what it left behind, and the request."""
    tools = [*_TOOLS, *([{"type": "code_interpreter", "container": {"type": "auto"}}] if runs_code else [])]
    body = {"model": "m", "input": [_USER], "tools": tools, "include": list(include)}
    narration = Narration(Context(TOKEN, 1, read(body)), seal)
    narration.write(events)
    narration.finish()
    return narration, body


def _opened(sealed: str) -> Any:
    return unseal(sealed) if sealed.startswith("sealed:") else None


def _sent_back(narration: Narration, body: dict[str, Any], drop: tuple[str, ...] = ()) -> Prompt:
    """Read the next request, in which the client sends the items back without some of their keys."""
    items = [
        {key: value for key, value in item.items() if key not in drop or item["type"] == "reasoning"}
        for item in narration.output
    ]
    return read({**body, "input": [_USER, *items]}, past=Past(open=_opened))


def _gone_on(narration: Narration, body: dict[str, Any]) -> Prompt:
    """Read the next request, which refers to the stored answer."""
    past = Past(items=(_USER, *narration.output), memory=tuple(narration.memory), open=_opened)
    return read({**body, "input": "y", "previous_response_id": f"resp_{TOKEN}"}, past=past)


def _said(prompt: Prompt) -> list[Part]:
    """Return what the assistant said in a request, as far as it is sent."""
    parts = [part for message in prompt.messages if message.role == "assistant" for part in message.parts]
    return [_plain(part) for part in parts if _is_sent(part)]


def _own(events: Sequence[Event]) -> list[Part]:
    """Return the provider's own parts of an answer."""
    choice = fold(events).choices[0]
    refusal: list[Part] = [Text(choice.refusal)] if choice.refusal else []
    return [_plain(part) for part in [*choice.parts, *refusal] if _is_sent(part)]


def _is_sent(part: Part) -> bool:
    if isinstance(part, Text):
        return part.text != "" or part.signature is not None
    return not isinstance(part, Thought) or part.signature is not None


def _plain(part: Part) -> Part:
    """Return a part without what may be written in several ways."""
    if isinstance(part, ToolCall):
        try:
            arguments = json.dumps(json.loads(part.arguments or "{}"), sort_keys=True)
        except json.JSONDecodeError:
            arguments = part.arguments
        shells = part.name in {"shell", "local_shell"}  # their actions are completed by what OpenAI requires
        return ToolCall(part.id, part.name, "" if shells else arguments, part.signature)
    return part


def _without_tools(events: list[Event]) -> list[Event]:
    return [event for event in events if getattr(event, "name", "tool") not in {"patch", "tool_search"}]


class RoundTripTests(SynchronousTestCase):
    """The provider gets its own parts back."""

    @given(orderly(), st.booleans())
    def test_I31_sealed(self, events: list[Event], runs_code: bool) -> None:
        """A client that sends back what it was given gives the provider its own parts, in their order."""
        narration, body = _told(events, ENCRYPTED, runs_code=runs_code)
        self.assertEqual(narration.memory, [])
        self.assertEqual(_said(_sent_back(narration, body, ("extra_content",))), _own(events))

    @given(orderly(), st.booleans())
    def test_I29_stored(self, events: list[Event], runs_code: bool) -> None:
        """An answer that was stored is read as the provider's own parts, in their order."""
        narration, body = _told(events, runs_code=runs_code)
        self.assertEqual(_said(_gone_on(narration, body)), _own(events))

    def test_C05_nothing_between(self) -> None:
        """Words or thoughts that are none, within a thought, leave it one thought with its signature."""
        for nothing in (TextDelta(""), ThoughtDelta("")):
            events = [ThoughtDelta("0"), nothing, ThoughtDelta("0", signature="c2ln"), STOP]
            narration, body = _told(events, ENCRYPTED, runs_code=False)
            self.assertEqual(_said(_sent_back(narration, body)), [Thought("00", "c2ln")])

    def test_recorded(self) -> None:
        """Real answers come back as they were told, stored or sealed."""
        for _, events in recorded():
            if getattr(events[-1], "usage", None) is not None:
                events.pop()
            narration, body = _told(events, runs_code=True)
            self.assertEqual(_said(_gone_on(narration, body)), _own(events))
            narration, body = _told(events, ENCRYPTED, runs_code=True)
            self.assertEqual(_said(_sent_back(narration, body)), _own(events))

    def test_without_ids(self) -> None:
        """A client that drops the ids of items still gives signatures back to the parts they belong to."""
        events: list[Event] = [ThoughtDelta("t", signature="MQ=="), TextDelta("a", signature="Mg=="), TextDelta("b")]
        told: list[Event] = [*events, *call(0, "tool", "{}", signature="Mw=="), STOP]
        narration, body = _told(told, ENCRYPTED, runs_code=False)
        self.assertEqual(_said(_sent_back(narration, body, ("extra_content", "id"))), _own(told))


WORDS = Message("assistant", (Text("ab"),))
CALL = Message("assistant", (ToolCall("c", "f", "{}"),))
ASKED = Message("user", (Text("x"),))


class RestoreTests(SynchronousTestCase):
    """restore: where single entries go."""

    def _parts(self, messages: Sequence[Message], places: dict[str, tuple[int, int]], *entries: Any) -> list[Part]:
        return [part for message in restore(messages, places, entries) for part in message.parts]

    def test_nothing(self) -> None:
        """Without entries the messages are what they were."""
        self.assertEqual(restore([ASKED, WORDS], {}, ()), (ASKED, WORDS))

    def test_wrong_length(self) -> None:
        """Words that the client has changed get no signature."""
        entry = {"kind": "text", "id": "m", "length": 3, "signatures": [[3, "S"]]}
        self.assertEqual(self._parts([WORDS], {"m": (0, 0)}, entry), [Text("ab")])

    def test_unknown(self) -> None:
        """State of items that are not there (any more) is left out."""
        entries = [
            {"kind": "text", "id": "m", "length": 2, "signatures": [[2, "S"]]},
            {"kind": "call", "id": "other", "signature": "S"},
            {"kind": "image", "id": "m", "signature": "S"},
            {"kind": "code", "id": "m", "part": {"text": "x"}},
            {"kind": "opaque", "after": "m", "data": {"x": {}}},
            {"kind": "thought", "after": None, "before": "m", "text": "t", "signature": "S"},
        ]
        self.assertEqual(self._parts([WORDS, CALL], {}, *entries), [Text("ab"), ToolCall("c", "f", "{}")])

    def test_call_ids_used_again(self) -> None:
        """Of two calls with one id, the one behind the carrier is signed, or else the last."""
        entry = {"kind": "call", "id": "c", "signature": "S"}
        for more, signatures in (({}, [None, "S"]), ({"at": 0}, ["S", None]), ({"at": 1}, [None, "S"])):
            parts = self._parts([CALL, CALL], {}, {**entry, **more})
            self.assertEqual([getattr(part, "signature", None) for part in parts], signatures)

    def test_several_content_parts(self) -> None:
        """A message whose content was several parts has its signatures at the offsets told."""
        message = Message("assistant", (Text("ab"), Text("cd")))
        entry = {"kind": "text", "id": "m", "length": 4, "signatures": [[1, "S"], [4, None]]}
        self.assertEqual(self._parts([message], {"m": (0, 0)}, entry), [Text("a", "S"), Text("bcd")])

    def test_items_of_one_message(self) -> None:
        """Items that were read into one message keep their own parts."""
        message = Message("assistant", (Text("ab"), Text("cd")))
        entry = {"kind": "text", "id": "m", "length": 2, "signatures": [[2, "S"]]}
        opaque = {"kind": "opaque", "after": "m", "data": {"x": {}}}
        places = {"m": (0, 0), "n": (0, 1)}
        self.assertEqual(
            self._parts([message], places, entry, opaque), [Text("ab", "S"), Opaque({"x": {}}), Text("cd")]
        )

    def test_images(self) -> None:
        """An image is signed by its id, or as the last one before the carrier."""
        image = Message("assistant", (Media("image/png", "aGk="),))
        entry = {"kind": "image", "id": "i", "signature": "S"}
        signed = Media("image/png", "aGk=", signature="S")
        self.assertEqual(self._parts([image], {"i": (0, 0)}, entry), [signed])
        self.assertEqual(self._parts([image, ASKED], {}, {**entry, "at": 1}), [signed, Text("x")])

    def test_code_in_words(self) -> None:
        """Code that a message shows as Markdown is code again."""
        message = Message("assistant", (Text("a<code>b"),))
        inner = [[1, {"code": {"text": "x", "language": "python", "signature": "S"}, "length": 6}]]
        entry = {"kind": "text", "id": "m", "length": 8, "signatures": [[1, None], [8, None]], "inner": inner}
        self.assertEqual(
            self._parts([message], {"m": (0, 0)}, entry), [Text("a"), Code("x", "python", signature="S"), Text("b")]
        )

    def test_entries_in(self) -> None:
        """Only entries are taken out of what was sealed; they know where they stood."""
        entry = {"kind": "call", "id": "c", "signature": "S"}
        self.assertEqual(entries_in([entry, {"kind": "new"}, 5], 3), ({**entry, "at": 3},))
        self.assertEqual(entries_in({"summary": "x"}), ())
