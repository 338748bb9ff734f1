"""Tests of agd.protocols.responses.answer and agd.protocols.responses.resource."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import Response
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import (
    CodePart,
    Event,
    Finished,
    FinishReason,
    MediaPart,
    RefusalDelta,
    TextDelta,
    ThoughtDelta,
    Usage,
    UsageReport,
)
from agd.errors import GatewayError
from agd.options import Options
from agd.protocols.endpoint import Context
from agd.protocols.responses.answer import render, with_choices
from agd.protocols.responses.narration import Narration
from agd.protocols.responses.order import Seal
from agd.protocols.responses.request import read
from agd.protocols.responses.resource import failure
from tests.protocols.answers import TOKEN, answers, call, context, fold
from tests.protocols.responses.telling import asking, contexts, narrate, orderly, seal
from tests.protocols.routes import RESPONSES
from tests.protocols.schemas import validate_response

STOP = Finished(FinishReason.STOP, "STOP")


def rendered(*events: Event) -> dict[str, Any]:
    """Return the Response of these events."""
    return RESPONSES.render(fold(events), context())


class ResponseTests(SynchronousTestCase):
    """Plain Responses."""

    @given(answers())
    def test_I08_valid(self, events: list[Event]) -> None:
        """Every Response fits the SDK's type and OpenAI's schema, and its ids differ."""
        whole = RESPONSES.render(fold(events), context())
        validate_response(whole)
        ids = [item["id"] for item in whole["output"]]
        self.assertEqual(len(ids), len(set(ids)))

    def test_I05_items(self) -> None:
        """Items stand in the order of their parts: reasoning, message, call, image, message."""
        events = [
            ThoughtDelta("t"),
            TextDelta("a"),
            CodePart("1", "PYTHON"),
            *call(0, "f", '{"x":1}', signature="c2ln"),
            MediaPart("image/png", "YQ=="),
            TextDelta("b"),
            STOP,
        ]
        output = rendered(*events)["output"]
        self.assertEqual(
            [(item["type"], item["id"]) for item in output],
            [
                ("reasoning", f"rs_{TOKEN}_0"),
                ("message", f"msg_{TOKEN}_1"),
                ("function_call", f"fc_{TOKEN}_2"),
                ("image_generation_call", f"ig_{TOKEN}_3"),
                ("message", f"msg_{TOKEN}_4"),
            ],
        )
        self.assertEqual(output[0]["summary"], [{"type": "summary_text", "text": "t"}])
        self.assertEqual(output[1]["content"][0]["text"], "a\n```python\n1\n```\n")
        self.assertEqual((output[2]["call_id"], output[2]["arguments"]), ("call_0", '{"x":1}'))
        self.assertEqual(output[2]["extra_content"], {"google": {"thought_signature": "c2ln"}})
        self.assertEqual(output[3]["result"], "YQ==")

    def test_I10_status(self) -> None:
        """Each finish has its status and details; the item that was cut is incomplete."""
        cases = [
            (FinishReason.STOP, "completed", None),
            (FinishReason.TOOL_CALLS, "completed", None),
            (FinishReason.LENGTH, "incomplete", {"reason": "max_output_tokens"}),
            (FinishReason.CONTENT_FILTER, "incomplete", {"reason": "content_filter"}),
        ]
        for reason, status, details in cases:
            whole = rendered(TextDelta("a"), Finished(reason, ""))
            self.assertEqual((whole["status"], whole["incomplete_details"]), (status, details))
            self.assertEqual(whole["output"][0]["status"], status)

    def test_refusal(self) -> None:
        """A refusal is a content part of the message."""
        content = rendered(TextDelta("a"), RefusalDelta("no"), STOP)["output"][0]["content"]
        self.assertEqual([part["type"] for part in content], ["output_text", "refusal"])

    def test_nothing_shown(self) -> None:
        """An answer that shows nothing still has a message, an empty one."""
        self.assertEqual(Response.model_validate(rendered(STOP)).output[0].type, "message")

    @given(orderly(), contexts, st.none() | st.just(seal))
    def test_equals_the_stream(self, events: list[Event], asked: Context, sealing: Seal | None) -> None:
        """A plain answer is what the stream of the same events ends with, and remembers the same."""
        narration = Narration(asked, sealing)
        last = narrate(narration, events)[-1]["response"]
        whole, memory = render(fold(events), asked, sealing, stored=True)
        self.assertEqual((whole, memory), (last, narration.memory))

    def test_completed_at(self) -> None:
        """A completed answer tells when it was complete, one that is not does not."""
        for reason, told in ((FinishReason.STOP, 5), (FinishReason.LENGTH, None)):
            whole, _ = render(fold([Finished(reason, "")]), context(), now=lambda: 5.9)
            self.assertEqual(whole["completed_at"], told)

    def test_output_text(self) -> None:
        """The words of all messages, and no others, are output_text; openai-python finds the same."""
        events = [ThoughtDelta("t"), TextDelta("a"), *call(0, "f", "{}"), TextDelta("b"), RefusalDelta("no"), STOP]
        whole = rendered(*events)
        self.assertEqual((whole["output_text"], Response.model_validate(whole).output_text), ("ab", "ab"))

    def test_stored(self) -> None:
        """Whether the answer is stored is for the caller to say."""
        for stored in (True, False):
            self.assertIs(render(fold([STOP]), asking(), stored=stored)[0]["store"], stored)

    def test_I49_model(self) -> None:
        """The model is named as the client named it."""
        self.assertEqual(rendered(STOP)["model"], context().prompt.model)

    def test_I09_no_choices(self) -> None:
        """The setting keeps choices away; what is stored never has them."""
        answer = fold([TextDelta("a"), STOP])
        self.assertNotIn("choices", RESPONSES.render(answer, asking(options=Options(responses_choices=False))))
        whole, _ = render(answer, asking())
        self.assertNotIn("choices", whole)
        self.assertEqual(with_choices(whole, answer, asking())["choices"][0]["message"]["content"], "a")

    def test_I09_choices(self) -> None:
        """Clients that expect chat's shape find the text in choices."""
        choice = rendered(ThoughtDelta("t"), TextDelta("a"), STOP)["choices"][0]
        self.assertEqual(choice["message"], {"role": "assistant", "content": "a", "refusal": None})
        self.assertEqual((choice["index"], choice["finish_reason"]), (0, "stop"))

    def test_I07_usage(self) -> None:
        """Usage has all five fields."""
        usage = rendered(STOP, UsageReport(Usage(prompt=7, completion=5, reasoning=3, cached=2)))["usage"]
        expected = {
            "input_tokens": 7,
            "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 0},
            "output_tokens": 5,
            "output_tokens_details": {"reasoning_tokens": 3},
            "total_tokens": 12,
        }
        self.assertEqual(usage, expected)

    def test_repeats_the_request(self) -> None:
        """The Response repeats what was asked for, and fits both specifications with it."""
        request = {
            "model": "m",
            "input": "x",
            "instructions": "Be brief.",
            "metadata": {"a": "b"},
            "temperature": 0,
            "max_output_tokens": 9,
            "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}}],
            "tool_choice": {"type": "function", "name": "f"},
            "parallel_tool_calls": False,
            "reasoning": {"effort": "low", "summary": "auto"},
            "text": {"format": {"type": "json_schema", "name": "n", "schema": {}}, "verbosity": "low"},
            "prompt_cache_key": "k",
        }
        whole = RESPONSES.render(fold([TextDelta("a"), STOP]), Context(TOKEN, 1, read(request)))
        for key in ("model", "instructions", "metadata", "temperature", "max_output_tokens", "tool_choice",
                    "parallel_tool_calls", "reasoning", "prompt_cache_key"):  # fmt: skip
            self.assertEqual(whole[key], request[key])
        self.assertEqual(whole["text"]["format"]["name"], "n")
        self.assertEqual(whole["tools"][0]["name"], "f")
        validate_response(whole)

    def test_unfinished(self) -> None:
        """An answer that never finished is an error."""
        self.assertRaises(GatewayError, rendered, TextDelta("a"))


class FailureTests(SynchronousTestCase):
    """The error of a failed Response."""

    def test_I11_codes(self) -> None:
        """Codes that clients act upon pass; others become the nearest that they know."""
        cases = [
            (GatewayError(400, "m", code="context_length_exceeded"), "context_length_exceeded"),
            (GatewayError(429, "m", code="insufficient_quota"), "insufficient_quota"),
            (GatewayError(429, "m"), "rate_limit_exceeded"),
            (GatewayError(400, "m", code="strange"), "invalid_prompt"),
            (GatewayError(503, "m", code="strange"), "server_error"),
        ]
        for error, code in cases:
            self.assertEqual(failure(error)["code"], code)

    def test_I11_wait(self) -> None:
        """A rate limit tells the wait in the sentence that Codex reads."""
        told = failure(GatewayError(429, "Slow down.", retry_after=1.5))
        self.assertEqual(told["message"], "Slow down. Please try again in 1.500s.")
