"""LangChain's ``ChatOpenAI``, on either surface of OpenAI's."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_openai import ChatOpenAI

from client_tests.programs.scenarios import carry_out, uses_responses
from client_tests.programs.subjects import Invoice, get_weather


def _chat(model: str) -> Any:
    return ChatOpenAI(model=model, use_responses_api=uses_responses())


def plain(model: str, text: str) -> Any:
    """Invoke the model."""
    answer = _chat(model).invoke(text)
    return {
        "text": answer.text,
        "finish": answer.response_metadata.get("finish_reason"),
        "tokens": answer.usage_metadata["output_tokens"],
    }


def stream(model: str, text: str) -> Any:
    """Stream the model."""
    return {"deltas": [chunk.text for chunk in _chat(model).stream(text) if chunk.text]}


async def asynchronous(model: str, text: str) -> Any:
    """Do plain and stream with the asynchronous methods."""
    chat = _chat(model)
    answer = await chat.ainvoke(text)
    return {"text": answer.text, "deltas": [chunk.text async for chunk in chat.astream(text) if chunk.text]}


def _loop(ask: Any, text: str) -> Any:
    messages: list[Any] = [HumanMessage(text)]
    first = ask(messages)
    messages.append(first)
    messages += [
        ToolMessage(get_weather(**call["args"]), tool_call_id=call["id"], name=call["name"])
        for call in first.tool_calls
    ]
    return {"calls": [(call["name"], call["args"]) for call in first.tool_calls], "text": ask(messages).text}


def tools(model: str, text: str) -> Any:
    """Bind a tool, answer the calls, and ask again."""
    return _loop(_chat(model).bind_tools([get_weather]).invoke, text)


def stream_tools(model: str, text: str) -> Any:
    """Do the loop of tools with streams whose chunks LangChain adds up."""
    bound = _chat(model).bind_tools([get_weather])

    def ask(messages: list[Any]) -> Any:
        first, *others = bound.stream(messages)
        for chunk in others:
            first += chunk
        return first

    return _loop(ask, text)


def _structured(model: str, text: str, method: str) -> Any:
    parsed = _chat(model).with_structured_output(Invoice, method=method).invoke(text)
    assert isinstance(parsed, Invoice)
    return parsed.model_dump()


def schema(model: str, text: str) -> Any:
    """Have an answer in a schema's shape: LangChain's usual way."""
    return _structured(model, text, "json_schema")


def function(model: str, text: str) -> Any:
    """Have an answer as the arguments of a forced call."""
    return _structured(model, text, "function_calling")


if __name__ == "__main__":
    carry_out(
        {
            "plain": plain,
            "stream": stream,
            "asynchronous": asynchronous,
            "tools": tools,
            "stream_tools": stream_tools,
            "schema": schema,
            "function": function,
        }
    )
