"""Reading a chat request (OpenAI ``CreateChatCompletionRequest``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve

from agd.conversation import Notice, Prompt, Reasoning, Tool, ToolChoice
from agd.options import DEFAULT, Options
from agd.protocols.chat.messages import Turns
from agd.protocols.chat.outputs import read_outputs
from agd.protocols.fields import Fields, invalid, missing, shown, wrong_type
from agd.protocols.formats import read_effort, read_format
from agd.protocols.native import read_native
from agd.protocols.parameters import (
    leftovers,
    read_count,
    read_logprobs,
    read_model,
    read_parallel,
    read_sampling,
    read_stream,
    read_tier,
)
from agd.protocols.search import SEARCH_TOOLS, read_search
from agd.protocols.tools import named, read_choice, read_functions, read_tools

LEGACY = "chat.function_call"
"""Key of ``Prompt.echo``: the request used ``functions``, so the answer speaks of ``function_call``."""


def read(body: Mapping[str, Any], options: Options = DEFAULT) -> Prompt:
    """Read a chat request. Raises ``BadRequest`` with ``param`` for what cannot be carried out."""
    fields, notices = Fields(body), list[Notice]()
    model = read_model(fields)
    turns = _read_turns(fields, options, notices)
    tools, choice, legacy = _read_tools(fields)
    logprobs, top_logprobs = read_logprobs(fields)
    sampling = read_sampling(fields, ("max_completion_tokens", "max_tokens"), notices)
    outputs = read_outputs(fields, notices)
    stream, include_usage = read_stream(fields, notices)
    prompt = Prompt(
        model=model,
        messages=tuple(turns.messages),
        instructions=tuple(turns.instructions),
        tools=tools,
        tool_choice=choice,
        sampling=evolve(sampling, logprobs=logprobs, top_logprobs=top_logprobs),
        output_format=read_format(fields.object("response_format"), notices),
        reasoning=_read_reasoning(fields, notices),
        n=read_count(fields),
        parallel_tool_calls=read_parallel(fields, len(tools), options.parallel_tool_calls, notices),
        web_search=read_search(fields, notices),
        modalities=outputs.modalities,
        image_output=outputs.image_output,
        speech=outputs.speech,
        native=read_native(fields, notices),
        service_tier=read_tier(fields, notices),
        stream=stream,
        include_usage=include_usage,
        echo={LEGACY: True} if legacy else {},
    )
    return evolve(prompt, notices=(*notices, *leftovers(fields)))


def _read_turns(fields: Fields, options: Options, notices: list[Notice]) -> Turns:
    values = fields.array("messages")
    if not values:
        raise missing("messages")
    turns = Turns(notices, options)
    turns.read(values)
    return turns


def _read_tools(fields: Fields) -> tuple[tuple[Tool, ...], ToolChoice | None, bool]:
    """Return tools, choice, and whether they were written in the old way."""
    functions = read_functions(fields)
    tools = read_tools(fields, SEARCH_TOOLS)
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
