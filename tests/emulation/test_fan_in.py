"""Several answers as one."""

from __future__ import annotations

from attrs import astuple, evolve
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Answer, Event, Finished, FinishReason, TextDelta, ToolCall, Usage, UsageReport
from agd.emulation.fan_in import FanIn, total
from tests.emulation.events import call, text_of

USAGE = Usage(prompt=10, completion=5, reasoning=2, cached=3, tool_use=1, prompt_audio=4, completion_audio=2)


class FanInTests(SynchronousTestCase):
    """Numbers of choices and calls, and the usage."""

    def test_E09_choices_of_single_calls(self) -> None:
        """Each of n calls becomes one choice of its own; nothing of one shows in another."""
        fan = FanIn(3)
        events = [event for source in (2, 0, 1) for event in fan.feed(source, [TextDelta(f"s{source}")])]
        answer = Answer()
        for event in events:
            answer.add(event)
        self.assertEqual([text_of(events, choice) for choice in range(3)], ["s0", "s1", "s2"])
        self.assertEqual(sorted(answer.choices), [0, 1, 2])

    def test_E09_usage_is_summed(self) -> None:
        """The usage of all calls is added up in every kind."""
        fan = FanIn(2)
        fan.feed(0, [UsageReport(USAGE)])
        fan.feed(1, [UsageReport(evolve(USAGE, prompt=1))])
        fan.close(1)
        self.assertEqual(fan.close(0), [UsageReport(Usage(11, 10, 4, 6, 2, 8, 4))])

    def test_E10_in_a_stream(self) -> None:
        """Chunks of interleaved answers carry their index, each choice its own calls and end, the usage comes once."""
        fan = FanIn(2)
        events = fan.feed(0, call(0)) + fan.feed(1, call(0)) + fan.feed(0, call(1))
        events += fan.feed(1, [Finished(FinishReason.STOP, "STOP"), UsageReport(USAGE)]) + fan.close(1)
        events += fan.feed(0, [Finished(FinishReason.LENGTH, "MAX_TOKENS"), UsageReport(USAGE)]) + fan.close(0)
        answer = Answer()
        for event in events:
            answer.add(event)
        calls = {index: [p.id for p in c.parts if isinstance(p, ToolCall)] for index, c in answer.choices.items()}
        self.assertEqual(calls, {0: ["call_0_0", "call_0_1"], 1: ["call_0_0"]})
        self.assertEqual([answer.choices[index].reason for index in (0, 1)], ["length", "stop"])
        self.assertEqual(
            [event for event in events if isinstance(event, UsageReport)], [UsageReport(total([USAGE] * 2))]
        )
        self.assertIsInstance(events[-1], UsageReport)

    def test_J01_order_of_prompts(self) -> None:
        """Of m prompts with n choices each, the choices of the first prompt come first."""
        fan = FanIn(2, choices_each=2)
        events = fan.feed(1, [TextDelta("b0", 0), TextDelta("b1", 1)]) + fan.feed(0, [TextDelta("a1", 1)])
        self.assertEqual(events, [TextDelta("b0", 2), TextDelta("b1", 3), TextDelta("a1", 1)])

    def test_choice_nobody_asked_for(self) -> None:
        """A candidate beyond those asked for does not become another source's choice."""
        self.assertEqual(FanIn(2).feed(0, [TextDelta("x", 1), TextDelta("y", 0)]), [TextDelta("y", 0)])

    def test_complete(self) -> None:
        """It is complete when all sources have ended; ending twice says nothing twice; unknown usage stays unsaid."""
        fan = FanIn(2)
        fan.feed(0, [UsageReport(USAGE)])
        self.assertEqual(fan.close(0), [])
        self.assertEqual(fan.close(0), [])
        self.assertFalse(fan.complete)
        self.assertEqual(fan.close(1), [UsageReport(USAGE)])
        self.assertTrue(fan.complete)
        self.assertEqual(fan.close(1), [])
        self.assertEqual(FanIn(1).close(0), [])

    @given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1), st.text("xyz", max_size=3)), max_size=20))
    def test_every_choice_gets_its_own_text(self, said: list[tuple[int, int, str]]) -> None:
        """However the sources are interleaved, each choice is the text of its source in order."""
        fan = FanIn(3, choices_each=2)
        events: list[Event] = []
        for source, choice, text in said:
            events += fan.feed(source, [TextDelta(text, choice)])
        for source in range(3):
            for choice in range(2):
                expected = "".join(text for s, c, text in said if (s, c) == (source, choice))
                self.assertEqual(text_of(events, source * 2 + choice), expected)

    @given(st.lists(st.builds(Usage, *[st.integers(0, 100)] * 7), min_size=1, max_size=4))
    def test_E09_sum_of_any(self, usages: list[Usage]) -> None:
        """Every kind of token is the sum of that kind."""
        rows = [astuple(usage) for usage in usages]
        self.assertEqual(astuple(total(usages)), tuple(sum(row[kind] for row in rows) for kind in range(7)))
