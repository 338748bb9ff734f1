"""Pydantic AI's ``OpenAIResponsesModel`` with what agd keeps: chains, background, encrypted reasoning, a WebSocket."""

from __future__ import annotations

import asyncio
import warnings
from typing import Any

from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIResponsesModel
from pydantic_ai.profiles.openai import OpenAIModelProfile

from client_tests.programs.scenarios import carry_out
from client_tests.programs.subjects import get_weather

warnings.simplefilter("error")  # Pydantic AI warns where it goes over to HTTP


def _agent(model: str, *, tools: Any = (), **settings: Any) -> Agent:
    profile = OpenAIModelProfile(
        openai_supports_encrypted_reasoning_content=True,
        openai_responses_supports_websocket=True,
        openai_responses_supports_websocket_stream_id=True,
    )
    return Agent(OpenAIResponsesModel(model, profile=profile), tools=tools, model_settings=settings)


def _seen(result: Any) -> Any:
    parts = [part for message in result.all_messages() for part in message.parts]
    calls = [(part.tool_name, part.args_as_dict()) for part in parts if part.part_kind == "tool-call"]
    return {"calls": calls, "text": result.output}


async def chain(model: str, text: str) -> Any:
    """Talk over three turns, each of which names the one before."""
    agent = _agent(model, openai_previous_response_id="auto")
    results = [await agent.run(text)]
    for said in ("And then?", "And at last?"):
        results.append(await agent.run(said, message_history=results[-1].all_messages()))
    return {"texts": [result.output for result in results]}


async def background(model: str, text: str) -> Any:
    """Let the agent look until a response is done."""
    return _seen(await _agent(model, openai_background=True, tools=[get_weather]).run(text))


async def stateless(model: str, text: str) -> Any:
    """Do a round of tools with nothing stored, thoughts shown, and encrypted reasoning."""
    agent = _agent(model, openai_store=False, openai_reasoning_summary="auto", tools=[get_weather])
    return _seen(await agent.run(text))


async def socket(model: str, text: str) -> Any:
    """Do a round of tools on a WebSocket with nothing stored."""
    agent = _agent(model, openai_transport="websocket", openai_store=False, tools=[get_weather])
    async with agent:
        return _seen(await agent.run(text))


async def lanes(model: str, text: str) -> Any:
    """Do several rounds of tools at once on one WebSocket, each on a lane of its own."""
    agent = _agent(model, openai_transport="websocket", openai_store=False, tools=[get_weather])
    async with agent:
        return [_seen(result) for result in await asyncio.gather(*(agent.run(text) for _ in range(4)))]


if __name__ == "__main__":
    carry_out(
        {"chain": chain, "background": background, "stateless": stateless, "socket": socket, "lanes": lanes},
    )
