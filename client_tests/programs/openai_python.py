"""OpenAI's Python library: chat, its ``parse`` and ``stream`` helpers, and the loop of tools."""

from __future__ import annotations

from typing import Any

import openai
from openai.types.chat import ChatCompletionMessageParam

from client_tests.programs.scenarios import carry_out
from client_tests.programs.subjects import Invoice, Weather, get_weather

TOOLS = [openai.pydantic_function_tool(Weather, name="get_weather")]


def _user(text: str) -> list[ChatCompletionMessageParam]:
    return [{"role": "user", "content": text}]


def plain(model: str, text: str) -> Any:
    """Create one answer."""
    answer = openai.OpenAI().chat.completions.create(model=model, messages=_user(text))
    (choice,) = answer.choices
    return {"text": choice.message.content, "finish": choice.finish_reason, "model": answer.model}


def stream(model: str, text: str) -> Any:
    """Create one answer as a stream, with usage."""
    chunks = list(
        openai.OpenAI().chat.completions.create(
            model=model, messages=_user(text), stream=True, stream_options={"include_usage": True}
        )
    )
    *_, before, last = chunks
    deltas = [choice.delta.content for chunk in chunks for choice in chunk.choices if choice.delta.content]
    assert last.usage is not None
    return {"deltas": deltas, "finish": before.choices[0].finish_reason, "tokens": last.usage.completion_tokens}


async def asynchronous(model: str, text: str) -> Any:
    """Do plain and stream with the asynchronous client."""
    async with openai.AsyncOpenAI() as client:
        answer = await client.chat.completions.create(model=model, messages=_user(text))
        chunks = await client.chat.completions.create(model=model, messages=_user(text), stream=True)
        deltas = [choice.delta.content async for chunk in chunks for choice in chunk.choices if choice.delta.content]
    return {"text": answer.choices[0].message.content, "deltas": deltas}


def parse(model: str, text: str) -> Any:
    """Have an answer parsed."""
    answer = openai.OpenAI().chat.completions.parse(model=model, messages=_user(text), response_format=Invoice)
    parsed = answer.choices[0].message.parsed
    assert isinstance(parsed, Invoice)
    return parsed.model_dump()


def stream_parse(model: str, text: str) -> Any:
    """Have a streamed answer parsed, piece by piece and in the end."""
    with openai.OpenAI().chat.completions.stream(
        model=model, messages=_user(text), response_format=Invoice
    ) as streamed:
        kinds = [event.type for event in streamed]
        parsed = streamed.get_final_completion().choices[0].message.parsed
    assert isinstance(parsed, Invoice)
    return {"parsed": parsed.model_dump(), "pieces": kinds.count("content.delta")}


def _answered(message: Any) -> list[ChatCompletionMessageParam]:
    """Return the model's message as it came, and the tool's word on each of its calls."""
    said: list[ChatCompletionMessageParam] = [message.model_dump(exclude_none=True, exclude={"parsed"})]
    for call in message.tool_calls:
        assert isinstance(call.function.parsed_arguments, Weather)
        result = get_weather(**call.function.parsed_arguments.model_dump())
        said.append({"role": "tool", "tool_call_id": call.id, "content": result})
    return said


def _told(first: Any, final: Any) -> Any:
    calls = [(call.function.name, call.function.parsed_arguments.model_dump()) for call in first.message.tool_calls]
    return {"finish": first.finish_reason, "calls": calls, "text": final.message.content}


def tools(model: str, text: str) -> Any:
    """Ask, answer the calls, and ask again."""
    parse_one = openai.OpenAI().chat.completions.parse
    messages = _user(text)
    first = parse_one(model=model, messages=messages, tools=TOOLS).choices[0]
    messages += _answered(first.message)
    return _told(first, parse_one(model=model, messages=messages, tools=TOOLS).choices[0])


def stream_tools(model: str, text: str) -> Any:
    """Do the loop of tools with streams."""
    client, messages, ends = openai.OpenAI(), _user(text), []
    for _ in range(2):
        with client.chat.completions.stream(model=model, messages=messages, tools=TOOLS) as streamed:
            ends.append(streamed.get_final_completion().choices[0])
        if ends[-1].message.tool_calls:
            messages += _answered(ends[-1].message)
    return _told(*ends)


async def asynchronous_tools(model: str, text: str) -> Any:
    """Do the loop of tools with the asynchronous client."""
    messages = _user(text)
    async with openai.AsyncOpenAI() as client:
        first = (await client.chat.completions.parse(model=model, messages=messages, tools=TOOLS)).choices[0]
        messages += _answered(first.message)
        final = (await client.chat.completions.parse(model=model, messages=messages, tools=TOOLS)).choices[0]
    return _told(first, final)


def refused(model: str, text: str) -> Any:
    """Ask with a wrong key."""
    try:
        openai.OpenAI(api_key="sk-wrong-made-up").chat.completions.create(model=model, messages=_user(text))
    except openai.AuthenticationError as error:
        return {"status": error.status_code, "code": error.code}
    return None


if __name__ == "__main__":
    carry_out(
        {
            "plain": plain,
            "stream": stream,
            "asynchronous": asynchronous,
            "parse": parse,
            "stream_parse": stream_parse,
            "tools": tools,
            "stream_tools": stream_tools,
            "asynchronous_tools": asynchronous_tools,
            "refused": refused,
        }
    )
