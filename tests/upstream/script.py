"""An upstream client that plays a part: for each account, what its next attempts come to."""

from __future__ import annotations

from itertools import count
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone, ResponseFailed

from agd.accounts.account import Account
from agd.errors import FailureKind, UpstreamFailure
from agd.gemini.answers import AnswerReader
from agd.gemini.requests import Outgoing
from agd.upstream.client import Progress
from agd.upstream.relay import Relay
from tests.upstream.wire import chunk, sse


@define
class Says:
    """An answer: its bytes, and whether its body then ends well, breaks off, or stays open (None)."""

    data: bytes
    ends: bool | None = True


class Silence:
    """An attempt that comes to nothing until it is cancelled."""


CONNECT = 0.25
"""Seconds that every connection takes."""

GOOD = Says(sse(chunk("hello", "STOP")))
BROKEN = Says(sse(chunk("hel")), ends=False)
UNFINISHED = Says(sse(chunk("hel")))


def refusal(status: int, **more: Any) -> UpstreamFailure:
    """Make the failure of an attempt that was answered with an error status."""
    return UpstreamFailure(FailureKind.STATUS, more.pop("message", f"status {status}"), status=status, **more)


UNREACHABLE = UpstreamFailure(FailureKind.CONNECT, "Connection was refused by other side")
STALE = UpstreamFailure(FailureKind.CONNECT, "Connection was closed cleanly", stale=True)
EMPTY = UpstreamFailure(FailureKind.EMPTY, "the answer held no candidate")
LATE = UpstreamFailure(FailureKind.TIMEOUT, "no first event within 300 seconds")
REFUSED_KEY = refusal(400, grpc="INVALID_ARGUMENT", reason="API_KEY_INVALID", message="API key not valid.")

Outcome = Says | UpstreamFailure | Silence


@define(eq=False)
class Actor:
    """Stands in for ``UpstreamClient``. Each account answers well once its own lines are used up."""

    clock: Clock
    lines: dict[str, list[Outcome]] = field(factory=dict)
    asked: list[str] = field(factory=list)
    calls: list[tuple[Account, str, Outgoing, bool]] = field(factory=list)
    waiting: list[Deferred[Relay]] = field(factory=list)
    transports: list[StringTransport] = field(factory=list)
    relays: list[Relay] = field(factory=list)

    async def generate(
        self,
        account: Account,
        model: str,
        outgoing: Outgoing,
        *,
        stream: bool,
        progress: Progress | None = None,
    ) -> Relay:
        """Do what the script says for the account, whose name is its address up to the @."""
        name = account.email.partition("@")[0]
        self.asked.append(name)
        self.calls.append((account, model, outgoing, stream))
        lines = self.lines.get(name)
        outcome = lines.pop(0) if lines else GOOD
        if isinstance(outcome, Silence):
            self.waiting.append(Deferred())
            relay = await self.waiting[-1]
            if progress is not None:
                progress.answered(self.clock.seconds())
            return relay
        if progress is not None:
            progress.connected(CONNECT)
            if not isinstance(outcome, UpstreamFailure) or outcome.status is not None:
                progress.answered(self.clock.seconds())
        if isinstance(outcome, UpstreamFailure):
            raise outcome
        return await self.say(outcome)

    async def say(self, line: Says) -> Relay:
        """Make the relay of an answer, its first event in hand."""
        ids = count(1)
        relay = Relay(AnswerReader(lambda: f"call_{next(ids)}"), self.clock, idle_seconds=20.0, stall_seconds=30.0)
        self.relays.append(relay)
        self.transports.append(StringTransport())
        relay.makeConnection(self.transports[-1])
        relay.dataReceived(line.data)
        if line.ends is not None:
            relay.connectionLost(Failure(ResponseDone() if line.ends else ResponseFailed([])))
        await relay.first
        return relay

    async def count(self, account: Account, model: str, outgoing: Outgoing, *, progress: Progress | None = None) -> int:
        """Count as many tokens as the body has bytes, unless the script has a failure for the account."""
        name = account.email.partition("@")[0]
        self.asked.append(name)
        lines = self.lines.get(name)
        outcome = lines.pop(0) if lines else GOOD
        if isinstance(outcome, UpstreamFailure):
            raise outcome
        return len(outgoing.body)
