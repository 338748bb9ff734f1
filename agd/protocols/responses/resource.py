"""The Response object (OpenAI ``Response``, Open Responses ``ResponseResource``), whole in every lifecycle event."""

from __future__ import annotations

from typing import Any, Literal

from agd.conversation import FinishReason, OutputFormat, Prompt, Tool, Usage
from agd.errors import GatewayError
from agd.protocols.endpoint import Context
from agd.protocols.tools import wire_choice
from agd.protocols.usage import response_usage

Status = Literal["in_progress", "completed", "incomplete", "failed"]

_INCOMPLETE = {
    FinishReason.LENGTH: "max_output_tokens",
    FinishReason.CONTENT_FILTER: "content_filter",
}

_TOLD = {
    "server_error",
    "rate_limit_exceeded",
    "invalid_prompt",
    "invalid_image_url",
    "context_length_exceeded",
    "insufficient_quota",
    "usage_not_included",
}
"""Codes of ``response.failed`` that clients act upon: OpenAI's documented ones and those that Codex knows."""


def resource(
    context: Context,
    status: Status,
    output: list[dict[str, Any]],
    *,
    usage: Usage | None = None,
    error: GatewayError | None = None,
    reason: FinishReason | None = None,
) -> dict[str, Any]:
    """Write the object with all fields that either specification requires, null where nothing is known."""
    incomplete = _INCOMPLETE.get(reason) if reason is not None else None
    return {
        "id": f"resp_{context.token}",
        "object": "response",
        "created_at": context.created,
        "status": status,
        "completed_at": None,
        "error": None if error is None else failure(error),
        "incomplete_details": None if incomplete is None else {"reason": incomplete},
        "model": context.prompt.model,
        "output": output,
        "usage": None if usage is None else response_usage(usage),
        **_request_fields(context.prompt),
    }


def status_of(reason: FinishReason) -> Literal["completed", "incomplete"]:
    """Return the status of an answer that ended so."""
    return "incomplete" if reason in _INCOMPLETE else "completed"


def failure(error: GatewayError) -> dict[str, Any]:
    """Write ``ResponseError``: one of the codes that clients know, and a message with the wait where there is one."""
    code = _failure_code(error)
    message = error.message
    if code == "rate_limit_exceeded" and error.retry_after is not None and "try again in" not in message:
        # Codex reads the wait from this sentence.
        message = f"{message} Please try again in {error.retry_after:.3f}s."
    return {"code": code, "message": message}


def _failure_code(error: GatewayError) -> str:
    if error.code in _TOLD:
        return error.code
    if error.status == 429:
        return "rate_limit_exceeded"
    return "invalid_prompt" if 400 <= error.status < 500 else "server_error"


def _request_fields(prompt: Prompt) -> dict[str, Any]:
    """Repeat the request, with OpenAI's defaults where the client said nothing, as its own answers do."""
    echo, sampling = prompt.echo, prompt.sampling
    return {
        "instructions": echo.get("instructions"),
        "max_output_tokens": sampling.max_tokens,
        "max_tool_calls": echo.get("max_tool_calls"),
        "parallel_tool_calls": echo.get("parallel_tool_calls", True),
        "previous_response_id": None,
        "reasoning": {"effort": prompt.reasoning.effort, "summary": echo.get("summary")},
        "temperature": _or(sampling.temperature, 1.0),
        "top_p": _or(sampling.top_p, 1.0),
        "presence_penalty": _or(sampling.presence_penalty, 0.0),
        "frequency_penalty": _or(sampling.frequency_penalty, 0.0),
        "top_logprobs": 0,
        "text": _text(prompt),
        "tool_choice": wire_choice(prompt.tool_choice),
        "tools": [_tool(tool) for tool in prompt.tools],
        "truncation": "disabled",
        "metadata": echo.get("metadata", {}),
        "store": False,
        "background": False,
        "service_tier": prompt.service_tier or "default",
        "safety_identifier": echo.get("safety_identifier"),
        "prompt_cache_key": echo.get("prompt_cache_key"),
    }


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


def _text(prompt: Prompt) -> dict[str, Any]:
    text: dict[str, Any] = {"format": _format(prompt.output_format)}
    if prompt.echo.get("verbosity") is not None:
        text["verbosity"] = prompt.echo["verbosity"]
    return text


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
