"""The small machines, and machines in a row."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Event, Finished, FinishReason, TextDelta, ToolCallStart
from agd.emulation.first_call import FirstCallOnly
from agd.emulation.machine import Machine, chain
from agd.emulation.stops import StopCutter
from tests.emulation.events import call, deltas, text_of


class FirstCallTests(SynchronousTestCase):
    """One call per choice."""

    def test_B40_truncates(self) -> None:
        """Of several calls in a choice the first stays whole, the others go and are counted."""
        machine = FirstCallOnly()
        end = Finished(FinishReason.TOOL_CALLS, "STOP")
        events = machine.feed([TextDelta("a"), *call(0), *call(1)]) + machine.feed([*call(2), end]) + machine.close()
        self.assertEqual(events, [TextDelta("a"), *call(0), end])
        self.assertEqual(machine.dropped, 2)

    def test_B40_per_choice(self) -> None:
        """Each choice keeps its own first call, also when calls are interleaved."""
        first, second, other = call(0), call(1), call(0, choice=1)
        mixed = [event for trio in zip(first, second, other, strict=True) for event in trio]
        kept = [event for pair in zip(first, other, strict=True) for event in pair]
        self.assertEqual(FirstCallOnly().feed(mixed), kept)

    @given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=12))
    def test_B40_any_order(self, said: list[tuple[int, bool]]) -> None:
        """Whatever the order, all text passes, and exactly the first call of every choice that calls."""
        counts = dict.fromkeys(range(3), 0)
        events: list[Event] = []
        for choice, calls in said:
            events += call(counts[choice], choice) if calls else [TextDelta("x", choice)]
            counts[choice] += calls
        out = FirstCallOnly().feed(events)
        self.assertEqual([e for e in out if isinstance(e, TextDelta)], [e for e in events if isinstance(e, TextDelta)])
        kept = sorted((e.choice, e.index) for e in out if isinstance(e, ToolCallStart))
        self.assertEqual(kept, [(choice, 0) for choice, count in counts.items() if count])
        self.assertEqual(len(out), sum(isinstance(e, TextDelta) for e in events) + 3 * len(kept))


class ChainTests(SynchronousTestCase):
    """Machines one behind another."""

    def test_empty(self) -> None:
        """A chain of nothing changes nothing."""
        self.assertEqual(chain().feed(iter([TextDelta("a")])), [TextDelta("a")])
        self.assertEqual(chain().close(), [])

    def test_close_goes_through_the_rest(self) -> None:
        """What one machine gives at its end still passes those behind it."""
        machine = chain(StopCutter(["abcd"]), StopCutter(["bc"]))
        self.assertEqual(machine.feed([TextDelta("abc")]), [])
        self.assertEqual(machine.close(), [TextDelta("a"), Finished(FinishReason.STOP, "STOP")])

    @given(st.text("abc", max_size=30), st.lists(st.integers(0)))
    def test_equals_one_after_the_other(self, text: str, cuts: list[int]) -> None:
        """A chain gives what its machines give when each is run over the whole answer of the one before."""
        machine = chain(StopCutter(["abc"]), StopCutter(["cb"]))
        chained = [event for delta in deltas(text, cuts) for event in machine.feed([delta])] + machine.close()
        events: list[Event] = [TextDelta(text)]
        singles: list[Machine] = [StopCutter(["abc"]), StopCutter(["cb"])]
        for single in singles:
            events = single.feed(events) + single.close()
        self.assertEqual(text_of(chained), text_of(events))
