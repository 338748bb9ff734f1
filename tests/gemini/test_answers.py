"""Reading answers: what payloads may be wrapped in, and what is told beside the parts."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Details, Event, Finished, FinishReason, TextDelta, Usage, UsageReport
from agd.errors import FailureKind, UpstreamFailure
from tests.gemini.reading import beside, call, candidate, chunk, reader, run, text


class EnvelopeTests(SynchronousTestCase):
    """What a payload may be wrapped in."""

    def test_G11_code_assist(self) -> None:
        """The envelope of Code Assist is opened, event by event, whether the others have one or not."""
        events = run({"response": chunk(text("a")), "traceId": "t"}, chunk(text("b"), finish="STOP"))
        self.assertEqual(events, [TextDelta("a"), TextDelta("b"), Finished(FinishReason.STOP, "STOP")])

    def test_G09_list(self) -> None:
        """A list of responses is read one by one."""
        events = run([chunk(text("a")), chunk(text("b"), finish="STOP")])
        self.assertEqual(events, [TextDelta("a"), TextDelta("b"), Finished(FinishReason.STOP, "STOP")])

    def test_G10_error_inside_200(self) -> None:
        """An error object is the failure it would be as an answer of its own; one that is null is none."""
        error = {"error": {"code": 429, "message": "Please retry in 2s.", "status": "RESOURCE_EXHAUSTED"}}
        for payload in (error, [error], {"response": error}):
            failure = self.assertRaises(UpstreamFailure, reader().feed, json.dumps(payload).encode())
            self.assertEqual((failure.kind, failure.status, failure.retry_after), (FailureKind.STATUS, 429, 2.0))
        self.assertEqual(reader().feed(b'{"error":null}'), [])

    def test_G07_bad_json(self) -> None:
        """What is no JSON is malformed."""
        for payload in (b"{oops", b"\xff", b"", b"{}}"):
            failure = self.assertRaises(UpstreamFailure, reader().feed, payload)
            self.assertEqual(failure.kind, FailureKind.MALFORMED, payload)

    def test_G09_no_object(self) -> None:
        """Scalars, null and empty lists are malformed."""
        for payload in (b"3", b"null", b"[]", b'["x"]', b'"x"', b"[[]]"):
            failure = self.assertRaises(UpstreamFailure, reader().feed, payload)
            self.assertEqual(failure.kind, FailureKind.MALFORMED, payload)


class DetailsTests(SynchronousTestCase):
    """What is told beside the answer."""

    def details(self, *chunks: Any) -> list[Event]:
        """Return the details of an answer."""
        return [event for event in run(*chunks) if isinstance(event, Details)]

    def test_F39_all_of_them_once(self) -> None:
        """Ratings, probabilities, read URLs, the model's state and fields not known yet come once, before the end."""
        ratings = [{"category": "C", "probability": "LOW"}]
        first = beside(
            text("a"), safetyRatings=[], avgLogprobs=-1.0, urlContextMetadata={"urlMetadata": [1]}, tokenCount=None
        )
        last = beside(
            finish="STOP", safetyRatings=ratings, avgLogprobs=-0.5, urlContextMetadata={"urlMetadata": [2]}, new={}
        )
        events = run(first, last | {"modelStatus": {"modelStage": "STABLE"}, "modelVersion": "m", "responseId": "r"})
        told = {
            "safetyRatings": ratings,
            "avgLogprobs": -0.5,
            "urlContextMetadata": {"urlMetadata": [1, 2]},
            "new": {},
            "modelStatus": {"modelStage": "STABLE"},
        }
        self.assertEqual(events, [TextDelta("a"), Details(told), Finished(FinishReason.STOP, "STOP")])

    def test_F39_sources_whole(self) -> None:
        """What searches were made, and all that was found, is kept beside the citations."""
        first = {
            "webSearchQueries": ["q"],
            "groundingChunks": [{"web": {"uri": "u"}}],
            "searchEntryPoint": {"renderedContent": "<b>"},
        }
        second = {"webSearchQueries": ["q", "r"], "groundingChunks": [{"web": {"uri": "v"}}], "searchEntryPoint": {}}
        told = {
            "webSearchQueries": ["q", "r"],
            "groundingChunks": [{"web": {"uri": "u"}}, {"web": {"uri": "v"}}],
            "searchEntryPoint": {"renderedContent": "<b>"},
        }
        answer = self.details(beside(groundingMetadata=first), beside(finish="STOP", groundingMetadata=second))
        self.assertEqual(answer, [Details({"groundingMetadata": told})])

    def test_F39_nothing_told(self) -> None:
        """Without details there is no event, and empty metadata tells none."""
        self.assertEqual(self.details(beside(text("a"), finish="STOP", groundingMetadata={})), [])

    def test_F39_choices_apart(self) -> None:
        """Every choice has its own."""
        answer = {"candidates": [candidate(finish="STOP", index=index, avgLogprobs=-index) for index in (0, 1)]}
        self.assertEqual(self.details(answer), [Details({"avgLogprobs": 0}), Details({"avgLogprobs": -1}, 1)])

    def test_unblocking_feedback(self) -> None:
        """Ratings of a prompt that was not blocked are details."""
        feedback = {"safetyRatings": [{"category": "C"}]}
        answer = self.details({"promptFeedback": feedback}, chunk(text("a"), finish="STOP"))
        self.assertEqual(answer, [Details({"promptFeedback": feedback})])


class UsageTests(SynchronousTestCase):
    """Where usage is told."""

    def test_F10_usage_in_another_chunk(self) -> None:
        """Usage and finish reason do not depend on each other, in whatever order they come."""
        usage = {"usageMetadata": {"promptTokenCount": 2, "candidatesTokenCount": 3}}
        end = chunk(text("a"), finish="STOP")
        for chunks in ((end, usage), (usage, end), (end | usage,)):
            self.assertEqual(
                run(*chunks), [TextDelta("a"), Finished(FinishReason.STOP, "STOP"), UsageReport(Usage(2, 3))]
            )

    def test_F34_usage_missing(self) -> None:
        """Without usage none is reported."""
        self.assertIsInstance(run(chunk(text("a"), finish="STOP"))[-1], Finished)


VOCABULARY = st.sampled_from([
    "candidates", "content", "parts", "text", "thought", "thoughtSignature", "functionCall", "name", "args", "id",
    "partialArgs", "jsonPath", "stringValue", "numberValue", "willContinue", "inlineData", "data", "mimeType",
    "executableCode", "code", "language", "codeExecutionResult", "outcome", "output", "toolCall", "finishReason",
    "finishMessage", "index", "logprobsResult", "chosenCandidates", "topCandidates", "token", "logProbability",
    "groundingMetadata", "groundingChunks", "groundingSupports", "web", "uri", "segment", "startIndex", "partIndex",
    "groundingChunkIndices", "citationMetadata", "citationSources", "urlContextMetadata", "safetyRatings", "error",
    "usageMetadata", "promptTokenCount", "candidatesTokenCount", "promptTokensDetails", "modality", "tokenCount",
    "promptFeedback", "blockReason", "response", "modelStatus", "details", "message", "status", "retryDelay", "@type",
])  # fmt: skip
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=5),
    st.sampled_from(["STOP", "$.a", "$.a[0]", "AUDIO", 10**400, -1, 0, 1e300, "/google.rpc.RetryInfo"]),
)  # fmt: skip
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(VOCABULARY, inner, max_size=5)),
    max_leaves=25,
)


class AnyPayloadTests(SynchronousTestCase):
    """Payloads that no provider would send."""

    def check(self, *chunks: Any) -> None:
        """Read them; only an ``UpstreamFailure`` may come of them."""
        answer = reader()
        try:
            for item in chunks:
                answer.feed(json.dumps(item).encode())
            answer.close()
        except UpstreamFailure:
            return

    @given(ANYTHING, ANYTHING)
    def test_G07_as_the_whole(self, one: Any, two: Any) -> None:
        """Any two payloads whatever are read or refused."""
        self.check(one, two)

    @given(st.dictionaries(VOCABULARY, ANYTHING, max_size=6), st.dictionaries(VOCABULARY, ANYTHING, max_size=6))
    def test_G07_as_candidate_and_part(self, fields: Any, part: Any) -> None:
        """Any candidate, and any part, is read or refused."""
        self.check(chunk(text("äb"), part), {"candidates": [fields]}, beside(part, finish="STOP"))
        named = {key: value for key, value in fields.items() if key not in {"finish", "index"}}
        self.check(beside(text("äb"), call(), finish="STOP", **named))

    @given(ANYTHING, st.sampled_from(["groundingMetadata", "citationMetadata", "logprobsResult", "urlContextMetadata"]))
    def test_G07_as_metadata(self, value: Any, key: str) -> None:
        """Any metadata is read."""
        answer = reader()
        item = {"candidates": [{"content": {"parts": [text("ä")]}, "finishReason": "STOP", key: value}]}
        answer.feed(json.dumps(item).encode())
        answer.feed(json.dumps(item).encode())
        self.assertIsInstance(answer.close()[-1], Finished)

    @given(st.dictionaries(VOCABULARY, ANYTHING, max_size=6), st.dictionaries(VOCABULARY, ANYTHING, max_size=6))
    def test_G07_as_call_and_usage(self, function: Any, usage: Any) -> None:
        """Any call, and any usage, is read or refused."""
        self.check({**chunk({"functionCall": {"name": "f", **function}}, finish="STOP"), "usageMetadata": usage})
