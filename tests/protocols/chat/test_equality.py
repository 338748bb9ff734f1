"""A stream and a plain answer of the same events say the same, as the official client adds the stream up."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Event, Finished, FinishReason, TextDelta
from agd.options import Options
from agd.protocols.chat.answer import render
from agd.protocols.chat.request import LEGACY, read
from agd.protocols.chat.stream import ChatStream
from agd.protocols.endpoint import Context
from tests.protocols.answers import context, fold, frames
from tests.protocols.chat.drawn import conversations
from tests.protocols.schemas import validate

_options = st.builds(
    Options,
    reasoning_field=st.sampled_from(["reasoning_content", "both", "off"]),
    images=st.sampled_from(["field", "markdown"]),
    code=st.sampled_from(["markdown", "hidden"]),
    provider_details=st.booleans(),
)
_contexts = st.builds(
    context,
    include_usage=st.booleans(),
    echo=st.sampled_from([{}, {LEGACY: True}]),
    options=_options,
)


def written(pieces: list[list[Event]], about: Context) -> list[dict[str, Any]]:
    """Return the chunks of an answer written in these pieces."""
    writer = ChatStream(about)
    return frames(b"".join(map(writer.write, pieces)) + writer.close())


def added_up(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the choices that openai-python makes of these chunks, in the shape of a plain answer."""
    state: ChatCompletionStreamState[None] = ChatCompletionStreamState()
    for chunk in chunks:
        state.handle_chunk(ChatCompletionChunk.model_validate(chunk))
    choices = state.current_completion_snapshot.to_dict()["choices"]
    assert isinstance(choices, list)
    return [{**_plain(choice), **_extensions(choice["index"], chunks)} for choice in choices]


def _extensions(index: int, chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the finish chunk says beside OpenAI's fields: the client leaves it where it was."""
    choices = [choice for chunk in chunks for choice in chunk["choices"] if choice["index"] == index]
    return {key: choices[-1][key] for key in ("native_finish_reason", "provider_details") if key in choices[-1]}


def _plain(choice: dict[str, Any]) -> dict[str, Any]:
    message = {key: value for key, value in choice["message"].items() if value is not None}
    message.pop("parsed", None)
    message = {"content": "", "refusal": None, **message}
    for call in message.get("tool_calls") or ():
        call.pop("index")
        call["function"].pop("parsed_arguments", None)
    silent = any(message.get(key) for key in ("tool_calls", "function_call", "refusal", "audio"))
    if not message["content"] and silent:
        message["content"] = None
    return {**choice, "message": message, "logprobs": choice.get("logprobs")}


class EqualityTests(SynchronousTestCase):
    """Properties of whole answers."""

    @settings(max_examples=60, deadline=None)
    @given(conversations(), _contexts)
    def test_G26_stream_is_the_plain_answer(self, drawn: tuple[int, list[list[Event]]], about: Context) -> None:
        """What the official client adds up is the plain answer, for any events, options and cuts."""
        n, pieces = drawn
        about = evolve(about, prompt=evolve(about.prompt, n=n))
        plain = render(fold(event for piece in pieces for event in piece), about)
        chunks = written(pieces, about)
        self.assertEqual(added_up(chunks), plain["choices"])
        self.assertEqual(len(plain["choices"]), n)
        if about.prompt.include_usage and "usage" in plain:
            self.assertEqual(chunks[-1]["usage"], plain["usage"])

    @settings(max_examples=60, deadline=None)
    @given(conversations(), _contexts)
    def test_everything_is_valid(self, drawn: tuple[int, list[list[Event]]], about: Context) -> None:
        """Every chunk and every answer fits OpenAI's document and the SDK's types."""
        _, pieces = drawn
        plain = render(fold(event for piece in pieces for event in piece), about)
        ChatCompletion.model_validate(plain)
        validate("CreateChatCompletionResponse", plain)
        for chunk in written(pieces, about):
            ChatCompletionChunk.model_validate(chunk)
            validate("CreateChatCompletionStreamResponse", chunk)

    @given(conversations())
    def test_answers_can_be_sent_back(self, drawn: tuple[int, list[list[Event]]]) -> None:
        """Every message that an answer gives is readable as a message of the next request."""
        _, pieces = drawn
        plain = render(fold(event for piece in pieces for event in piece), context())
        for choice in plain["choices"]:
            message = {key: value for key, value in choice["message"].items() if key != "audio"}
            self.assertTrue(read({"model": "m", "messages": [message]}).messages)

    @given(st.lists(st.text(max_size=10), max_size=8))
    def test_text_is_untouched(self, pieces: list[str]) -> None:
        """Text in is text out, whatever it holds and however it is cut."""
        events: list[Event] = [*map(TextDelta, pieces), Finished(FinishReason.STOP, "STOP")]
        for choices in (render(fold(events), context())["choices"], added_up(written([events], context()))):
            self.assertEqual(choices[0]["message"]["content"], "".join(pieces))
