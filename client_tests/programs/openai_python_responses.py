"""OpenAI's Python library: Responses, its helpers, and the loop of tools without state at the server."""

from __future__ import annotations

from typing import Any

import openai

from client_tests.programs.scenarios import carry_out
from client_tests.programs.subjects import Invoice, Weather, get_weather

# Made for chat; the helpers of Responses take it too, and turn it into their own kind, which parses arguments.
TOOLS: Any = [openai.pydantic_function_tool(Weather, name="get_weather")]


def plain(model: str, text: str) -> Any:
    """Create one Response."""
    return {"text": openai.OpenAI().responses.create(model=model, input=text).output_text}


def stream(model: str, text: str) -> Any:
    """Create one Response as a stream."""
    events = openai.OpenAI().responses.create(model=model, input=text, stream=True)
    return {"deltas": [event.delta for event in events if event.type == "response.output_text.delta"]}


def parse(model: str, text: str) -> Any:
    """Have a Response parsed."""
    parsed = openai.OpenAI().responses.parse(model=model, input=text, text_format=Invoice).output_parsed
    assert isinstance(parsed, Invoice)
    return parsed.model_dump()


def _loop(ask: Any, text: str) -> Any:
    said: list[Any] = [{"role": "user", "content": text}]
    first = ask(said)
    calls = [item for item in first.output if item.type == "function_call"]
    said += [item.model_dump(exclude={"parsed_arguments"}, exclude_none=True) for item in first.output]
    for call in calls:
        assert isinstance(call.parsed_arguments, Weather)
        result = get_weather(**call.parsed_arguments.model_dump())
        said.append({"type": "function_call_output", "call_id": call.call_id, "output": result})
    told = [(call.name, call.parsed_arguments.model_dump()) for call in calls]
    return {"calls": told, "text": ask(said).output_text}


def tools(model: str, text: str) -> Any:
    """Ask, answer the calls, and ask again with everything."""
    client = openai.OpenAI()
    return _loop(lambda said: client.responses.parse(model=model, input=said, tools=TOOLS), text)


def stream_tools(model: str, text: str) -> Any:
    """Do the loop of tools with streams."""
    client = openai.OpenAI()

    def ask(said: list[Any]) -> Any:
        with client.responses.stream(model=model, input=said, tools=TOOLS) as streamed:
            return streamed.get_final_response()

    return _loop(ask, text)


if __name__ == "__main__":
    carry_out({"plain": plain, "stream": stream, "parse": parse, "tools": tools, "stream_tools": stream_tools})
