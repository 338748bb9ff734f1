"""The attempts of one upstream call: lease, send, judge, rotate.

Until the first event of an answer is in hand a call may be put to another account; afterwards never. What an
attempt's failure means is judged in ``accounts.verdict``; here that judgement is carried out and counted.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from math import ceil
from typing import TYPE_CHECKING, TypeVar

from attrs import define, evolve, field

from agd.accounts.account import Account
from agd.accounts.pool import Exhausted, Pool
from agd.accounts.verdict import Blame, Verdict, fingerprint, judge
from agd.conversation import Event, Notice
from agd.errors import FailureKind, GatewayError, UpstreamFailure
from agd.gateway.plan import Call, Plan
from agd.gateway.scrutiny import Scrutiny
from agd.gateway.trail import Trail, tell
from agd.gemini.causes import account_refused, signature_refused
from agd.gemini.client_errors import client_error
from agd.upstream.relay import Collector, Relay

if TYPE_CHECKING:
    from agd.gateway.gateway import Gateway

T = TypeVar("T")

SOON = 1.0
"""Seconds told in Retry-After when an account is free that this request did not come to."""
LATER = 30.0
"""Seconds told in Retry-After when nothing says how long: nobody is on hold, yet everybody failed."""


@define(eq=False)
class Quest:
    """The attempts of one call."""

    _gateway: Gateway
    _trail: Trail
    _plan: Plan
    _call: Call
    _scrutiny: Scrutiny = field(init=False)
    _attempts: int = 0
    _tried: set[str] = field(factory=set)
    _contested: dict[object, tuple[Account, Verdict, UpstreamFailure]] = field(factory=dict)
    _stale_forgiven: bool = False
    _malformed: int = 0
    _unsigned: bool = False
    _renewed: bool = False

    def __attrs_post_init__(self) -> None:
        self._scrutiny = Scrutiny(self._plan, self._tell)

    async def stream(self) -> Relay:
        """Try accounts until one begins to answer. Raises ``GatewayError`` with the last real cause."""
        return await self._pursue(self._begun)

    async def whole(self) -> Sequence[Event]:
        """Try accounts until one has answered, and return all it said. Raises as ``stream`` does."""
        return await self._pursue(self._collected)

    async def count(self) -> int:
        """Try accounts until one has counted the prompt's tokens. Raises as ``stream`` does."""
        return await self._pursue(self._counted)

    async def _pursue(self, ask: Callable[[Account], Awaitable[T]]) -> T:
        try:
            return await self._try(ask)
        finally:
            self._settle()

    async def _try(self, ask: Callable[[Account], Awaitable[T]]) -> T:
        last: UpstreamFailure | None = None
        while last is None or self._attempts < self._gateway.max_attempts:
            account = self._lease(last)
            self._attempts += 1
            self._trail.attempts += 1
            try:
                answer = await self._attempt(account, ask)
            except UpstreamFailure as failure:
                last = failure
                self._judge(account, failure)
            else:
                self._gateway.pool.forgive(account, self._trail.model)
                return answer
        raise self._exhausted(last)

    def _settle(self) -> None:
        """The request is over: faults that no second account shared are the account's after all."""
        for account, verdict, failure in self._contested.values():
            self._report(account, verdict, failure)
        self._contested.clear()

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
            relay = await self._ask(account, stream=True)
        return relay

    async def _collected(self, account: Account) -> Sequence[Event]:
        """Get a whole answer that is worth giving on."""
        events = await self._poured(account)
        while not self._scrutiny.accepts_whole(events):
            events = await self._poured(account)
        return events

    async def _counted(self, account: Account) -> int:
        return await self._gateway.upstream.count(account, self._trail.model, self._call.outgoing)

    async def _poured(self, account: Account) -> Sequence[Event]:
        collector = Collector()
        await (await self._ask(account, stream=False)).pour(collector)
        return collector.events

    async def _ask(self, account: Account, *, stream: bool) -> Relay:
        return await self._gateway.upstream.generate(account, self._trail.model, self._call.outgoing, stream=stream)

    def _second_try(self, account: Account, failure: UpstreamFailure) -> Account | None:
        """Say whom to ask at once, uncounted, after a failure that is no account's; None: judge it."""
        if failure.stale and not self._stale_forgiven:
            self._stale_forgiven = True
            return account
        if _is_models(failure) and self._malformed < self._plan.options.retry_malformed:
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

    def _lease(self, last: UpstreamFailure | None) -> Account:
        gateway = self._gateway
        try:
            account = gateway.pool.lease(self._trail.model, gateway.clock.seconds(), self._tried)
        except Exhausted as exhausted:
            cause = last or exhausted.cause
            if cause is None:
                raise _nobody(gateway.pool) from None
            raise self._exhausted(cause) from None
        self._tried.add(account.id)
        self._trail.account = account
        return account

    def _judge(self, account: Account, failure: UpstreamFailure) -> None:
        """Carry out what a failure means. Raises ``GatewayError`` when asking others is of no use."""
        verdict = judge(failure, of_account=account_refused(failure))
        self._record(account, failure)
        self._gateway.observer.failed(self._trail, account, failure, verdict)
        if _is_models(failure):
            raise self._exhausted(failure)
        mark = fingerprint(failure)
        if verdict.contestable and mark in self._contested:
            # The same from two accounts: it is the request, and neither is blamed for it.
            first, _, cause = self._contested.pop(mark)
            self._gateway.pool.pardon(first, self._trail.model, cause)
            raise self._with_wait(client_error(failure))
        if not verdict.rotate:
            raise client_error(failure)
        self._gateway.pool.punish(account, self._trail.model, verdict, failure, self._gateway.clock.seconds())
        if verdict.contestable:
            self._contested[mark] = (account, verdict, failure)
        else:
            self._report(account, verdict, failure)

    def _report(self, account: Account, verdict: Verdict, failure: UpstreamFailure) -> None:
        if verdict.blame is not Blame.NOBODY:
            self._gateway.observer.punished(account, self._trail.model, failure, verdict)

    def _renew(self, account: Account, failure: UpstreamFailure) -> Account | None:
        """Look once whether a refused credential has been replaced where it comes from."""
        if self._renewed or judge(failure).blame is not Blame.DISABLE:
            return None
        credential = self._gateway.reread(account)
        if credential is None or credential == account.credential:
            return None
        self._renewed = True
        fresh = evolve(account, credential=credential)
        self._gateway.pool.renew(fresh)
        return fresh

    def _record(self, account: Account, failure: UpstreamFailure) -> None:
        self._trail.failures.append(f"{account.id}: {failure}")

    def _tell(self, notice: Notice) -> None:
        tell(self._trail, self._plan.prompt, notice)

    def _exhausted(self, cause: UpstreamFailure) -> GatewayError:
        self._settle()
        return self._with_wait(client_error(cause))

    def _with_wait(self, error: GatewayError) -> GatewayError:
        """Tell the client when it is worth asking again: as soon as some account may serve the model."""
        gateway = self._gateway
        if error.status >= 500 or error.status == 429:
            wait = gateway.pool.wait(self._trail.model, gateway.clock.seconds())
            if wait == 0 and error.status == 429 and error.retry_after:
                error.retry_after = SOON  # that delay is one account's, and another is free
            else:
                error.retry_after = float(ceil(wait)) if wait else error.retry_after or LATER
        return error


def _nobody(pool: Pool) -> GatewayError:
    reason = pool.unready() or "no account can serve this model now"
    return GatewayError(503, reason, type="server_error", code="no_usable_account")


def _is_models(failure: UpstreamFailure) -> bool:
    """Tell whether the model itself ended an answer without any use in it, and said how (F05)."""
    return failure.kind is FailureKind.MALFORMED and failure.reason != ""
