"""Sections A and B of PITFALLS, as far as they concern reading the turns of a chat request."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Media, Message, Sampling, Text, ToolCall, ToolResult
from agd.options import Options
from agd.protocols.chat.request import LEGACY
from tests.protocols.chat.asking import PNG, USER, F, ask, block, call, image, parts, result, turns
from tests.protocols.refusals import refusal_of

_A = {"role": "system", "content": "a"}
_B = {"role": "developer", "content": [{"type": "text", "text": "b"}, {"type": "text", "text": "c"}]}


class InstructionTests(SynchronousTestCase):
    """Words of the system."""

    def test_A01_hoisted(self) -> None:
        """Every system text, wherever it stands and in how many blocks, joins the instructions in its order."""
        prompt = turns(_A, USER, _B)
        self.assertEqual(prompt.instructions, ("a", "b", "c"))
        self.assertEqual(prompt.messages, (Message("user", (Text("x"),)),))
        self.assertEqual([notice.param for notice in prompt.notices], ["messages[].role"])

    def test_A01_inline(self) -> None:
        """By setting, system texts among the turns stay at their place as the user's words."""
        prompt = turns(_A, USER, _B, options=Options(late_system="inline"))
        self.assertEqual(prompt.instructions, ("a",))
        self.assertEqual(prompt.messages[1:], (Message("user", (Text("b"), Text("c"))),))
        self.assertEqual([notice.param for notice in prompt.notices], ["messages[].role"])

    def test_A02_developer(self) -> None:
        """A developer's words are the system's, and only users and assistants have turns."""
        prompt = turns(_B, USER)
        self.assertEqual(prompt.instructions, ("b", "c"))
        self.assertEqual([message.role for message in prompt.messages], ["user"])

    def test_A03_only_system(self) -> None:
        """A request of system words alone is read with no turn made up."""
        prompt = turns(_A)
        self.assertEqual((prompt.instructions, prompt.messages), (("a",), ()))

    def test_A16_no_identity(self) -> None:
        """Without system words there are no instructions."""
        self.assertEqual(turns(USER).instructions, ())


class TurnTests(SynchronousTestCase):
    """Turns and their content."""

    def test_A04_assistant_first(self) -> None:
        """A first turn of the assistant's is read as such."""
        self.assertEqual(turns({"role": "assistant", "content": "a"}, USER).messages[0].role, "assistant")

    def test_A05_prefill(self) -> None:
        """A last turn of the assistant's stays, and stays the assistant's."""
        last = turns(USER, {"role": "assistant", "content": "{"}).messages[-1]
        self.assertEqual(last, Message("assistant", (Text("{"),)))

    def test_A06_same_role(self) -> None:
        """Turns of one role stay in their order, text and images as they were mixed."""
        picture = image(f"data:image/png;base64,{PNG}")
        self.assertEqual([type(part) for part in parts(USER, picture, USER)], [Text, Media, Text])

    def test_A07_result_then_text(self) -> None:
        """What a tool answered and what the user says next are turns of their own."""
        asked = {"role": "assistant", "content": None, "tool_calls": [call("c")]}
        messages = turns(USER, asked, result("c", "1"), USER).messages
        self.assertEqual([[type(part) for part in turn.parts] for turn in messages[2:]], [[ToolResult], [Text]])

    def test_A08_empty_content(self) -> None:
        """An empty text is read as one, and nothing is put in its place."""
        self.assertEqual(parts({"role": "assistant", "content": ""}), [Text("")])

    def test_A09_null_content(self) -> None:
        """Null beside calls is no text."""
        self.assertEqual(
            parts({"role": "assistant", "content": None, "tool_calls": [call("c")]}), [ToolCall("c", "f", "{}")]
        )

    def test_A10_text_and_calls(self) -> None:
        """Text beside calls stands before them."""
        asked = {"role": "assistant", "content": "Let me look", "tool_calls": [call("c")]}
        self.assertEqual(parts(asked), [Text("Let me look"), ToolCall("c", "f", "{}")])

    def test_A11_blocks_of_the_assistant(self) -> None:
        """Text and refusal, in blocks or as the message's own field, are the assistant's words."""
        content = [{"type": "text", "text": "a"}, {"type": "refusal", "refusal": "b"}]
        self.assertEqual(parts({"role": "assistant", "content": content}), [Text("a"), Text("b")])
        self.assertEqual(parts({"role": "assistant", "content": None, "refusal": "no"}), [Text("no")])

    def test_A12_every_block(self) -> None:
        """Sound, files and videos are read; a block of another kind is refused by its place."""
        sound = block({"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}})
        document = block({"type": "file", "file": {"file_data": "data:application/pdf;base64,aGk="}})
        video = block({"type": "video_url", "video_url": {"url": "https://a.example/v.mp4"}})
        self.assertEqual([type(part) for part in parts(sound, document, video)], [Media] * 3)
        error = refusal_of(turns, USER, block({"type": "hologram"}))
        self.assertEqual(error.param, "messages[1].content[0].type")

    def test_A12_unread_keys(self) -> None:
        """What a block asks for beside what can be carried out is told of, once for all blocks and turns."""
        text = {"type": "text", "text": "x", "prompt_cache_breakpoint": {"mode": "explicit"}}
        picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}", "format": "png"}}
        entry = {"role": "user", "content": [text, {**text, "empty": {}, "null": None}, picture]}
        self.assertEqual(
            [notice.param for notice in turns(entry, entry).notices],
            ["messages[].content[].prompt_cache_breakpoint", "messages[].content[].image_url.format"],
        )

    def test_A13_image_only(self) -> None:
        """A turn of one image holds that image only."""
        self.assertEqual(parts(image(f"data:image/png;base64,{PNG}")), [Media("image/png", data=PNG)])

    @given(st.text() | st.sampled_from(["a \n ", "\t", "[undefined]", "Today is 2026-01-01 <cwd>/x</cwd>", "![a](b)"]))
    def test_A14_A15_text_is_untouched(self, text: str) -> None:
        """Text of every role comes through byte for byte."""
        for role in ("user", "assistant"):
            self.assertEqual(parts({"role": role, "content": text}), [Text(text)])
        self.assertEqual(turns({"role": "system", "content": text}).instructions, (text,))
        self.assertEqual(parts(result("c", text)), [ToolResult("c", (Text(text),))])

    def test_A17_no_sampling(self) -> None:
        """Nothing is sampled in a way that the client did not write."""
        self.assertEqual(ask().sampling, Sampling())

    def test_A18_no_safety_settings(self) -> None:
        """None of the provider's own options is set."""
        self.assertEqual(ask().native, {})

    def test_A19_names(self) -> None:
        """A speaker's name is told of, or by setting put before the words, which stay as they are."""
        ann = {"role": "user", "name": "ann", "content": "hi"}
        system = {"role": "system", "name": "boss", "content": "s"}
        prompt = turns(system, ann, ann)
        self.assertEqual([notice.param for notice in prompt.notices], ["messages[].name"])
        prefixed = turns(system, ann, options=Options(message_names="prefix"))
        self.assertEqual(prefixed.instructions, ("boss: ", "s"))
        self.assertEqual(prefixed.messages, (Message("user", (Text("ann: "), Text("hi"))),))
        self.assertEqual(prefixed.notices, ())

    def test_A20_functions(self) -> None:
        """Old-style functions, calls and results are tools, calls and results."""
        asked = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}
        answered = {"role": "function", "name": "f", "content": "1"}
        prompt = ask(functions=[{"name": "f"}], function_call="auto", messages=[USER, asked, answered])
        self.assertEqual(([tool.name for tool in prompt.tools], prompt.echo), (["f"], {LEGACY: True}))
        called, answer = (turn.parts[0] for turn in prompt.messages[1:])
        self.assertIsInstance(called, ToolCall)
        self.assertEqual(answer, ToolResult(getattr(called, "id", ""), (Text("1"),), "f"))


class ToolTurnTests(SynchronousTestCase):
    """Calls and results."""

    def test_B05_ids(self) -> None:
        """The client's ids are kept on both sides, whatever they look like."""
        asked = {"role": "assistant", "tool_calls": [call("Ünïque/1")]}
        self.assertEqual(parts(asked, result("Ünïque/1", "r"))[1], ToolResult("Ünïque/1", (Text("r"),)))

    def test_B06_B07_B08_order(self) -> None:
        """Calls and results keep the order in which they were written, each result a part of the user's."""
        asked = {"role": "assistant", "tool_calls": [call("a"), call("b"), call("c")]}
        prompt = turns(USER, asked, result("c", "3"), result("a", "1"), result("b", "2"))
        calls = [part.id for part in prompt.messages[1].parts if isinstance(part, ToolCall)]
        results = [part for turn in prompt.messages[2:] for part in turn.parts if isinstance(part, ToolResult)]
        self.assertEqual((calls, [part.call_id for part in results]), (["a", "b", "c"], ["c", "a", "b"]))
        self.assertEqual({turn.role for turn in prompt.messages[2:]}, {"user"})

    def test_B09_missing_result(self) -> None:
        """A call without a result is not invented one."""
        asked = {"role": "assistant", "tool_calls": [call("a"), call("b")]}
        self.assertEqual(sum(isinstance(part, ToolResult) for part in parts(asked, result("a", "1"), USER)), 1)

    def test_B10_results_are_text(self) -> None:
        """A result is the text that it is, not what it could be parsed to."""
        for text in ("00123", "null", "[1,2]", '{"a": 1.0}', "plain"):
            self.assertEqual(parts(result("c", text)), [ToolResult("c", (Text(text),))])

    def test_B11_results_in_blocks(self) -> None:
        """Text and images of a result are read as such, in their order."""
        content: list[Any] = [
            {"type": "text", "text": "t"},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        ]
        self.assertEqual(parts(result("c", content)), [ToolResult("c", (Text("t"), Media("image/png", data=PNG)))])

    def test_B12_failed(self) -> None:
        """A result marked as an error is one."""
        self.assertEqual(parts({**result("c", "e"), "is_error": True}), [ToolResult("c", (Text("e"),), error=True)])

    def test_B13_empty_arguments(self) -> None:
        """Empty arguments are an empty object."""
        for arguments in ("", " "):
            self.assertEqual(
                parts({"role": "assistant", "tool_calls": [call("c", "f", arguments)]})[0], ToolCall("c", "f", "{}")
            )

    def test_B14_broken_arguments(self) -> None:
        """Arguments that are no object are kept as they stand, so that no half of a pair is lost."""
        for arguments in ("[1]", '{"a": tr', "12345678901234567890"):
            found = parts({"role": "assistant", "tool_calls": [call("c", "f", arguments)]}, result("c", "r"))
            self.assertEqual(found, [ToolCall("c", "f", arguments), ToolResult("c", (Text("r"),))])

    def test_C13_reasoning_is_not_sent_back(self) -> None:
        """An earlier summary of thoughts is no part of the turn."""
        message = {"role": "assistant", "content": "a", "reasoning_content": "t", "reasoning": "t"}
        self.assertEqual(parts(message), [Text("a")])
        self.assertEqual(ask(tools=[F], messages=[USER, message]).notices, ())
