"""Parts of an answer that are no calls."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import (
    CodePart,
    Finished,
    FinishReason,
    LogProbs,
    MediaPart,
    OpaquePart,
    Text,
    TextDelta,
    Thought,
    TokenLogprob,
)
from tests.gemini.reading import beside, chunk, fed, fold, run, text

PICTURE = {"mimeType": "image/png", "data": "QQ=="}


class PartTests(SynchronousTestCase):
    """Parts to events."""

    def test_B25_several_texts_of_one_chunk(self) -> None:
        """Every text comes, in order."""
        self.assertEqual(fed(chunk(text("a"), text("b"))), [TextDelta("a"), TextDelta("b")])

    def test_C11_thoughts_are_not_the_answer(self) -> None:
        """A thought is told as a thought only."""
        answer = fold(chunk(text("hm", thought=True), text("Hello"), finish="STOP"))
        self.assertEqual(answer.choices[0].parts, [Thought("hm"), Text("Hello")])

    def test_C12_think_tags_are_text(self) -> None:
        """Words that look like a tag of another model's thoughts stay, even cut over chunks."""
        answer = fold(chunk(text("<thi")), chunk(text("nk>x</think>"), finish="STOP"))
        self.assertEqual(answer.choices[0].parts, [Text("<think>x</think>")])

    def test_C15_thoughts_join_alike(self) -> None:
        """Thoughts of a stream join to what a plain reply has, with nothing between them."""
        pieces = [text("a\n", thought=True), text("b", thought=True)]
        streamed = fold(*(chunk(piece) for piece in pieces), chunk(finish="STOP"))
        self.assertEqual(streamed.choices[0].parts, [Thought("a\nb")])
        self.assertEqual(fold(chunk(*pieces, finish="STOP")), streamed)

    def test_C16_thought_images_are_hidden(self) -> None:
        """Interim pictures, and code among the thoughts, are not shown."""
        code = {"executableCode": {"language": "PYTHON", "code": "1"}, "thought": True}
        self.assertEqual(fed(chunk({"inlineData": PICTURE, "thought": True, "thoughtSignature": "S"}, code)), [])

    def test_F15_inline_image(self) -> None:
        """A picture comes as data with its type; one without a type is bytes; one without data is nothing."""
        events = fed(chunk({"inlineData": PICTURE}, {"inlineData": {"data": "QQ=="}}, {"inlineData": {"data": ""}}))
        self.assertEqual(events, [MediaPart("image/png", "QQ=="), MediaPart("application/octet-stream", "QQ==")])

    def test_F16_several_images(self) -> None:
        """Several pictures of one chunk all come, in order."""
        pictures = [{"inlineData": {**PICTURE, "data": data}} for data in ("QQ==", "Qg==")]
        events: list[Any] = fed(chunk(*pictures))
        self.assertEqual([event.data for event in events], ["QQ==", "Qg=="])

    def test_F17_code_keeps_language_and_outcome(self) -> None:
        """Code tells its language; a result tells its outcome when it is not a good one."""
        failed = {"outcome": "OUTCOME_FAILED", "output": "boom"}
        events = fed(
            chunk(
                {"executableCode": {"language": "PYTHON", "code": "print(1)"}},
                {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n"}},
                {"executableCode": {"language": "LANGUAGE_UNSPECIFIED", "code": "x"}},
                {"codeExecutionResult": failed},
                {"codeExecutionResult": {}},
            )
        )
        self.assertEqual(
            events,
            [
                CodePart("print(1)", "python"),
                CodePart("1\n", result=True),
                CodePart("x"),
                CodePart("boom", result=True, outcome="OUTCOME_FAILED"),
                CodePart("", result=True),
            ],
        )

    def test_C07_code_keeps_its_signature(self) -> None:
        """Code and its result keep the provider's signatures, and its name for the run."""
        found = fed(
            chunk(
                {"executableCode": {"id": "r", "language": "PYTHON", "code": "1"}, "thoughtSignature": "S1"},
                {"codeExecutionResult": {"id": "r", "outcome": "OUTCOME_OK"}, "thoughtSignature": "S2"},
            )
        )
        self.assertEqual(
            found,
            [CodePart("1", "python", signature="S1", id="r"), CodePart("", result=True, signature="S2", id="r")],
        )

    def test_F18_mixed_parts_in_order(self) -> None:
        """Words, pictures and code come where they stood."""
        events = fed(chunk(text("a"), {"inlineData": PICTURE}, {"executableCode": {"code": "1"}}, text("b")))
        self.assertEqual(events, [TextDelta("a"), MediaPart("image/png", "QQ=="), CodePart("1"), TextDelta("b")])

    def test_B44_the_providers_own_parts(self) -> None:
        """Parts of server-side tools, and of kinds that are not known yet, are kept whole, signature and all."""
        parts: list[dict[str, Any]] = [
            {"toolCall": {"toolType": "GOOGLE_SEARCH_WEB", "id": "1", "args": {}}, "thoughtSignature": "S"},
            {"toolResponse": {"id": "1", "response": {}}},
            {"fileData": {"fileUri": "x"}},
            {"somethingNew": {"a": 1}, "partMetadata": {}},
        ]
        self.assertEqual(fed(chunk(*parts)), [OpaquePart(part) for part in parts])

    def test_empty_and_senseless_parts(self) -> None:
        """Nothing comes of them."""
        parts = [{"text": ""}, {"text": None}, {"text": 3}, {"inlineData": 3}, {"executableCode": {}}, {}, None, "x"]
        self.assertEqual(fed(chunk(*parts)), [])

    def test_F08_candidate_without_content(self) -> None:
        """A candidate without content is no event, and its end is kept."""
        contents: list[Any] = [{}, None, []]
        for content in contents:
            self.assertEqual(fed({"candidates": [{"content": content}]}), [])
        end = {"candidates": [{"finishReason": "STOP"}]}
        self.assertEqual(run(chunk(text("a")), end)[1:], [Finished(FinishReason.STOP, "STOP")])
        self.assertEqual(fed({"candidates": [{}]}, {"candidates": None}, {"candidates": [None]}, {}), [])

    def test_F09_parts_null_or_missing(self) -> None:
        """Content without parts is no event."""
        senseless: list[Any] = [None, [], {}, 3]
        for parts in senseless:
            self.assertEqual(fed({"candidates": [{"content": {"parts": parts}}]}), [])

    def test_usage_only_chunk(self) -> None:
        """A chunk of usage or metadata alone gives nothing at once."""
        self.assertEqual(fed({"usageMetadata": {"promptTokenCount": 1}, "modelVersion": "m"}), [])


class LogProbTests(SynchronousTestCase):
    """Probabilities of tokens."""

    RESULT = {
        "chosenCandidates": [{"token": "Hi", "tokenId": 5, "logProbability": -0.5}, {"token": "!"}],
        "topCandidates": [
            {"candidates": [{"token": "Yo", "logProbability": -2}, {"token": "Hi", "logProbability": -0.5}]}
        ],
    }
    TOKENS = (TokenLogprob("Hi", -0.5, (("Hi", -0.5), ("Yo", -2.0))), TokenLogprob("!", 0.0))

    def test_E18_shape(self) -> None:
        """Every chosen token has its probability and the likeliest in its place, best first; 0 may be left out."""
        self.assertEqual(
            fed(beside(text("Hi!"), logprobsResult=self.RESULT)), [TextDelta("Hi!"), LogProbs(self.TOKENS)]
        )

    def test_E19_with_the_chunk_that_tells_them(self) -> None:
        """They come with the chunk that has them, even if that is the last, and before the end."""
        events = run(chunk(text("Hi")), beside(text("!"), finish="STOP", logprobsResult=self.RESULT))
        self.assertEqual(events[1:3], [TextDelta("!"), LogProbs(self.TOKENS)])
        self.assertIsInstance(events[-1], Finished)

    def test_senseless_results(self) -> None:
        """What is no result gives no event, and what is no probability is told as certain."""
        senseless: tuple[Any, ...] = (None, 3, {}, {"chosenCandidates": 3}, {"chosenCandidates": []})
        for result in senseless:
            self.assertEqual(fed(beside(logprobsResult=result)), [])
        odd = {"chosenCandidates": [{"token": 1, "logProbability": 10**400}, None], "topCandidates": [3, {}]}
        (event,) = fed(beside(logprobsResult=odd))
        self.assertEqual(event, LogProbs((TokenLogprob("", 0.0), TokenLogprob("", 0.0))))
