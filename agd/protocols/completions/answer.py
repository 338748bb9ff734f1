"""Writing a legacy completion (OpenAI ``CreateCompletionResponse``). Thoughts are hidden: it has no place for them."""

from __future__ import annotations

from typing import Any

from agd.conversation import Answer, Choice, FinishReason, Media
from agd.protocols.chat.answer import image_entry, visible_text
from agd.protocols.endpoint import Context
from agd.protocols.finish import finish_of
from agd.protocols.usage import completion_usage


def render(answer: Answer, context: Context) -> dict[str, Any]:
    """Return the whole answer; raises ``GatewayError`` when a choice never finished."""
    choices = [_choice(index, choice) for index, choice in sorted(answer.choices.items())]
    rendered = completion(context, choices)
    if answer.usage is not None:
        rendered["usage"] = completion_usage(answer.usage)
    return rendered


def completion(context: Context, choices: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the object that plain answers and streamed chunks share."""
    return {
        "id": f"cmpl-{context.token}",
        "object": "text_completion",
        "created": context.created,
        "model": context.prompt.model,
        "choices": choices,
    }


def piece(index: int, text: str) -> dict[str, Any]:
    """Return an entry of ``choices`` that is not yet finished."""
    return {"index": index, "text": text, "logprobs": None, "finish_reason": None}


def finish_word(reason: FinishReason) -> str:
    """Return the reason in this protocol's words, which know nothing of tools."""
    return "stop" if reason is FinishReason.TOOL_CALLS else reason.value


def _choice(index: int, choice: Choice) -> dict[str, Any]:
    rendered = {**piece(index, visible_text(choice)), "finish_reason": finish_word(finish_of(choice))}
    images = [part for part in choice.parts if isinstance(part, Media)]
    if images:
        rendered["images"] = [
            image_entry(place, image.mime or "", image.data or "") for place, image in enumerate(images)
        ]
    if choice.refusal:
        rendered["refusal"] = choice.refusal
    if choice.native:
        rendered["native_finish_reason"] = choice.native
    return rendered
