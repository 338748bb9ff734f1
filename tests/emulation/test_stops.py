"""Stop strings that agd enforces itself."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import (
    Details,
    Event,
    Finished,
    FinishReason,
    OpaquePart,
    RefusalDelta,
    TextDelta,
    ThoughtDelta,
    Usage,
    UsageReport,
)
from agd.emulation.stops import StopCutter
from tests.emulation.events import call, deltas, text_of

CUT = Finished(FinishReason.STOP, "STOP")
ENDED = Finished(FinishReason.LENGTH, "MAX_TOKENS")


def run(stops: list[str], *feeds: list[Event], choices: int = 1) -> list[Event]:
    """Feed all and close."""
    cutter = StopCutter(stops, choices)
    return [event for events in feeds for event in cutter.feed(events)] + cutter.close()


def naive(text: str, stops: list[str]) -> tuple[str, bool]:
    """Cut a text by the definition: before the longest stop string at the first place where any is complete."""
    for end in range(1, len(text) + 1):
        found = [stop for stop in stops if stop and text[:end].endswith(stop)]
        if found:
            return text[: end - max(map(len, found))], True
    return text, False


WORDS = st.text("abc", max_size=5)


class CutTests(SynchronousTestCase):
    """Where the text ends."""

    def test_E02_many_stops(self) -> None:
        """However many stop strings there are, the first that is complete ends the answer."""
        stops = [f"<{number}>" for number in range(40)]
        events = run(stops, [TextDelta("a<4 <39>b<1>c")])
        self.assertEqual(events, [TextDelta("a<4 "), CUT])

    def test_E03_empty_stops(self) -> None:
        """Empty stop strings end nothing; one of white space does, as the model would end there."""
        self.assertEqual(run(["", ""], [TextDelta("ab")]), [TextDelta("ab")])
        self.assertEqual(run(["", "\n\n"], [TextDelta("a\nb\n\nc")]), [TextDelta("a\nb"), CUT])

    def test_E04_stop_across_deltas(self) -> None:
        """A stop string that comes letter by letter is never in the output."""
        feeds: list[list[Event]] = [[TextDelta(letter)] for letter in "go STOP now"]
        events = run(["STOP"], *feeds)
        self.assertEqual((text_of(events), events[-1]), ("go ", CUT))

    def test_E04_longest_of_those_complete(self) -> None:
        """Of several that are complete at the same place the longest is cut off."""
        self.assertEqual(run(["end", "the end"], [TextDelta("this is the end of it")]), [TextDelta("this is "), CUT])

    def test_first_complete_counts(self) -> None:
        """A stop string inside a longer one ends the answer before the longer one is complete."""
        self.assertEqual(run(["abcd", "bc"], [TextDelta("xabcd")]), [TextDelta("xa"), CUT])

    @given(st.text("abc", max_size=40), st.lists(WORDS, max_size=6), st.lists(st.integers(0)))
    def test_E04_equals_cutting_the_whole(self, text: str, stops: list[str], cuts: list[int]) -> None:
        """However the text is divided, the output is that of cutting it whole, and only a cut ends the choice."""
        expected, cut = naive(text, stops)
        feeds: list[list[Event]] = [[event] for event in deltas(text, cuts)]
        events = run(stops, *feeds)
        self.assertEqual(text_of(events), expected)
        self.assertEqual([event for event in events if isinstance(event, Finished)], [CUT] if cut else [])

    @given(st.text("abc", max_size=40), st.lists(WORDS, min_size=1, max_size=6), st.lists(st.integers(0)))
    def test_E04_holds_no_more_than_it_must(self, text: str, stops: list[str], cuts: list[int]) -> None:
        """At any time only the longest suffix that may still become a stop string is held back."""
        cutter = StopCutter(stops)
        taken = told = ""
        for event in deltas(text, cuts):
            taken += event.text if isinstance(event, TextDelta) else ""
            told += text_of(cutter.feed([event]))
            if cutter.done:
                return
            starts = [len(taken) - size for size in range(max(map(len, stops)) + 1) if size <= len(taken)]
            held = min(start for start in starts if any(stop.startswith(taken[start:]) for stop in stops))
            self.assertEqual(told, taken[:held])

    def test_linear_time(self) -> None:
        """A text that is for ever about to become a long stop string costs one step per letter."""
        size = 20_000
        cutter = StopCutter(["a" * size + "b", "a" * (size - 1) + "c"])
        begin = time.perf_counter()
        for _ in range(2 * size):
            cutter.feed([TextDelta("a")])
        self.assertLess(time.perf_counter() - begin, 5)
        self.assertEqual(len(text_of(cutter.close())), size)


class PassTests(SynchronousTestCase):
    """What is not text."""

    def test_text_that_is_free_passes_itself(self) -> None:
        """A delta that can begin no stop string is given on as the very object."""
        event = TextDelta("hello")
        self.assertIs(StopCutter(["STOP"]).feed([event])[0], event)

    def test_nothing_passes_held_text(self) -> None:
        """Whatever else comes flushes the held text first, and a stop string does not go on across it."""
        others: list[list[Event]] = [
            [ThoughtDelta("hm")], call(0), [OpaquePart({})], [RefusalDelta("no")], [ENDED],
        ]  # fmt: skip
        for other in others:
            self.assertEqual(run(["STOP"], [TextDelta("a ST"), *other]), [TextDelta("a "), TextDelta("ST"), *other])
        self.assertEqual(text_of(run(["STOP"], [TextDelta("ST"), ThoughtDelta("hm"), TextDelta("OP")])), "STOP")

    def test_details_hold_nothing_up(self) -> None:
        """What is told beside the answer does not interrupt the text."""
        details = Details({"avgLogprobs": -1.0})
        self.assertEqual(run(["STOP"], [TextDelta("aST"), details, TextDelta("OP")]), [TextDelta("a"), details, CUT])

    def test_after_the_cut(self) -> None:
        """What the provider still says of a choice that was cut is dropped, its end too; the usage is told."""
        usage = UsageReport(Usage(1, 2))
        events = run(["STOP"], [TextDelta("aSTOPb"), TextDelta("c")], [*call(0), Details({}), ENDED, usage])
        self.assertEqual(events, [TextDelta("a"), CUT, usage])

    def test_choices_are_apart(self) -> None:
        """Each choice has its own text and its own end."""
        feed: list[Event] = [TextDelta("aST", 0), TextDelta("bST", 1), TextDelta("OP", 1), TextDelta("x", 0)]
        expected = [
            TextDelta("a", 0), TextDelta("b", 1), Finished(FinishReason.STOP, "STOP", 1), TextDelta("ST", 0),
            TextDelta("x", 0),
        ]  # fmt: skip
        self.assertEqual(run(["STOP"], feed), expected)

    def test_done(self) -> None:
        """The upstream may be cancelled when every choice that was asked for has been cut, not before."""
        cutter = StopCutter(["STOP"], choices=2)
        self.assertFalse(cutter.done)
        cutter.feed([TextDelta("STOP", 0)])
        self.assertFalse(cutter.done)
        cutter.feed([TextDelta("x", 1)])
        self.assertFalse(cutter.done)
        cutter.feed([TextDelta("STOP", 1)])
        self.assertTrue(cutter.done)
        self.assertEqual(cutter.close(), [])


class SignatureTests(SynchronousTestCase):
    """Signatures stay on the text they came with."""

    def test_released_in_pieces(self) -> None:
        """A signature leaves with the end of its piece."""
        events = run(["STOP"], [TextDelta("a ST", signature="S")], [TextDelta("x")])
        self.assertEqual(events, [TextDelta("a "), TextDelta("ST", signature="S"), TextDelta("x")])

    def test_on_an_empty_piece(self) -> None:
        """An empty signed piece keeps its place behind held text."""
        signed = TextDelta("", signature="S")
        self.assertEqual(run(["STOP"], [TextDelta("ST"), signature_copy(signed)]), [TextDelta("ST"), signed])
        self.assertEqual(run(["STOP"], [TextDelta("a"), signature_copy(signed)]), [TextDelta("a"), signed])

    def test_at_the_cut(self) -> None:
        """What a cut leaves of a signed piece is signed; of a piece that is gone nothing is left."""
        self.assertEqual(run(["STOP"], [TextDelta("aSTOP", signature="S")]), [TextDelta("a", signature="S"), CUT])
        self.assertEqual(run(["STOP"], [TextDelta("a"), TextDelta("STOP", signature="S")]), [TextDelta("a"), CUT])
        split: list[Event] = [TextDelta("aST"), TextDelta("", signature="S"), TextDelta("OP")]
        self.assertEqual(run(["STOP"], split), [TextDelta("a"), CUT])


def signature_copy(event: TextDelta) -> TextDelta:
    """Make an equal event: a machine owns what it is fed."""
    return TextDelta(event.text, event.choice, event.signature)
