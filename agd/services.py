"""What lives beside the listeners: draining, the store, the state of the accounts, fresh lists of models."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping
from typing import Any

from twisted.application.internet import TimerService
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, gatherResults, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from agd.accounts.account import Account
from agd.accounts.verdict import Blame, judge
from agd.daemon import Daemon
from agd.errors import StoreError, UpstreamFailure
from agd.store.accounts import DAY

_log = Logger("agd")

_ENDINGS = (signal.SIGTERM, signal.SIGINT)

KEEP_SECONDS = 1.0
"""How much of what is known of the accounts a killed daemon loses at most."""
REFRESH_SECONDS = 3600.0
CLOSE_SECONDS = 1.0
"""How long closing idle upstream connections may take; a dead peer must not hold up the shutdown."""


class DrainService(Service):
    """Lets running requests end when the process is told to stop; told so once more, it cuts them short.

    What they need while they end is closed behind them: the store, and the connections to the upstreams.
    """

    name = "drain"

    def __init__(self, daemon: Daemon, reactor: Any, grace: Callable[[], float], *, keeps: bool = True) -> None:
        self._daemon = daemon
        self._reactor = reactor
        self._grace = grace
        self._keeps = keeps

    def stopService(self) -> Deferred[None]:
        """Fire when the last client connection is closed and the upstream ones are let go."""
        super().stopService()
        grace = self._grace()
        drained = gatherResults(
            [self._daemon.site.drain(grace), self._daemon.finish_background(grace, self._reactor)], consumeErrors=True
        )
        # The reactor's own handlers would stop it a second time, which it takes for a mistake.
        handlers = {number: signal.signal(number, self._told_again) for number in _ENDINGS}
        drained.addBoth(self._close_store).addCallback(lambda _: self._close_upstreams())
        return drained.addBoth(_restore, handlers)

    def _told_again(self, *_: object) -> None:
        """Arrives between two byte codes, so the work is left to the reactor."""
        self._reactor.callFromThread(self._hurry)

    def _hurry(self) -> None:
        _log.info("told again to stop: what still runs is ended now")
        self._daemon.cut_short()

    def _close_store(self, result: Any) -> Deferred[Any]:
        """Keep what the last requests have taught, then close."""
        if self._keeps:
            self._daemon.keep_state(time.time()).addErrback(_trap_store_error)
        return self._daemon.close_store().addCallback(lambda _: result)

    def _close_upstreams(self) -> Deferred[None]:
        closed: Deferred[None] = self._daemon.close_upstreams()
        return closed.addTimeout(CLOSE_SECONDS, self._reactor, onTimeoutCancel=lambda *_: None)


class StoreService(Service):
    """Opens the store. It is closed by the drain, which is the last that needs it."""

    name = "store"

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def startService(self) -> None:
        """Open it. Raises ``SystemExit`` with a sentence for one that cannot be had: nothing is lost in silence."""
        super().startService()
        try:
            self._daemon.open_store()
        except StoreError as error:
            raise SystemExit(f"agd cannot open its store: {error}") from None


class MetricsService(Service):
    """Counts from the start where somebody wants metrics, and measures until the end."""

    name = "metrics"

    def __init__(self, daemon: Daemon, *, wanted: bool) -> None:
        self._daemon = daemon
        self._wanted = wanted

    def startService(self) -> None:
        """Begin."""
        super().startService()
        if self._wanted:
            self._daemon.telemetry.metrics()

    def stopService(self) -> None:
        """End."""
        super().stopService()
        self._daemon.telemetry.stop()


class StateService(TimerService):
    """Keeps what is known of the accounts: taken up at the start, what has changed is put down once a second."""

    name = "state"

    def __init__(self, daemon: Daemon, clock: Any, now: Callable[[], float] = time.time) -> None:
        TimerService.__init__(self, KEEP_SECONDS, self.keep)
        self.clock = clock
        self._daemon = daemon
        self._now = now
        self._day: float | None = None
        self._complained = False

    def startService(self) -> None:
        """Take up what the last daemon left, then begin to keep. The store is open by now."""
        self._take_up()
        self._daemon.gateway.pool.unkept.take()
        super().startService()

    def keep(self) -> Deferred[Any]:
        """Put down what has changed; what cannot be put down is told, and tried again a second later."""
        return self.put_down().addCallbacks(self._well, self._ill)

    def put_down(self) -> Deferred[Any]:
        """Put down what has changed, if anything has; fires when it is on disk, fails with ``StoreError``.

        Once a day, and after what could not be put down, that is everything.
        """
        if not self._daemon.gateway.pool.unkept:
            return succeed(None)
        now = self._now()
        whole, self._day = self._day != now // DAY, now // DAY
        return self._daemon.keep_state(now, whole=whole).addErrback(self._not_put_down)

    def _take_up(self) -> None:
        try:
            self._daemon.take_up_state(self._now())
        except ValueError as error:
            _log.warn("what was known of the accounts is forgotten: {error}", error=error)

    def _well(self, _: None) -> None:
        self._complained = False

    def _not_put_down(self, failure: Failure) -> Failure:
        self._daemon.gateway.pool.unkept.note_everybody()
        return failure

    def _ill(self, failure: Failure) -> None:
        """Tell once, not each time."""
        failure.trap(StoreError)
        if not self._complained:
            _log.warn("what is known of the accounts is not kept for now: {error}", error=failure.value)
        self._complained = True


class CatalogueService(TimerService):
    """Asks every account for its models, at the start and every hour; never while a request waits for it."""

    name = "catalogue"

    def __init__(self, daemon: Daemon, clock: Any) -> None:
        TimerService.__init__(self, REFRESH_SECONDS, self.refresh)
        self.clock = clock
        self._daemon = daemon
        self._running: set[Deferred[Any]] = set()

    def refresh(self) -> Deferred[Any]:
        """Ask all accounts at once; fires when each has answered or failed."""
        accounts = self._daemon.gateway.pool.accounts
        asked = gatherResults(
            [Deferred.fromCoroutine(self._learn(account)).addErrback(_log_mistake) for account in accounts]
        )
        self._running.add(asked)
        return asked.addBoth(self._forget, asked)

    def stopService(self) -> Deferred[Any]:
        """Give up what is being asked, then stop."""
        for asked in list(self._running):
            asked.cancel()
        stopped: Deferred[Any] = TimerService.stopService(self)
        return stopped

    def _forget(self, result: Any, asked: Deferred[Any]) -> Any:
        self._running.discard(asked)
        return result

    async def _learn(self, account: Account) -> None:
        gateway = self._daemon.gateway
        try:
            names = await gateway.upstream.models(account)
        except CancelledError:
            return
        except UpstreamFailure as failure:
            self._judge(account, failure)
            return
        # A reload may have taken the account away while it was asked.
        if any(account.id == kept.id for kept in gateway.pool.accounts):
            gateway.catalogue.learn(account.id, names, int(time.time()))

    def _judge(self, account: Account, failure: UpstreamFailure) -> None:
        """A refused key is known before the first request needs it; anything else is only told."""
        from agd.gemini.causes import cause_of  # noqa: PLC0415 - with the first failure: idle memory is counted

        verdict = judge(failure, cause_of(failure), time.time())
        if verdict.blame is Blame.DISABLE:
            gateway = self._daemon.gateway
            gateway.pool.punish(account, "", verdict, failure, gateway.clock.seconds())
            gateway.observer.punished(account, "", failure, verdict)
        else:
            who = account.email or account.id
            _log.warn("no list of models from {who}: {failure}", who=who, failure=str(failure))


def _restore(result: Any, handlers: Mapping[signal.Signals, Any]) -> Any:
    for number, handler in handlers.items():
        if handler is not None:  # one that was not installed from Python cannot be put back
            signal.signal(number, handler)
    return result


def _trap_store_error(failure: Failure) -> None:
    """The store was never opened, or failed before and said so."""
    failure.trap(StoreError)


def _log_mistake(failure: Failure) -> None:
    """Tell of a mistake of agd's; it must neither stop the hourly question nor spoil the other accounts' answers."""
    _log.failure("learning the models of an account failed", failure=failure)
