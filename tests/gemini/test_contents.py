"""Turns, calls and results."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Code, Media, Opaque, Text, Thought, Tool
from agd.errors import BadRequest
from agd.gemini.requests import write_request
from agd.options import Options
from tests.gemini.asking import NEW, OLD, call, contents, model, noticed, prompt, result, said, sent, user, written

PNG = Media("image/png", data="QUJD")


class TurnTests(SynchronousTestCase):
    """Who speaks when."""

    def test_A01_instructions(self) -> None:
        """Every instruction is a part of systemInstruction, in order; empty ones are dropped."""
        body = sent(user("hi"), instructions=("a", "", "b "))
        self.assertEqual(body["systemInstruction"], {"parts": [{"text": "a"}, {"text": "b "}]})
        self.assertNotIn("systemInstruction", sent(user("hi"), instructions=("",)))

    def test_A02_roles(self) -> None:
        """Contents are the user's or the model's; instructions stand outside."""
        body = sent(user("q"), model("a", call("1")), user(result("1", "x"), "r"), instructions=("be brief",))
        self.assertEqual([content["role"] for content in body["contents"]], ["user", "model", "user", "user"])
        self.assertNotIn("role", body["systemInstruction"])

    def test_A16_nothing_is_added(self) -> None:
        """A bare prompt is a body of contents alone."""
        self.assertEqual(sent(user("hi")), {"contents": [said("user", "hi")]})

    def test_A03_only_instructions(self) -> None:
        """Instructions alone become the user's turn, and that is said."""
        for messages in ((), (user(""),)):
            self.assertEqual(sent(*messages, instructions=("a", "b")), {"contents": [said("user", "a", "b")]})
            self.assertEqual(noticed(*messages, instructions=("a",)), ["messages"])

    def test_A04_assistant_first(self) -> None:
        """A blank user turn stands before an assistant's first turn, and that is said."""
        self.assertEqual(contents(model("a"), user("b")), [said("user", " "), said("model", "a"), said("user", "b")])
        self.assertEqual(noticed(model("a"), user("b")), ["messages"])

    def test_A05_prefill(self) -> None:
        """An assistant's last turn stays the last, or is refused where that is set or the model takes none."""
        self.assertEqual(contents(user("a"), model("{"))[-1], said("model", "{"))
        reject = Options(assistant_prefill="reject")
        self.assertEqual(self.assertRaises(BadRequest, sent, user("a"), model("{"), options=reject).param, "messages")
        self.assertRaises(BadRequest, sent, user("a"), model("{"), overrides={"gemini": {"prefill": False}})
        self.assertEqual(sent(user("a"), options=reject), {"contents": [said("user", "a")]})

    def test_A06_same_role_merged(self) -> None:
        """Neighbours of one side become one content with all parts in order."""
        found = contents(user("a", PNG), user("b"), model("c"), model("d"))
        image = {"inlineData": {"mimeType": "image/png", "data": "QUJD"}}
        self.assertEqual(found[0], {"role": "user", "parts": [{"text": "a"}, image, {"text": "b"}]})
        self.assertEqual(found[1], said("model", "c", "d"))

    def test_A08_empty_texts(self) -> None:
        """Empty texts are dropped, and turns that only they kept apart are merged."""
        self.assertEqual(contents(user("a", ""), model(""), user("b")), [said("user", "a", "b")])
        self.assertEqual(contents(model(""), user("b")), [said("user", "b")])

    def test_A09_calls_alone(self) -> None:
        """An assistant's turn without words is its calls alone."""
        found = contents(user("q"), model(call("1")), user(result("1", "x")))
        self.assertEqual([set(part) for part in found[1]["parts"]], [{"functionCall"}])

    def test_A10_A11_words_and_calls(self) -> None:
        """Every text of the assistant is a part of its own, before its calls."""
        found = contents(user("q"), model("a", "b", call("1")), user(result("1", "x")))
        self.assertEqual([part.get("text") for part in found[1]["parts"]], ["a", "b", None])

    def test_A13_media_alone(self) -> None:
        """Media alone stay alone, but for a family that demands a text beside them."""
        self.assertEqual(len(contents(user(PNG))[0]["parts"]), 1)
        self.assertEqual(contents(user(PNG), to="gemini-1.5-pro")[0]["parts"][0], {"text": " "})
        self.assertEqual(len(contents(user(PNG, "what?"), to="gemini-1.5-pro")[0]["parts"]), 2)

    def test_A18_no_safety_settings(self) -> None:
        """Safety settings are sent when the client writes them, and only then."""
        self.assertNotIn("safetySettings", sent(user("q"), to=NEW))
        setting = {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}
        body = sent(user("q"), native={"safety_settings": [setting]})
        self.assertEqual(body["safetySettings"], [setting])

    def test_B44_opaque_state(self) -> None:
        """State of the provider's own tools goes back unchanged, in its place; content is no state."""
        state = {
            "toolCall": {"id": "x", "toolType": "GOOGLE_SEARCH_WEB", "args": {"q": ["a"]}},
            "thoughtSignature": "S",
        }
        found = contents(user("q"), model(Opaque(state), "a"))
        self.assertEqual(found[1]["parts"], [state, {"text": "a"}])
        for data in ({}, {"functionCall": {"name": "f"}}, {"fileData": {"fileUri": "https://x"}}):
            error = self.assertRaises(BadRequest, contents, user("q"), model(Opaque(data)))
            self.assertEqual(error.param, "messages")

    def test_nested_too_deep(self) -> None:
        """What is nested too deep to be written is refused."""
        deep: dict[str, Any] = {}
        for _ in range(100_000):
            deep = {"a": deep}
        error = self.assertRaises(BadRequest, written, user("q"), model(Opaque({"toolCall": deep})))
        self.assertIn("deep", error.message)

    def test_J05_suffix(self) -> None:
        """A gap is asked for in words around both texts, which stay as they are, and that is said."""
        texts = [part["text"] for part in sent(user("def f(): "), suffix=" # end")["contents"][0]["parts"]]
        self.assertEqual((texts[1], texts[3]), ("def f(): ", " # end"))
        self.assertEqual(noticed(user("x"), suffix="y"), ["suffix"])
        self.assertEqual(sent(user("x"), suffix=""), sent(user("x")))

    def test_nothing_left(self) -> None:
        """Messages that say nothing are refused."""
        for messages in ((), (user(""), model())):
            error = self.assertRaises(BadRequest, sent, *messages)
            self.assertEqual((error.status, error.param), (400, "messages"))

    def test_C05_C06_signed_texts(self) -> None:
        """Signed texts stay apart, and an empty one goes back with its signature."""
        found = contents(user("q"), model(Text("a", "S1"), Text("b", "S2"), Text("", "S3")))
        self.assertEqual(
            found[1]["parts"],
            [
                {"text": "a", "thoughtSignature": "S1"},
                {"text": "b", "thoughtSignature": "S2"},
                {"text": "", "thoughtSignature": "S3"},
            ],
        )

    def test_C13_thoughts(self) -> None:
        """Thoughts go back only when the provider signed them."""
        found = contents(user("q"), model(Thought("x"), Thought("y", "S"), "a"))
        self.assertEqual(found[1]["parts"], [{"text": "y", "thought": True, "thoughtSignature": "S"}, {"text": "a"}])

    def test_code_of_the_model(self) -> None:
        """Code that the model ran goes back as what it was."""
        found = contents(user("q"), model(Code("x=1", "python"), Code("1", result=True)))
        self.assertEqual(
            found[1]["parts"],
            [
                {"executableCode": {"language": "PYTHON", "code": "x=1"}},
                {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
            ],
        )

    def test_C07_signed_code(self) -> None:
        """Code goes back with its signature and the provider's name for the run, a result with how it ended."""
        ran = Code("x=1", "python", signature="S", id="r")
        found = contents(user("q"), model(ran, Code("no", result=True, outcome="OUTCOME_FAILED", id="r")))
        self.assertEqual(
            found[1]["parts"],
            [
                {"executableCode": {"id": "r", "language": "PYTHON", "code": "x=1"}, "thoughtSignature": "S"},
                {"codeExecutionResult": {"id": "r", "outcome": "OUTCOME_FAILED", "output": "no"}},
            ],
        )

    def test_part_of_the_other_side(self) -> None:
        """A call of the user, or a result of the assistant, is refused."""
        for messages in ((user(call("1")),), (user("q"), model(result("1", "x")))):
            self.assertEqual(self.assertRaises(BadRequest, sent, *messages).param, "messages")


TURNS = st.lists(st.tuples(st.booleans(), st.lists(st.text(max_size=8), max_size=3)), min_size=1, max_size=6)


class FidelityTests(SynchronousTestCase):
    """What holds for every conversation."""

    @given(TURNS, st.sampled_from([OLD, NEW]))
    def test_A14_A15_text_in_is_text_out(self, turns: list[tuple[bool, list[str]]], to: str) -> None:
        """All texts arrive, byte for byte and in order, on alternating sides."""
        messages = [user(*texts) if mine else model(*texts) for mine, texts in turns]
        texts = [text for _, texts in turns for text in texts if text]
        if not texts:
            self.assertRaises(BadRequest, sent, *messages, to=to)
            return
        found = contents(*messages, to=to)
        texts_sent = [part["text"] for content in found for part in content["parts"]]
        self.assertEqual(texts_sent[len(texts_sent) - len(texts) :], texts)
        self.assertEqual(found[0]["role"], "user")
        roles = [content["role"] for content in found]
        self.assertNotIn(True, [a == b for a, b in pairwise(roles)])

    @given(TURNS, st.lists(st.text(max_size=8), max_size=3), st.sampled_from([OLD, NEW]))
    def test_A15_A16_A17_A18_nothing_is_added(
        self, turns: list[tuple[bool, list[str]]], instructions: list[str], to: str
    ) -> None:
        """Nobody's identity, no sampling and no safety settings are put beside what the client said."""
        messages = [user("q"), *(user(*texts) if mine else model(*texts) for mine, texts in turns), user("z")]
        body = sent(*messages, to=to, instructions=tuple(instructions))
        self.assertLessEqual(body.keys(), {"contents", "systemInstruction"})
        told = [part["text"] for part in body.get("systemInstruction", {"parts": []})["parts"]]
        self.assertEqual(told, [text for text in instructions if text])

    @given(TURNS)
    def test_A21_same_bytes(self, turns: list[tuple[bool, list[str]]]) -> None:
        """The same prompt gives the same bytes, and stays as it was."""
        messages = [user("q"), *(user(*texts) if mine else model(*texts) for mine, texts in turns)]
        asked = prompt(*messages)
        before = repr(asked)
        self.assertEqual(write_request(asked, NEW), write_request(asked, NEW))
        self.assertEqual(repr(asked), before)

    def test_B21_utf8(self) -> None:
        """Text leaves as UTF-8 without escapes."""
        body = write_request(prompt(user("é😀")), OLD).body
        self.assertIn("é😀".encode(), body)
        self.assertEqual(json.loads(body)["contents"][0]["parts"][0]["text"], "é😀")

    def test_K11_order_is_the_clients(self) -> None:
        """Tools and keys stay in the client's order, and nothing that changes stands before the contents."""
        tools = tuple(Tool(name, None, {"type": "object", "properties": {"z": {}, "a": {}}}) for name in "cab")
        body = sent(user("q"), tools=tools)
        declared = body["tools"][0]["functionDeclarations"]
        self.assertEqual([each["name"] for each in declared], ["c", "a", "b"])
        self.assertEqual(list(declared[0]["parametersJsonSchema"]["properties"]), ["z", "a"])
        self.assertEqual(next(iter(body)), "contents")
