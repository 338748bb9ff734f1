"""The attempts of one upstream call: lease, send, judge, rotate.

Until the first event of an answer is in hand a call may be put to another account; afterwards never. What an
attempt's failure means is judged in ``accounts.verdict``; here that judgement is carried out and counted.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from attrs import define, evolve, field
from twisted.internet.defer import CancelledError

from agd.accounts.account import Account
from agd.accounts.lease import Lease
from agd.accounts.search import Exhausted
from agd.accounts.verdict import Blame, Scope, Verdict
from agd.conversation import Event
from agd.conversation.names import named_notice
from agd.errors import GatewayError, UpstreamFailure
from agd.gateway.contest import Contest
from agd.gateway.notices import tell
from agd.gateway.plan import Call, Plan
from agd.gateway.refusals import nobody, resting, with_wait
from agd.gateway.scrutiny import Scrutiny
from agd.gateway.tenure import Tenure
from agd.gateway.trail import Attempt, Trail
from agd.gateway.turns import Turns
from agd.gateway.waiting import Wanted
from agd.gateway.weighing import is_models, is_out, of_count, weigh
from agd.gemini.causes import signature_refused
from agd.gemini.client_errors import client_error
from agd.upstream.relay import Collector, Relay

if TYPE_CHECKING:
    from agd.gateway.gateway import Gateway

T = TypeVar("T")

MOST_FOUND_OUT = 30
"""Accounts that one request may find used up for the day, or refused, beside its attempts: each is found out once."""


@define(eq=False)
class Quest:
    """The attempts of one call."""

    _gateway: Gateway
    _trail: Trail
    _plan: Plan
    _call: Call
    _scrutiny: Scrutiny = field(init=False)
    _turns: Turns = field(init=False)
    _attempts: int = 0
    _found_out: int = 0
    _contest: Contest = field(factory=Contest)
    _served: bool = False
    _counts: bool = False
    _stale_forgiven: bool = False
    _malformed: int = 0
    _unsigned: bool = False
    _renewed: frozenset[str] = frozenset()
    _upstreams_blamed: frozenset[str] = frozenset()
    _current: Attempt | None = None

    def __attrs_post_init__(self) -> None:
        # Nothing here refers back to the quest: it holds all that was asked, and must be gone while the answer streams.
        self._scrutiny = Scrutiny(self._plan, partial(tell, self._trail, self._plan.prompt))
        trail, scheduling, now = self._trail, self._gateway.pool.scheduling, self._gateway.clock.seconds()
        ends, patient = now + scheduling.queue_seconds, now + scheduling.max_wait
        wanted = Wanted(trail.model, trail.owner, trail.session or None, ends, patient)
        self._turns = Turns(self._gateway.waiting, self._gateway.clock, wanted)

    async def stream(self) -> Relay:
        """Try accounts until one begins to answer. Raises ``GatewayError`` with the last real cause.

        The account is given back when the relay ends.
        """
        tenure, relay = await self._pursue(self._begun)
        if relay.is_over:
            tenure.attempt.count(relay.usage)
            tenure.give_back()
        else:
            relay.on_end = partial(tenure.ended, relay)
        return relay

    async def whole(self) -> Sequence[Event]:
        """Try accounts until one has answered, and return all it said. Raises as ``stream`` does."""
        tenure, events = await self._pursue(self._collected)
        tenure.give_back()
        return events

    async def count(self) -> int:
        """Try accounts until one has counted the prompt's tokens. Raises as ``stream`` does."""
        self._counts, self._turns.wanted.trials = True, False
        tenure, tokens = await self._pursue(self._counted)
        tenure.give_back()
        return tokens

    async def _pursue(self, ask: Callable[[Account], Awaitable[T]]) -> tuple[Tenure, T]:
        try:
            return await self._try(ask)
        finally:
            self._settle()

    async def _try(self, ask: Callable[[Account], Awaitable[T]]) -> tuple[Tenure, T]:
        last: UpstreamFailure | None = None
        while last is None or self._attempts < self._gateway.max_attempts:
            tenure = await self._lease(last)
            try:
                answer = await self._attempt(tenure.lease.account, ask)
            except UpstreamFailure as failure:
                last = failure
                try:
                    self._judge(tenure, failure)
                finally:
                    tenure.give_back()
            except BaseException as error:
                left = isinstance(error, CancelledError | GeneratorExit)
                tenure.attempt.verdict = "left" if left else "mistake"
                tenure.give_back()
                raise
            else:
                tenure.served(answered=not self._counts)
                self._served = True
                return tenure, answer
        raise self._exhausted(last)

    def _settle(self) -> None:
        """The request is over, and with it the question whose fault its failures were."""
        for fault in self._contest.close(self._gateway.pool, served=self._served):
            self._report(*fault)

    async def _attempt(self, account: Account, ask: Callable[[Account], Awaitable[T]]) -> T:
        """Ask one account, and again after a failure that says nothing about it."""
        while True:
            try:
                return await ask(account)
            except UpstreamFailure as failure:
                again = self._second_try(account, failure)
                if again is None:
                    raise
                account = again

    async def _begun(self, account: Account) -> Relay:
        """Get the beginning of an answer that is worth giving on."""
        relay = await self._ask(account, stream=True)
        while not self._scrutiny.accepts(relay.held):
            if self._current is not None:
                self._current.count(relay.usage)
            relay = await self._ask(account, stream=True)
        return relay

    async def _collected(self, account: Account) -> Sequence[Event]:
        """Get a whole answer that is worth giving on."""
        events = await self._poured(account)
        while not self._scrutiny.accepts_whole(events):
            events = await self._poured(account)
        return events

    async def _counted(self, account: Account) -> int:
        return await self._gateway.upstream.count(
            account, self._trail.model, self._call.written(account.kind), progress=self._current
        )

    async def _poured(self, account: Account) -> Sequence[Event]:
        collector, relay = Collector(), await self._ask(account, stream=False)
        await relay.pour(collector)
        if self._current is not None:
            self._current.count(relay.usage)
        return collector.events

    async def _ask(self, account: Account, *, stream: bool) -> Relay:
        outgoing = self._call.written(account.kind)
        notices = [named_notice(self._plan.prompt, notice) for notice in outgoing.notices]
        self._trail.note(notices, strict=self._plan.options.strict_parameters)
        return await self._gateway.upstream.generate(
            account, self._trail.model, outgoing, stream=stream, progress=self._current
        )

    def _second_try(self, account: Account, failure: UpstreamFailure) -> Account | None:
        """Say whom to ask at once, uncounted, after a failure that is no account's; None: judge it."""
        if failure.stale and not self._stale_forgiven:
            self._stale_forgiven = True
            return account
        if is_models(failure) and self._malformed < self._plan.options.retry_malformed:
            self._malformed += 1
            self._record(account, failure)
            return account
        if signature_refused(failure) and not self._unsigned:
            unsigned = self._call.without_signatures()
            if unsigned is not None:
                self._unsigned, self._call = True, unsigned
                self._record(account, failure)
                return account
        return self._renew(account, failure)

    async def _lease(self, last: UpstreamFailure | None) -> Tenure:
        """Take the next account, or wait for one. Raises ``GatewayError`` when there is none in time."""
        gateway, trail, clock = self._gateway, self._trail, self._gateway.clock
        asked = clock.seconds()
        try:
            lease = await self._turns.next()
        except Exhausted as exhausted:
            raise self._refusal(last, exhausted) from None
        finally:
            now, pick = clock.seconds(), self._turns.wanted.pick
            queue = max(0.0, now - asked - pick)
            trail.queue += queue
        attempt = Attempt(lease.account, lease.why, now, queue, pick, is_trial=lease.is_trial)
        self._attempts += 1
        trail.attempts += 1
        trail.account = lease.account
        trail.tries.append(attempt)
        self._current = attempt
        if last is None:
            gateway.pool.upstreams.budget(lease.account.base_url).deposit()
        return Tenure(lease, attempt, trail, gateway.pool, gateway.observer, clock.seconds, gateway.wall)

    def _refusal(self, last: UpstreamFailure | None, exhausted: Exhausted) -> GatewayError:
        if last is not None:
            return self._exhausted(last)
        if exhausted.cause is None:
            return nobody(self._gateway.pool, self._trail.model, exhausted)
        return resting(self._trail.model, exhausted, client_error(exhausted.cause))

    def _judge(self, tenure: Tenure, failure: UpstreamFailure) -> None:
        """Carry out what a failure means. Raises ``GatewayError`` when asking others is of no use."""
        account = tenure.lease.account
        verdict = weigh(failure, self._gateway.wall(), idle=tenure.lease.idle)
        verdict = of_count(verdict) if self._counts else verdict
        tenure.attempt.verdict, tenure.attempt.failure = verdict.cause.value, str(failure)
        self._record(account, failure)
        self._gateway.observer.failed(self._trail, account, failure, verdict)
        if is_models(failure):
            raise self._exhausted(failure)
        others = self._attempts < self._gateway.max_attempts
        asked = {*self._turns.wanted.tried, account.id}
        pool = self._gateway.pool
        if self._contest.is_lost(pool, verdict, failure, self._trail.model, asked if others else None):
            self._contest.absolve(pool, failure)
            raise self._with_wait(client_error(failure))
        if not verdict.rotate:
            raise client_error(failure)
        verdict = self._blame(tenure, verdict, failure)
        if verdict.contestable:
            self._contest.add(account, verdict, failure)
        else:
            self._report(account, verdict, failure)
        self._go_on(tenure.lease, verdict, failure)

    def _blame(self, tenure: Tenure, verdict: Verdict, failure: UpstreamFailure) -> Verdict:
        """Carry a verdict out. One request counts once against an upstream, however often it was repeated."""
        counts = verdict.scope is Scope.UPSTREAM
        upstream = tenure.lease.account.base_url
        again = counts and upstream in self._upstreams_blamed and not tenure.lease.is_trial
        self._upstreams_blamed |= {upstream} if counts else set()
        told = evolve(verdict, scope=Scope.REQUEST) if again else verdict
        return evolve(tenure.failed(told, failure), scope=verdict.scope)

    def _go_on(self, lease: Lease, verdict: Verdict, failure: UpstreamFailure) -> None:
        """Decide who may be asked next. Raises ``GatewayError`` where a repeat would burden an upstream in trouble."""
        self._turns.note(lease, verdict)
        if is_out(verdict) and self._found_out < MOST_FOUND_OUT:
            self._found_out += 1
            self._attempts -= 1
        goes_on = self._attempts < self._gateway.max_attempts
        if goes_on and verdict.blame is Blame.NOBODY and not self._gateway.pool.may_repeat(lease.account.base_url):
            raise self._exhausted(failure)

    def _report(self, account: Account, verdict: Verdict, failure: UpstreamFailure) -> None:
        if verdict.blame is not Blame.NOBODY:
            self._gateway.observer.punished(account, self._trail.model, failure, verdict)

    def _renew(self, account: Account, failure: UpstreamFailure) -> Account | None:
        """Renew a refused credential, once each: read it again where it comes from, or get another token (K14)."""
        if account.id in self._renewed or weigh(failure, self._gateway.wall()).blame is not Blame.DISABLE:
            return None
        fresh = self._gateway.renew(account)
        if fresh is None:
            return None
        self._renewed |= {account.id}
        if fresh is not account:
            self._gateway.pool.renew(fresh)
        return fresh

    def _record(self, account: Account, failure: UpstreamFailure) -> None:
        self._trail.failures.append(f"{account.id}: {failure}")

    def _exhausted(self, cause: UpstreamFailure) -> GatewayError:
        self._settle()
        return self._with_wait(client_error(cause))

    def _with_wait(self, error: GatewayError) -> GatewayError:
        return with_wait(error, self._gateway.pool, self._trail.model, self._gateway.clock.seconds())
