"""Writing a chat answer as a stream (OpenAI ``CreateChatCompletionStreamResponse``): one chunk per event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import define, field

from agd.conversation import (
    Citation,
    Details,
    Event,
    Finished,
    LogProbs,
    RefusalDelta,
    ToolCallDelta,
    ToolCallDone,
    ToolCallStart,
    Usage,
    UsageReport,
)
from agd.errors import GatewayError
from agd.protocols import sse
from agd.protocols.chat.answer import blocked, extras, finish_word
from agd.protocols.chat.draft import Draft
from agd.protocols.chat.request import LEGACY
from agd.protocols.endpoint import Context
from agd.protocols.errors import error_object
from agd.protocols.finish import unfinished
from agd.protocols.logprobs import chat_logprobs
from agd.protocols.signatures import extra_content
from agd.protocols.usage import completion_usage

_ASIDE = (Citation, Details, LogProbs, RefusalDelta)
"""Events that are told beside an answer: with these alone, none has been given."""


@define
class _Open:
    """What one choice has sent so far."""

    draft: Draft
    calls: dict[int, bool] = field(factory=dict)
    """Calls that are shown, and whether each has yet to send arguments."""
    details: dict[str, Any] = field(factory=dict)
    finished: bool = False


def _unburdened(context: Context) -> Context:
    return context.unburdened()


@define
class ChatStream:
    """A ``StreamWriter``. A delta carries only the keys that hold something."""

    context: Context = field(converter=_unburdened)
    _choices: dict[int, _Open] = field(factory=dict)
    _usage: Usage | None = None
    _answering: bool = False
    _refused: bool = False

    def write(self, events: Sequence[Event]) -> bytes:
        """Return the chunks of these events; nothing once the answer has been refused."""
        return b"".join(self._chunks(event) for event in events)

    def close(self) -> bytes:
        """Return the usage chunk, if asked for, and ``[DONE]``; an answer without a finish fails instead."""
        if self._refused:
            return b""
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
        if not self._answering:
            if isinstance(event, RefusalDelta) and self.context.options.blocked_prompt == "error":
                self._refused = True
                return self.fail(blocked(event.text))
            self._answering = not isinstance(event, _ASIDE)
        if self._refused:
            return b""
        if event.choice in self._choices:
            return self._of(event, self._choices[event.choice])
        opening = self._begin(event.choice)
        return opening + self._of(event, self._choices[event.choice])

    def _begin(self, index: int) -> bytes:
        """Open a choice, and those before it: clients that add up chunks keep choices in the order they came in."""
        opened = b""
        for place in (*range(min(index, self.context.prompt.n)), index):
            if place not in self._choices:
                self._choices[place] = _Open(Draft(place, self.context))
                opened += self._delta(place, {"role": "assistant", "content": ""})
        return opened

    def _of(self, event: Any, choice: _Open) -> bytes:
        match event:
            case Finished():
                choice.finished = True
                return self._finish(event, choice)
            case ToolCallStart() | ToolCallDelta() | ToolCallDone():
                delta = self._call_delta(event, choice)
            case RefusalDelta(text=text):
                delta = {"refusal": text} if text else {}
            case LogProbs(tokens=tokens):
                return self._entry(event.choice, {}, chat_logprobs(tokens)) if tokens else b""
            case Details(data=data):
                choice.details.update(data)
                return b""
            case _:
                delta = choice.draft.show(event)
        return self._delta(event.choice, delta) if delta else b""

    def _call_delta(self, event: ToolCallStart | ToolCallDelta | ToolCallDone, choice: _Open) -> dict[str, Any]:
        if isinstance(event, ToolCallStart) and choice.draft.call(event.signature):
            choice.calls[event.index] = True
        if event.index not in choice.calls:
            return {}
        call = _call_piece(event, choice.calls)
        if not call or LEGACY not in self.context.prompt.echo:
            return {"tool_calls": [call]} if call else {}
        state = {key: call[key] for key in ("extra_content",) if key in call}
        return {"function_call": {**call["function"], **state}}

    def _finish(self, event: Finished, choice: _Open) -> bytes:
        closing = choice.draft.end()
        reason = finish_word(event.reason, LEGACY in self.context.prompt.echo)
        entry = {"index": event.choice, "delta": {}, "logprobs": None, "finish_reason": reason}
        entry |= extras(event.native, choice.details, self.context)
        finish = sse.data(self._chunk([entry]))
        return self._delta(event.choice, closing) + finish if closing else finish

    def _delta(self, index: int, delta: dict[str, Any]) -> bytes:
        return self._entry(index, delta, None)

    def _entry(self, index: int, delta: dict[str, Any], logprobs: dict[str, Any] | None) -> bytes:
        entry = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": None}
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


def _call_piece(event: ToolCallStart | ToolCallDelta | ToolCallDone, bare: dict[int, bool]) -> dict[str, Any]:
    """Return the entry of ``tool_calls`` for one event; name and id come once, in the first entry of a call."""
    if isinstance(event, ToolCallStart):
        piece: dict[str, Any] = {"index": event.index, "id": event.id, "type": "function"}
        piece["function"] = {"name": event.name, "arguments": ""}
        if event.signature is not None:
            piece["extra_content"] = extra_content(event.signature)
        return piece
    arguments = event.arguments if isinstance(event, ToolCallDelta) else ""
    if isinstance(event, ToolCallDone) and bare.get(event.index):
        arguments = "{}"
    if not arguments:
        return {}
    bare[event.index] = False
    return {"index": event.index, "function": {"arguments": arguments}}
