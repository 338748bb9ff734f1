"""OpenAI's Python library: responses that are kept, run in the background, counted, compacted, or told over a socket.

What each scenario returns is the same in ``client_tests/node/openai_node_state.mjs``, and judged in
``client_tests/state.py``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import openai

from client_tests.programs.scenarios import carry_out
from client_tests.programs.subjects import Weather, get_weather

TOOLS: Any = [openai.pydantic_function_tool(Weather, name="get_weather")]
FURTHER = ("And then?", "And at last?")
LEFT_AFTER = 12
"""Events after which the client leaves a stream."""


def chain(model: str, text: str) -> Any:
    """Talk over three turns, each of which names the one before."""
    client = openai.OpenAI()
    turns = [client.responses.create(model=model, input=text)]
    for said in FURTHER:
        turns.append(client.responses.create(model=model, input=said, previous_response_id=turns[-1].id))
    previous = [turn.previous_response_id for turn in turns]
    return {"texts": [turn.output_text for turn in turns], "ids": [turn.id for turn in turns], "previous": previous}


def _results(response: Any) -> list[Any]:
    calls = [item for item in response.output if item.type == "function_call"]
    return [
        {
            "type": "function_call_output",
            "call_id": call.call_id,
            "output": get_weather(**call.parsed_arguments.model_dump()),
        }
        for call in calls
    ]


def chain_tools(model: str, text: str) -> Any:
    """Have calls made, and send nothing but their results."""
    client = openai.OpenAI()
    first: Any = client.responses.parse(model=model, input=text, tools=TOOLS)
    calls = [(item.name, item.parsed_arguments.model_dump()) for item in first.output if item.type == "function_call"]
    last = client.responses.parse(model=model, input=_results(first), previous_response_id=first.id, tools=TOOLS)
    return {"calls": calls, "text": last.output_text}


def _error(call: Callable[[], Any]) -> Any:
    try:
        call()
    except openai.APIStatusError as error:
        return {"status": error.status_code, "code": error.code, "param": error.param}
    return None


def stored(model: str, text: str) -> Any:
    """Keep a response, look at it, take it away, and look again."""
    client = openai.OpenAI()
    made = client.responses.create(model=model, input=[{"role": "user", "content": text}], metadata={"topic": "sea"})
    kept = client.responses.retrieve(made.id)
    items: list[Any] = list(client.responses.input_items.list(made.id, order="asc"))
    client.responses.delete(made.id)
    return {
        "same": kept.model_dump() == made.model_dump(exclude={"choices"}),  # which only a new answer has beside it
        "metadata": kept.metadata,
        "asked": [part.text for item in items if item.type == "message" for part in item.content],
        "gone": _error(lambda: client.responses.retrieve(made.id)),
        "followed": _error(lambda: client.responses.create(model=model, input="x", previous_response_id=made.id)),
    }


def unstored(model: str, text: str) -> Any:
    """Keep nothing."""
    client = openai.OpenAI()
    made = client.responses.create(model=model, input=text, store=False)
    return {"store": made.model_dump().get("store"), "gone": _error(lambda: client.responses.retrieve(made.id))}


def background(model: str, text: str) -> Any:
    """Start a response and look until it is done."""
    client = openai.OpenAI()
    begun = response = client.responses.create(model=model, input=text, background=True)
    while response.status in {"queued", "in_progress"}:
        time.sleep(0.02)
        response = client.responses.retrieve(begun.id)
    return {"begun": begun.status, "status": response.status, "text": response.output_text, "background": True}


def cancel(model: str, text: str) -> Any:
    """Start a response and cancel it, twice."""
    client = openai.OpenAI()
    begun = client.responses.create(model=model, input=text, background=True)
    cancelled = [client.responses.cancel(begun.id).status for _ in range(2)]
    return {"cancelled": cancelled, "status": client.responses.retrieve(begun.id).status}


def resumed(model: str, text: str) -> Any:
    """Leave the stream of a background response in the middle, and take it up where it was left."""
    client = openai.OpenAI()
    seen: list[Any] = []
    with client.responses.create(model=model, input=text, background=True, stream=True) as events:
        for event in events:
            seen.append(event)
            if len(seen) == LEFT_AFTER:
                break
    response_id = seen[0].response.id
    seen += client.responses.retrieve(response_id, stream=True, starting_after=seen[-1].sequence_number)
    again = list(client.responses.retrieve(response_id, stream=True))
    return {
        "numbers": [event.sequence_number for event in seen],
        "again": [event.type for event in again] == [event.type for event in seen],
        "types": [event.type for event in seen],
        "deltas": [event.delta for event in seen if event.type == "response.output_text.delta"],
        "text": seen[-1].response.output_text,
    }


def count(model: str, text: str) -> Any:
    """Have the tokens of a prompt counted, of it alone and after another one."""
    client = openai.OpenAI()
    first = client.responses.create(model=model, input=text)
    counts = client.responses.input_tokens
    alone = counts.count(model=model, input=text).input_tokens
    after = counts.count(model=model, input=text, previous_response_id=first.id).input_tokens
    usage: Any = first.usage
    return {"alone": alone, "after": after, "used": usage.input_tokens}


def compact(model: str, text: str) -> Any:
    """Have a long conversation compacted, and go on from what is left of it."""
    client = openai.OpenAI()
    talk: list[Any] = [{"role": "user", "content": f"{text} {number}"} for number in range(200)]
    small = client.responses.compact(model=model, input=talk)
    output: list[Any] = [item.model_dump(exclude_none=True) for item in small.output]
    after = client.responses.create(model=model, input=[*output, {"role": "user", "content": FURTHER[0]}])
    sizes = [len(str(each)) for each in (talk, output)]
    return {
        "object": small.object,
        "types": [item.type for item in small.output],
        "sizes": sizes,
        "tokens": small.usage.total_tokens,
        "text": after.output_text,
    }


def _tell(connection: Any, **request: Any) -> Any:
    connection.response.create(**request)
    events = []
    for event in connection:
        events.append(event)
        if event.type in {"response.completed", "response.failed", "response.incomplete", "error"}:
            return events
    raise AssertionError("the socket ended within a response")


def socket(model: str, text: str) -> Any:
    """Talk over three turns on one socket, with nothing stored, then ask for what the socket does not know."""
    client = openai.OpenAI()
    turns: list[Any] = []
    with client.responses.connect(max_retries=0) as connection:
        for said in (text, *FURTHER):
            more = {"previous_response_id": turns[-1][-1].response.id} if turns else {}
            turns.append(_tell(connection, model=model, input=said, store=False, **more))
        (*_, wrong) = _tell(connection, model=model, input=text, previous_response_id="resp_made_up")
        alive = _tell(connection, model=model, input=text, store=False)[-1]
    ends = [turn[-1].response for turn in turns]
    return {
        "types": [event.type for event in turns[0]],
        "deltas": [[event.delta for event in turn if event.type == "response.output_text.delta"] for turn in turns],
        "texts": [end.output_text for end in ends],
        "previous": [end.previous_response_id for end in ends],
        "ids": [end.id for end in ends],
        "gone": _error(lambda: client.responses.retrieve(ends[0].id)),
        "wrong": {"type": wrong.type, "status": wrong.status, "code": wrong.error.code},
        "alive": alive.type,
    }


def socket_tools(model: str, text: str) -> Any:
    """Have calls made over a socket with nothing stored, and send nothing but their results."""
    client = openai.OpenAI()
    tools = [{"type": "function", "name": "get_weather", "parameters": Weather.model_json_schema()}]
    with client.responses.connect(max_retries=0) as connection:
        first = _tell(connection, model=model, input=text, tools=tools, store=False)[-1].response
        calls = [item for item in first.output if item.type == "function_call"]
        results = [
            {
                "type": "function_call_output",
                "call_id": call.call_id,
                "output": get_weather(**Weather.model_validate_json(call.arguments).model_dump()),
            }
            for call in calls
        ]
        asked = {"model": model, "input": results, "tools": tools, "store": False}
        last = _tell(connection, previous_response_id=first.id, **asked)[-1].response
    told = [(call.name, Weather.model_validate_json(call.arguments).model_dump()) for call in calls]
    return {"calls": told, "text": last.output_text}


if __name__ == "__main__":
    carry_out(
        {
            "chain": chain,
            "chain_tools": chain_tools,
            "stored": stored,
            "unstored": unstored,
            "background": background,
            "cancel": cancel,
            "resumed": resumed,
            "count": count,
            "compact": compact,
            "socket": socket,
            "socket_tools": socket_tools,
        }
    )
