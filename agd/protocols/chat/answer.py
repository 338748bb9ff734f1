"""Writing a plain chat answer (OpenAI ``CreateChatCompletionResponse``)."""

from __future__ import annotations

from typing import Any

from agd.conversation import Answer, Choice, Code, FinishReason, Media, Text, Thought, ToolCall
from agd.protocols.chat.request import LEGACY
from agd.protocols.endpoint import Context
from agd.protocols.finish import finish_of
from agd.protocols.markdown import fenced
from agd.protocols.media import data_url
from agd.protocols.usage import completion_usage


def render(answer: Answer, context: Context) -> dict[str, Any]:
    """Return the whole answer; raises ``GatewayError`` when a choice never finished."""
    legacy = LEGACY in context.prompt.echo
    rendered: dict[str, Any] = {
        "id": f"chatcmpl-{context.token}",
        "object": "chat.completion",
        "created": context.created,
        "model": context.prompt.model,
        "choices": [render_choice(index, choice, legacy) for index, choice in sorted(answer.choices.items())],
    }
    if answer.usage is not None:
        rendered["usage"] = completion_usage(answer.usage)
    return rendered


def render_choice(index: int, choice: Choice, legacy: bool = False) -> dict[str, Any]:
    """Return one entry of ``choices``; ``legacy`` speaks of ``function_call``."""
    rendered: dict[str, Any] = {
        "index": index,
        "message": render_message(choice, legacy),
        "logprobs": None,
        "finish_reason": finish_word(finish_of(choice), legacy),
    }
    if choice.native:
        rendered["native_finish_reason"] = choice.native
    return rendered


def render_message(choice: Choice, legacy: bool = False) -> dict[str, Any]:
    """Return the message; ``content`` is null where there are only calls or a refusal."""
    calls = [part for part in choice.parts if isinstance(part, ToolCall)]
    thoughts = "".join(part.text for part in choice.parts if isinstance(part, Thought))
    images = [part for part in choice.parts if isinstance(part, Media)]
    message: dict[str, Any] = {
        "role": "assistant",
        "content": visible_text(choice) or (None if calls or choice.refusal else ""),
        "refusal": choice.refusal or None,
    }
    if thoughts:
        message["reasoning_content"] = thoughts
    if images:
        message["images"] = [
            image_entry(index, image.mime or "", image.data or "") for index, image in enumerate(images)
        ]
    if calls and legacy:
        message["function_call"] = {"name": calls[0].name, "arguments": calls[0].arguments or "{}"}
    elif calls:
        message["tool_calls"] = [_tool_call(call) for call in calls]
    return message


def visible_text(choice: Choice) -> str:
    """Join what a reader sees: text and, in its place, code that ran at the provider."""
    pieces = (
        part.text if isinstance(part, Text) else fenced(part) for part in choice.parts if isinstance(part, Text | Code)
    )
    return "".join(pieces)


def finish_word(reason: FinishReason, legacy: bool) -> str:
    """Return OpenAI's word for the reason."""
    return "function_call" if legacy and reason is FinishReason.TOOL_CALLS else reason.value


def image_entry(index: int, mime: str, data: str) -> dict[str, Any]:
    """Return one entry of ``images``, an extension that several gateways and clients share."""
    return {"type": "image_url", "index": index, "image_url": {"url": data_url(mime, data)}}


def extra_content(signature: str) -> dict[str, Any]:
    """Return provider state in Google's own place for it, where clients send it back from."""
    return {"google": {"thought_signature": signature}}


def _tool_call(call: ToolCall) -> dict[str, Any]:
    rendered: dict[str, Any] = {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments or "{}"},
    }
    if call.signature is not None:
        rendered["extra_content"] = extra_content(call.signature)
    return rendered
