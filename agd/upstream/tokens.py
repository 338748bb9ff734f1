"""Access tokens, one for each credential: got once however many wait, renewed ahead of time, dropped when refused.

A request never waits while the token it would use still holds. A token that is used is renewed when four fifths of its
life are over; one that nobody used since it was got is left to end, and got anew with the next request.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from typing import Any, NoReturn

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from agd.accounts.account import Account
from agd.accounts.credentials import Credential, Token, TokenCredential
from agd.accounts.way import WayOut
from agd.errors import FailureKind, UpstreamFailure

FETCH_SECONDS = 20.0
"""How long one exchange may take."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 60.0
"""Seconds between exchanges that fail: doubled each time, and a part of up to a half taken off at random."""
AWAITED = 3
"""How many exchanges a request waits for, where there is no token that holds, before it is told that there is none."""

_log = Logger("agd")

Fetch = Callable[[Account], Coroutine[Any, Any, Token]]
Key = tuple[Credential, WayOut]


def is_renewable(account: Account) -> bool:
    """Tell whether an account is proven by tokens."""
    return isinstance(account.credential, TokenCredential)


@define(eq=False)
class Tokens:
    """The tokens of all accounts. ``random`` gives numbers from 0 up to 1; ``fetch`` raises ``UpstreamFailure``."""

    _fetch: Fetch
    _clock: Any
    _random: Callable[[], float]
    _keepers: dict[Key, _Keeper] = field(factory=dict, init=False)

    def of(self, account: Account) -> Deferred[Token]:
        """Give a token that holds, at once where there is one. Fails with ``UpstreamFailure``."""
        return self._keeper(account).token()

    def refuse(self, account: Account, token: Token) -> None:
        """The upstream refused a token: it is not used again (K14). One that has been replaced already is no matter."""
        self._keeper(account).refuse(token)

    def can_renew(self, account: Account) -> bool:
        """Tell whether another token may be had where one was refused."""
        return is_renewable(account) and self._keeper(account).dead is None

    def shown(self, account: Account) -> tuple[str, ...]:
        """Give what upstreams are or were just shown, so that it can be taken out of their words."""
        keeper = self._keepers.get((account.credential, account.way))
        return () if keeper is None else keeper.shown

    def keep_only(self, accounts: Iterable[Account]) -> None:
        """Take a new configuration: what it does not name is forgotten, and what was dead gets another chance."""
        kept = {(account.credential, account.way) for account in accounts}
        for key, keeper in list(self._keepers.items()):
            if key not in kept:
                keeper.close()
                del self._keepers[key]
            else:
                keeper.dead = None

    def close(self) -> None:
        """Give up everything that is under way."""
        self.keep_only(())

    def _keeper(self, account: Account) -> _Keeper:
        key = (account.credential, account.way)
        keeper = self._keepers.get(key)
        if keeper is None:
            keeper = self._keepers[key] = _Keeper(account, self._fetch, self._clock, self._random)
        return keeper


@define(eq=False)
class _Keeper:
    """The token of one credential. ``dead`` is why there will never be another; ``shown`` are the last two."""

    _account: Account
    _fetch: Fetch
    _clock: Any
    _random: Callable[[], float]
    dead: UpstreamFailure | None = None
    shown: tuple[str, ...] = ()
    _token: Token | None = None
    _is_used: bool = False
    _running: Deferred[None] | None = None
    _waiting: list[Deferred[Token]] = field(factory=list)
    _timer: IDelayedCall | None = None
    _failures: int = 0
    _failure: UpstreamFailure | None = None
    _again_at: float = 0.0

    def token(self) -> Deferred[Token]:
        """Give the token; wait for one that is being got, or get it, where there is none that holds."""
        now = self._clock.seconds()
        if self._token is not None and now < self._token.ends_at:
            self._is_used = True
            if now >= self._token.renew_at:
                self._renew()
            return succeed(self._token)
        tired = self._failures >= AWAITED and now < self._again_at
        refusal = self.dead or (self._failure if tired else None)
        if refusal is not None and self._running is None and not self._waiting:
            return fail(_copy(refusal))
        waiting: Deferred[Token] = Deferred(self._left)
        self._waiting.append(waiting)
        self._renew()
        return waiting

    def refuse(self, token: Token) -> None:
        """Drop the token if it is still the one in use."""
        if self._token is token:
            self._token = None  # the timer stays: whoever asks may have to wait for it, after a failure

    def close(self) -> None:
        """Stop. Who waits is told that it was given up."""
        self._stop_timer()
        # Told first: that the exchange is cancelled is nothing that happened to those who wait for it.
        words = "no access token: the account was changed, or agd is stopping"
        self._tell(lambda each: each.errback(UpstreamFailure(FailureKind.CONNECT, words, own=True)))
        if self._running is not None:
            self._running.cancel()

    def _left(self, waiting: Deferred[Token]) -> None:
        """Whoever waited gave up; the others go on waiting, or are being told."""
        if waiting in self._waiting:
            self._waiting.remove(waiting)

    def _renew(self) -> None:
        """Get a token, unless one is being got, or it is too soon after a failure."""
        if self._running is not None or self.dead is not None or self._clock.seconds() < self._again_at:
            return
        self._stop_timer()
        fetching = Deferred.fromCoroutine(self._fetch(self._account))
        fetching.addTimeout(FETCH_SECONDS, self._clock, onTimeoutCancel=_too_late)
        self._running = running = fetching.addCallback(self._got).addErrback(self._failed)
        if running.called:
            self._running = None

    def _got(self, token: Token) -> None:
        self._token = token
        self.shown = (token.secret, *self.shown[:1])
        self._failures, self._failure, self._again_at = 0, None, 0.0
        self._running = None
        self._ring_at(token.renew_at)
        self._is_used = bool(self._waiting)
        self._tell(lambda each: each.callback(token))

    def _failed(self, failure: Failure) -> None:
        """Note it for those who ask next, and try again; those who wait are told when that has failed often enough."""
        self._running = None
        error = failure.value
        if isinstance(error, UpstreamFailure):
            self._note(error)
            if self._waiting and self.dead is None and self._failures < AWAITED:
                return
        elif not failure.check(CancelledError):
            _log.failure("getting an access token failed", failure=failure)
        self._tell(lambda each: each.errback(_copy(error) if isinstance(error, UpstreamFailure) else failure))

    def _tell(self, tell: Callable[[Deferred[Token]], None]) -> None:
        """Tell all that wait. One of them may make others give up, those of the same request."""
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            if not each.called:
                tell(each)

    def _note(self, failure: UpstreamFailure) -> None:
        who = self._account.email or self._account.id
        from agd.upstream.grants import is_dead  # noqa: PLC0415 - loaded with the first account that needs tokens

        if is_dead(failure):
            self.dead = failure
            _log.error("account {who}: {cause}", who=who, cause=failure.message)
            return
        pause = min(FIRST_PAUSE * 2**self._failures, LONGEST_PAUSE) * (1 - self._random() / 2)
        pause = max(pause, min(failure.retry_after or 0.0, LONGEST_PAUSE))
        self._failures = min(self._failures + 1, 10)
        self._failure, self._again_at = failure, self._clock.seconds() + pause
        _log.warn("account {who}: {cause}; again in {pause:.1f} s", who=who, cause=failure.message, pause=pause)
        self._ring_at(self._again_at)

    def _ring_at(self, when: float) -> None:
        self._stop_timer()
        self._timer = self._clock.callLater(max(when - self._clock.seconds(), 0.0), self._rung)

    def _rung(self) -> None:
        self._timer, self._again_at = None, 0.0
        if self._waiting or (self._token is not None and self._is_used):
            self._renew()

    def _stop_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None


def _too_late(_result: object, seconds: float) -> NoReturn:
    raise UpstreamFailure(FailureKind.TIMEOUT, f"token endpoint: no answer within {seconds:g} seconds")


def _copy(failure: UpstreamFailure) -> UpstreamFailure:
    """Make the same failure anew: an exception that many raise would collect all their tracebacks."""
    return UpstreamFailure(
        failure.kind, failure.message, failure.status, failure.grpc, failure.reason, failure.retry_after, own=True
    )
