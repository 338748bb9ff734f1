"""The quick reading of plain messages gives what the careful reading gives."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Message, Text, ToolCall, ToolResult
from agd.errors import BadRequest
from agd.protocols.chat.messages import Turns
from agd.protocols.chat.plain import read_plain
from tests.protocols.chat.asking import call, image, result

_HARMLESS: dict[str, dict[str, Any]] = {
    "user": {"name": ""},
    "assistant": {"refusal": ""},
    "tool": {"is_error": False},
}
"""What changes nothing in a message of each role, and still makes it one to be read with care."""

_odd: st.SearchStrategy[Any] = st.sampled_from([None, "", "x", " ", 1, [], {}])
_block = st.fixed_dictionaries({"type": st.sampled_from(["text", "image_url"]), "text": st.text()})
_content = st.one_of(st.text(), st.lists(_block, max_size=3), _odd)
_function = st.fixed_dictionaries({}, optional={"name": st.just("f") | _odd, "arguments": st.just("{}") | _odd})
_google = st.dictionaries(st.sampled_from(["thought_signature", "thoughtSignature"]), st.just("S") | _odd)
_extra = st.one_of(_odd, st.fixed_dictionaries({"google": _google | _odd}))
_call = st.fixed_dictionaries(
    {"id": st.just("c") | _odd, "function": _function | _odd},
    optional={"type": st.just("function") | _odd, "extra_content": _extra},
)
_messages = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "tool"])},
    optional={
        "content": _content,
        "tool_calls": st.lists(_call | _odd, max_size=2) | _odd,
        "tool_call_id": st.just("c") | _odd,
        "annotations": _odd,
        "reasoning_content": _odd,
        "audio": _odd,
    },
)


def carefully(message: dict[str, Any]) -> list[Message] | BadRequest:
    """Read a message the long way."""
    turns = Turns([])
    try:
        turns.read([{**message, **_HARMLESS[message["role"]]}])
    except BadRequest as refusal:
        return refusal
    return turns.messages


class PlainTests(SynchronousTestCase):
    """What is read here, and what is left to others."""

    def test_plain(self) -> None:
        """Words, calls and results in words are read here, with keys that are null or say nothing new."""
        calls = [call("a"), {**call("b"), "extra_content": {"google": {"thought_signature": "S"}}}]
        called = (ToolCall("a", "f", "{}"), ToolCall("b", "f", "{}", "S"))
        nothing: dict[str, Any] = {"refusal": None, "audio": None, "annotations": [], "reasoning_content": "Hm."}
        cases: list[tuple[dict[str, Any], Message]] = [
            ({"role": "user", "content": ""}, Message("user", (Text(""),))),
            ({"role": "user", "content": [{"type": "text", "text": "a"}]}, Message("user", (Text("a"),))),
            ({"role": "assistant", "content": "a", **nothing}, Message("assistant", (Text("a"),))),
            ({"role": "assistant", "content": None, "tool_calls": calls}, Message("assistant", called)),
            ({"role": "assistant", "content": "a", "tool_calls": calls}, Message("assistant", (Text("a"), *called))),
            (result("a", "b"), Message("user", (ToolResult("a", (Text("b"),)),))),
            ({**result("a", "b"), "name": "f"}, Message("user", (ToolResult("a", (Text("b"),), "f"),))),
        ]
        for message, expected in cases:
            self.assertEqual(read_plain(message), expected)

    def test_left_to_others(self) -> None:
        """All else is not read here: other roles, other blocks, keys that ask for something, and what is wrong."""
        text = {"type": "text", "text": "a"}
        cases: list[Any] = [
            1,
            {"role": ["user"], "content": "a"},
            {"role": "system", "content": "a"},
            {"role": "user", "content": "a", "name": "Eve"},
            {"role": "user", "content": [{**text, "cache_control": {}}]},
            {"role": "assistant", "content": "a", "extra_content": {"google": {"thought_signature": "S"}}},
            {"role": "assistant", "content": 1, "tool_calls": [call("a")]},
            {"role": "assistant", "content": "a", "tool_calls": {}},
            {"role": "assistant", "tool_calls": [call("a", arguments=" ")]},
            {"role": "assistant", "tool_calls": [{**call("a"), "function": None}]},
            {"role": "assistant", "tool_calls": [{**call("a"), "type": "custom"}]},
            {"role": "assistant", "tool_calls": [call("")]},
            {"role": "assistant", "tool_calls": [{**call("a"), "id": 1}]},
            {"role": "assistant", "tool_calls": [{**call("a"), "extra_content": {"google": {}}}]},
            {"role": "tool", "content": "a"},
            {**result("a", "b"), "is_error": True},
            image("data:image/png;base64,iVBORw0KGgo="),
        ]
        for message in cases:
            self.assertIsNone(read_plain(message))

    @given(_messages)
    def test_same_as_careful(self, message: dict[str, Any]) -> None:
        """Whatever is read here is read to the same parts with care; what is wrong is never read here."""
        found = read_plain(message)
        if found is not None:
            self.assertEqual(carefully(message), [found])
