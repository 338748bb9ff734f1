"""Writing a chat answer as a stream (OpenAI ``CreateChatCompletionStreamResponse``): one chunk per event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import define, field

from agd.conversation import (
    CodePart,
    Event,
    Finished,
    MediaPart,
    RefusalDelta,
    TextDelta,
    ThoughtDelta,
    ToolCallDelta,
    ToolCallDone,
    ToolCallStart,
    Usage,
    UsageReport,
)
from agd.errors import GatewayError
from agd.protocols import sse
from agd.protocols.chat.answer import extra_content, finish_word, image_entry
from agd.protocols.chat.request import LEGACY
from agd.protocols.endpoint import Context
from agd.protocols.errors import error_object
from agd.protocols.finish import unfinished
from agd.protocols.markdown import fenced
from agd.protocols.usage import completion_usage


@define
class _Open:
    """What one choice has sent so far."""

    images: int = 0
    bare_calls: set[int] = field(factory=set)
    """Calls that have not sent any arguments yet."""
    finished: bool = False


@define
class ChatStream:
    """A ``StreamWriter``. A delta carries only the keys that hold something."""

    context: Context
    _choices: dict[int, _Open] = field(factory=dict)
    _usage: Usage | None = None

    def write(self, events: Sequence[Event]) -> bytes:
        """Return the chunks of these events."""
        return b"".join(self._chunks(event) for event in events)

    def close(self) -> bytes:
        """Return the usage chunk, if asked for, and ``[DONE]``; an answer without a finish fails instead."""
        if not self._choices or any(not choice.finished for choice in self._choices.values()):
            return self.fail(unfinished())
        if not self.context.prompt.include_usage or self._usage is None:
            return sse.DONE
        chunk = {**self._chunk([]), "usage": completion_usage(self._usage)}
        return sse.data(chunk) + sse.DONE

    def fail(self, error: GatewayError) -> bytes:
        """Return the error as an event; no ``[DONE]`` follows, so that no client takes the answer for complete."""
        return sse.data(error_object(error))

    def _chunks(self, event: Event) -> bytes:
        if isinstance(event, UsageReport):
            self._usage = event.usage
            return b""
        choice = self._choices.get(event.choice)
        first = b""
        if choice is None:
            choice = self._choices[event.choice] = _Open()
            first = self._delta(event.choice, {"role": "assistant", "content": ""})
        if isinstance(event, Finished):
            choice.finished = True
            return first + self._finish(event)
        delta = self._delta_of(event, choice)
        return first + self._delta(event.choice, delta) if delta else first

    def _delta_of(self, event: Event, choice: _Open) -> dict[str, Any]:
        match event:
            case TextDelta(text=text) if text:
                return {"content": text}
            case ThoughtDelta(text=text) if text:
                return {"reasoning_content": text}
            case RefusalDelta(text=text) if text:
                return {"refusal": text}
            case CodePart():
                return {"content": fenced(event)}
            case MediaPart():
                choice.images += 1
                return {"images": [image_entry(choice.images - 1, event.mime, event.data)]}
            case ToolCallStart() | ToolCallDelta() | ToolCallDone():
                return self._call_delta(event, choice)
            case _:
                return {}

    def _call_delta(self, event: ToolCallStart | ToolCallDelta | ToolCallDone, choice: _Open) -> dict[str, Any]:
        legacy = LEGACY in self.context.prompt.echo
        # The old protocol has room for one call only; a client answers it and is given the next one.
        if legacy and event.index:
            return {}
        call = _call_piece(event, choice.bare_calls)
        if not call:
            return {}
        return {"function_call": call["function"]} if legacy else {"tool_calls": [call]}

    def _finish(self, event: Finished) -> bytes:
        reason = finish_word(event.reason, LEGACY in self.context.prompt.echo)
        entry = {"index": event.choice, "delta": {}, "logprobs": None, "finish_reason": reason}
        if event.native:
            entry["native_finish_reason"] = event.native
        return sse.data(self._chunk([entry]))

    def _delta(self, index: int, delta: dict[str, Any]) -> bytes:
        entry = {"index": index, "delta": delta, "logprobs": None, "finish_reason": None}
        return sse.data(self._chunk([entry]))

    def _chunk(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        chunk: dict[str, Any] = {
            "id": f"chatcmpl-{self.context.token}",
            "object": "chat.completion.chunk",
            "created": self.context.created,
            "model": self.context.prompt.model,
            "choices": choices,
        }
        if self.context.prompt.include_usage:
            chunk["usage"] = None
        return chunk


def _call_piece(event: ToolCallStart | ToolCallDelta | ToolCallDone, bare: set[int]) -> dict[str, Any]:
    """Return the entry of ``tool_calls`` for one event; name and id come once, in the first entry of a call."""
    if isinstance(event, ToolCallStart):
        bare.add(event.index)
        piece: dict[str, Any] = {"index": event.index, "id": event.id, "type": "function"}
        piece["function"] = {"name": event.name, "arguments": ""}
        if event.signature is not None:
            piece["extra_content"] = extra_content(event.signature)
        return piece
    arguments = event.arguments if isinstance(event, ToolCallDelta) else ""
    if isinstance(event, ToolCallDone) and event.index in bare:
        arguments = "{}"
    if not arguments:
        return {}
    bare.discard(event.index)
    return {"index": event.index, "function": {"arguments": arguments}}
