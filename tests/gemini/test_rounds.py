"""Calls, their results and their signatures."""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Media, Message, Tool
from agd.errors import BadRequest
from agd.gemini.contents import BYPASS
from agd.gemini.requests import write_request
from agd.options import Options
from tests.gemini.asking import NEW, OLD, call, contents, model, noticed, prompt, result, said, sent, user

PNG = Media("image/png", data="QUJD")


class RoundTests(SynchronousTestCase):
    """Calls and their results."""

    def test_A07_B07_a_round(self) -> None:
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

    def test_B01_orphan_as_words(self) -> None:
        """Where that is set, a result without a call is sent as words of the user, and that is said."""
        options = Options(orphan_tool_result="text")
        messages = (user("q"), model(call("a")), user(result("lost", "2", PNG), result("a", "1"), "go"))
        found = sent(*messages, options=options)["contents"]
        self.assertEqual(found[2]["parts"][0]["functionResponse"]["response"], {"output": "1"})
        image = {"inlineData": {"mimeType": "image/png", "data": "QUJD"}}
        self.assertEqual(found[3]["parts"], [{"text": "2"}, image, {"text": "go"}])
        self.assertEqual(noticed(*messages, options=options), ["messages"])

    def test_B09_made_up_result(self) -> None:
        """Where that is set, a missing result is an error that says so, in the middle and at the end."""
        options = Options(missing_tool_result="synthesize")
        for tail in ((), (user("go on"),), (user(result("a", "1")), model("t"))):
            messages = (user("q"), model(call("a"), call("open")), *tail)
            parts = sent(*messages, options=options)["contents"][2]["parts"]
            self.assertEqual([part["functionResponse"]["id"] for part in parts], ["a", "open"])
            self.assertEqual(parts[1]["functionResponse"]["response"], {"error": "no result"})
            self.assertIn("messages", noticed(*messages, options=options))

    def test_B03_B04_ids(self) -> None:
        """Ids are the client's; two calls that are the same but for their ids stay two."""
        found = contents(user("q"), model(call("x1"), call("x2")), user(result("x1", "a"), result("x2", "b")))
        self.assertEqual([part["functionCall"]["id"] for part in found[1]["parts"]], ["x1", "x2"])

    def test_B10_parsed_output(self) -> None:
        """Where that is set, an object is sent as that object, and everything else as its text."""
        options = Options(parse_tool_results=True)
        for text, response in (
            ('{"a":1.0}', {"a": 1.0}),
            ("[1]", {"output": "[1]"}),
            ("00123", {"output": "00123"}),
            ("null", {"output": "null"}),
            ('{"a":', {"output": '{"a":'}),
        ):
            body = sent(user("q"), model(call("1")), user(result("1", text)), options=options)
            self.assertEqual(body["contents"][2]["parts"][0]["functionResponse"]["response"], response)

    def test_B12_failed_tool(self) -> None:
        """What failed is an error, also where objects are parsed."""
        for options in (Options(), Options(parse_tool_results=True)):
            body = sent(user("q"), model(call("1")), user(result("1", '{"a":1}', error=True)), options=options)
            self.assertEqual(body["contents"][2]["parts"][0]["functionResponse"]["response"], {"error": '{"a":1}'})

    def test_B10_output(self) -> None:
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

    def test_B16_B17_B19_values_stay(self) -> None:
        """Nulls, strings that look like something else, and keys of well-known tools are not touched."""
        text = '{"cmd":"ls","flag":"true","n":"00123","none":null,"word":"null"}'
        tool = Tool("shell", None, {"type": "object", "properties": {"flag": {"type": "boolean"}}})
        body = sent(user("q"), model(call("1", "shell", text)), user(result("1", "")), tools=(tool,))
        self.assertEqual(body["contents"][1]["parts"][0]["functionCall"]["args"], json.loads(text))

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
