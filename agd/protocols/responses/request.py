"""Reading a Responses request (OpenAI ``CreateResponse``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agd.conversation import Notice, Prompt, Reasoning
from agd.conversation.session import session_of
from agd.options import DEFAULT, Options
from agd.protocols.fields import Fields, invalid, shown, unsupported, wrong_type
from agd.protocols.formats import read_effort, read_format
from agd.protocols.parameters import (
    ParallelPolicy,
    leftovers,
    leftovers_within,
    read_model,
    read_parallel,
    read_sampling,
    read_stream,
    read_tier,
    refuse_many,
)
from agd.protocols.responses.input import read_input
from agd.protocols.tools import read_choice, read_tools

_LIMITS = ("max_output_tokens", "max_completion_tokens", "max_tokens")

_INCLUDES = (
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
)

_STATEFUL = {
    "previous_response_id": "answers are not stored; send the whole conversation as 'input'.",
    "conversation": "conversations are not stored; send the whole conversation as 'input'.",
    "prompt": "prompt templates are not stored; send their text.",
}

_REPEATED = ("instructions", "safety_identifier", "prompt_cache_key")


def read(body: Mapping[str, Any], options: Options = DEFAULT) -> Prompt:
    """Read a Responses request. Raises ``BadRequest`` with ``param`` for what cannot be carried out."""
    fields, notices = Fields(body), list[Notice]()
    model = read_model(fields)
    items = read_input(fields, notices)
    _refuse(fields)
    tools = read_tools(fields, "flat", notices)
    # The items of a Response are not cut to the first call, whatever the setting for chat.
    policy: ParallelPolicy = "reject" if options.parallel_tool_calls == "reject" else "ignore"
    parallel = read_parallel(fields, len(tools), policy, notices)
    text = _read_text(fields, notices)
    reasoning = read_effort(fields, "reasoning", notices)
    stream, include_usage = read_stream(fields, notices)
    _read_include(fields, notices)
    _read_truncation(fields, notices)
    _read_call_limit(fields, notices)
    _check_metadata(fields)
    return Prompt(
        model=model,
        messages=tuple(items.messages),
        instructions=tuple(items.instructions),
        tools=tools,
        tool_choice=read_choice(fields, tools),
        sampling=read_sampling(fields, _LIMITS, notices),
        output_format=read_format(text, notices),
        reasoning=reasoning or Reasoning(),
        service_tier=read_tier(fields, notices),
        stream=stream,
        include_usage=include_usage,
        echo=_echo(body, parallel is not False),
        notices=(*notices, *leftovers(fields)),
        session=session_of(body),
    )


def _refuse(fields: Fields) -> None:
    refuse_many(fields)
    for key, why in _STATEFUL.items():
        if fields.get(key) is not None:
            raise unsupported(key, why)
    if fields.flag("background"):
        raise unsupported("background", "answers are made while the client waits.")
    if fields.integer("top_logprobs", 0, 20):
        raise unsupported("top_logprobs", "token probabilities are not given.")


def _read_text(fields: Fields, notices: list[Notice]) -> Fields | None:
    """Return the format's place within ``text``."""
    text = fields.object("text")
    if text is None:
        return None
    if text.one_of("verbosity", ("low", "medium", "high")) not in {None, "medium"}:
        notices.append(Notice("text.verbosity", "ignored: the provider has nothing like it"))
    place = text.object("format")
    notices.extend(leftovers_within(text))
    return place


def _read_include(fields: Fields, notices: list[Notice]) -> None:
    for index, name in enumerate(fields.array("include") or []):
        path = f"include[{index}]"
        if not isinstance(name, str):
            raise wrong_type(path, "a string", name)
        if name not in _INCLUDES:
            raise invalid(path, f"{shown(name)} is not one of {', '.join(map(repr, _INCLUDES))}.")
        notices.append(Notice(path, f"{name} is not given"))


def _read_truncation(fields: Fields, notices: list[Notice]) -> None:
    if fields.one_of("truncation", ("auto", "disabled")) == "auto":
        notices.append(Notice("truncation", "ignored: a conversation that is too long is refused, never cut"))


def _read_call_limit(fields: Fields, notices: list[Notice]) -> None:
    if fields.integer("max_tool_calls", 1) is not None:
        notices.append(Notice("max_tool_calls", "ignored: it limits tools that run at the provider"))


def _check_metadata(fields: Fields) -> None:
    """Metadata is repeated in the answer, within OpenAI's limits; nothing else is done with it."""
    metadata = fields.mapping("metadata")
    if metadata is None:
        return
    if len(metadata) > 16:
        raise invalid("metadata", "it may have 16 keys at most.")
    for key, value in metadata.items():
        path = f"metadata.{key[:64]}"
        if not isinstance(value, str):
            raise wrong_type(path, "a string", value)
        if len(key) > 64 or len(value) > 512:
            raise invalid(path, "a key may have 64 characters and a value 512.")


def _echo(body: Mapping[str, Any], parallel: bool) -> dict[str, Any]:
    """Return what a Response object repeats and a ``Prompt`` has no place for; checked by now, where it matters."""
    echo = {key: body[key] for key in _REPEATED if isinstance(body.get(key), str)}
    echo |= {key: body[key] for key in ("metadata", "max_tool_calls") if body.get(key) is not None}
    echo["parallel_tool_calls"] = parallel
    echo["verbosity"] = (body.get("text") or {}).get("verbosity")
    reasoning = body.get("reasoning")
    if isinstance(reasoning, dict) and reasoning.get("summary") != "none":
        echo["summary"] = reasoning.get("summary")
    return echo
