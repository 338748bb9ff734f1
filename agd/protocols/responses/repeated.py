"""What a Response object repeats of its request, with OpenAI's defaults where the client said nothing."""

from __future__ import annotations

from typing import Any

from agd.conversation import OutputFormat, Prompt, Tool
from agd.protocols.tools import wire_choice


def repeated(prompt: Prompt) -> dict[str, Any]:
    """Return the fields, complete, as far as a prompt tells them; the reader puts the client's own words over them."""
    sampling = prompt.sampling
    return {
        "instructions": None,
        "max_output_tokens": sampling.max_tokens,
        "max_tool_calls": None,
        "parallel_tool_calls": prompt.parallel_tool_calls is not False,
        "previous_response_id": None,
        "reasoning": {"effort": prompt.reasoning.effort, "summary": None},
        "temperature": _or(sampling.temperature, 1.0),
        "top_p": _or(sampling.top_p, 1.0),
        "presence_penalty": _or(sampling.presence_penalty, 0.0),
        "frequency_penalty": _or(sampling.frequency_penalty, 0.0),
        "top_logprobs": sampling.top_logprobs or 0,
        "text": {"format": _format(prompt.output_format)},
        "tool_choice": wire_choice(prompt.tool_choice),
        "tools": [_tool(tool) for tool in prompt.tools],
        "truncation": "disabled",
        "metadata": {},
        "background": False,
        "service_tier": prompt.service_tier or "default",
        "safety_identifier": None,
        "prompt_cache_key": None,
        "user": None,
    }


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


def _format(wanted: OutputFormat | None) -> dict[str, Any]:
    if wanted is None:
        return {"type": "text"}
    if wanted.kind == "json_object":
        return {"type": "json_object"}
    return {
        "type": "json_schema",
        "name": wanted.name or "output",
        "description": wanted.description,
        "schema": wanted.schema,
        "strict": bool(wanted.strict),
    }


def _tool(tool: Tool) -> dict[str, Any]:
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
        "strict": tool.strict,
    }
