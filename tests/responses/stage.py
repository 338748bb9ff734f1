"""An engine over a gateway that answers when told to, and a store in memory that can be made to fail."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import (
    Answer,
    Event,
    Finished,
    FinishReason,
    TextDelta,
    ThoughtDelta,
    ToolCallDelta,
    ToolCallDone,
    ToolCallStart,
    Usage,
    UsageReport,
)
from agd.errors import GatewayError, StoreError
from agd.gateway import Trail
from agd.responses.engine import Engine
from agd.responses.turn import Turn
from agd.sealing import KeyRing
from agd.store.database import open_database
from agd.store.record import Record
from agd.store.responses import ResponseStore
from agd.store.worker import Worker
from tests.protocols.answers import fold
from tests.protocols.responses.telling import approved
from tests.store.stage import LIMITS, NoThreads
from tests.web.front import Call, FakeGateway

T = TypeVar("T")

ANN, BOB = "key:ann", "key:bob"
NOW = 1_764_000_000.0
STOP = Finished(FinishReason.STOP, "STOP")
USAGE = UsageReport(Usage(prompt=3, completion=2))


def words(text: str = "Hello!") -> list[Event]:
    """The events of an answer in words."""
    return [TextDelta(text), STOP, USAGE]


def signed_call(call_id: str = "call_1", signature: str = "c2ln") -> list[Event]:
    """The events of an answer that thinks and then calls a tool, signed."""
    start = ToolCallStart(0, call_id, "add", signature)
    call: list[Event] = [start, ToolCallDelta(0, '{"a":1}'), ToolCallDone(0)]
    return [ThoughtDelta("Hm."), *call, Finished(FinishReason.TOOL_CALLS, "STOP"), USAGE]


class FailingStore(ResponseStore):
    """A store that can be broken: what it is asked then fails. ``refused``: how many saves fail before one succeeds.

    With ``held`` a list, what is saved is told to be saved only by ``release``.
    """

    broken = False
    refused = 0
    held: list[Deferred[None]] | None = None

    def save(self, record: Record, now: int | None = None) -> Deferred[None]:
        """Keep a response, or fail."""
        if self.broken or self.refused:
            self.refused = max(self.refused - 1, 0)
            return fail(StoreError("no space left"))
        saved = super().save(record, now)
        if self.held is None:
            return saved
        self.held.append(Deferred())
        return self.held[-1]

    def release(self, error: Exception | None = None) -> None:
        """Tell that all is saved, or that it failed; hold nothing any more."""
        held, self.held = self.held or [], None
        for each in held:
            if error is None:
                each.callback(None)
            else:
                each.errback(error)

    def _ask(self, owner: str, job: Any) -> Any:
        return fail(StoreError("no space left")) if self.broken else super()._ask(owner, job)


class EngineTestCase(SynchronousTestCase):
    """An engine; ``gateway.calls`` are the questions that await their answers."""

    def setUp(self) -> None:
        """Make it."""
        self.gateway = FakeGateway()
        worker = Worker(NoThreads())
        worker.open(open_database(None))
        self.store = FailingStore(worker, LIMITS)
        self.ring = KeyRing.fresh(os.urandom)
        tokens = itertools.count(1)
        asked: Any = self.gateway
        self.engine = Engine(asked, self.store, self.ring, lambda: NOW, lambda: f"{next(tokens):032x}")

    # ------------------------------------------------------------------ asking

    def start(self, work: Coroutine[Deferred[Any], Any, T]) -> Deferred[T]:
        """Do it as far as it goes."""
        return Deferred.fromCoroutine(work)

    def get(self, work: Coroutine[Deferred[Any], Any, T]) -> T:
        """Do what needs nobody's answer."""
        return self.successResultOf(self.start(work))

    def refused(self, work: Coroutine[Deferred[Any], Any, Any]) -> GatewayError:
        """Return the error of what is refused."""
        error: GatewayError = self.failureResultOf(self.start(work), GatewayError).value
        return error

    def begin(self, owner: str = ANN, local: Mapping[str, Record] | None = None, **body: Any) -> Turn:
        """Read a request."""
        return self.get(self.engine.begin({"model": "mine", "input": "hi", **body}, owner, Trail("req_1"), local))

    def asked(self) -> Call:
        """The newest question to the gateway."""
        return self.gateway.calls[-1]

    def answer(self, events: list[Event] | None = None) -> Answer:
        """Make a whole answer."""
        return fold(words() if events is None else events)

    def whole(self, events: list[Event] | None = None, owner: str = ANN, **body: Any) -> dict[str, Any]:
        """Ask for a whole response and get it."""
        made = self.start(self.begin(owner, **body).whole())
        self.asked().answer(self.answer(events))
        return self.successResultOf(made)

    def told(self, turn: Turn, events: list[Event], ending: Callable[[], Any] | None = None) -> list[dict[str, Any]]:
        """Let a turn be told as a stream; its events are legal and valid."""
        opened = self.start(turn.open())
        self.asked().relay()
        self.successResultOf(opened)
        frames = turn.narration.write(events)
        return approved([*frames, *self.get(turn.conclude() if ending is None else ending())])
