"""The fold of an answer's events."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import (
    Answer,
    Choice,
    Code,
    CodePart,
    Event,
    Finished,
    FinishReason,
    Media,
    MediaPart,
    RefusalDelta,
    Text,
    TextDelta,
    Thought,
    ThoughtDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallDone,
    ToolCallStart,
    Usage,
    UsageReport,
)


def fold(*events: Event) -> Answer:
    """Fold events into an answer."""
    answer = Answer()
    for event in events:
        answer.add(event)
    return answer


def only(*events: Event) -> Choice:
    """Fold the events of a single choice."""
    answer = fold(*events)
    [choice] = answer.choices.values()
    return choice


class TextTests(SynchronousTestCase):
    """Words."""

    def test_joined(self) -> None:
        """Deltas of the same kind are one part, byte for byte."""
        self.assertEqual(only(TextDelta("Hel"), TextDelta(""), TextDelta("lo \n")).parts, [Text("Hello \n")])

    def test_order(self) -> None:
        """Thoughts and text stay apart and in the order in which they came."""
        choice = only(ThoughtDelta("a"), ThoughtDelta("b"), TextDelta("c"), ThoughtDelta("d"), TextDelta("e"))
        self.assertEqual(choice.parts, [Thought("ab"), Text("c"), Thought("d"), Text("e")])

    def test_refusal(self) -> None:
        """A refusal is no part: it stands beside them."""
        choice = only(TextDelta("I "), RefusalDelta("can"), RefusalDelta("not"))
        self.assertEqual((choice.parts, choice.refusal), ([Text("I ")], "cannot"))

    @given(st.lists(st.text(), min_size=1))
    def test_any_cut(self, pieces: list[str]) -> None:
        """Wherever a text is cut, its fold is the text, and nothing where there was none."""
        text = "".join(pieces)
        self.assertEqual(only(*map(TextDelta, pieces)).parts, [Text(text)] if text else [])


class PartTests(SynchronousTestCase):
    """Whatever else a model gives."""

    def test_media_and_code(self) -> None:
        """Media and code stand between the words they came between, each a part of its own."""
        choice = only(
            TextDelta("see"),
            MediaPart("image/png", "AAAA"),
            CodePart("1+1", "PYTHON"),
            CodePart("2", result=True),
            TextDelta("so"),
        )
        self.assertEqual(
            choice.parts,
            [Text("see"), Media("image/png", data="AAAA"), Code("1+1", "PYTHON"), Code("2", result=True), Text("so")],
        )

    def test_call(self) -> None:
        """A call's arguments are its deltas joined; its id, name and signature are kept."""
        choice = only(
            ToolCallStart(0, "call_1", "look", "sig"),
            ToolCallDelta(0, '{"a":'),
            ToolCallDelta(0, " 1}"),
            ToolCallDone(0),
        )
        self.assertEqual(choice.parts, [ToolCall("call_1", "look", '{"a": 1}', "sig")])

    def test_interleaved_calls(self) -> None:
        """Calls whose deltas alternate are told apart, within a choice and between choices."""
        answer = fold(
            ToolCallStart(0, "a", "f"),
            ToolCallStart(1, "b", "g"),
            ToolCallStart(0, "c", "h", choice=1),
            ToolCallDelta(1, "[2"),
            ToolCallDelta(0, "[1"),
            ToolCallDelta(0, "[3", choice=1),
            ToolCallDelta(1, "]"),
            ToolCallDelta(0, "]"),
            ToolCallDelta(0, "]", choice=1),
            ToolCallDone(0),
            ToolCallDone(1),
            ToolCallDone(0, choice=1),
        )
        self.assertEqual(answer.choices[0].parts, [ToolCall("a", "f", "[1]"), ToolCall("b", "g", "[2]")])
        self.assertEqual(answer.choices[1].parts, [ToolCall("c", "h", "[3]")])

    def test_unfinished_call(self) -> None:
        """A call that was never completed is no call."""
        self.assertEqual(only(ToolCallStart(0, "a", "f"), ToolCallDelta(0, "{")).parts, [])


class EndTests(SynchronousTestCase):
    """How an answer ends."""

    def test_finished(self) -> None:
        """A choice has the reason it ended with, and the provider's word for it."""
        choice = only(TextDelta("x"), Finished(FinishReason.LENGTH, "MAX_TOKENS"))
        self.assertEqual((choice.reason, choice.native), (FinishReason.LENGTH, "MAX_TOKENS"))

    def test_unfinished(self) -> None:
        """One that never ended has none."""
        self.assertIsNone(only(TextDelta("x")).reason)

    def test_choices(self) -> None:
        """Choices are folded apart."""
        answer = fold(
            TextDelta("a", choice=1),
            TextDelta("b"),
            TextDelta("c", choice=1),
            Finished(FinishReason.STOP, "STOP", choice=1),
        )
        self.assertEqual({n: choice.parts for n, choice in answer.choices.items()}, {1: [Text("ac")], 0: [Text("b")]})
        self.assertEqual([answer.choices[n].reason for n in (0, 1)], [None, FinishReason.STOP])

    def test_usage(self) -> None:
        """The report of usage belongs to the answer and makes no choice."""
        answer = fold(UsageReport(Usage(prompt=3, completion=4)))
        self.assertEqual((answer.usage, answer.choices), (Usage(prompt=3, completion=4), {}))

    def test_total(self) -> None:
        """The total is prompt and completion; what is part of them is not counted again."""
        usage = Usage(prompt=10, completion=5, reasoning=3, cached=4, tool_use=2, prompt_audio=1, completion_audio=1)
        self.assertEqual(usage.total, 15)
