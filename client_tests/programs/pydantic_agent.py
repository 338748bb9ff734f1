"""Pydantic AI's ``Agent`` over ``OpenAIChatModel`` or ``OpenAIResponsesModel``."""

from __future__ import annotations

from typing import Any

from pydantic_ai import Agent, NativeOutput
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel

from client_tests.programs.scenarios import carry_out, uses_responses
from client_tests.programs.subjects import Invoice, get_weather


def _model(name: str) -> Any:
    return OpenAIResponsesModel(name) if uses_responses() else OpenAIChatModel(name)


def plain(model: str, text: str) -> Any:
    """Run an agent."""
    result = Agent(_model(model)).run_sync(text)
    return {"text": result.output, "tokens": result.usage.output_tokens}


async def stream(model: str, text: str) -> Any:
    """Run an agent as a stream."""
    async with Agent(_model(model)).run_stream(text) as running:
        return {"deltas": [delta async for delta in running.stream_text(delta=True, debounce_by=None)]}


def _calls(messages: list[Any]) -> Any:
    parts = [part for message in messages for part in message.parts if part.part_kind == "tool-call"]
    return [(part.tool_name, part.args_as_dict()) for part in parts]


def tools(model: str, text: str) -> Any:
    """Run an agent that has a tool."""
    result = Agent(_model(model), tools=[get_weather]).run_sync(text)
    return {"calls": _calls(result.all_messages()), "text": result.output}


async def stream_tools(model: str, text: str) -> Any:
    """Run an agent that has a tool as a stream."""
    async with Agent(_model(model), tools=[get_weather]).run_stream(text) as running:
        said = await running.get_output()
        return {"calls": _calls(running.all_messages()), "text": said}


def _structured(model: str, text: str, kind: Any) -> Any:
    parsed = Agent(_model(model), output_type=kind).run_sync(text).output
    assert isinstance(parsed, Invoice)
    return parsed.model_dump()


def function(model: str, text: str) -> Any:
    """Have the output as the arguments of a forced call: the agent's usual way."""
    return _structured(model, text, Invoice)


def schema(model: str, text: str) -> Any:
    """Have the output in a schema's shape."""
    return _structured(model, text, NativeOutput(Invoice))


if __name__ == "__main__":
    carry_out(
        {
            "plain": plain,
            "stream": stream,
            "tools": tools,
            "stream_tools": stream_tools,
            "function": function,
            "schema": schema,
        }
    )
