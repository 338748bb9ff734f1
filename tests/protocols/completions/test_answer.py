"""Tests of agd.protocols.completions: answers, plain and streamed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from openai.types import Completion
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import (
    CodePart,
    Details,
    Event,
    Finished,
    FinishReason,
    LogProbs,
    MediaPart,
    RefusalDelta,
    TextDelta,
    ThoughtDelta,
    TokenLogprob,
    Usage,
    UsageReport,
)
from agd.errors import GatewayError
from agd.options import Options
from agd.protocols.completions.answer import render
from agd.protocols.completions.request import read
from agd.protocols.completions.stream import CompletionStream
from agd.protocols.endpoint import Context
from tests.protocols.answers import TOKEN, fold, frames, writes
from tests.protocols.schemas import validate

STOP = Finished(FinishReason.STOP, "STOP")


def asked(**fields: Any) -> Context:
    """Return the context of an answer to a request with these fields."""
    return Context(TOKEN, 1_700_000_000, read({"model": "gemini-3-flash", "prompt": "x", **fields}))


def plain(events: Sequence[Event], **fields: Any) -> dict[str, Any]:
    """Return the whole answer of these events, valid by both of OpenAI's accounts."""
    rendered = render(fold(events), asked(**fields))
    check(rendered)
    return rendered


def streamed(events: Sequence[Event], **fields: Any) -> list[dict[str, Any]]:
    """Return the chunks of these events, each valid by both of OpenAI's accounts."""
    writer = CompletionStream(asked(stream=True, **fields))
    chunks = frames(writer.write(events) + writer.close())
    for chunk in chunks:
        check(chunk)
    return chunks


def check(value: dict[str, Any]) -> None:
    """Validate; the schema has no null ``finish_reason``, which OpenAI's own chunks have until the last."""
    ended = [{**choice, "finish_reason": choice["finish_reason"] or "stop"} for choice in value["choices"]]
    # Nor has it a null usage, which OpenAI's own chunks have before the usage chunk.
    shown = {key: each for key, each in value.items() if key != "usage" or each is not None}
    validate("CreateCompletionResponse", {**shown, "choices": ended})
    Completion.model_validate({**shown, "choices": ended})


def joined(chunks: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the choices that a client puts together from chunks, in the form of a plain answer."""
    choices: dict[int, dict[str, Any]] = defaultdict(lambda: {"logprobs": None})
    for entry in (entry for chunk in chunks for entry in chunk["choices"]):
        choice = choices[entry["index"]]
        for key, value in entry.items():
            choice[key] = _continued(key, choice.get(key), value)
    return [choices[index] for index in sorted(choices)]


def _continued(key: str, old: Any, new: Any) -> Any:
    """Return a choice's value after one more chunk."""
    if old is None or new is None:
        return old if new is None else new
    if key == "logprobs":
        return {name: old[name] + each for name, each in new.items()}
    return old + new if key in {"text", "refusal", "images"} else new


class CompletionAnswerTests(SynchronousTestCase):
    """What a client gets."""

    def test_J09_whole(self) -> None:
        """An answer of text has exactly these keys; thoughts are hidden."""
        choice = {"index": 0, "text": "a", "logprobs": None, "finish_reason": "stop", "native_finish_reason": "STOP"}
        expected = {
            "id": f"cmpl-{TOKEN}",
            "object": "text_completion",
            "created": 1_700_000_000,
            "model": "gemini-3-flash",
            "choices": [choice],
        }
        self.assertEqual(plain([ThoughtDelta("hm"), TextDelta("a"), STOP]), expected)

    def test_J09_chunks(self) -> None:
        """Chunks are the same object as the whole answer, with text and no delta; thoughts give none."""
        chunks = streamed([ThoughtDelta("hm"), TextDelta("a"), TextDelta(""), STOP])
        self.assertEqual([chunk["object"] for chunk in chunks], ["text_completion"] * 2)
        self.assertEqual({chunk["id"] for chunk in chunks}, {f"cmpl-{TOKEN}"})
        open_choice = {"index": 0, "text": "a", "logprobs": None, "finish_reason": None}
        self.assertEqual(chunks[0]["choices"], [open_choice])

    @given(writes(), st.booleans())
    def test_stream_and_plain_agree(self, pieces: list[list[Event]], echo: bool) -> None:
        """Joined chunks are the plain answer, all of them valid and of one kind."""
        writer = CompletionStream(asked(stream=True, echo=echo))
        chunks = frames(b"".join(map(writer.write, pieces)) + writer.close())
        whole = plain([event for events in pieces for event in events], echo=echo)
        for chunk in chunks:
            check(chunk)
        self.assertEqual(joined(chunks), whole["choices"])

    @given(st.data())
    def test_choices_of_prompts_agree(self, data: st.DataObject) -> None:
        """Choices of several prompts, woven together in any way, join to the plain answer."""
        fields = {"prompt": ["one", "two"], "n": 2, "echo": data.draw(st.booleans()), "logprobs": 1}
        texts = st.lists(st.sampled_from(["a", "é🙂", "\n"]), max_size=3)
        rows: list[list[Event]] = [_choice(index, data.draw(texts)) for index in range(4)]
        events: list[Event] = []
        while any(rows):
            events.append(data.draw(st.sampled_from([row for row in rows if row])).pop(0))
        whole = plain(events, **fields)
        self.assertEqual(joined(streamed(events, **fields)), whole["choices"])
        self.assertEqual([choice["index"] for choice in whole["choices"]], [0, 1, 2, 3])

    def test_extensions(self) -> None:
        """A refusal and images stand beside the text, code in it."""
        events: list[Event] = [
            CodePart("1", "PYTHON"),
            RefusalDelta("no"),
            MediaPart("image/png", "YQ=="),
            Finished(FinishReason.CONTENT_FILTER, "X"),
        ]
        [choice] = plain(events)["choices"]
        self.assertEqual((choice["text"], choice["refusal"]), ("\n```python\n1\n```\n", "no"))
        self.assertEqual(choice["images"][0]["image_url"]["url"], "data:image/png;base64,YQ==")

    def test_options(self) -> None:
        """Images as Markdown, code, and the provider's details follow the configuration, in both forms."""
        events: list[Event] = [
            CodePart("1", "PYTHON"),
            MediaPart("image/png", "YQ=="),
            Details({"avgLogprobs": -0.5}),
            STOP,
        ]
        options = Options(images="markdown", code="hidden", provider_details=True)
        context = evolve(asked(stream=True), options=options)
        [choice] = render(fold(events), context)["choices"]
        self.assertEqual(choice["text"], "\n![image](data:image/png;base64,YQ==)\n")
        self.assertEqual(choice["provider_details"], {"avgLogprobs": -0.5})
        self.assertNotIn("images", choice)
        writer = CompletionStream(context)
        self.assertEqual(joined(frames(writer.write(events) + writer.close())), [choice])
        self.assertNotIn("provider_details", plain(events)["choices"][0])

    def test_blocked_prompt(self) -> None:
        """Where the configuration says so, an answer that is a refusal and nothing else is an error in both forms."""
        events: list[Event] = [
            Details({"a": 1}),
            RefusalDelta("n"),
            RefusalDelta("o"),
            Finished(FinishReason.CONTENT_FILTER, "SAFETY"),
        ]
        context = evolve(asked(stream=True, echo=True), options=Options(blocked_prompt="error"))
        error = self.assertRaises(GatewayError, render, fold(events), context)
        self.assertEqual((error.status, error.code), (400, "content_policy_violation"))
        writer = CompletionStream(context)
        [frame] = frames(writer.write(events) + writer.close())
        self.assertEqual(frame["error"]["code"], "content_policy_violation")
        late: list[Event] = [TextDelta("a"), *events]
        self.assertEqual(render(fold(late), context)["choices"][0]["refusal"], "no")
        writer = CompletionStream(context)
        self.assertEqual(joined(frames(writer.write(late) + writer.close())), render(fold(late), context)["choices"])

    def test_J10_usage(self) -> None:
        """A stream tells usage when asked, in a chunk without choices; the others then have a null one."""
        events: list[Event] = [TextDelta("a"), STOP, UsageReport(Usage(1, 2))]
        *chunks, last = streamed(events, stream_options={"include_usage": True})
        self.assertTrue(all(chunk["usage"] is None for chunk in chunks))
        self.assertEqual((last["choices"], last["usage"]["total_tokens"]), ([], 3))
        self.assertTrue(all("usage" not in chunk for chunk in streamed(events)))
        self.assertEqual(plain(events)["usage"]["total_tokens"], 3)

    def test_no_invented_finish(self) -> None:
        """An answer that did not finish, or that is nothing at all, is an error in both forms."""
        half: list[list[Event]] = [[TextDelta("a")], [TextDelta("a"), STOP, TextDelta("b", 1)]]
        for events in half:
            self.assertRaises(GatewayError, render, fold(events), asked(n=2))
            writer = CompletionStream(asked(n=2))
            writer.write(events)
            self.assertEqual(frames(writer.close())[0]["error"]["code"], "upstream_incomplete")
        self.assertEqual(frames(CompletionStream(asked()).close())[0]["error"]["code"], "upstream_incomplete")

    def test_calls(self) -> None:
        """A finish by calls, of which this protocol knows nothing, is a stop."""
        self.assertEqual(plain([Finished(FinishReason.TOOL_CALLS, "")])["choices"][0]["finish_reason"], "stop")


def _choice(index: int, texts: Sequence[str]) -> list[Event]:
    """Return the events of one choice with a token for each text."""
    events: list[Event] = []
    for text in texts:
        events += [TextDelta(text, index), LogProbs((TokenLogprob(text, -0.5, ((text, -0.5), ("?", -1.0))),), index)]
    return [*events, Finished(FinishReason.STOP, "STOP", index)]


class EchoTests(SynchronousTestCase):
    """Prompts that are repeated before their completions."""

    def test_J01_prompt_major(self) -> None:
        """Choice i answers prompt i // n, whatever order the answers come in."""
        events = [event for index in (3, 0, 2, 1) for event in _choice(index, [str(index)])]
        choices = plain(events, prompt=["a", "b"], n=2, echo=True)["choices"]
        self.assertEqual([choice["text"] for choice in choices], ["a0", "a1", "b2", "b3"])

    def test_J04_echo(self) -> None:
        """The prompt stands before the text, byte for byte; in a stream it comes first, once."""
        events: list[Event] = [ThoughtDelta("hm"), TextDelta("b"), TextDelta("c"), STOP]
        self.assertEqual(plain(events, prompt=" a\n", echo=True)["choices"][0]["text"], " a\nbc")
        texts = [chunk["choices"][0]["text"] for chunk in streamed(events, prompt=" a\n", echo=True)]
        self.assertEqual(texts, [" a\n", "b", "c", ""])

    def test_J04_nothing_but_echo(self) -> None:
        """With a limit of 0 tokens the prompts come back at their limit, though no event ever came."""
        fields: dict[str, Any] = {"prompt": ["a", "b"], "n": 2, "echo": True, "max_tokens": 0}
        choices = plain([], **fields)["choices"]
        self.assertEqual([choice["text"] for choice in choices], ["a", "a", "b", "b"])
        self.assertEqual({choice["finish_reason"] for choice in choices}, {"length"})
        self.assertEqual(joined(streamed([], **fields)), choices)

    def test_J04_silent_events(self) -> None:
        """Finishes that come all the same are not told twice."""
        fields: dict[str, Any] = {"n": 2, "echo": True, "max_tokens": 0}
        end = Finished(FinishReason.LENGTH, "", 0)
        self.assertEqual(joined(streamed([end], **fields)), plain([end], **fields)["choices"])

    def test_beyond_the_prompts(self) -> None:
        """A choice that belongs to no prompt has nothing before it."""
        context = asked(echo=True)
        events: list[Event] = [TextDelta("a", 5), evolve(STOP, choice=5)]
        self.assertEqual(render(fold(events), context)["choices"][0]["text"], "a")


class LogprobsTests(SynchronousTestCase):
    """Token probabilities."""

    TOKENS = (
        TokenLogprob("é🙂", -0.1, (("é🙂", -0.1), ("e", -2.0), ("f", -3.0))),
        TokenLogprob("b", -4.0, (("x", -0.5), ("y", -1.0))),
    )

    def test_J07_object(self) -> None:
        """Four lists side by side: the drawn token is always among the likeliest, offsets count code points."""
        [choice] = plain([TextDelta("é🙂b"), LogProbs(self.TOKENS), STOP], logprobs=2)["choices"]
        expected = {
            "tokens": ["é🙂", "b"],
            "token_logprobs": [-0.1, -4.0],
            "top_logprobs": [{"é🙂": -0.1, "e": -2.0}, {"x": -0.5, "y": -1.0, "b": -4.0}],
            "text_offset": [0, 2],
        }
        self.assertEqual(choice["logprobs"], expected)

    def test_J07_none_beside_the_token(self) -> None:
        """logprobs 0 asks for the drawn token's own probability alone."""
        [choice] = plain([TextDelta("é🙂b"), LogProbs(self.TOKENS), STOP], logprobs=0)["choices"]
        self.assertEqual(choice["logprobs"]["top_logprobs"], [{"é🙂": -0.1}, {"b": -4.0}])

    def test_J07_offsets_behind_the_prompt(self) -> None:
        """Offsets begin behind a prompt that is repeated, and go on from chunk to chunk."""
        events: list[Event] = [LogProbs((token,)) for token in self.TOKENS]
        chunks = streamed([TextDelta("é🙂b"), *events, STOP], prompt="ab", echo=True, logprobs=1)
        offsets = [choice["logprobs"]["text_offset"] for chunk in chunks if (choice := chunk["choices"][0])["logprobs"]]
        self.assertEqual(offsets, [[2], [4]])
