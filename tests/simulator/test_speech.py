from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.encoding import decode, encode
from agd.simulator.chunks import Answer
from agd.simulator.pace import Pace, steered, without_marker
from agd.simulator.requests import read_request
from agd.simulator.simulation import Simulator
from agd.simulator.speech import speak
from tests.simulator.bodies import asking, round_trip, tools, user

OLD, NEW = "gemini-2.5-flash", "gemini-3-flash-preview"


def answer(body: dict[str, Any], model: str = OLD, words: int = 20) -> Answer:
    """Answer a body as the simulator does."""
    return Answer(speak(read_request(body, model), words, "seed"), model, "seed")


def parts(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the parts of a response's only candidate."""
    content: dict[str, Any] = found["candidates"][0]["content"]
    return list(content["parts"])


def text(found: dict[str, Any]) -> str:
    """Give the visible text of a response."""
    return "".join(part.get("text", "") for part in parts(found) if not part.get("thought"))


class TextTests(SynchronousTestCase):
    def test_quotes_the_request(self) -> None:
        """The answer quotes the user's first words and has the asked length."""
        said = text(answer(asking("please tell me about one two three four five six")).whole())
        self.assertTrue(said.startswith('You wrote "please tell me about one two three four...".'))
        self.assertEqual(len(said.split()), 20)

    def test_deterministic(self) -> None:
        """The same body gives the same bytes."""
        simulator = Simulator()
        body = encode(asking("add 1", tools=tools("add")))
        first, second = simulator.answer(NEW, body)[0], simulator.answer(NEW, body)[0]
        self.assertEqual(encode(first.whole()), encode(second.whole()))

    def test_limit(self) -> None:
        """At maxOutputTokens words the answer ends with MAX_TOKENS."""
        found = answer(asking("hello", generationConfig={"maxOutputTokens": 4})).whole()
        self.assertEqual(len(text(found).split()), 4)
        self.assertEqual(found["candidates"][0]["finishReason"], "MAX_TOKENS")

    def test_stop(self) -> None:
        """A stop sequence ends the answer before it and is not part of it."""
        found = answer(asking("hello", generationConfig={"stopSequences": ["question"]})).whole()
        self.assertTrue(text(found).endswith("for the "))
        self.assertEqual(found["candidates"][0]["finishReason"], "STOP")

    def test_images(self) -> None:
        """Inline data is acknowledged with type and size."""
        part = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}
        said = text(answer({"contents": [{"parts": [{"text": "look"}, part]}]}).whole())
        self.assertIn("an image/png of 8 bytes", said)

    def test_thoughts(self) -> None:
        """Thoughts come first, marked, only when they are asked for, and are counted."""
        config = {"thinkingConfig": {"includeThoughts": True}}
        found = answer(asking("hello", generationConfig=config)).whole()
        self.assertTrue(parts(found)[0]["thought"])
        usage = found["usageMetadata"]
        self.assertGreater(usage["thoughtsTokenCount"], 0)
        self.assertNotIn("thoughtsTokenCount", answer(asking("hello")).whole()["usageMetadata"])

    def test_json(self) -> None:
        """A JSON answer is JSON, and fits the schema where there is one."""
        config: dict[str, Any] = {"responseMimeType": "application/json"}
        self.assertIn("answer", decode(text(answer(asking("hi", generationConfig=config)).whole())))
        config["responseJsonSchema"] = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
        self.assertEqual(decode(text(answer(asking("take 12", generationConfig=config)).whole())), {"n": 12})


class CallTests(SynchronousTestCase):
    def calls(self, body: dict[str, Any], model: str = OLD) -> list[dict[str, Any]]:
        return [part["functionCall"] for part in parts(answer(body, model).whole()) if "functionCall" in part]

    def test_call_with_numbers(self) -> None:
        """A function on offer is called with the numbers of the text."""
        self.assertEqual(
            self.calls(asking("what is 3 plus 4.5?", tools=tools("add"))), [{"name": "add", "args": {"a": 3, "b": 4.5}}]
        )

    def test_named_function(self) -> None:
        """A function that the text names is preferred."""
        self.assertEqual(self.calls(asking("use sub now", tools=tools("add", "sub")))[0]["name"], "sub")

    def test_parallel(self) -> None:
        """The word parallel gives two calls; on the third family both have ids, the first is signed."""
        found = parts(answer(asking("in parallel: 1 2 3 4", tools=tools("add", "sub")), NEW).whole())
        self.assertEqual([part["functionCall"]["name"] for part in found], ["add", "sub"])
        self.assertEqual(len({part["functionCall"]["id"] for part in found}), 2)
        self.assertEqual(["thoughtSignature" in part for part in found], [True, False])

    def test_modes(self) -> None:
        """NONE gives text; allowed names limit ANY."""
        none = {"functionCallingConfig": {"mode": "NONE"}}
        self.assertEqual(self.calls(asking("x", tools=tools("add"), toolConfig=none)), [])
        only = {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["sub"]}}
        self.assertEqual(self.calls(asking("x", tools=tools("add", "sub"), toolConfig=only))[0]["name"], "sub")

    def test_no_parameters(self) -> None:
        """A function without parameters is called with an empty object."""
        self.assertEqual(
            self.calls(asking("x", tools=[{"functionDeclarations": [{"name": "ping"}]}])),
            [{"name": "ping", "args": {}}],
        )

    def test_results_are_mentioned(self) -> None:
        """After results the answer is a text that mentions them."""
        contents = round_trip({"name": "add"}, {"name": "add", "response": {"output": "42 apples"}})
        found = answer({"contents": contents, "tools": tools("add")}).whole()
        self.assertIn("42 apples", text(found))

    def test_own_call_can_be_given_back(self) -> None:
        """A signed call as it was made is accepted in the next round."""
        body = asking("add 1", tools=tools("add"))
        content = answer(body, NEW).whole()["candidates"][0]["content"]
        call = content["parts"][0]["functionCall"]
        result = {"functionResponse": {"name": "add", "id": call["id"], "response": {"output": "1"}}}
        following = {"contents": [user("add 1"), content, {"role": "user", "parts": [result]}]}
        self.assertIn("add answered", text(answer(following, NEW).whole()))


class StreamTests(SynchronousTestCase):
    @given(
        words=st.integers(1, 60),
        size=st.integers(1, 70),
        thoughts=st.booleans(),
        model=st.sampled_from([OLD, NEW]),
        call=st.booleans(),
    )
    def test_stream_is_the_whole(self, words: int, size: int, thoughts: bool, model: str, call: bool) -> None:
        """A stream carries the text of the plain answer, finishes once, at its end, and usage grows to the same sum."""
        config = {"thinkingConfig": {"includeThoughts": thoughts}}
        body = asking("go, 5", generationConfig=config, **({"tools": tools("add")} if call else {}))
        made = answer(body, model, words)
        chunks, whole = list(made.stream(size)), made.whole()
        self.assertEqual("".join(text(chunk) for chunk in chunks), text(whole))
        self.assertEqual(
            [chunk["candidates"][0].get("finishReason") for chunk in chunks[:-1]], [None] * (len(chunks) - 1)
        )
        self.assertEqual(chunks[-1]["candidates"][0]["finishReason"], "STOP")
        self.assertEqual(chunks[-1]["usageMetadata"], whole["usageMetadata"])
        self.assertEqual(made.beats(size), len(chunks))
        for chunk in chunks:
            usage = chunk["usageMetadata"]
            counted = usage["promptTokenCount"] + usage["candidatesTokenCount"] + usage.get("thoughtsTokenCount", 0)
            self.assertEqual(usage["totalTokenCount"], counted)

    def test_text_signature(self) -> None:
        """A text of the third family ends with an empty signed part."""
        last = list(answer(asking("hi"), NEW).stream(5))[-1]
        self.assertEqual(set(parts(last)[0]), {"text", "thoughtSignature"})


class PaceTests(SynchronousTestCase):
    def test_marker(self) -> None:
        """The marker steers length and pauses, and is not quoted."""
        text = "hello [[words=500 chunk=10 pause=0.01 first=0]]"
        self.assertEqual(steered(text, Pace()), Pace(500, 10, 0.01, 0))
        self.assertEqual(without_marker(text), "hello")

    def test_bounds(self) -> None:
        """What the marker asks out of range is brought into it, and without a marker nothing changes."""
        self.assertEqual(steered("[[words=0 chunk=0]]", Pace()).words, 1)
        self.assertEqual(steered("[[words=many]]", Pace()), Pace())
