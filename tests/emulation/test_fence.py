"""The fence around an answer that was asked to be JSON (D27)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import (
    Citation,
    Event,
    Finished,
    FinishReason,
    TextDelta,
    ThoughtDelta,
    ToolCallStart,
    Usage,
    UsageReport,
)
from agd.emulation.fence import Fence, FenceStripper

_pieces = st.lists(st.text(alphabet="`\n j{} ", max_size=6) | st.sampled_from(["```json\n", "\n```", "{}"]), max_size=8)


def stripped(*pieces: str) -> str:
    """Return what comes out of a text in these pieces."""
    fence = Fence()
    return "".join(map(fence.feed, pieces)) + fence.end()


class FenceTests(SynchronousTestCase):
    """The outer fence of an answer in JSON."""

    def test_D27_one_outer_fence(self) -> None:
        """The outer fence goes, with its language and the white space around it; what is inside stays."""
        cases = {
            "```json\n{}\n```": "{}",
            " \n```\n{}\n```\n\n": "{}",
            "```json\n```\nx\n```\n```": "```\nx\n```",
            "```json\n{}": "{}",
            "{}\n```": "{}\n```",
            "```{}": "```{}",
            "``": "``",
            "": "",
        }
        for text, expected in cases.items():
            with self.subTest(text=text):
                self.assertEqual(stripped(text), expected)

    @given(_pieces)
    def test_D27_any_cut(self, pieces: list[str]) -> None:
        """What comes out does not depend on how the text is cut."""
        self.assertEqual(stripped(*pieces), stripped("".join(pieces)))
        self.assertEqual(stripped(*"".join(pieces)), stripped("".join(pieces)))

    def test_D27_nothing_held_long(self) -> None:
        """Text within a fence comes out at once, but for what may be the fence's end."""
        fence = Fence()
        self.assertEqual(
            [fence.feed(piece) for piece in ("```json\n", '{"a"', ":1}\n", "``", "x")], ["", '{"a"', ":1}", "", "\n``x"]
        )
        self.assertEqual(fence.end(), "")

    def test_flush(self) -> None:
        """What is held comes out when something else follows, and text goes on unchanged."""
        fence = Fence()
        self.assertEqual(
            (fence.feed("``"), fence.flush(), fence.feed("`json\n{}"), fence.end()), ("", "``", "`json\n{}", "")
        )


STOP = Finished(FinishReason.STOP, "STOP")


def passed(*events: Event) -> list[Event]:
    """Return what becomes of events that are fed one by one."""
    machine = FenceStripper()
    return [out for event in events for out in machine.feed([event])] + machine.close()


class StripperTests(SynchronousTestCase):
    """The machine over a whole answer."""

    def test_D27_text_and_sources(self) -> None:
        """The fence goes before the choice ends, and sources keep their places in the text that is left."""
        usage = UsageReport(Usage(1, 2))
        events = passed(
            TextDelta("```js"), TextDelta('on\n{"a":1}\n``'), TextDelta("`\n"), Citation(8, 11, "", "A"), STOP, usage
        )
        self.assertEqual(events, [TextDelta('{"a":1}'), Citation(0, 3, "", "A"), STOP, usage])

    def test_D27_choices_are_apart(self) -> None:
        """Each choice has a fence, or none, of its own."""
        events = passed(
            TextDelta("```\n1"), TextDelta("2\n```", 1), TextDelta("\n```"), STOP, Finished(STOP.reason, "STOP", 1)
        )
        texts = {0: "", 1: ""}
        for event in events:
            if isinstance(event, TextDelta):
                texts[event.choice] += event.text
        self.assertEqual(texts, {0: "1", 1: "2\n```"})

    def test_D27_signatures_stay(self) -> None:
        """A signature is passed on with its piece, even when nothing of the piece is left."""
        self.assertEqual(passed(TextDelta("```\n", signature="S"), STOP), [TextDelta("", signature="S"), STOP])

    def test_D27_other_events(self) -> None:
        """A call ends what may have been a fence; thoughts do not stand in the text and pass."""
        start, thought = ToolCallStart(0, "call_0", "f"), ThoughtDelta("hm")
        self.assertEqual(
            passed(TextDelta("``"), thought, TextDelta("`"), start, STOP), [thought, TextDelta("```"), start, STOP]
        )

    def test_unfinished(self) -> None:
        """What is held of a choice that never ends is given at the close."""
        self.assertEqual(passed(TextDelta("``")), [TextDelta("``")])
