"""Reading a chat request (OpenAI ``CreateChatCompletionRequest``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agd.conversation import Notice, Prompt, Reasoning, Tool, ToolChoice
from agd.protocols.chat.messages import Turns
from agd.protocols.fields import Fields, invalid, missing, shown, unsupported, wrong_type
from agd.protocols.formats import read_effort, read_format
from agd.protocols.parameters import (
    leftovers,
    read_model,
    read_parallel,
    read_sampling,
    read_stream,
    refuse_many,
)
from agd.protocols.tools import named, read_choice, read_functions, read_tools

LEGACY = "chat.function_call"
"""Key of ``Prompt.echo``: the request used ``functions``, so the answer speaks of ``function_call``."""


def read(body: Mapping[str, Any]) -> Prompt:
    """Read a chat request. Raises ``BadRequest`` with ``param`` for what cannot be carried out."""
    fields, notices = Fields(body), list[Notice]()
    model = read_model(fields)
    turns = _read_turns(fields, notices)
    _refuse(fields)
    _read_modalities(fields, notices)
    tools, choice, legacy = _read_tools(fields, notices)
    read_parallel(fields, notices)
    sampling = read_sampling(fields, ("max_completion_tokens", "max_tokens"), notices)
    output_format = read_format(fields.object("response_format"), notices)
    reasoning = _read_reasoning(fields, notices)
    stream, include_usage = read_stream(fields, notices)
    return Prompt(
        model=model,
        messages=tuple(turns.messages),
        instructions=tuple(turns.instructions),
        tools=tools,
        tool_choice=choice,
        sampling=sampling,
        output_format=output_format,
        reasoning=reasoning,
        stream=stream,
        include_usage=include_usage,
        echo={LEGACY: True} if legacy else {},
        notices=(*notices, *leftovers(fields)),
    )


def _read_turns(fields: Fields, notices: list[Notice]) -> Turns:
    entries = fields.objects("messages")
    if not entries:
        raise missing("messages")
    turns = Turns(notices)
    turns.read(entries)
    return turns


def _refuse(fields: Fields) -> None:
    refuse_many(fields)
    if fields.flag("logprobs"):
        raise unsupported("logprobs", "token probabilities are not given.")
    if fields.integer("top_logprobs", 0, 20) is not None:
        raise unsupported("top_logprobs", "token probabilities are not given.")
    for key in ("audio", "web_search_options"):
        if fields.get(key) is not None:
            raise unsupported(key, "it cannot be carried out.")


def _read_modalities(fields: Fields, notices: list[Notice]) -> None:
    for index, modality in enumerate(fields.texts("modalities")):
        path = f"modalities[{index}]"
        if modality == "audio":
            raise unsupported("modalities", "answers in sound are not given.")
        if modality not in {"text", "image"}:
            raise invalid(path, f"{shown(modality)} is not one of 'text', 'image'.")
        if modality == "image":
            notices.append(Notice(path, "not sent: models that make images do so by themselves"))


def _read_tools(fields: Fields, notices: list[Notice]) -> tuple[tuple[Tool, ...], ToolChoice | None, bool]:
    """Return tools, choice, and whether they were written in the old way."""
    functions = read_functions(fields)
    tools = read_tools(fields, "nested", notices)
    if functions and tools:
        raise invalid("functions", "it cannot stand beside 'tools', which replaced it.")
    if functions:
        return functions, _read_function_choice(fields, functions), True
    if fields.get("function_call") not in (None, "auto", "none"):
        raise invalid("function_call", "it is only allowed when 'functions' are given.")
    return tools, read_choice(fields, tools), False


def _read_function_choice(fields: Fields, functions: tuple[Tool, ...]) -> ToolChoice | None:
    value = fields.get("function_call")
    if value is None:
        return None
    if value in ("auto", "none"):
        return ToolChoice(value)
    if isinstance(value, str):
        raise invalid("function_call", f"{shown(value)} is not one of 'none', 'auto'.")
    if not isinstance(value, dict):
        raise wrong_type("function_call", "a string or an object", value)
    name = Fields(value, "function_call").required_text("name")
    return ToolChoice("required", (named(name, "function_call.name", functions),))


def _read_reasoning(fields: Fields, notices: list[Notice]) -> Reasoning:
    """``reasoning_effort`` is OpenAI's; ``reasoning`` is what some clients send in its place."""
    first = read_effort(fields, "reasoning_effort", notices)
    second = read_effort(fields, "reasoning", notices)
    if first is None or second is None:
        return first or second or Reasoning()
    if second.effort not in {None, first.effort}:
        notices.append(Notice("reasoning.effort", "ignored: reasoning_effort is set to another value and wins"))
    return Reasoning(first.effort or second.effort, first.summary or second.summary)
