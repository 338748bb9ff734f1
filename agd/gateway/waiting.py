"""Where requests wait for an account instead of being refused: bounded, fair, and for a short time only.

A request waits when an account would be free if only a running request ended, or when a rest is over within the time
it may wait. Those of one client are served in their order, the clients in turn, whatever models they ask for: accounts
carry requests for any of them, so a line for each model would let the busiest have all that is freed.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator
from itertools import zip_longest

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from agd.accounts.lease import Lease
from agd.accounts.pool import Pool
from agd.accounts.search import Exhausted

NEVER = float("inf")


@define(eq=False)
class Wanted:
    """What one request asks of the pool. Times are of the reactor's clock.

    ``owner`` is whose request it is; ``session`` the conversation; ``tried`` the accounts that shall not be asked
    again; ``until``: how long it may wait, ``patient_until``: how long it waits for its conversation's account;
    ``trials``: whether it may be sent to an account that may only be tried.
    """

    model: str
    owner: str
    session: str | None
    until: float
    patient_until: float
    tried: frozenset[str] = frozenset()
    trials: bool = True
    pick: float = 0.0
    """Seconds that the last choice took, whatever came of it."""


@define(eq=False)
class _Waiter:
    wanted: Wanted
    lease: Deferred[Lease]
    timer: IDelayedCall | None = None


@define(eq=False)
class WaitingRoom:
    """``pool`` gives the pool; its settings say how many may wait and how long."""

    _pool: Callable[[], Pool]
    _clock: IReactorTime
    _stopwatch: Callable[[], float]
    _lines: OrderedDict[str, deque[_Waiter]] = field(factory=OrderedDict)
    """By owner; who was served last is last."""
    _models: Counter[str] = field(factory=Counter)
    """How many wait for each model."""
    _waiting: int = 0
    _alarm: IDelayedCall | None = None
    _serving: bool = False
    _again: bool = False

    def __len__(self) -> int:
        return self._waiting

    async def lease(self, wanted: Wanted) -> Lease:
        """Take an account, at once or after a wait. Raises ``Exhausted`` when there is none in time."""
        if self._waiting:
            self._serve()  # whoever came before and can be served now is
        try:
            return self._take(wanted)
        except Exhausted as exhausted:
            is_full = self._waiting >= self._pool().scheduling.queue_size
            if not self._is_worth_it(wanted, exhausted) or (is_full and not exhausted.is_patient):
                raise
            if is_full:  # no room to be patient: somebody else can be asked now
                wanted.patient_until = self._clock.seconds()
                return self._take(wanted)
        return await self._wait(wanted)

    # ------------------------------------------------------------------ within

    def _take(self, wanted: Wanted) -> Lease:
        now = self._clock.seconds()
        patience, before = max(0.0, wanted.patient_until - now), self._stopwatch()
        try:
            return self._pool().lease(
                wanted.model, now, wanted.tried, session=wanted.session, patience=patience, trials=wanted.trials
            )
        finally:
            wanted.pick = self._stopwatch() - before

    def _is_worth_it(self, wanted: Wanted, exhausted: Exhausted) -> bool:
        """Tell whether something may change in time. Patience for a conversation's account has its own limit."""
        now = self._clock.seconds()
        if exhausted.is_patient:
            return True
        if now >= wanted.until:
            return False
        return exhausted.is_busy or (exhausted.wakes is not None and now + exhausted.wakes <= wanted.until)

    def _wait(self, wanted: Wanted) -> Deferred[Lease]:
        waiter = _Waiter(wanted, Deferred(lambda _: self._leave(waiter)))
        self._lines.setdefault(wanted.owner, deque()).append(waiter)
        self._models[wanted.model] += 1
        self._waiting += 1
        self._pool().on_freed = self._serve
        self._set_limit(waiter)
        self._serve()
        return waiter.lease

    def _set_limit(self, waiter: _Waiter) -> None:
        """Look at a waiter at the latest when its time is over."""
        now, wanted = self._clock.seconds(), waiter.wanted
        ends = [end for end in (wanted.until, wanted.patient_until) if end > now]
        waiter.timer = self._clock.callLater(min(ends, default=now) - now, self._late, waiter)

    def _late(self, waiter: _Waiter) -> None:
        """A waiter's time, or its patience, is over: it is served by whoever is free, or refused."""
        waiter.timer = None
        self._serve()
        if not waiter.lease.called:
            if self._clock.seconds() < max(waiter.wanted.until, waiter.wanted.patient_until):
                self._set_limit(waiter)
            else:
                self._settle(waiter)

    def _settle(self, waiter: _Waiter) -> None:
        """Give a waiter an account or the refusal, whichever there is now."""
        self._leave(waiter)
        try:
            lease = self._take(waiter.wanted)
        except Exhausted as exhausted:
            waiter.lease.errback(exhausted)
        else:
            waiter.lease.callback(lease)

    def _leave(self, waiter: _Waiter) -> None:
        wanted = waiter.wanted
        mine = self._lines.get(wanted.owner)
        if mine is None or waiter not in mine:
            return
        mine.remove(waiter)
        if not mine:
            del self._lines[wanted.owner]
        self._models[wanted.model] -= 1
        if not self._models[wanted.model]:
            del self._models[wanted.model]
        self._waiting -= 1
        if waiter.timer is not None and waiter.timer.active():
            waiter.timer.cancel()
        if not self._waiting and self._alarm is not None and self._alarm.active():
            self._alarm.cancel()

    def _serve(self) -> None:
        """Serve all that can be. What is freed by the way, by those that are served, is given out as well."""
        self._again = True
        if self._serving:
            return
        self._serving = True
        try:
            while self._again:
                self._again = False
                wakes = self._serve_round()
            self._set_alarm(wakes)
        finally:
            self._serving = False

    def _serve_round(self) -> float:
        """Serve those who wait, in turn; return in how many seconds it is worth looking again."""
        soonest = NEVER
        idle: set[str] = set()
        """Models for which nobody is free for anybody."""
        for waiter in list(self._in_turn()):
            if len(idle) == len(self._models):
                break
            if waiter.lease.called or waiter.wanted.model in idle:
                continue
            exhausted = self._serve_one(waiter)
            if exhausted is None:
                continue
            if exhausted.wakes is not None:
                soonest = min(soonest, exhausted.wakes)
            if not exhausted.is_patient and not waiter.wanted.tried:
                idle.add(waiter.wanted.model)
        return soonest

    def _serve_one(self, waiter: _Waiter) -> Exhausted | None:
        """Give a waiter an account, or the refusal where waiting has become of no use; return why it waits on."""
        try:
            lease = self._take(waiter.wanted)
        except Exhausted as exhausted:
            if self._is_worth_it(waiter.wanted, exhausted):
                return exhausted
            self._leave(waiter)
            waiter.lease.errback(exhausted)
            return None
        self._leave(waiter)
        if waiter.wanted.owner in self._lines:
            self._lines.move_to_end(waiter.wanted.owner)
        waiter.lease.callback(lease)
        return None

    def _in_turn(self) -> Iterator[_Waiter]:
        """Give all that wait: the first of each owner, then the second of each, and so on."""
        rows = zip_longest(*self._lines.values())
        return (waiter for row in rows for waiter in row if waiter is not None)

    def _set_alarm(self, seconds: float) -> None:
        """Look again when the first rest is over."""
        if self._alarm is not None and self._alarm.active():
            self._alarm.cancel()
        waits = self._waiting and seconds != NEVER
        self._alarm = self._clock.callLater(max(seconds, 0.0), self._serve) if waits else None
