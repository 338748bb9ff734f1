"""From a prompt to upstream calls, and from their events to one answer, without any network."""

from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import (
    Answer,
    Details,
    Event,
    Finished,
    FinishReason,
    LogProbs,
    Message,
    Notice,
    OutputFormat,
    Prompt,
    Reasoning,
    Sampling,
    Text,
    TextDelta,
    TokenLogprob,
    Tool,
    ToolCall,
    ToolCallDelta,
    ToolCallDone,
    ToolCallStart,
    Usage,
    UsageReport,
)
from agd.errors import BadRequest
from agd.gateway.flow import Flow, fold
from agd.gateway.plan import MAX_CHOICES, Plan, make_plan, silence
from agd.options import DEFAULT, Options
from tests.gateways import MODEL, prompt

SINGLE = {MODEL: {"candidate_count": 1}}
SEVERAL = {MODEL: {"candidate_count": 8}}
TOOL = Tool("f")
STRICT = OutputFormat("json_schema", {"type": "object"}, strict=True)


def plan(asked: Prompt, options: Options = DEFAULT, overrides: Any = SEVERAL) -> Plan:
    """Plan for the one model."""
    return make_plan(asked, MODEL, options, overrides)


def body(made: Plan, call: int = 0) -> Any:
    """Return what one call says."""
    return json.loads(made.calls[call].outgoing.body)


def said(text: str, choice: int = 0) -> list[Event]:
    """Make a choice of one word."""
    return [TextDelta(text, choice), Finished(FinishReason.STOP, "STOP", choice)]


def called(index: int, choice: int = 0) -> list[Event]:
    """Make a call of a tool."""
    start = ToolCallStart(index, f"call_{choice}_{index}", "f", "S", choice)
    return [start, ToolCallDelta(index, "{}", choice), ToolCallDone(index, choice)]


def words(answer: Answer) -> list[str]:
    """Return the text of every choice in order."""
    texts: list[str] = []
    for index, choice in sorted(answer.choices.items()):
        assert index == len(texts)
        texts.append("".join(part.text for part in choice.parts if isinstance(part, Text)))
    return texts


class PlanTests(SynchronousTestCase):
    """How many calls, and what they say."""

    def test_one_call(self) -> None:
        """A plain request is one call for one choice, whose events are the answer as they come."""
        made = plan(prompt())
        self.assertEqual((len(made.calls), made.choices_each, Flow.of(made).is_idle), (1, 1, True))

    def test_tools_cost_nothing(self) -> None:
        """Tools alone put no machine between the upstream and the client."""
        self.assertTrue(Flow.of(plan(prompt(tools=(TOOL,)))).is_idle)

    def test_E09_candidates(self) -> None:
        """A model that makes several choices at a time is asked once, with their number."""
        made = plan(prompt(n=3))
        self.assertEqual((len(made.calls), made.choices_each), (1, 3))
        self.assertEqual(body(made)["generationConfig"]["candidateCount"], 3)

    def test_E09_fan_out(self) -> None:
        """A model that makes one at a time is asked as often, and told no number, with the same bytes each time."""
        made = plan(prompt(n=3), overrides=SINGLE)
        self.assertEqual((len(made.calls), made.choices_each), (3, 1))
        self.assertNotIn("generationConfig", body(made))
        self.assertEqual(len({call.outgoing.body for call in made.calls}), 1)
        self.assertEqual(made.calls[0].outgoing.body, plan(prompt(), overrides=SINGLE).calls[0].outgoing.body)

    def test_E09_more_than_the_model_makes(self) -> None:
        """More choices than the model makes at a time are as many single calls."""
        self.assertEqual(len(plan(prompt(n=9)).calls), 9)

    def test_J01_prompts(self) -> None:
        """Every prompt of a list is asked with its own words, the calls of one prompt side by side."""
        lists = prompt(n=2, further=((Message("user", (Text("ho"),)),),))
        for overrides, texts in ((SEVERAL, ["hi", "ho"]), (SINGLE, ["hi", "hi", "ho", "ho"])):
            made = plan(lists, overrides=overrides)
            asked = [body(made, call)["contents"][0]["parts"][0]["text"] for call in range(len(made.calls))]
            self.assertEqual(asked, texts)

    def test_J06_best_of(self) -> None:
        """best_of says how many choices are made of each prompt."""
        made = plan(prompt(n=1, best_of=4))
        self.assertEqual((made.choices_each, body(made)["generationConfig"]["candidateCount"]), (4, 4))
        self.assertEqual(len(plan(prompt(n=1, best_of=4), overrides=SINGLE).calls), 4)

    def test_limit(self) -> None:
        """More choices than one request may have are refused by the field that asks for them."""
        further = ((Message("user", (Text("ho"),)),),) * 63
        self.assertEqual(len(plan(prompt(n=2, further=further), overrides=SINGLE).calls), MAX_CHOICES)
        cases: list[tuple[dict[str, Any], str]] = [({"n": 3}, "n"), ({"n": 1, "best_of": 3}, "best_of")]
        for fields, param in cases:
            error = self.assertRaises(BadRequest, plan, prompt(further=further, **fields))
            self.assertEqual(error.param, param)

    def test_notices_once(self) -> None:
        """However many calls say it, a notice is told once."""
        asked = prompt(n=3, reasoning=Reasoning(effort="none"))
        model = "gemini-2.5-pro"
        made = make_plan(asked, model, DEFAULT, {model: {"candidate_count": 1}})
        self.assertEqual(len(made.calls), 3)
        self.assertEqual(len(made.notices), len(made.calls[0].outgoing.notices))
        self.assertGreater(len(made.notices), 0)

    def test_J04_silence(self) -> None:
        """An answer in which nothing was to be generated has every choice, at its limit."""
        lists = prompt(n=2, further=((),), silent=True)
        self.assertEqual([event.choice for event in silence(lists) if isinstance(event, Finished)], [0, 1, 2, 3])


class FoldTests(SynchronousTestCase):
    """One answer of several calls."""

    def test_E09_choices_and_usage(self) -> None:
        """Choices are numbered call by call, and the usage is summed once."""
        made = plan(prompt(n=2), overrides=SINGLE)
        answer = fold(made, [[*said("a"), UsageReport(Usage(1, 2))], [*said("b"), UsageReport(Usage(1, 3))]])
        self.assertEqual((words(answer), answer.usage), (["a", "b"], Usage(2, 5)))

    def test_E09_candidates_of_one_call(self) -> None:
        """Candidates of one call keep their numbers, whatever order they come in."""
        answer = fold(plan(prompt(n=2)), [[*said("b", 1), *said("a"), UsageReport(Usage(1, 2))]])
        self.assertEqual((words(answer), answer.usage), (["a", "b"], Usage(1, 2)))

    def test_J01_prompt_major(self) -> None:
        """All choices of the first prompt stand before those of the second, by candidates and by single calls."""
        lists = prompt(n=2, further=((Message("user", (Text("ho"),)),),))
        candidates = [[*said("a"), *said("b", 1)], [*said("c"), *said("d", 1)]]
        self.assertEqual(words(fold(plan(lists), candidates)), ["a", "b", "c", "d"])
        singles = [said("a"), said("b"), said("c"), said("d")]
        self.assertEqual(words(fold(plan(lists, overrides=SINGLE), singles)), ["a", "b", "c", "d"])

    def test_J06_likeliest(self) -> None:
        """Of the choices that were made the likeliest are given, of each prompt its own; all that was read is paid."""
        lists = prompt(n=1, best_of=2, further=((Message("user", (Text("ho"),)),),))
        chosen = [
            [Details({"avgLogprobs": -2.0}), *said("a"), UsageReport(Usage(1, 1))],
            [Details({"avgLogprobs": -1.0}), *said("b"), UsageReport(Usage(1, 1))],
            [LogProbs((TokenLogprob("c", -0.1),)), *said("c"), UsageReport(Usage(1, 1))],
            [LogProbs((TokenLogprob("d", -3.0),)), *said("d"), UsageReport(Usage(1, 1))],
        ]
        answer = fold(plan(lists, overrides=SINGLE), chosen)
        self.assertEqual((words(answer), answer.usage), (["b", "c"], Usage(4, 4)))

    def test_B40_one_call(self) -> None:
        """Of each choice the first tool call is kept, unless that is ignored or nobody asked for it."""
        calls: list[Event] = [*called(0), *called(1), Finished(FinishReason.TOOL_CALLS, "STOP")]
        for asked, option, kept in ((False, "truncate", 1), (False, "ignore", 2), (True, "truncate", 2)):
            options = Options(parallel_tool_calls=option)  # type: ignore[arg-type] # the loop's texts are literals
            answer = fold(plan(prompt(tools=(TOOL,), parallel_tool_calls=asked), options), [list(calls)])
            self.assertEqual(len(answer.choices[0].parts), kept)
            self.assertEqual(answer.choices[0].parts[0], ToolCall("call_0_0", "f", "{}", "S"))
            self.assertIs(answer.choices[0].reason, FinishReason.TOOL_CALLS)

    def test_E02_stops(self) -> None:
        """Stop strings beyond the provider's end each choice where they stand."""
        stops = tuple("0123456!")
        made = plan(prompt(n=2, sampling=Sampling(stop=stops)), overrides=SINGLE)
        self.assertLessEqual(len(body(made)["generationConfig"]["stopSequences"]), 5)
        self.assertGreater(len(made.stops), 0)
        answer = fold(made, [said(f"a{made.stops[0]}b"), said("cd")])
        self.assertEqual(words(answer), ["a", "cd"])

    def test_D27_fence(self) -> None:
        """A fence is taken off where JSON was asked for and the setting is on."""
        events = said("```json\n{}\n```")
        for wanted, options, text in (
            (OutputFormat("json_object"), Options(strip_json_fence=True), "{}"),
            (None, Options(strip_json_fence=True), "```json\n{}\n```"),
            (OutputFormat("json_object"), DEFAULT, "```json\n{}\n```"),
        ):
            answer = fold(plan(prompt(output_format=wanted), options), [list(events)])
            self.assertEqual(words(answer), [text])


class CheckTests(SynchronousTestCase):
    """What is looked at in a stream."""

    def test_D26_only_strict(self) -> None:
        """Only strict schemas are checked, and only where the setting says so."""
        noticing = Options(schema_violation="notice")
        loose = OutputFormat("json_schema", {"type": "object"})
        for wanted, options, checked in (
            (STRICT, noticing, {"type": "object"}),
            (STRICT, DEFAULT, None),
            (loose, noticing, None),
            (OutputFormat("json_object"), noticing, None),
            (None, noticing, None),
        ):
            self.assertEqual(plan(prompt(output_format=wanted), options).checked_schema, checked)

    def test_D26_stream_tells(self) -> None:
        """A stream that does not fit is passed on and told of, each choice by itself, without its fence."""
        told: list[Notice] = []
        options = Options(schema_violation="error", strip_json_fence=True)
        flow = Flow.of(plan(prompt(n=2, output_format=STRICT), options, SINGLE), told.append)
        events = flow.take(0, said("```\n{}\n```")) + flow.close(0) + flow.take(1, said("[1]")) + flow.close(1)
        self.assertEqual([event.text for event in events if isinstance(event, TextDelta)], ["{}", "[1]"])
        self.assertEqual([notice.param for notice in told], ["response_format"])
        self.assertTrue(flow.is_over)
