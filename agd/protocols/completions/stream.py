"""Writing a legacy completion as a stream: the same object in every chunk, text instead of a delta."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from attrs import define, field

from agd.conversation import CodePart, Event, Finished, MediaPart, RefusalDelta, TextDelta, Usage, UsageReport
from agd.errors import GatewayError
from agd.protocols import sse
from agd.protocols.chat.answer import image_entry
from agd.protocols.completions.answer import completion, finish_word, piece
from agd.protocols.endpoint import Context
from agd.protocols.errors import error_object
from agd.protocols.finish import unfinished
from agd.protocols.markdown import fenced
from agd.protocols.usage import completion_usage


@define
class CompletionStream:
    """A ``StreamWriter`` for ``text_completion`` chunks."""

    context: Context
    _finished: dict[int, bool] = field(factory=dict)
    _images: Counter[int] = field(factory=Counter)
    _usage: Usage | None = None

    def write(self, events: Sequence[Event]) -> bytes:
        """Return the chunks of these events; those that have no place in this protocol give none."""
        return b"".join(self._bytes(event) for event in events)

    def close(self) -> bytes:
        """Return the usage chunk, if asked for, and ``[DONE]``; an answer without a finish fails instead."""
        if not self._finished or not all(self._finished.values()):
            return self.fail(unfinished())
        if not self.context.prompt.include_usage or self._usage is None:
            return sse.DONE
        return sse.data({**completion(self.context, []), "usage": completion_usage(self._usage)}) + sse.DONE

    def fail(self, error: GatewayError) -> bytes:
        """Return the error as an event; no ``[DONE]`` follows."""
        return sse.data(error_object(error))

    def _bytes(self, event: Event) -> bytes:
        if isinstance(event, UsageReport):
            self._usage = event.usage
            return b""
        self._finished[event.choice] = isinstance(event, Finished)
        entry = self._entry(event)
        if entry is None:
            return b""
        chunk = completion(self.context, [entry])
        if self.context.prompt.include_usage:
            chunk["usage"] = None
        return sse.data(chunk)

    def _entry(self, event: Event) -> dict[str, Any] | None:
        match event:
            case TextDelta(text=text) if text:
                return piece(event.choice, text)
            case CodePart():
                return piece(event.choice, fenced(event))
            case MediaPart():
                place = self._images[event.choice]
                self._images[event.choice] += 1
                return {**piece(event.choice, ""), "images": [image_entry(place, event.mime, event.data)]}
            case RefusalDelta(text=text) if text:
                return {**piece(event.choice, ""), "refusal": text}
            case Finished():
                entry = {**piece(event.choice, ""), "finish_reason": finish_word(event.reason)}
                return {**entry, "native_finish_reason": event.native} if event.native else entry
            case _:
                return None
