"""Tests of agd.protocols.responses.input and agd.protocols.responses.turns: what is said."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Code, Media, Message, Text, Thought, ToolCall
from agd.options import Options
from agd.protocols.responses.asked import asked_of
from agd.protocols.responses.past import Past
from tests.protocols.responses.requests import parts, prompt, refused, told

PNG = "iVBORw0KGgo="
SEALED = {
    "state": [{"kind": "call", "id": "call_1", "signature": "c2ln"}],
    "thought": [{"kind": "thought", "after": None, "text": "hm", "signature": "c2ln"}],
    "summary": {"summary": "So far."},
    "other": {"key": "value"},
}
OPENING = Past(open=SEALED.get)


class MessageTests(SynchronousTestCase):
    """Messages of every role."""

    def test_string(self) -> None:
        """A string is one user turn."""
        self.assertEqual(prompt().messages, (Message("user", (Text("x"),)),))

    def test_I24_type_optional(self) -> None:
        """A message may leave out its type."""
        expected = (Message("user", (Text("a"),)),)
        self.assertEqual(prompt(input=[{"role": "user", "content": "a"}]).messages, expected)
        self.assertEqual(prompt(input=[{"type": None, "role": "user", "content": "a"}]).messages, expected)

    def test_I25_role_decides(self) -> None:
        """The role decides whose words they are, whatever the parts are called."""
        items = [
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "b"}]},
            {"type": "message", "role": "assistant", "content": [{"type": "input_text", "text": "c"}]},
            {"type": "message", "role": "user", "content": [{"type": "output_text", "text": "d"}]},
        ]
        roles = [(message.role, message.parts) for message in prompt(input=items).messages]
        self.assertEqual(roles, [("assistant", (Text("b"),)), ("assistant", (Text("c"),)), ("user", (Text("d"),))])

    def test_I26_media_and_refusals(self) -> None:
        """Images, files, sound, videos and refusals are read in their places."""
        content = [
            {"type": "input_image", "image_url": "https://example.com/a", "detail": "high"},
            {"type": "input_file", "filename": "a.txt", "file_data": "aGk="},
            {"type": "input_audio", "input_audio": {"data": "SUQzBAA=", "format": "mp3"}},
            {"type": "input_video", "video_url": "https://example.com/v"},
            {"type": "input_text", "text": "t"},
        ]
        expected = (
            Media(None, uri="https://example.com/a", detail="high"),
            Media("text/plain", "aGk="),
            Media("audio/mp3", "SUQzBAA="),
            Media(None, uri="https://example.com/v"),
            Text("t"),
        )
        self.assertEqual(prompt(input=[{"role": "user", "content": content}]).messages[0].parts, expected)
        self.assertEqual(parts({"role": "assistant", "content": [{"type": "refusal", "refusal": "d"}]}), [Text("d")])

    def test_I27_instructions_first(self) -> None:
        """Instructions come first, then developer and system texts in their order."""
        items = [{"role": "developer", "content": "b"}, {"role": "system", "content": "c"}]
        read_prompt = prompt(instructions="a", input=[*items, {"role": "user", "content": "u"}])
        self.assertEqual((read_prompt.instructions, len(read_prompt.messages)), (("a", "b", "c"), 1))

    def test_A01_late_instructions(self) -> None:
        """A developer's words among the turns join the instructions, or stay as the user's, as the options say."""
        items = [{"role": "user", "content": "u"}, {"role": "developer", "content": "d"}]
        hoisted, inline = prompt(input=items), prompt(input=items, options=Options(late_system="inline"))
        self.assertEqual((hoisted.instructions, told(hoisted)), (("d",), ["input[].role"]))
        self.assertEqual((inline.messages[1], told(inline)), (Message("user", (Text("d"),)), ["input[].role"]))

    def test_I50_commentary(self) -> None:
        """Words between the calls stay words of the assistant."""
        item = {"type": "message", "role": "assistant", "phase": "commentary", "content": "Looking."}
        read_prompt = prompt(input=[item])
        self.assertEqual((read_prompt.messages, told(read_prompt)), ((Message("assistant", (Text("Looking."),)),), []))

    def test_unread_keys(self) -> None:
        """What an item asks beside its own keys is told of once; ids and the like ask for nothing."""
        item = {"role": "user", "content": "a", "id": "msg_1", "status": "completed", "name": "ann"}
        self.assertEqual(told(prompt(input=[item, {**item, "id": "msg_2"}])), ["input[].name"])

    def test_refusals(self) -> None:
        """What cannot be read is named by its path."""
        cases: list[tuple[Any, str]] = [
            (None, "input"),
            ([], "input"),
            (5, "input"),
            (["x"], "input[0]"),
            ([{"content": "x"}], "input[0].type"),
            ([{"type": "message", "content": "x"}], "input[0].role"),
            ([{"role": "bot", "content": "x"}], "input[0].role"),
            ([{"role": "user"}], "input[0].content"),
            ([{"type": "computer_call", "id": "x"}], "input[0].type"),
            ([{"type": "mcp_call", "id": "x"}], "input[0].type"),
            ([{"type": "file_search_call", "id": "x"}], "input[0].type"),
            ([{"type": "configuration_update"}], "input[0].type"),
            ([{"type": "function_call", "name": "f"}], "input[0].call_id"),
            ([{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}], "input[0].content[0].file_id"),
            ([{"role": "user", "content": [{"type": "video"}]}], "input[0].content[0].type"),
        ]
        for value, param in cases:
            with self.subTest(param=param):
                self.assertEqual(refused(input=value).param, param)

    def test_nothing_to_generate(self) -> None:
        """A warm-up may say nothing."""
        self.assertEqual(prompt(input=[], generate=False).messages, ())


class StateTests(SynchronousTestCase):
    """Reasoning and summaries."""

    CALL = ({"role": "user", "content": "x"}, {"type": "function_call", "call_id": "call_1", "name": "f"})

    def reasoning(self, **fields: Any) -> dict[str, Any]:
        """Return a reasoning item."""
        return {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}], **fields}

    def test_I45_summary_is_no_answer(self) -> None:
        """Neither the summary nor the text of earlier reasoning is sent back as words."""
        item = self.reasoning(content=[{"type": "reasoning_text", "text": "Hmm."}])
        self.assertEqual(parts(*self.CALL, item), [Text("x"), ToolCall("call_1", "f", "{}")])

    def test_I45_state_is_used(self) -> None:
        """What agd sealed into a reasoning item is put back where it belongs."""
        signed = parts(self.CALL[0], self.reasoning(encrypted_content="state"), self.CALL[1], past=OPENING)
        self.assertEqual(signed, [Text("x"), ToolCall("call_1", "f", "{}", "c2ln")])

    def test_C13_signed_thought(self) -> None:
        """A signed thought goes back before the words it led to, even when the client drops every id."""
        item = {"type": "reasoning", "encrypted_content": "thought"}
        said = parts(self.CALL[0], item, {"role": "assistant", "content": "y"}, past=OPENING)
        self.assertEqual(said, [Text("x"), Thought("hm", "c2ln"), Text("y")])

    def test_I33_forged_state(self) -> None:
        """State that agd did not seal, or sealed for something else, is ignored and told of, once."""
        items = [self.reasoning(encrypted_content="gAAAA"), self.reasoning(encrypted_content="summary")]
        read_prompt = prompt(input=[*self.CALL, *items], past=OPENING)
        self.assertEqual(told(read_prompt), ["input[].encrypted_content"])
        self.assertEqual(len(read_prompt.messages), 2)

    def test_I23_compaction(self) -> None:
        """A summary that agd made stands for what was said before; any other is ignored and told of."""
        item = {"type": "compaction", "id": "cmp_1", "encrypted_content": "summary"}
        read_prompt = prompt(input=[item, {"role": "user", "content": "y"}], past=OPENING)
        self.assertEqual(read_prompt.messages[0], Message("user", (Text("So far."),)))
        self.assertEqual(read_prompt.notices, ())
        for sealed in ("gAAAA", "other", "state"):
            item["encrypted_content"] = sealed
            foreign = prompt(input=[item, {"role": "user", "content": "y"}], past=OPENING)
            self.assertEqual((len(foreign.messages), told(foreign)), (1, ["input[].encrypted_content"]))
        self.assertEqual(refused(input=[{"type": "compaction"}]).param, "input[0].encrypted_content")

    def test_I23_compaction_trigger(self) -> None:
        """A wish for a summary is kept for who answers; it has to come last."""
        trigger = {"type": "compaction_trigger"}
        self.assertTrue(asked_of(prompt(input=[self.CALL[0], trigger])).compacts)
        self.assertFalse(asked_of(prompt()).compacts)
        self.assertEqual(refused(input=[trigger, self.CALL[0]]).param, "input[0].type")


class HostedItemTests(SynchronousTestCase):
    """What the provider's own tools made in earlier answers."""

    def test_search(self) -> None:
        """A search says nothing again: what it found is in the answer."""
        item = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}}
        self.assertEqual(parts({"role": "user", "content": "x"}, item), [Text("x")])

    def test_I48_image(self) -> None:
        """An image that the model made goes back as its own; without a result there is none."""
        item = {
            "type": "image_generation_call",
            "id": "ig_1",
            "status": "completed",
            "result": PNG,
            "size": "1024x1024",
        }
        read_prompt = prompt(input=[{"role": "user", "content": "x"}, item])
        self.assertEqual(read_prompt.messages[1], Message("assistant", (Media("image/png", PNG),)))
        self.assertEqual(read_prompt.notices, ())
        self.assertEqual(parts({"role": "user", "content": "x"}, {**item, "result": None}), [Text("x")])
        self.assertEqual(refused(input=[{**item, "result": "!"}]).param, "input[0].result")

    def test_F17_code(self) -> None:
        """Code goes back with what it printed, and what it drew."""
        outputs = [{"type": "logs", "logs": "1\n"}, {"type": "image", "url": f"data:image/png;base64,{PNG}"}]
        item = {"type": "code_interpreter_call", "id": "ci_1", "status": "completed", "code": "print(1)"}
        expected = [Code("print(1)", "python"), Code("1\n", "python", result=True), Media("image/png", PNG)]
        self.assertEqual(parts({**item, "outputs": outputs}), expected)
        self.assertEqual(parts(item), expected[:1])
        [_, failed] = parts({**item, "status": "failed", "outputs": []})
        self.assertEqual(failed, Code("", "python", result=True, outcome="OUTCOME_FAILED"))
