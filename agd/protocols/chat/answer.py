"""Writing a plain chat answer (OpenAI ``CreateChatCompletionResponse``)."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from agd.conversation import Answer, Choice, FinishReason, Media, ToolCall
from agd.errors import GatewayError
from agd.protocols.chat.draft import Delta, Draft
from agd.protocols.chat.request import LEGACY
from agd.protocols.chat.sound import wav
from agd.protocols.endpoint import Context
from agd.protocols.finish import finish_of
from agd.protocols.logprobs import chat_logprobs
from agd.protocols.signatures import extra_content
from agd.protocols.usage import completion_usage


def render(answer: Answer, context: Context) -> dict[str, Any]:
    """Return the whole answer.

    Raises ``GatewayError``: 502 when a choice never finished, 400 for a blocked prompt where the options say so (F07).
    """
    choices = sorted(answer.choices.items())
    if context.options.blocked_prompt == "error" and choices and all(_is_blocked(choice) for _, choice in choices):
        raise blocked(choices[0][1].refusal)
    rendered: dict[str, Any] = {
        "id": f"chatcmpl-{context.token}",
        "object": "chat.completion",
        "created": context.created,
        "model": context.prompt.model,
        "choices": [render_choice(index, choice, context) for index, choice in choices],
    }
    if answer.usage is not None:
        rendered["usage"] = completion_usage(answer.usage)
    return rendered


def render_choice(index: int, choice: Choice, context: Context) -> dict[str, Any]:
    """Return one entry of ``choices``; raises ``GatewayError`` when it never finished."""
    legacy = LEGACY in context.prompt.echo
    return {
        "index": index,
        "message": _message(Draft(index, context), choice),
        "logprobs": chat_logprobs(choice.logprobs) if choice.logprobs else None,
        "finish_reason": finish_word(finish_of(choice), legacy),
        **extras(choice.native, choice.details, context),
    }


def extras(native: str, details: dict[str, Any], context: Context) -> dict[str, Any]:
    """Return the extensions of a finished choice: the provider's word for its end, and its further words (F39)."""
    found: dict[str, Any] = {"native_finish_reason": native} if native else {}
    if details and context.options.provider_details:
        found["provider_details"] = details
    return found


def blocked(refusal: str) -> GatewayError:
    """The error for a prompt that the provider would not answer."""
    return GatewayError(400, refusal, code="content_policy_violation")


def finish_word(reason: FinishReason, legacy: bool) -> str:
    """Return OpenAI's word for the reason."""
    return "function_call" if legacy and reason is FinishReason.TOOL_CALLS else reason.value


def _is_blocked(choice: Choice) -> bool:
    return bool(choice.refusal) and not choice.parts


def _message(draft: Draft, choice: Choice) -> dict[str, Any]:
    """Return the message; ``content`` is null where there are only calls, a sound or a refusal."""
    whole = _Whole()
    for part in choice.parts:
        if isinstance(part, ToolCall):
            if draft.call(part.signature):
                whole.calls.append(part)
        else:
            whole.add(draft.show(part))
    for citation in choice.citations:
        draft.cite(citation)
    whole.add(draft.end())
    content = "".join(whole.texts.pop("content", ()))
    silent = whole.calls or whole.audio or choice.refusal
    message: dict[str, Any] = {
        "role": "assistant",
        "content": content or (None if silent else ""),
        "refusal": choice.refusal or None,
    }
    message |= {key: "".join(pieces) for key, pieces in whole.texts.items()}
    message |= whole.others
    if whole.audio:
        message["audio"] = _audio(whole, draft.context, choice)
    if whole.calls:
        message |= _calls(whole.calls, draft.context)
    return message


@define
class _Whole:
    """The deltas of a message, joined: texts under one key, lists one after another, a sound's pieces."""

    texts: dict[str, list[str]] = field(factory=dict)
    others: dict[str, Any] = field(factory=dict)
    audio: dict[str, Any] = field(factory=dict)
    sound: list[str] = field(factory=list)
    calls: list[ToolCall] = field(factory=list)

    def add(self, delta: Delta) -> None:
        """Take one delta."""
        for key, value in delta.items():
            if key == "audio":
                self.sound.append(value.pop("data"))
                self.audio |= value
            elif isinstance(value, str):
                self.texts.setdefault(key, []).append(value)
            elif isinstance(value, list):
                self.others.setdefault(key, []).extend(value)
            else:
                self.others[key] = value


def _audio(whole: _Whole, context: Context, choice: Choice) -> dict[str, Any]:
    data = "".join(whole.sound)
    speech = context.prompt.speech
    if speech is not None and speech.format == "wav":
        mimes = (part.mime or "" for part in choice.parts if isinstance(part, Media))
        data = wav(data, next(mime for mime in mimes if mime.startswith("audio/")))
    return {"id": whole.audio["id"], "data": data, **whole.audio}


def _calls(calls: list[ToolCall], context: Context) -> dict[str, Any]:
    if LEGACY in context.prompt.echo:
        return {"function_call": {**_function(calls[0]), **_state(calls[0])}}
    return {
        "tool_calls": [
            {"id": call.id, "type": "function", "function": _function(call), **_state(call)} for call in calls
        ]
    }


def _function(call: ToolCall) -> dict[str, Any]:
    return {"name": call.name, "arguments": call.arguments or "{}"}


def _state(call: ToolCall) -> dict[str, Any]:
    return {} if call.signature is None else {"extra_content": extra_content(call.signature)}
