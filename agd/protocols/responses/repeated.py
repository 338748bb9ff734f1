"""What a Response object repeats of its request, with OpenAI's defaults where the client said nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agd.conversation import OutputFormat, Prompt, Tool
from agd.protocols.fields import Fields
from agd.protocols.responses.parameters import Wording
from agd.protocols.tools import wire_choice

_WORDS = ("instructions", "previous_response_id", "safety_identifier", "prompt_cache_key")
_FUNCTION = {"description": None, "parameters": None, "strict": None}


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
    }


def words_of(fields: Fields, wording: Wording) -> dict[str, Any]:
    """Return what a Response repeats in the client's own words, in the flat shapes of Responses.

    Raises ``BadRequest`` for an identifier that is no text.
    """
    body = Fields(fields.values)
    words: dict[str, Any] = {key: body.text(key) for key in _WORDS}
    if (user := body.text("user")) is not None:
        words["user"] = user
    text: dict[str, Any] = {"format": _format(wording.format)}
    words["text"] = text if wording.verbosity is None else {**text, "verbosity": wording.verbosity}
    words["tools"] = [_declared(entry.values) for entry in body.objects("tools")]
    if (choice := body.get("tool_choice")) is not None:
        words["tool_choice"] = _flat(choice) if isinstance(choice, dict) else choice
    return words


def _declared(entry: Mapping[str, Any]) -> dict[str, Any]:
    flat = _flat(entry)
    return {**_FUNCTION, **flat} if flat.get("type") == "function" else flat


def _flat(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tool, or the choice of one, without the object that chat nests in it."""
    kind = entry.get("type")
    nested = entry.get(kind) if isinstance(kind, str) else None
    outer = {key: value for key, value in entry.items() if key != kind and value is not None}
    return {**outer, **nested} if isinstance(nested, dict) else outer


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
