"""Tests of agd.protocols.chat.answer."""

from __future__ import annotations

from hypothesis import given
from openai.types.chat import ChatCompletion
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
from agd.protocols.chat.answer import render
from agd.protocols.chat.request import LEGACY
from tests.protocols.answers import TOKEN, answers, call, context, fold
from tests.protocols.schemas import validate

STOP = Finished(FinishReason.STOP, "STOP")
CALLS = Finished(FinishReason.TOOL_CALLS, "STOP")


class ChatAnswerTests(SynchronousTestCase):
    """Plain chat answers."""

    def test_whole(self) -> None:
        """An answer of text has exactly these keys."""
        usage = UsageReport(Usage(prompt=7, completion=5, reasoning=3, cached=2))
        rendered = render(fold([ThoughtDelta("hm"), TextDelta("Hel"), TextDelta("lo"), STOP, usage]), context())
        self.assertEqual(
            rendered,
            {
                "id": f"chatcmpl-{TOKEN}",
                "object": "chat.completion",
                "created": 1_700_000_000,
                "model": "gemini-3-flash",
                "choices": [
                    {
                        "index": 0,
                        "message": {
                            "role": "assistant",
                            "content": "Hello",
                            "refusal": None,
                            "reasoning_content": "hm",
                        },
                        "logprobs": None,
                        "finish_reason": "stop",
                        "native_finish_reason": "STOP",
                    }
                ],
                "usage": {
                    "prompt_tokens": 7,
                    "completion_tokens": 5,
                    "total_tokens": 12,
                    "prompt_tokens_details": {"cached_tokens": 2, "audio_tokens": 0},
                    "completion_tokens_details": {
                        "reasoning_tokens": 3,
                        "audio_tokens": 0,
                        "accepted_prediction_tokens": 0,
                        "rejected_prediction_tokens": 0,
                    },
                },
            },
        )

    @given(answers())
    def test_valid(self, events: list[Event]) -> None:
        """Every answer fits the SDK's type and OpenAI's schema."""
        rendered = render(fold(events), context())
        ChatCompletion.model_validate(rendered)
        validate("CreateChatCompletionResponse", rendered)

    def test_content_null(self) -> None:
        """Content is null beside calls alone or a refusal, and empty where there is nothing at all."""
        cases: list[tuple[list[Event], str | None]] = [
            (call(0, "f", "{}"), None),
            ([RefusalDelta("no")], None),
            ([], ""),
        ]
        for events, content in cases:
            message = render(fold([*events, STOP]), context())["choices"][0]["message"]
            self.assertEqual(message["content"], content)

    def test_calls(self) -> None:
        """Calls carry id, arguments as text, and their signature where Google's clients look for it."""
        events = [*call(0, "f", '{"a"', ":1}", signature="c2ln"), *call(1, "g"), CALLS]
        message = render(fold(events), context())["choices"][0]["message"]
        first, second = message["tool_calls"]
        self.assertEqual(first["function"], {"name": "f", "arguments": '{"a":1}'})
        self.assertEqual(first["extra_content"], {"google": {"thought_signature": "c2ln"}})
        self.assertEqual(second["function"]["arguments"], "{}")
        self.assertNotIn("extra_content", second)

    def test_order_of_code(self) -> None:
        """Code stands where it ran, in a fence that its own fences cannot close."""
        events: list[Event] = [TextDelta("a"), CodePart("```\n", "PYTHON"), TextDelta("b"), STOP]
        content = render(fold(events), context())["choices"][0]["message"]["content"]
        self.assertEqual(content, "a\n````python\n```\n````\nb")

    def test_images(self) -> None:
        """Images are numbered and stay out of the text."""
        events: list[Event] = [MediaPart("image/png", "YQ=="), TextDelta("x"), MediaPart("image/png", "Yg=="), STOP]
        message = render(fold(events), context())["choices"][0]["message"]
        self.assertEqual([image["index"] for image in message["images"]], [0, 1])
        self.assertEqual(message["images"][1]["image_url"]["url"], "data:image/png;base64,Yg==")
        self.assertEqual(message["content"], "x")

    def test_legacy(self) -> None:
        """A request with functions is answered with function_call."""
        choice = render(fold([*call(0, "f", "{}"), CALLS]), context(echo={LEGACY: True}))["choices"][0]
        self.assertEqual(choice["message"]["function_call"], {"name": "f", "arguments": "{}"})
        self.assertNotIn("tool_calls", choice["message"])
        self.assertEqual(choice["finish_reason"], "function_call")

    def test_unfinished(self) -> None:
        """An answer that never finished is an error, not a stop."""
        self.assertEqual(self.assertRaises(GatewayError, render, fold([TextDelta("a")]), context()).status, 502)
