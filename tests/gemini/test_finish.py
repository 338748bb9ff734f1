"""How answers end."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Details, Event, Finished, FinishReason, RefusalDelta, TextDelta, Usage, UsageReport
from agd.errors import FailureKind, UpstreamFailure
from tests.gemini.reading import beside, call, chunk, run, text

FILTERS = (
    "SAFETY", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "RECITATION", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION", "MODEL_ARMOR",
)  # fmt: skip
OTHERS = ("LANGUAGE", "OTHER", "IMAGE_OTHER", "NO_IMAGE", "FINISH_REASON_UNSPECIFIED", "NOT_KNOWN_YET")
FAILURES = (
    "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE",
    "MISSING_THOUGHT_SIGNATURE",
)  # fmt: skip
BLOCKS = (
    "BLOCKED_REASON_UNSPECIFIED", "SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "IMAGE_SAFETY", "MODEL_ARMOR",
    "JAILBREAK", "NOT_KNOWN_YET",
)  # fmt: skip


class FinishTests(SynchronousTestCase):
    """Finish reasons."""

    def reason(self, native: str, *parts: Any) -> FinishReason:
        """Return the reason that ``native`` gives behind some parts."""
        (finished,) = (event for event in run(chunk(*parts, finish=native)) if isinstance(event, Finished))
        self.assertEqual(finished.native, native)
        return finished.reason

    def failure(self, native: str, *parts: Any) -> UpstreamFailure:
        """Return the failure that ``native`` is behind some parts."""
        failure: UpstreamFailure = self.assertRaises(UpstreamFailure, run, chunk(*parts, finish=native))
        return failure

    def test_F01_table(self) -> None:
        """Behind a text, every value the provider has, and any other, gives what the table says."""
        table = {"STOP": FinishReason.STOP, "MAX_TOKENS": FinishReason.LENGTH}
        table |= dict.fromkeys(FILTERS, FinishReason.CONTENT_FILTER) | dict.fromkeys(OTHERS, FinishReason.STOP)
        for native, reason in table.items():
            self.assertEqual(self.reason(native, text("a")), reason, native)

    @given(st.text(min_size=1, max_size=20))
    def test_F02_no_raw_value(self, native: str) -> None:
        """Whatever the provider says, the reason is one of OpenAI's, and its own word stands beside it."""
        self.assertIsInstance(self.reason(native, text("a")), FinishReason)

    def test_F03_filters_are_not_stop(self) -> None:
        """Every filter is content_filter, with output and without."""
        for native in FILTERS:
            self.assertEqual(self.reason(native, text("a")), FinishReason.CONTENT_FILTER)
            self.assertEqual(self.reason(native), FinishReason.CONTENT_FILTER)

    def test_F04_max_tokens_is_length(self) -> None:
        """An answer that was cut says so, even an empty one."""
        for parts in ((), (text("a"),), (call(),)):
            self.assertEqual(self.reason("MAX_TOKENS", *parts), FinishReason.LENGTH)

    def test_B29_a_filter_wins_over_calls(self) -> None:
        """A call in a filtered answer does not make it tool_calls."""
        self.assertEqual(self.reason("SAFETY", call()), FinishReason.CONTENT_FILTER)

    def test_F05_nothing_usable(self) -> None:
        """An ending without visible output is a failure, which tells the provider's word."""
        for native in OTHERS:
            failure = self.failure(native, text("t", thought=True), {"toolCall": {"id": "1"}})
            self.assertEqual((failure.kind, failure.reason), (FailureKind.MALFORMED, native))

    def test_B45_malformed_call(self) -> None:
        """A malformed call is a failure, not an empty success, even behind text."""
        for native in FAILURES:
            for item in ({"candidates": [{"content": {}, "finishReason": native}]}, chunk(text("a"), finish=native)):
                failure = self.assertRaises(UpstreamFailure, run, item)
                self.assertEqual((failure.kind, failure.reason), (FailureKind.MALFORMED, native))

    def test_F05_words_of_the_provider(self) -> None:
        """The failure tells what the provider said, without what looks like a secret."""
        item = beside(finish="MALFORMED_FUNCTION_CALL", finishMessage="Call f(key=AbCdEfGh) failed")
        failure = self.assertRaises(UpstreamFailure, run, item)
        self.assertIn("MALFORMED_FUNCTION_CALL. Call f", failure.message)
        self.assertIn("failed", failure.message)
        self.assertNotIn("AbCdEfGh", failure.message)

    def test_F06_empty_stop(self) -> None:
        """STOP with nothing at all passes, so that whoever asked may ask again."""
        empty = {"candidates": [{"content": {}, "finishReason": "STOP"}]}
        self.assertEqual(run(empty), [Finished(FinishReason.STOP, "STOP")])

    def test_F11_text_behind_the_finish_reason(self) -> None:
        """It is passed on, and the end comes behind it."""
        events = run(chunk(text("a"), finish="STOP"), chunk(text("b")))
        self.assertEqual(events, [TextDelta("a"), TextDelta("b"), Finished(FinishReason.STOP, "STOP")])

    def test_F12_refusal(self) -> None:
        """A filtered answer without output says why; one with output does not; the message is the detail."""
        item = beside(finish="SAFETY", finishMessage="Unsafe <b>words</b>.")
        refusal = RefusalDelta("The provider withheld the answer: SAFETY. Unsafe words .")
        finished = Finished(FinishReason.CONTENT_FILTER, "SAFETY", 0, "Unsafe words .")
        self.assertEqual(run(item), [refusal, finished])
        self.assertEqual(len(run(chunk(text("a"), finish="SAFETY"))), 2)

    def test_finish_message_without_refusal(self) -> None:
        """The provider's words for people go with any end."""
        self.assertEqual(run(beside(text("a"), finish="STOP", finishMessage="Done."))[-1].detail, "Done.")  # type: ignore[union-attr] # Finished

    def test_E10_candidates_apart(self) -> None:
        """Every candidate ends for itself, in order; a senseless index is 0."""
        events = run(chunk(text("b"), index=1, finish="MAX_TOKENS"), chunk(text("a"), finish="STOP", index=-3))
        self.assertEqual(
            events,
            [
                TextDelta("b", 1),
                TextDelta("a"),
                Finished(FinishReason.STOP, "STOP"),
                Finished(FinishReason.LENGTH, "MAX_TOKENS", 1),
            ],
        )

    def test_G09_nothing_at_all(self) -> None:
        """An answer without a candidate is empty."""
        answers: list[list[Any]] = [[], [{"usageMetadata": {"promptTokenCount": 1}}], [{"promptFeedback": {}}]]
        for chunks in answers:
            self.assertEqual(self.assertRaises(UpstreamFailure, run, *chunks).kind, FailureKind.EMPTY)

    def test_G15_no_finish_reason(self) -> None:
        """An answer that stops before its end, in any candidate, is cut."""
        for chunks in ([chunk(text("a"))], [chunk(text("a"), finish="STOP"), chunk(text("b"), index=1)]):
            self.assertEqual(self.assertRaises(UpstreamFailure, run, *chunks).kind, FailureKind.CUT)


class BlockTests(SynchronousTestCase):
    """Prompts that were blocked."""

    def blocked(self, **feedback: Any) -> list[Event]:
        """Return the events of a blocked prompt, told twice."""
        return run({"promptFeedback": feedback}, {"promptFeedback": feedback})

    def test_F07_every_reason(self) -> None:
        """A blocked prompt is a refusal that names the reason, and content_filter; the details come first."""
        for reason in BLOCKS:
            self.assertEqual(
                self.blocked(blockReason=reason),
                [
                    Details({"promptFeedback": {"blockReason": reason}}),
                    RefusalDelta(f"The provider blocked the prompt: {reason}."),
                    Finished(FinishReason.CONTENT_FILTER, reason),
                ],
            )

    def test_F07_words_and_usage(self) -> None:
        """The provider's words are told, and the usage if there is one."""
        feedback = {"blockReason": "MODEL_ARMOR", "blockReasonMessage": "Jailbreak."}
        usage = {"promptTokenCount": 3}
        events = run({"promptFeedback": feedback, "usageMetadata": usage, "modelStatus": {"s": 1}})
        self.assertEqual(events[1], RefusalDelta("The provider blocked the prompt: MODEL_ARMOR. Jailbreak."))
        self.assertEqual(events[2], Details({"modelStatus": {"s": 1}}))
        self.assertEqual(events[-1], UsageReport(Usage(3)))

    def test_F07_in_the_middle(self) -> None:
        """A block behind some text ends the choice as filtered, not as cut, and without a refusal."""
        feedback = {"blockReason": "OTHER"}
        self.assertEqual(
            run(chunk(text("a")), {"promptFeedback": feedback}),
            [TextDelta("a"), Details({"promptFeedback": feedback}), Finished(FinishReason.CONTENT_FILTER, "OTHER")],
        )
