"""The requests that find out what a model accepts."""

from __future__ import annotations

import base64

from twisted.trial.unittest import SynchronousTestCase

from agd.encoding import encode_text
from agd.errors import FailureKind, UpstreamFailure
from agd.gemini.probes.questions import Question, baseline, questions
from agd.gemini.probes.replies import Reply, ends_probe, read_answer, read_refusal


def status(code: int, message: str, reason: str = "") -> UpstreamFailure:
    """Make a refusal of the provider's."""
    return UpstreamFailure(FailureKind.STATUS, message, status=code, reason=reason)


class QuestionTests(SynchronousTestCase):
    """The questions as requests."""

    def test_names(self) -> None:
        """No two questions have one name, and there are not more than 40 of them."""
        names = [question.name for question in questions()]
        self.assertEqual(len(set(names)), len(names))
        self.assertLess(len(names), 40)

    def test_cheap(self) -> None:
        """Every request is short and asks for a few tokens only."""
        for question in (baseline(), *questions()):
            self.assertEqual(question.body["generationConfig"]["maxOutputTokens"], 16, question.name)
            self.assertLess(len(encode_text(question.body)), 2000, question.name)

    def test_media(self) -> None:
        """The media sent are what their types say."""
        media = {question.name: question.body for question in questions() if question.name.startswith("media.")}
        marks = {"media.image": b"\x89PNG\r\n", "media.audio": b"RIFF", "media.text": b"A note."}
        self.assertEqual(set(media), set(marks))
        for name, mark in marks.items():
            blob = media[name]["contents"][0]["parts"][1]["inlineData"]
            self.assertTrue(base64.b64decode(blob["data"]).startswith(mark), name)


class ReplyTests(SynchronousTestCase):
    """What the provider's answers tell."""

    question = Question("penalties", {}, "penalt")

    def test_accepted(self) -> None:
        """Any answer that is no error means that the request was accepted, also one without a candidate."""
        self.assertEqual(read_answer({}), Reply("accepted"))
        self.assertEqual(read_answer({"usageMetadata": {"thoughtsTokenCount": 7}}), Reply("accepted", thoughts=7))
        self.assertTrue(read_answer({"usageMetadata": None}).accepted)

    def test_refused(self) -> None:
        """A 400 that speaks of the thing asked about is a refusal, in the provider's words."""
        reply = read_refusal(self.question, status(400, "Penalty is not enabled for models/gemini-x"))
        self.assertTrue(reply.refused)
        self.assertEqual(reply.said, "400 Penalty is not enabled for models/gemini-x")

    def test_unclear(self) -> None:
        """Any other failure tells nothing about it."""
        for failure in (
            status(400, "Request contains an invalid argument."),
            status(500, "penalties broke the server"),
            UpstreamFailure(FailureKind.MALFORMED, "penalty"),
        ):
            self.assertEqual(read_refusal(self.question, failure).verdict, "unclear", failure)

    def test_words(self) -> None:
        """The words with which the real API is known to refuse are understood."""
        asked = {question.name: question for question in questions()}
        for name, words in (
            ("level.low", "Thinking level is not supported for this model."),
            ("level.medium", "Unable to submit request because thinking_level MEDIUM is not supported by this model."),
            ("level.low", "thinking_config is not supported."),
            ("budget.none", "Budget 0 is invalid. This model only works in thinking mode."),
            ("candidate_count.2", "Multiple candidates is not enabled for this model"),
            ("logprobs.1", "Logprobs is not enabled for models/gemini-2.5-flash"),
            ("json_with_tools", "Function calling with a response mime type: 'application/json' is unsupported"),
            ("tools", "Please enable tool_config.include_server_side_tool_invocations to use Built-in tools with ..."),
            ("tools.told", "Tool call context circulation is not enabled for models/gemini-2.5-flash"),
            ("unsigned", "Function call is missing a thought_signature in functionCall parts."),
            (
                "result_media",
                "Unable to submit request because `function_response.parts` is not supported for this model.",
            ),
            ("media.image", "Image input modality is not enabled for models/gemma-3-27b-it"),
            ("resolution.part", "Per part media resolution is not supported for this Model."),
            ("resolution.request", "Media resolution is not enabled for models/gemma-3-27b-it"),
            ("stops.6", "it has 6 stop sequences, but the supported range is from 1 (inclusive) to 6 (exclusive)."),
        ):
            self.assertTrue(read_refusal(asked[name], status(400, words)).refused, words)

    def test_end(self) -> None:
        """A used up quota, a refused key and a lost network end the probe; a question refused does not."""
        for failure in (
            status(429, "quota"),
            status(401, "no"),
            status(400, "API key not valid.", "API_KEY_INVALID"),
            UpstreamFailure(FailureKind.CONNECT, "no answer"),
            UpstreamFailure(FailureKind.TIMEOUT, "late"),
        ):
            self.assertTrue(ends_probe(failure), failure)
        for failure in (status(400, "no"), status(503, "busy"), UpstreamFailure(FailureKind.MALFORMED, "?")):
            self.assertFalse(ends_probe(failure), failure)
