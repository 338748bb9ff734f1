"""Reading a legacy completion request (OpenAI ``CreateCompletionRequest``): one prompt, one user turn, no system."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agd.conversation import Message, Notice, Prompt, Text
from agd.protocols.fields import Fields, invalid, missing, unsupported, wrong_type
from agd.protocols.parameters import leftovers, read_model, read_sampling, read_stream, refuse_many


def read(body: Mapping[str, Any]) -> Prompt:
    """Read a completion request. Raises ``BadRequest`` with ``param`` for what cannot be carried out."""
    fields, notices = Fields(body), list[Notice]()
    if fields.get("messages") is not None:
        raise invalid("messages", "it belongs to /v1/chat/completions; this route takes 'prompt'.")
    model = read_model(fields)
    prompt = _read_prompt(fields)
    _refuse(fields)
    sampling = read_sampling(fields, ("max_tokens",), notices)
    stream, include_usage = read_stream(fields, notices)
    return Prompt(
        model=model,
        messages=(Message("user", (Text(prompt),)),),
        sampling=sampling,
        stream=stream,
        include_usage=include_usage,
        notices=(*notices, *leftovers(fields)),
    )


def _read_prompt(fields: Fields) -> str:
    value = fields.get("prompt")
    if isinstance(value, list):
        value = _only(value)
    if value is None:
        raise missing("prompt")
    if not isinstance(value, str):
        raise wrong_type("prompt", "a string or an array of one string", value)
    return value


def _only(values: list[Any]) -> Any:
    if not values:
        raise missing("prompt")
    if any(not isinstance(value, str) for value in values):
        raise unsupported("prompt", "token numbers belong to another tokenizer; send text.")
    if len(values) > 1:
        raise unsupported("prompt", "only one prompt per request can be completed.")
    return values[0]


def _refuse(fields: Fields) -> None:
    refuse_many(fields)
    if fields.flag("echo"):
        raise unsupported("echo", "the prompt is not repeated.")
    if fields.text("suffix"):
        raise unsupported("suffix", "text cannot be inserted.")
    if (fields.integer("best_of", 1) or 1) > 1:
        raise unsupported("best_of", "only one completion is made.")
    if fields.integer("logprobs", 0, 5) is not None:
        raise unsupported("logprobs", "token probabilities are not given.")
