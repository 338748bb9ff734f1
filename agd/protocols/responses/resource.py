"""The Response object (OpenAI ``Response``, Open Responses ``ResponseResource``), whole in every lifecycle event."""

from __future__ import annotations

from typing import Any, Literal

from agd.conversation import FinishReason, Usage
from agd.errors import GatewayError
from agd.protocols.endpoint import Context
from agd.protocols.responses.asked import asked_of
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
        **asked_of(context.prompt).repeated,
        "store": False,
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
