"""One Response while it is told: a numbered, named sequence of events from created to its one terminal event.

It knows nothing of how events travel: a stream frames them, a WebSocket sends them, the store keeps them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from attrs import define, field

from agd.conversation import Event, FinishReason, Usage, UsageReport
from agd.encoding import encode
from agd.errors import GatewayError
from agd.protocols.endpoint import Context
from agd.protocols.finish import unfinished
from agd.protocols.responses.asked import Asked, asked_of
from agd.protocols.responses.items.item import Item, Payload
from agd.protocols.responses.items.logprobs import probabilities_first
from agd.protocols.responses.order import Order, Seal
from agd.protocols.responses.outline import Outline
from agd.protocols.responses.resource import Status, resource, status_of

Frame = tuple[str, bytes]
"""An event: its type, and the JSON text of the whole event, ``type`` and ``sequence_number`` in it."""

ENCRYPTED = "reasoning.encrypted_content"
"""What ``include`` names when provider state shall travel with the client."""


@define
class Narration:
    """One answer. ``seal`` seals provider state for the client; None: none can travel, all of it stays in ``memory``.

    ``now`` tells the time in unix seconds, for ``completed_at``; None: nobody knows, the answer took no time.
    ``beside`` gives fields that stand in the Response beside those of the specifications.
    """

    context: Context
    seal: Seal | None = None
    now: Callable[[], float] | None = None
    beside: Callable[[], Mapping[str, Any]] = dict
    status: Status = field(default="in_progress", init=False)
    _asked: Asked = field(init=False)
    _order: Order = field(init=False)
    _outline: Outline = field(init=False)
    _number: int = field(default=0, init=False)
    _begun: bool = field(default=False, init=False)
    _completed: int | None = field(default=None, init=False)
    _usage: Usage | None = field(default=None, init=False)
    _error: GatewayError | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._asked = asked_of(self.context.prompt)
        self._order = Order(self.context.token, self.seal if ENCRYPTED in self._asked.include else None)
        self._outline = Outline(self._order, self._asked)

    @property
    def output(self) -> list[Item]:
        """The items told so far; the one that was open when the answer broke off is the last, and incomplete."""
        return self._order.so_far() if self.status in {"failed", "cancelled"} else list(self._order.items)

    @property
    def memory(self) -> list[dict[str, Any]]:
        """Provider state that no item carries, as entries for ``memory.restore``; complete after ``finish``."""
        told = self._order.so_far()
        return self._order.gathering.left(told[0]["id"]) if told else []

    def resource(self, stored: bool) -> dict[str, Any]:
        """Return the whole Response object as it stands."""
        whole = resource(
            self.context,
            self.status,
            self.output,
            asked=self._asked,
            stored=stored,
            completed=self._completed,
            usage=self._usage,
            error=self._error,
            reason=self._reason,
        )
        return {**whole, **self.beside()}

    def queued(self) -> list[Frame]:
        """Tell of an answer that waits for its turn: ``response.created`` and ``response.queued``."""
        self.status = "queued"
        whole = self.resource(self._asked.store)
        return self._told([("response.created", {"response": whole}), ("response.queued", {"response": whole})])

    def begin(self) -> list[Frame]:
        """Tell that the answer has begun; nothing the second time."""
        if self._begun:
            return []
        self._begun, self.status = True, "in_progress"
        fresh = {"response": self.resource(self._asked.store)}
        names = ("response.in_progress",) if self._number else ("response.created", "response.in_progress")
        return self._told([(name, fresh) for name in names])

    def write(self, events: Sequence[Event]) -> list[Frame]:
        """Tell what these events mean to the client; begins by itself."""
        frames = self.begin()
        for event in probabilities_first(events):
            if isinstance(event, UsageReport):
                self._usage = event.usage
            else:
                frames += self._told(self._outline.take(event))
        return frames

    def compact(self, sealed: str) -> list[Frame]:
        """Tell a compaction item: the conversation so far, sealed by whoever compacts it."""
        return self.begin() + self._told(self._outline.compact(sealed))

    def finish(self) -> list[Frame]:
        """Close what is open; after it ``status``, ``output`` and ``memory`` are those of the terminal event.

        A finish is never invented: an answer that did not end fails, and closes nothing.
        """
        frames = self.begin()
        if self.status != "in_progress":
            return frames
        if self._reason is None:
            self.status, self._error = "failed", unfinished()
            return frames
        frames += self._told(self._outline.end(status_of(self._reason)))
        self._complete()
        return frames

    def terminal(self, *, stored: bool) -> list[Frame]:
        """Tell the one terminal event: of an answer that is finished, broken off, cancelled or settled.

        It may be asked for more than once, until it is known whether the Response is stored; only one may be sent.
        """
        name = "incomplete" if self.status == "cancelled" else self.status
        return [self._frame(f"response.{name}", {"response": self.resource(stored)}, self._number)]

    def break_off(self, error: GatewayError) -> list[Frame]:
        """The answer failed. Nothing is closed: a client never takes half a call for a whole one."""
        frames = self.begin()
        self.status, self._error = "failed", error
        return frames

    def cancel(self) -> list[Frame]:
        """The answer was cancelled.

        Neither specification has an event of that name: the terminal event is ``response.incomplete``, which every
        client knows as an end, and its Response has the status ``cancelled``.
        """
        frames = self.begin()
        self.status = "cancelled"
        return frames

    def settle(self) -> list[Frame]:
        """Nothing more is to be told, without any finish: what was told is all of a complete answer."""
        frames = self.begin()
        self._complete()
        return frames

    @property
    def _reason(self) -> FinishReason | None:
        return None if self._outline.finish is None else self._outline.finish.reason

    def _complete(self) -> None:
        self.status = "completed" if self._reason is None else status_of(self._reason)
        self._completed = int(self.now()) if self.now is not None else self.context.created

    def _told(self, payloads: Iterable[Payload]) -> list[Frame]:
        frames = []
        for kind, fields in payloads:
            frames.append(self._frame(kind, fields, self._number))
            self._number += 1
        return frames

    def _frame(self, kind: str, fields: dict[str, Any], number: int) -> Frame:
        return kind, encode({"type": kind, "sequence_number": number, **fields})
