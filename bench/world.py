"""A provider on a clock: quotas of the minute and the day, outages, revoked keys, faults, requests that it hates."""

from __future__ import annotations

from collections import Counter
from itertools import count

from attrs import define, field
from twisted.internet.task import Clock, deferLater
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone

from agd.accounts.account import Account
from agd.accounts.pacific import until_midnight
from agd.encoding import encode
from agd.errors import FailureKind, UpstreamFailure
from agd.gemini.answers import AnswerReader
from agd.gemini.requests import Outgoing
from agd.upstream.client import Progress
from agd.upstream.relay import Relay

POISON = "please exhaust everybody"
"""A request with these words gets a 429 without any detail from every account (G35)."""
ANSWER = b"data: " + encode(
    {"candidates": [{"content": {"role": "model", "parts": [{"text": "hello"}]}, "finishReason": "STOP"}]}
)
LATENCY = 2.0
TICK = 0.001
"""Seconds by which two clocks may differ."""


@define(eq=False)
class Ledger:
    """What one account has used, and when it said that it had nothing left: from, until."""

    minute: int = -1
    in_minute: int = 0
    day_ends: float = 0.0
    in_day: int = 0
    served: int = 0
    refused: Counter[int] = field(factory=Counter)
    told: list[tuple[float, float]] = field(factory=list)


@define(eq=False)
class World:
    """Stands in for ``UpstreamClient``. Times are of ``clock``, which begins at the unix time ``begin``.

    ``revoked``: when which account's key is revoked; ``outages``: from when until when nobody is reached;
    ``faults``: every so manieth request fails with a 500.
    """

    clock: Clock
    begin: float
    per_minute: int
    per_day: int
    revoked: dict[str, float] = field(factory=dict)
    outages: tuple[tuple[float, float], ...] = ()
    faults: int = 0
    ledgers: dict[str, Ledger] = field(factory=dict)
    calls: int = 0

    async def generate(
        self,
        account: Account,
        model: str,
        outgoing: Outgoing,
        *,
        stream: bool,
        progress: Progress | None = None,
    ) -> Relay:
        """Answer as the account's quotas allow."""
        self.calls += 1
        ledger = self.ledgers[account.id]
        try:
            self._admit(account.id, ledger, outgoing)
        except UpstreamFailure as failure:
            ledger.refused[failure.status or 0] += 1
            raise
        await deferLater(self.clock, LATENCY)
        return await self._relay(stream=stream)

    def usable(self, account_id: str, grace: float) -> bool:
        """Tell whether an account would certainly serve now; an outage may go on unnoticed for ``grace`` seconds."""
        now, ledger = self.clock.seconds(), self.ledgers[account_id]
        self._turn_pages(ledger)
        down = any(since <= now < until + grace for since, until in self.outages)
        turning = not TICK < (self.begin + now) % 60 < 60 - TICK
        alive = now < self.revoked.get(account_id, now + 1)
        return (
            alive and not down and not turning and ledger.in_minute < self.per_minute and ledger.in_day < self.per_day
        )

    def _admit(self, account_id: str, ledger: Ledger, outgoing: Outgoing) -> None:
        now = self.clock.seconds()
        if any(since <= now < until for since, until in self.outages):
            raise UpstreamFailure(FailureKind.CONNECT, "no answer from the upstream: refused")
        if now >= self.revoked.get(account_id, now + 1):
            raise _status(401, "The key was revoked.", grpc="UNAUTHENTICATED")
        if POISON.encode() in outgoing.body:
            raise _status(429, "Resource has been exhausted.", grpc="RESOURCE_EXHAUSTED")
        if self.faults and self.calls % self.faults == 0:
            raise _status(500, "Internal error.", grpc="INTERNAL")
        self._turn_pages(ledger)
        if ledger.in_day >= self.per_day:
            # The provider names the day's quota, and the delay of the running minute.
            self._refuse(ledger, "GenerateRequestsPerDayPerProjectPerModel", ledger.day_ends - now, told=30.0)
        if ledger.in_minute >= self.per_minute:
            rest = 60 - (self.begin + now) % 60
            self._refuse(ledger, "GenerateRequestsPerMinutePerProjectPerModel", rest, told=rest)
        ledger.in_minute += 1
        ledger.in_day += 1
        ledger.served += 1

    def _refuse(self, ledger: Ledger, quota: str, rest: float, told: float) -> None:
        now = self.clock.seconds()
        ledger.told.append((now, now + rest))
        raise UpstreamFailure(
            FailureKind.STATUS, "You exceeded your current quota.", status=429, grpc="RESOURCE_EXHAUSTED",
            quota_ids=(quota,), retry_after=told,
        )  # fmt: skip

    def _turn_pages(self, ledger: Ledger) -> None:
        now = self.clock.seconds()
        minute = int((self.begin + now) // 60)
        if minute != ledger.minute:
            ledger.minute, ledger.in_minute = minute, 0
        if now >= ledger.day_ends:
            ledger.day_ends, ledger.in_day = now + until_midnight(self.begin + now), 0

    async def _relay(self, *, stream: bool) -> Relay:
        """Make the relay of an answer; a streamed one takes as long again."""
        ids = count()
        relay = Relay(AnswerReader(lambda: f"call_{next(ids)}"), self.clock, idle_seconds=60.0, stall_seconds=60.0)
        relay.makeConnection(StringTransport())
        relay.dataReceived(ANSWER + b"\n\n")
        if stream:
            self.clock.callLater(LATENCY, relay.connectionLost, Failure(ResponseDone()))
        else:
            relay.connectionLost(Failure(ResponseDone()))
        await relay.first
        return relay


def _status(status: int, message: str, grpc: str) -> UpstreamFailure:
    return UpstreamFailure(FailureKind.STATUS, message, status=status, grpc=grpc)
