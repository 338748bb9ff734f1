"""Whose turn it is for one request: each account once, and those that were not to blame once more after a pause."""

from __future__ import annotations

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from agd.accounts.lease import Lease
from agd.accounts.search import Exhausted
from agd.accounts.verdict import Blame, Scope, Verdict
from agd.gateway.waiting import WaitingRoom, Wanted
from agd.gateway.weighing import PASSING

PAUSE = 0.5
"""Seconds before accounts are asked once more, where nobody else is there; doubled for each time."""


@define(eq=False)
class Turns:
    """What a request asks of the waiting room, from its first attempt to its last."""

    _room: WaitingRoom
    _clock: IReactorTime
    wanted: Wanted
    _innocent: set[str] = field(factory=set)
    _pause: float = PAUSE

    async def next(self) -> Lease:
        """Take the next account, at once or after a wait. Raises ``Exhausted``."""
        try:
            return await self._room.lease(self.wanted)
        except Exhausted:
            if not self._innocent:
                raise
        await self._rest()
        self.wanted.tried -= self._innocent
        self._innocent.clear()
        return await self._room.lease(self.wanted)

    def note(self, lease: Lease, verdict: Verdict) -> None:
        """Remember what became of a turn: who is not asked again, and who may be once all others were."""
        if verdict.blame is not Blame.COOL or verdict.contestable or verdict.scope is Scope.ACCOUNT:
            self.wanted.tried |= {lease.account.id}  # where a quota rests it may be asked again when that is over
        if verdict.cause in PASSING:
            self._innocent.add(lease.account.id)
        if lease.is_trial:
            self.wanted.trials = False  # a trial failed at this request's expense: that is enough

    def _rest(self) -> Deferred[None]:
        seconds, self._pause = self._pause, self._pause * 2
        return deferLater(self._clock, seconds, lambda: None)
