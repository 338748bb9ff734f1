"""Turns, calls and results."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Code, Media, Message, Text, Thought
from agd.errors import BadRequest
from agd.gemini.contents import BYPASS
from agd.gemini.requests import write_request
from tests.gemini.asking import NEW, OLD, call, contents, model, noticed, prompt, result, sent, user

PNG = Media("image/png", data="QUJD")


def said(role: str, *texts: str) -> dict[str, Any]:
    """Write a content of texts."""
    return {"role": role, "parts": [{"text": text} for text in texts]}


class TurnTests(SynchronousTestCase):
    """Who speaks when."""

    def test_A01_instructions(self) -> None:
        """Every instruction is a part of systemInstruction, in order; empty ones are dropped."""
        body = sent(user("hi"), instructions=("a", "", "b "))
        self.assertEqual(body["systemInstruction"], {"parts": [{"text": "a"}, {"text": "b "}]})
        self.assertNotIn("systemInstruction", sent(user("hi"), instructions=("",)))

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

    def test_A05_prefill_is_sent(self) -> None:
        """An assistant's last turn stays the last."""
        self.assertEqual(contents(user("a"), model("{"))[-1], said("model", "{"))

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

    def test_part_of_the_other_side(self) -> None:
        """A call of the user, or a result of the assistant, is refused."""
        for messages in ((user(call("1")),), (user("q"), model(result("1", "x")))):
            self.assertEqual(self.assertRaises(BadRequest, sent, *messages).param, "messages")


class RoundTests(SynchronousTestCase):
    """Calls and their results."""

    def test_A07_A10_B07_a_round(self) -> None:
        """Text and calls share a content, results have their own, words of the user follow in the next."""
        found = contents(
            user("q"),
            model("look", call("1", "f", '{"x":1}'), call("2", "g")),
            user(result("1", "one")),
            user(result("2", "two"), "and?"),
        )
        self.assertEqual(
            found[1:],
            [
                {
                    "role": "model",
                    "parts": [
                        {"text": "look"},
                        {"functionCall": {"name": "f", "args": {"x": 1}, "id": "1"}},
                        {"functionCall": {"name": "g", "args": {}, "id": "2"}},
                    ],
                },
                {
                    "role": "user",
                    "parts": [
                        {"functionResponse": {"name": "f", "id": "1", "response": {"output": "one"}}},
                        {"functionResponse": {"name": "g", "id": "2", "response": {"output": "two"}}},
                    ],
                },
                said("user", "and?"),
            ],
        )

    def results(self, *messages: Message, to: str = OLD) -> list[str]:
        """Return the outputs of all results, in order."""
        parts = [part for content in contents(*messages, to=to) for part in content["parts"]]
        return [part["functionResponse"]["response"]["output"] for part in parts if "functionResponse" in part]

    def test_B06_order(self) -> None:
        """Results are put into the order of the calls."""
        found = self.results(
            user("q"),
            model(call("a"), call("b"), call("c")),
            user(result("c", "3"), result("a", "1"), result("b", "2")),
        )
        self.assertEqual(found, ["1", "2", "3"])

    def test_B02_ids_used_again(self) -> None:
        """An id means something in its round only, and twice in a round by order."""
        found = self.results(
            user("q"),
            model(call("1", "f"), call("1", "g")),
            user(result("1", "a"), result("1", "b")),
            model(call("1")),
            user(result("1", "c")),
        )
        self.assertEqual(found, ["a", "b", "c"])

    def test_B08_calls_in_separate_turns(self) -> None:
        """Calls of neighbouring assistant turns are one round."""
        found = self.results(
            user("q"), model(call("a")), model(call("b")), user(result("a", "1")), user(result("b", "2"))
        )
        self.assertEqual(found, ["1", "2"])

    def test_B01_orphan(self) -> None:
        """A result without a call in the turn before it is refused, naming the id."""
        for messages in (
            (user(result("lost", "x")),),
            (user("q"), model(call("a")), user(result("a", "1"), result("lost", "2"))),
            (user("q"), model(call("lost")), user(result("lost", "1"), result("lost", "2"))),
            (user("q"), model(call("lost")), user(result("lost", "1")), model("t"), user(result("lost", "2"))),
        ):
            error = self.assertRaises(BadRequest, sent, *messages)
            self.assertEqual(error.param, "messages")
            self.assertIn("lost", error.message)

    def test_B09_missing_result(self) -> None:
        """A call without a result is refused, naming the id, in the middle and at the end."""
        answered = user(result("a", "1"))
        for tail, missing in (
            ((), "'a'"),
            ((user("go on"),), "'a'"),
            ((answered,), "'open'"),
            ((answered, model("t")), "'open'"),
        ):
            error = self.assertRaises(BadRequest, sent, user("q"), model(call("a"), call("open")), *tail)
            self.assertEqual(error.param, "messages")
            self.assertIn(missing, error.message)

    def test_B10_B12_output(self) -> None:
        """An output is a string unchanged, or an error."""
        for text in ("42", "00123", "null", "[1,2]", "", " x\n"):
            self.assertEqual(self.results(user("q"), model(call("1")), user(result("1", text))), [text])
        found = contents(user("q"), model(call("1")), user(result("1", "boom", error=True)))
        self.assertEqual(found[-1]["parts"][0]["functionResponse"]["response"], {"error": "boom"})

    def test_B13_B14_arguments(self) -> None:
        """Arguments that are no object are kept whole inside one; none are an empty one."""
        for text, args in (
            ("", {}),
            (" ", {}),
            ('{"a":null}', {"a": None}),
            ("[1]", {"arguments": "[1]"}),
            ('{"a":', {"arguments": '{"a":'}),
            ("null", {"arguments": "null"}),
        ):
            found = contents(user("q"), model(call("1", arguments=text)), user(result("1", "x")))
            self.assertEqual(found[1]["parts"][0]["functionCall"]["args"], args)

    def test_B18_B20_arguments_are_data(self) -> None:
        """Keys that look like a schema's, numbers and order come through exactly."""
        text = '{"format":"csv","pattern":"*.py","n":12345678901234567890,"x":1.0,"$schema":"s"}'
        body = write_request(prompt(user("q"), model(call("1", arguments=text)), user(result("1", ""))), OLD).body
        self.assertIn(text.encode(), body)

    def test_B05_no_ids(self) -> None:
        """A family of which nothing is known gets no ids."""
        found = contents(user("q"), model(call("1")), user(result("1", "x")), to="gemini-unheard-of")
        self.assertEqual(found[1]["parts"], [{"functionCall": {"name": "f", "args": {}}}])
        self.assertEqual(found[2]["parts"], [{"functionResponse": {"name": "f", "response": {"output": "x"}}}])

    def test_B11_pictures_in_results(self) -> None:
        """A picture stands inside the result where the family takes it, else in the content behind."""
        round_ = (user("q"), model(call("1"), call("2")), user(result("1", "a", PNG, "b"), result("2", "c"), "more"))
        image = {"inlineData": {"mimeType": "image/png", "data": "QUJD"}}
        new = contents(*round_, to=NEW)
        response = {"name": "f", "id": "1", "response": {"output": "ab"}, "parts": [image]}
        self.assertEqual(new[2]["parts"][0], {"functionResponse": response})
        self.assertEqual(new[3], said("user", "more"))
        old = contents(*round_, to=OLD)
        self.assertEqual(len(old[2]["parts"]), 2)
        self.assertEqual(old[3], {"role": "user", "parts": [image, {"text": "more"}]})

    def test_B11_other_media_stay_behind(self) -> None:
        """A sound never stands inside a result."""
        sound = Media("audio/wav", data="QUJD")
        found = contents(user("q"), model(call("1")), user(result("1", sound)), to=NEW)
        self.assertNotIn("parts", found[2]["parts"][0]["functionResponse"])
        self.assertIn("inlineData", found[3]["parts"][0])


class SignatureTests(SynchronousTestCase):
    """Thought signatures of calls."""

    def signatures(self, *messages: Message, to: str = NEW) -> list[str | None]:
        """Return the signatures of all calls, in order."""
        parts = [part for content in contents(*messages, to=to) for part in content["parts"]]
        return [part.get("thoughtSignature") for part in parts if "functionCall" in part]

    def test_C01_given_back(self) -> None:
        """A signature goes back with its call, at the same place."""
        messages = (user("q"), model(call("1", signature="S"), call("2")), user(result("1", ""), result("2", "")))
        for to in (OLD, NEW):
            self.assertEqual(self.signatures(*messages, to=to), ["S", None])

    def test_C02_C09_bypass(self) -> None:
        """In the current turn, the first call of each step stands in for a lost signature."""
        step = (model(call("1"), call("2")), user(result("1", ""), result("2", "")))
        self.assertEqual(self.signatures(user("q"), *step, *step), [BYPASS, None, BYPASS, None])
        self.assertEqual(self.signatures(user("q"), *step, to=OLD), [None, None])

    def test_C04_not_in_earlier_turns(self) -> None:
        """Turns before the user's last words are not checked, and get nothing."""
        step = (model(call("1")), user(result("1", "")))
        self.assertEqual(self.signatures(user("q"), *step, model("a"), user("r"), *step), [None, BYPASS])
        self.assertEqual(self.signatures(user("q"), model(call("1")), user(result("1", ""), "stop")), [None])


class MediaTests(SynchronousTestCase):
    """Media parts."""

    def part(self, media: Media, to: str = OLD) -> Any:
        """Return what one part of media is sent as."""
        return contents(user(media), to=to)[0]["parts"][0]

    def test_addresses(self) -> None:
        """The provider's own files, gs:// and YouTube are sent by address; an unknown type is left out (H07)."""
        for uri in (
            "https://generativelanguage.googleapis.com/v1beta/files/abc",
            "gs://bucket/a.png",
            "https://www.youtube.com/watch?v=x",
            "https://youtu.be/x",
        ):
            self.assertEqual(self.part(Media(None, uri=uri)), {"fileData": {"fileUri": uri}})
            self.assertEqual(self.part(Media("video/mp4", uri=uri))["fileData"]["mimeType"], "video/mp4")

    def test_H01_H03_other_addresses(self) -> None:
        """Any other address is refused."""
        for uri in (
            "https://example.org/a.png",
            "http://www.youtube.com/watch?v=x",
            "/etc/passwd",
            "file:///etc/passwd",
            "https://youtube.com.evil.org/x",
            "https://youtube.com@evil.org/x",
            "https://evil@youtube.com/x",
            "https://generativelanguage.googleapis.com/v1beta/models",
            "gs://",
            "https://[",
            "",
            None,
        ):
            self.assertEqual(self.assertRaises(BadRequest, self.part, Media("image/png", uri=uri)).param, "messages")

    def test_no_type(self) -> None:
        """Data without a type is refused."""
        self.assertRaises(BadRequest, self.part, Media(None, data="QUJD"))

    def test_C07_signed_picture(self) -> None:
        """A picture of the model goes back with its signature."""
        found = contents(user("q"), model(Media("image/png", data="QQ==", signature="S")), user("more"))
        self.assertEqual(found[1]["parts"][0]["thoughtSignature"], "S")

    def test_H09_detail(self) -> None:
        """A level of detail is noticed once; auto is what happens anyway."""
        low = Media("image/png", data="QQ==", detail="low")
        self.assertEqual(noticed(user(low, low, Media("image/png", data="QQ==", detail="auto"))), ["detail"])


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
        written = [part["text"] for content in found for part in content["parts"]]
        self.assertEqual(written[len(written) - len(texts) :], texts)
        self.assertEqual(found[0]["role"], "user")
        roles = [content["role"] for content in found]
        self.assertNotIn(True, [a == b for a, b in pairwise(roles)])

    @given(TURNS)
    def test_A21_K11_same_bytes(self, turns: list[tuple[bool, list[str]]]) -> None:
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
