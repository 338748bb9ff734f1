"""Tests of agd.protocols.responses.past and agd.protocols.responses.intake: what came before a request."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Message, Text, ToolCall, ToolResult
from agd.errors import GatewayError
from agd.protocols.responses.asked import asked_of
from agd.protocols.responses.listing import listed
from agd.protocols.responses.past import Past, Wanted, wanted
from tests.protocols.refusals import refusal_of
from tests.protocols.responses.requests import prompt, refused, told

USER = {"type": "message", "id": "msg_1", "role": "user", "content": [{"type": "input_text", "text": "a"}]}
ANSWER = {
    "type": "message",
    "id": "msg_2",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "b", "annotations": [], "logprobs": []}],
}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": "{}"}
PAST = Past(items=(USER, ANSWER))


class WantedTests(SynchronousTestCase):
    """Looking into a request before it is read."""

    def test_wanted(self) -> None:
        """The response to go on from and every single item that is referred to are named, once each."""
        items = [
            {"type": "item_reference", "id": "a"},
            {"id": "b"},
            {"type": None, "id": "a"},
            {"role": "user", "id": "c"},
        ]
        self.assertEqual(wanted({"previous_response_id": "r", "input": [*items, 5]}), Wanted("r", ("a", "b")))
        self.assertEqual(wanted({"input": "x"}), Wanted(None, ()))
        self.assertEqual(wanted({}), Wanted(None, ()))

    def test_refusals(self) -> None:
        """Ids that are no text, or empty, are refused by their path."""
        cases: list[tuple[dict[str, Any], str]] = [
            ({"previous_response_id": 5}, "previous_response_id"),
            ({"previous_response_id": ""}, "previous_response_id"),
            ({"input": [{"type": "item_reference"}]}, "input[0].id"),
            ({"input": ["x", {"id": 5}]}, "input[1].id"),
        ]
        for body, param in cases:
            self.assertEqual(refusal_of(wanted, body).param, param)


class ReferenceTests(SynchronousTestCase):
    """References to stored items (I28)."""

    def test_I28_resolved(self) -> None:
        """A reference is the item that it names, in its place, and so it is kept."""
        past = Past(references={"msg_2": ANSWER})
        items = [
            {"role": "user", "content": "x"},
            {"type": "item_reference", "id": "msg_2"},
            {"role": "user", "content": "y"},
        ]
        for reference in (items[1], {"id": "msg_2"}):
            read_prompt = prompt(input=[items[0], reference, items[2]], past=past)
            self.assertEqual(read_prompt.messages[1], Message("assistant", (Text("b"),)))
            self.assertEqual(asked_of(read_prompt).items[1], ANSWER)

    def test_I28_unknown(self) -> None:
        """An id that is not there is a 404 that names it and its place."""
        with self.assertRaises(GatewayError) as caught:
            prompt(input=[{"role": "user", "content": "x"}, {"type": "item_reference", "id": "msg_9"}])
        self.assertEqual((caught.exception.status, caught.exception.param), (404, "input[1].id"))
        self.assertIn("msg_9", caught.exception.message)


class PreviousTests(SynchronousTestCase):
    """The conversation that a request goes on from."""

    def test_before(self) -> None:
        """What came before stands before the request's own items."""
        texts = [message.parts for message in prompt(input="c", past=PAST).messages]
        self.assertEqual(texts, [(Text("a"),), (Text("b"),), (Text("c"),)])

    def test_I27_instructions_not_inherited(self) -> None:
        """Only this request's instructions count, but a developer's message that was an item still does."""
        developer = {"type": "message", "id": "msg_0", "role": "developer", "content": "d"}
        read_prompt = prompt(input="c", instructions="i", past=Past(items=(developer, USER, ANSWER)))
        self.assertEqual((read_prompt.instructions, told(read_prompt)), (("i", "d"), []))

    def test_I29_state(self) -> None:
        """The provider's state of earlier turns is put back to where it was."""
        memory = ({"kind": "call", "id": "call_1", "signature": "c2ln"},)
        result = {"type": "function_call_output", "call_id": "call_1", "output": "1"}
        read_prompt = prompt(input=[result], past=Past(items=(USER, CALL), memory=memory))
        self.assertEqual(read_prompt.messages[1].parts, (ToolCall("call_1", "f", "{}", "c2ln"),))
        self.assertEqual(read_prompt.messages[2].parts, (ToolResult("call_1", (Text("1"),)),))

    def test_I30_duplicates(self) -> None:
        """An item that the conversation holds is left out by its id, never by its words, and is not kept again."""
        again = {"role": "user", "id": "msg_1", "content": "a"}
        same_words = {"role": "user", "content": "a"}
        reference = {"type": "item_reference", "id": "msg_2"}
        read_prompt = prompt(input=[again, ANSWER, reference, same_words], past=PAST)
        self.assertEqual(
            [message.parts for message in read_prompt.messages], [(Text("a"),), (Text("b"),), (Text("a"),)]
        )
        self.assertEqual((len(asked_of(read_prompt).items), told(read_prompt)), (1, []))

    def test_I30_another_of_the_same_id(self) -> None:
        """An item that is left out though it says something else is told of."""
        read_prompt = prompt(input=[{**ANSWER, "content": "z"}, {"role": "user", "content": "c"}], past=PAST)
        self.assertEqual(told(read_prompt), ["input[0].id"])

    def test_silent(self) -> None:
        """What there was to tell of earlier items is not told again, and their triggers are over."""
        past = Past(items=({**USER, "name": "ann"}, {"type": "compaction_trigger", "id": "cmpt_1"}, ANSWER))
        read_prompt = prompt(input="c", past=past)
        self.assertEqual((read_prompt.notices, asked_of(read_prompt).compacts), ((), False))

    def test_tools(self) -> None:
        """Tools that earlier items brought can still be called; a declaration of now comes after them."""
        added = {
            "type": "additional_tools",
            "id": "at_1",
            "role": "developer",
            "tools": [{"type": "function", "name": "f"}],
        }
        read_prompt = prompt(input="c", past=Past(items=(added, USER)), tools=[{"type": "function", "name": "g"}])
        self.assertEqual([tool.name for tool in read_prompt.tools], ["f", "g"])

    def test_nothing_new(self) -> None:
        """A request may add nothing to what came before."""
        self.assertEqual(len(prompt(input=[], past=PAST).messages), 2)
        self.assertEqual(refused(input=[]).param, "input")


class KeptTests(SynchronousTestCase):
    """A request's own items, as they are kept and listed."""

    def test_normal(self) -> None:
        """A text is a message; types and arrays of content are filled in, everything else stays as it was."""
        self.assertEqual(
            asked_of(prompt()).items,
            ({"type": "message", "role": "user", "content": [{"type": "input_text", "text": "x"}]},),
        )
        items = [{"role": "assistant", "content": "b", "phase": "commentary"}, CALL, {"role": "user", "content": []}]
        said = {"type": "output_text", "text": "b", "annotations": [], "logprobs": []}
        expected = (
            {"role": "assistant", "content": [said], "phase": "commentary", "type": "message"},
            CALL,
            {"role": "user", "content": [], "type": "message"},
        )
        self.assertEqual(asked_of(prompt(input=[*items, {"role": "user", "content": "y"}])).items[:3], expected)

    def test_I41_listed(self) -> None:
        """Every item is listed with an id, the client's own where there is one, and with a status where it has one."""
        items = ({"type": "message", "role": "user", "content": []}, CALL, {"type": "additional_tools", "tools": []})
        first, second, third = listed(items, "t0")
        self.assertEqual((first["id"], first["status"]), ("msg_t0_in0", "completed"))
        self.assertEqual((second["id"], second["status"]), ("fc_1", "completed"))
        self.assertEqual(third, {"type": "additional_tools", "tools": [], "id": "at_t0_in2"})

    def test_listed_again(self) -> None:
        """What was listed reads as what it was, and is listed the same."""
        items = [
            {"role": "user", "content": "x"},
            CALL,
            {"type": "function_call_output", "call_id": "call_1", "output": ""},
        ]
        first = prompt(input=items)
        kept = listed(asked_of(first).items, "t0")
        second = prompt(input=kept)
        self.assertEqual(second.messages, first.messages)
        self.assertEqual(listed(asked_of(second).items, "t1"), kept)
