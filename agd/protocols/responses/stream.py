"""Writing a Response as a stream (OpenAI ``ResponseStreamEvent``): numbered, named events from created to the end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from attrs import define, field

from agd.conversation import Event, Usage, UsageReport
from agd.errors import GatewayError
from agd.protocols import sse
from agd.protocols.endpoint import Context
from agd.protocols.finish import unfinished
from agd.protocols.responses.items import Payload
from agd.protocols.responses.outline import Outline
from agd.protocols.responses.resource import resource, status_of


@define
class ResponseStream:
    """A ``StreamWriter``. Every stream has exactly one terminal event; a whole one ends with ``[DONE]``."""

    context: Context
    _outline: Outline = field(init=False)
    _number: int = 0
    _usage: Usage | None = None

    def __attrs_post_init__(self) -> None:
        self._outline = Outline(self.context.token)

    def write(self, events: Sequence[Event]) -> bytes:
        """Return the events these mean to the client; the first time, after created and in_progress."""
        pieces = [self._begin()]
        for event in events:
            if isinstance(event, UsageReport):
                self._usage = event.usage
            else:
                pieces.append(self._frame(self._outline.take(event)))
        return b"".join(pieces)

    def close(self) -> bytes:
        """Close what is open and end the answer as completed or incomplete; without a finish it fails."""
        if self._outline.finish is None:
            return self.fail(unfinished())
        reason = self._outline.finish.reason
        status = status_of(reason)
        closing = self._begin() + self._frame(self._outline.end())
        whole = resource(self.context, status, self._outline.output, usage=self._usage, reason=reason)
        return closing + self._event(f"response.{status}", {"response": whole}) + sse.DONE

    def fail(self, error: GatewayError) -> bytes:
        """End the answer as failed, with the items that were finished."""
        whole = resource(self.context, "failed", self._outline.output, usage=self._usage, error=error)
        return self._begin() + self._event("response.failed", {"response": whole})

    def _begin(self) -> bytes:
        if self._number:
            return b""
        fresh = {"response": resource(self.context, "in_progress", [])}
        return self._event("response.created", fresh) + self._event("response.in_progress", fresh)

    def _frame(self, payloads: Iterable[Payload]) -> bytes:
        return b"".join(self._event(kind, fields) for kind, fields in payloads)

    def _event(self, kind: str, fields: dict[str, Any]) -> bytes:
        numbered = {"type": kind, "sequence_number": self._number, **fields}
        self._number += 1
        return sse.event(kind, numbered)
