"""Tests of agd.protocols.completions."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from openai.types import Completion
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import (
    Event,
    Finished,
    FinishReason,
    MediaPart,
    Message,
    RefusalDelta,
    Text,
    TextDelta,
    ThoughtDelta,
    Usage,
    UsageReport,
)
from agd.errors import GatewayError
from agd.protocols.completions.answer import render
from agd.protocols.completions.request import read
from agd.protocols.completions.stream import CompletionStream
from tests.protocols.answers import TOKEN, context, fold, frames, writes
from tests.protocols.refusals import refusal_of
from tests.protocols.schemas import validate

STOP = Finished(FinishReason.STOP, "STOP")


class CompletionRequestTests(SynchronousTestCase):
    """Reading legacy completions."""

    def test_prompt(self) -> None:
        """A string, or a list of one, is a single user turn without instructions."""
        for prompt in ("x", ["x"]):
            read_prompt = read({"model": "m", "prompt": prompt, "max_tokens": 5, "stop": ["a", "b"]})
            self.assertEqual(read_prompt.messages, (Message("user", (Text("x"),)),))
            self.assertEqual((read_prompt.instructions, read_prompt.notices), ((), ()))
            self.assertEqual((read_prompt.sampling.max_tokens, read_prompt.sampling.stop), (5, ("a", "b")))

    def test_no_default_limit(self) -> None:
        """OpenAI's default of 16 tokens is not applied."""
        self.assertIsNone(read({"model": "m", "prompt": "x"}).sampling.max_tokens)

    def test_bad_prompts(self) -> None:
        """No prompt, several, and token numbers are refused."""
        prompts: list[Any] = [None, [], ["a", "b"], [1, 2], [[1, 2]], 5, {}]
        for prompt in prompts:
            with self.subTest(prompt=prompt):
                error = refusal_of(read, {"model": "m", "prompt": prompt})
                self.assertEqual(error.param, "prompt")

    def test_refused(self) -> None:
        """What is not done is refused by name; values that ask for nothing are fine."""
        cases: dict[str, Any] = {
            "echo": True,
            "suffix": "x",
            "best_of": 2,
            "logprobs": 0,
            "n": 2,
            "messages": [{}],
        }
        for name, value in cases.items():
            with self.subTest(name=name):
                error = refusal_of(read, {"model": "m", "prompt": "x", name: value})
                self.assertEqual(error.param, name)
        neutral = {"echo": False, "suffix": None, "best_of": 1, "logprobs": None, "n": 1, "user": ""}
        self.assertEqual(read({"model": "m", "prompt": "x", **neutral}).notices, ())

    def test_chat_fields(self) -> None:
        """Fields of other routes are told of."""
        prompt = read({"model": "m", "prompt": "x", "tools": [], "user": "ann"})
        self.assertEqual([notice.param for notice in prompt.notices], ["tools", "user"])


class CompletionAnswerTests(SynchronousTestCase):
    """Writing legacy completions, plain and streamed."""

    def test_whole(self) -> None:
        """An answer of text has exactly these keys; thoughts are hidden."""
        rendered = render(fold([ThoughtDelta("hm"), TextDelta("a"), STOP]), context())
        choice = {"index": 0, "text": "a", "logprobs": None, "finish_reason": "stop", "native_finish_reason": "STOP"}
        expected = {
            "id": f"cmpl-{TOKEN}",
            "object": "text_completion",
            "created": 1_700_000_000,
            "model": "gemini-3-flash",
            "choices": [choice],
        }
        self.assertEqual(rendered, expected)

    @given(writes())
    def test_stream_and_plain_agree(self, pieces: list[list[Event]]) -> None:
        """Joined chunks are the plain answer, all of them valid and of one kind."""
        writer = CompletionStream(context())
        chunks = frames(b"".join(map(writer.write, pieces)) + writer.close())
        plain = render(fold(event for piece in pieces for event in piece), context())
        for value in (plain, *chunks):
            # The schema has no null finish_reason, which OpenAI's own chunks have until the last.
            ended = [{**choice, "finish_reason": choice["finish_reason"] or "stop"} for choice in value["choices"]]
            validate("CreateCompletionResponse", {**value, "choices": ended})
            Completion.model_validate({**value, "choices": ended})
        choices = [choice for chunk in chunks for choice in chunk["choices"]]
        self.assertEqual("".join(choice["text"] for choice in choices), plain["choices"][0]["text"])
        self.assertEqual(
            "".join(choice.get("refusal", "") for choice in choices), plain["choices"][0].get("refusal", "")
        )
        self.assertEqual(
            [image for choice in choices for image in choice.get("images", ())], plain["choices"][0].get("images", [])
        )
        self.assertEqual(
            [choice["finish_reason"] for choice in choices if choice["finish_reason"]],
            [plain["choices"][0]["finish_reason"]],
        )

    def test_extensions(self) -> None:
        """A refusal and images stand beside the text, not in it."""
        events: list[Event] = [
            RefusalDelta("no"),
            MediaPart("image/png", "YQ=="),
            Finished(FinishReason.CONTENT_FILTER, "X"),
        ]
        choice = render(fold(events), context())["choices"][0]
        self.assertEqual((choice["text"], choice["refusal"], len(choice["images"])), ("", "no", 1))

    def test_usage(self) -> None:
        """Usage follows chat's rule."""
        writer = CompletionStream(context(include_usage=True))
        *chunks, last = frames(writer.write([TextDelta("a"), STOP, UsageReport(Usage(1, 2))]) + writer.close())
        self.assertTrue(all(chunk["usage"] is None for chunk in chunks))
        self.assertEqual((last["choices"], last["usage"]["total_tokens"]), ([], 3))

    def test_no_invented_finish(self) -> None:
        """An answer that did not finish is an error in both forms."""
        self.assertRaises(GatewayError, render, fold([TextDelta("a")]), context())
        writer = CompletionStream(context())
        writer.write([TextDelta("a")])
        self.assertEqual(frames(writer.close())[0]["error"]["code"], "upstream_incomplete")
