"""The loop at the heart: route, lease, send, judge, rotate.

Until the first event of an answer is in hand a request may be put to another account; afterwards never. What an
attempt's failure means is judged in ``accounts.verdict``; here that judgement is carried out and counted.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from math import ceil
from typing import Protocol, TypeVar

from attrs import define, evolve, field
from twisted.internet.interfaces import IReactorTime

from agd.accounts.account import Account, ApiKey
from agd.accounts.catalogue import Catalogue
from agd.accounts.pool import Exhausted, Pool
from agd.accounts.verdict import Blame, Verdict, fingerprint, judge
from agd.conversation import Answer, Notice, Prompt
from agd.errors import GatewayError, UpstreamFailure
from agd.gemini.client_errors import client_error
from agd.gemini.requests import Outgoing, write_request
from agd.routing import Router
from agd.upstream.client import UpstreamClient
from agd.upstream.relay import Fold, Relay

T = TypeVar("T")

SOON = 1.0
"""Seconds told in Retry-After when an account is free that this request did not come to."""
LATER = 30.0
"""Seconds told in Retry-After when nothing says how long: nobody is on hold, yet everybody failed."""


@define
class Trail:
    """What became of one request: the web shows it in headers, telemetry in the log."""

    request_id: str
    wanted: str = ""
    model: str = ""
    account: Account | None = None
    attempts: int = 0
    failures: list[str] = field(factory=list)
    notices: tuple[Notice, ...] = ()


class Observer(Protocol):
    """Told of what happens to requests and accounts."""

    def failed(self, trail: Trail, account: Account, failure: UpstreamFailure, verdict: Verdict) -> None:
        """An attempt failed and was judged so."""

    def punished(self, account: Account, model: str, failure: UpstreamFailure, verdict: Verdict) -> None:
        """An account rests, is blocked for a model, or is disabled."""


@define(eq=False)
class Gateway:
    """Answers prompts from a pool of accounts. ``reread`` looks whether an account's credential has been renewed."""

    pool: Pool
    catalogue: Catalogue
    router: Router
    upstream: UpstreamClient
    max_attempts: int
    clock: IReactorTime
    observer: Observer
    reread: Callable[[Account], ApiKey | None]

    async def open(self, prompt: Prompt, trail: Trail) -> Relay:
        """Start a streamed answer; return with its first event in hand. Raises ``GatewayError``."""
        return await self._ask(prompt, trail, _as_it_comes)

    async def complete(self, prompt: Prompt, trail: Trail) -> Answer:
        """Get a whole answer; one that breaks off is asked for again elsewhere. Raises ``GatewayError``."""
        return await self._ask(prompt, trail, _folded)

    async def _ask(self, prompt: Prompt, trail: Trail, receive: Callable[[Relay], Awaitable[T]]) -> T:
        trail.wanted = prompt.model
        trail.model = self.router.resolve(prompt.model, self.catalogue.known)
        outgoing = write_request(prompt, trail.model)
        trail.notices = prompt.notices + outgoing.notices
        quest = _Quest(self, trail, outgoing, prompt.stream)
        try:
            return await quest.pursue(receive)
        finally:
            quest.settle()


@define(eq=False)
class _Quest:
    """The attempts of one request."""

    _gateway: Gateway
    _trail: Trail
    _outgoing: Outgoing
    _stream: bool
    _tried: set[str] = field(factory=set)
    _contested: dict[object, tuple[Account, Verdict, UpstreamFailure]] = field(factory=dict)
    _stale_forgiven: bool = False
    _renewed: bool = False

    async def pursue(self, receive: Callable[[Relay], Awaitable[T]]) -> T:
        """Try accounts until one answers. Raises ``GatewayError`` with the last real cause."""
        last: UpstreamFailure | None = None
        while last is None or self._trail.attempts < self._gateway.max_attempts:
            account = self._lease(last)
            self._trail.attempts += 1
            try:
                answer = await self._attempt(account, receive)
            except UpstreamFailure as failure:
                last = failure
                self._judge(account, failure)
            else:
                self._gateway.pool.forgive(account, self._trail.model)
                return answer
        raise self._exhausted(last)

    def settle(self) -> None:
        """The request is over: faults that no second account shared are the account's after all."""
        for account, verdict, failure in self._contested.values():
            self._tell(account, verdict, failure)
        self._contested.clear()

    async def _attempt(self, account: Account, receive: Callable[[Relay], Awaitable[T]]) -> T:
        """Ask one account; twice where the first try says nothing about it."""
        while True:
            try:
                relay = await self._gateway.upstream.generate(
                    account, self._trail.model, self._outgoing, stream=self._stream
                )
                return await receive(relay)
            except UpstreamFailure as failure:
                if failure.stale and not self._stale_forgiven:
                    self._stale_forgiven = True
                    continue
                fresh = self._renew(account, failure)
                if fresh is None:
                    raise
                account = self._trail.account = fresh

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
        verdict = judge(failure)
        self._trail.failures.append(f"{account.id}: {failure}")
        self._gateway.observer.failed(self._trail, account, failure, verdict)
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
            self._tell(account, verdict, failure)

    def _tell(self, account: Account, verdict: Verdict, failure: UpstreamFailure) -> None:
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

    def _exhausted(self, cause: UpstreamFailure) -> GatewayError:
        self.settle()
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


async def _as_it_comes(relay: Relay) -> Relay:
    return relay


async def _folded(relay: Relay) -> Answer:
    fold = Fold()
    await relay.pour(fold)
    return fold.answer
