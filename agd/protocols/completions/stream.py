"""Writing a legacy completion as a stream: the same object in every chunk, text instead of a delta."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeGuard

from attrs import define, field

from agd.conversation import (
    Details,
    Event,
    Finished,
    FinishReason,
    LogProbs,
    MediaPart,
    RefusalDelta,
    Usage,
    UsageReport,
)
from agd.errors import GatewayError
from agd.protocols import sse
from agd.protocols.chat.answer import blocked, extras
from agd.protocols.completions.answer import completion, finish_word, logprobs_writer, piece
from agd.protocols.completions.echo import choices_of, preface
from agd.protocols.completions.logprobs import LogprobsWriter
from agd.protocols.completions.words import words_of
from agd.protocols.endpoint import Context
from agd.protocols.errors import error_object
from agd.protocols.finish import unfinished
from agd.protocols.pictures import image_entry
from agd.protocols.usage import completion_usage


@define
class _Open:
    """What one choice has sent so far; ``preface`` stands before its first chunk."""

    preface: str
    logprobs: LogprobsWriter
    images: int = 0
    details: dict[str, Any] = field(factory=dict)
    finished: bool = False


@define
class CompletionStream:
    """A ``StreamWriter`` for ``text_completion`` chunks."""

    context: Context
    _choices: dict[int, _Open] = field(factory=dict)
    _usage: Usage | None = None
    _answering: bool = False
    _refused: bool = False

    def write(self, events: Sequence[Event]) -> bytes:
        """Return the chunks of these events; nothing once the answer has been refused."""
        return b"".join(self._bytes(event) for event in events)

    def close(self) -> bytes:
        """Return the usage chunk, if asked for, and ``[DONE]``; an answer without a finish fails instead."""
        if self._refused:
            return b""
        unsaid = self.write(self._unsaid())
        if not self._choices or any(not choice.finished for choice in self._choices.values()):
            return self.fail(unfinished())
        if not self.context.prompt.include_usage or self._usage is None:
            return unsaid + sse.DONE
        usage = {**completion(self.context, []), "usage": completion_usage(self._usage)}
        return unsaid + sse.data(usage) + sse.DONE

    def fail(self, error: GatewayError) -> bytes:
        """Return the error as an event; no ``[DONE]`` follows."""
        return sse.data(error_object(error))

    def _unsaid(self) -> list[Event]:
        """Where nothing was to be generated, every choice is there all the same, at its limit."""
        prompt = self.context.prompt
        if not prompt.silent:
            return []
        indices = (index for index in range(choices_of(prompt)) if index not in self._choices)
        return [Finished(FinishReason.LENGTH, "", index) for index in indices]

    def _bytes(self, event: Event) -> bytes:
        if isinstance(event, UsageReport):
            self._usage = event.usage
            return b""
        if self._refused:
            return b""
        if self._is_blocked(event):
            self._refused = True
            return self.fail(blocked(event.text))
        return b"".join(map(self._chunk, self._entries(event)))

    def _is_blocked(self, event: Event) -> TypeGuard[RefusalDelta]:
        """A refusal before anything else is an error where the options say so (F07)."""
        refused = isinstance(event, RefusalDelta) and not self._answering
        return refused and self.context.options.blocked_prompt == "error"

    def _chunk(self, entry: dict[str, Any]) -> bytes:
        chunk = completion(self.context, [entry])
        if self.context.prompt.include_usage:
            chunk["usage"] = None
        return sse.data(chunk)

    def _entries(self, event: Any) -> Iterator[dict[str, Any]]:
        """Yield what an event adds to its choice, the first time behind the prompt where that is repeated."""
        index = event.choice
        choice = self._choices.get(index) or self._begin(index)
        text = words_of(event, self.context.options)
        beside = {} if text else self._beside(event, choice)
        if not text and not beside:
            return
        self._answering = True
        if choice.preface:
            yield piece(index, choice.preface)
            choice.preface = ""
        yield {**piece(index, text), **beside}

    def _begin(self, index: int) -> _Open:
        prompt = self.context.prompt
        choice = self._choices[index] = _Open(preface(prompt, index), logprobs_writer(prompt, index))
        return choice

    def _beside(self, event: Any, choice: _Open) -> dict[str, Any]:
        """Return what stands beside the text of a chunk."""
        match event:
            case LogProbs(tokens=tokens) if tokens:
                return {"logprobs": choice.logprobs.write(tokens)}
            case MediaPart() if self.context.options.images == "field":
                choice.images += 1
                return {"images": [image_entry(choice.images - 1, event.mime, event.data)]}
            case RefusalDelta(text=text) if text:
                return {"refusal": text}
            case Details(data=data):
                choice.details.update(data)
                return {}
            case Finished():
                choice.finished = True
                return {
                    "finish_reason": finish_word(event.reason),
                    **extras(event.native, choice.details, self.context),
                }
            case _:
                return {}
