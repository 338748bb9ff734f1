"""Citations and probabilities around a cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Citation, Event, Finished, FinishReason, LogProbs, TextDelta, TokenLogprob
from agd.emulation.stops import StopCutter
from tests.emulation.events import deltas, text_of

CUT = Finished(FinishReason.STOP, "STOP")


def weighed(*tokens: str) -> LogProbs:
    """Make probabilities of tokens."""
    return LogProbs(tuple(TokenLogprob(token, -0.5) for token in tokens))


def tokens_of(events: list[Event]) -> list[str]:
    """Return the tokens of all probabilities, in order."""
    return [token.token for event in events if isinstance(event, LogProbs) for token in event.tokens]


class LogProbsTests(SynchronousTestCase):
    """Probabilities of tokens."""

    def test_follow_their_text(self) -> None:
        """Tokens of text that is held are held with it; those of text that is out pass."""
        cutter = StopCutter(["STOP"])
        self.assertEqual(cutter.feed([TextDelta("go ST"), weighed("go", " ST")]), [TextDelta("go "), weighed("go")])
        self.assertEqual(cutter.feed([TextDelta("x")]), [TextDelta("ST"), TextDelta("x"), weighed(" ST")])

    def test_E04_cut_with_the_text(self) -> None:
        """Tokens of the stop string are not told, nor one that reaches into it."""
        cutter = StopCutter(["STOP"])
        events = cutter.feed([TextDelta("goST"), weighed("go", "ST")]) + cutter.feed([TextDelta("OP!"), weighed("OP!")])
        self.assertEqual(events, [TextDelta("go"), weighed("go"), CUT])
        reaching = StopCutter(["STOP"]).feed([weighed("g", "oS", "TOP"), TextDelta("goSTOP")])
        self.assertEqual(tokens_of(reaching), ["g"])

    def test_told_at_the_end_only(self) -> None:
        """Tokens that come after all text, or that fit no text, are told when the answer ends."""
        cutter = StopCutter(["STOP"])
        end = Finished(FinishReason.LENGTH, "MAX_TOKENS")
        events = cutter.feed([TextDelta("go"), weighed("go", "\ufffd", "\ufffd"), end]) + cutter.close()
        self.assertEqual(tokens_of(events), ["go", "\ufffd", "\ufffd"])
        self.assertEqual(events[-1], end)

    @given(st.text("abS", max_size=30), st.lists(st.integers(0)), st.lists(st.integers(0)))
    def test_are_a_prefix_of_the_text(self, text: str, cuts: list[int], tokens: list[int]) -> None:
        """However text and tokens are divided, the tokens told are those that fit into the text told."""
        feed = deltas(text, cuts)
        spoken = [event.text for event in deltas(text, tokens) if isinstance(event, TextDelta) and event.text]
        cutter = StopCutter(["SS", "abS"])
        events = cutter.feed([weighed(*spoken), *feed]) + cutter.close()
        told, said = "".join(tokens_of(events)), text_of(events)
        self.assertTrue(said.startswith(told))
        rest = spoken[len(tokens_of(events)) :]
        self.assertTrue(not rest or len(told + rest[0]) > len(said))


class CitationTests(SynchronousTestCase):
    """Sources of the text."""

    def test_pass_with_their_text(self) -> None:
        """A source of text that is out passes at once, one of held text with that text."""
        cutter = StopCutter(["STOP"])
        early, late = Citation(0, 2, "https://a.example", "A"), Citation(3, 5, "https://b.example", "B")
        self.assertEqual(cutter.feed([TextDelta("go ST"), early, late]), [TextDelta("go "), early])
        self.assertEqual(cutter.feed([TextDelta("x")]), [TextDelta("ST"), TextDelta("x"), late])

    def test_E04_cut_with_the_text(self) -> None:
        """A source of what was cut off is dropped; one that reaches over the cut ends there."""
        cutter = StopCutter(["STOP"])
        sources = [Citation(0, 6, "https://a.example", "A"), Citation(2, 6, "https://b.example", "B")]
        events = cutter.feed([TextDelta("goST"), *sources, TextDelta("OP")])
        self.assertEqual(events, [TextDelta("go"), Citation(0, 2, "https://a.example", "A"), CUT])

    def test_of_text_that_never_came(self) -> None:
        """A source beyond the text is told at the end all the same: it is not agd's to judge."""
        cutter = StopCutter(["STOP"])
        source = Citation(0, 99, "https://a.example", "A")
        self.assertEqual(cutter.feed([TextDelta("go"), source]) + cutter.close(), [TextDelta("go"), source])
