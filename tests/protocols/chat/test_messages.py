"""Tests of agd.protocols.chat.messages."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Media, Message, Prompt, Text, ToolCall, ToolResult
from agd.errors import BadRequest
from agd.protocols.chat.request import read
from tests.protocols.refusals import refusal_of

PNG = "iVBORw0KGgo="


def prompt(*messages: Any) -> Prompt:
    """Read a request with these messages."""
    return read({"model": "m", "messages": list(messages)})


def refused(*messages: Any) -> BadRequest:
    """Return why these messages are refused."""
    return refusal_of(lambda: prompt(*messages))


def blocks(*entries: dict[str, Any]) -> dict[str, Any]:
    """Return a user message of these blocks."""
    return {"role": "user", "content": list(entries)}


class RoleTests(SynchronousTestCase):
    """Who says what."""

    def test_instructions_anywhere(self) -> None:
        """System and developer texts become instructions in their order, and late ones are told of."""
        read_prompt = prompt(
            {"role": "system", "content": "a"},
            {"role": "user", "content": "u"},
            {"role": "developer", "content": [{"type": "text", "text": "b"}, {"type": "text", "text": "c"}]},
        )
        self.assertEqual(read_prompt.instructions, ("a", "b", "c"))
        self.assertEqual(read_prompt.messages, (Message("user", (Text("u"),)),))
        self.assertEqual([notice.param for notice in read_prompt.notices], ["messages[].role"])

    def test_each_its_own(self) -> None:
        """Messages of one role after another stay apart."""
        self.assertEqual(len(prompt(*[{"role": "user", "content": "a"}] * 3).messages), 3)

    @given(st.text())
    def test_text_is_untouched(self, text: str) -> None:
        """Text in is text out, whatever it holds."""
        self.assertEqual(prompt({"role": "user", "content": text}).messages[0].parts, (Text(text),))

    def test_names(self) -> None:
        """Speakers' names are ignored and told of once."""
        named = {"role": "user", "content": "a", "name": "ann"}
        self.assertEqual([notice.param for notice in prompt(named, named).notices], ["messages[].name"])

    def test_refusals(self) -> None:
        """What is wrong with a message is named by its path."""
        user = {"role": "user", "content": "x"}
        cases: list[tuple[list[Any], str]] = [
            ([], "messages"),
            ([user, {"role": "bot", "content": "x"}], "messages[1].role"),
            ([{"content": "x"}], "messages[0].role"),
            ([{"role": "user"}], "messages[0].content"),
            ([{"role": "user", "content": 5}], "messages[0].content"),
            (["hi"], "messages[0]"),
            ([{"role": "tool", "content": "x"}], "messages[0].tool_call_id"),
            ([{"role": "function", "name": "f", "content": "x"}], "messages[0].name"),
            ([{"role": "assistant", "audio": {"id": "a"}}], "messages[0].audio"),
        ]
        for messages, param in cases:
            with self.subTest(param=param):
                self.assertEqual(refused(*messages).param, param)


class BlockTests(SynchronousTestCase):
    """Content in blocks."""

    def test_order_is_kept(self) -> None:
        """Text, image, sound and file stand in the order in which they were written."""
        read_prompt = prompt(
            blocks(
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}", "detail": "low"}},
                {"type": "text", "text": "between"},
                {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "mp3"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk="}},
                {"type": "image_url", "image_url": {"url": "https://example.com/a"}},
            )
        )
        expected = (
            Media("image/png", data=PNG, detail="low"),
            Text("between"),
            Media("audio/mp3", data="aGk="),
            Media("application/pdf", data="aGk="),
            Media(None, uri="https://example.com/a"),
        )
        self.assertEqual(read_prompt.messages[0].parts, expected)

    def test_refusals(self) -> None:
        """A block that cannot be read is named by its full path."""
        text = {"type": "text", "text": "x"}
        cases: list[tuple[dict[str, Any], str]] = [
            ({"type": "video"}, "type"),
            ({"type": "text"}, "text"),
            ({"type": "image_url", "image_url": {"url": "/etc/passwd"}}, "image_url.url"),
            ({"type": "image_url", "image_url": {}}, "image_url.url"),
            ({"type": "input_audio", "input_audio": {"data": "aGk=", "format": "xyz"}}, "input_audio.format"),
            ({"type": "input_audio", "input_audio": {"data": "@", "format": "wav"}}, "input_audio.data"),
            ({"type": "file", "file": {"file_id": "file-1"}}, "file.file_id"),
            ({"type": "file", "file": {}}, "file.file_data"),
        ]
        for block, place in cases:
            with self.subTest(place=place):
                self.assertEqual(refused(blocks(text, block)).param, f"messages[0].content[1].{place}")


class ToolTurnTests(SynchronousTestCase):
    """Calls and their results."""

    def test_assistant(self) -> None:
        """Text, refusal and calls of an answer are kept, reasoning is not; a signature stays with its call."""
        signed = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1.0}'}}
        signed["extra_content"] = {"google": {"thought_signature": "c2ln"}}
        bare = {"id": "c2", "function": {"name": "g", "arguments": ""}}
        message = {
            "role": "assistant",
            "content": [{"type": "text", "text": "a"}, {"type": "refusal", "refusal": "b"}],
            "reasoning_content": "hidden",
            "tool_calls": [signed, bare],
        }
        expected = (Text("a"), Text("b"), ToolCall("c1", "f", '{"a": 1.0}', "c2ln"), ToolCall("c2", "g", "{}"))
        self.assertEqual(prompt(message).messages, (Message("assistant", expected),))

    def test_null_content(self) -> None:
        """Null content beside calls is no text at all."""
        call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        message = {"role": "assistant", "content": None, "refusal": None, "tool_calls": [call]}
        self.assertEqual(prompt(message).messages[0].parts, (ToolCall("c", "f", "{}"),))

    def test_bad_calls(self) -> None:
        """A call that lacks something is named by its path."""
        function = {"name": "f", "arguments": "{}"}
        cases: list[tuple[dict[str, Any], str]] = [
            ({"function": function}, "id"),
            ({"id": "c", "type": "custom"}, "type"),
            ({"id": "c"}, "function"),
            ({"id": "c", "function": {"name": "f", "arguments": {}}}, "function.arguments"),
        ]
        for call, place in cases:
            error = refused({"role": "assistant", "tool_calls": [call]})
            self.assertEqual(error.param, f"messages[0].tool_calls[0].{place}")

    def test_result(self) -> None:
        """A tool's answer is a user turn; its text is not parsed."""
        answer = {"role": "tool", "tool_call_id": "c", "content": "00123"}
        expected = Message("user", (ToolResult("c", (Text("00123"),)),))
        self.assertEqual(prompt(answer).messages, (expected,))

    def test_images_come_back(self) -> None:
        """An image of an earlier answer is read from where answers carry it."""
        image = {"type": "image_url", "index": 0, "image_url": {"url": f"data:image/png;base64,{PNG}"}}
        message = {"role": "assistant", "content": "", "images": [image]}
        self.assertEqual(prompt(message).messages[0].parts, (Text(""), Media("image/png", data=PNG)))

    def test_legacy(self) -> None:
        """Old-style results are paired with the latest call of their name."""
        call = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}
        answer = {"role": "function", "name": "f", "content": "1"}
        messages = prompt(call, answer, call, answer).messages
        parts = [part for message in messages for part in message.parts]
        calls = [part.id for part in parts if isinstance(part, ToolCall)]
        results = [part.call_id for part in parts if isinstance(part, ToolResult)]
        self.assertEqual(calls, results)
        self.assertEqual(len(set(calls)), 2)
