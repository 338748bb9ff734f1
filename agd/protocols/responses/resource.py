"""The Response object (OpenAI ``Response``, Open Responses ``ResponseResource``), whole in every lifecycle event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from agd.conversation import FinishReason, Usage
from agd.errors import GatewayError
from agd.protocols.endpoint import Context
from agd.protocols.responses.asked import Asked, asked_of
from agd.protocols.usage import response_usage

Status = Literal["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]

_INCOMPLETE = {
    FinishReason.LENGTH: "max_output_tokens",
    FinishReason.CONTENT_FILTER: "content_filter",
}

CODEX_CODES = frozenset({"context_length_exceeded", "insufficient_quota", "usage_not_included"})
"""Codes of ``response.failed`` that Codex acts upon and that OpenAI's document does not list (I11)."""

_TOLD = frozenset({"server_error", "rate_limit_exceeded", "invalid_prompt", "invalid_image_url"}) | CODEX_CODES


def resource(
    context: Context,
    status: Status,
    output: Sequence[Mapping[str, Any]] = (),
    *,
    asked: Asked | None = None,
    stored: bool = False,
    completed: int | None = None,
    usage: Usage | None = None,
    error: GatewayError | None = None,
    reason: FinishReason | None = None,
) -> dict[str, Any]:
    """Write the object with all fields that either specification requires, null where nothing is known.

    ``asked`` is what the context's prompt asked, for those who have it at hand.
    ``completed`` is when the answer was complete, in unix seconds. ``output_text``, the words of all messages, is what
    OpenAI's own libraries add; it stands here for clients that are none of them.
    """
    asked = asked_of(context.prompt) if asked is None else asked
    incomplete = _INCOMPLETE.get(reason) if reason is not None and status == "incomplete" else None
    return {
        "id": f"resp_{context.token}",
        "object": "response",
        "created_at": context.created,
        "status": status,
        "completed_at": completed if status == "completed" else None,
        "error": None if error is None else failure(error),
        "incomplete_details": None if incomplete is None else {"reason": incomplete},
        "model": context.prompt.model,
        "output": list(output),
        "output_text": output_text(output),
        "usage": None if usage is None else response_usage(usage),
        **asked.repeated,
        "background": asked.background,
        "store": stored,
    }


def status_of(reason: FinishReason) -> Literal["completed", "incomplete"]:
    """Return the status of an answer that ended so."""
    return "incomplete" if reason in _INCOMPLETE else "completed"


def output_text(output: Iterable[Mapping[str, Any]]) -> str:
    """Return the words of all messages, as openai-python's ``Response.output_text`` does."""
    contents = (item["content"] for item in output if item["type"] == "message")
    return "".join(part["text"] for content in contents for part in content if part["type"] == "output_text")


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
        return str(error.code)
    if error.status == 429:
        return "rate_limit_exceeded"
    return "invalid_prompt" if 400 <= error.status < 500 else "server_error"
