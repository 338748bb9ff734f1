"""What is known of the accounts, kept by the running daemon."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from agd.accounts.standing import Pause
from agd.accounts.verdict import judge
from agd.daemon import Daemon
from agd.errors import Cause, FailureKind, StoreError, UpstreamFailure
from agd.services import StateService
from agd.store.accounts import AccountStore
from agd.store.store import Place
from tests.store.stage import NoThreads
from tests.test_services import TWO, launch, told


class StateTests(SynchronousTestCase):
    """``StateService`` over a store without threads."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.clock = Clock()

    def daemon(self) -> Daemon:
        """Build a daemon whose store works at once, and open that."""
        daemon = Daemon.build(launch(TWO), MemoryReactorClock())
        daemon.store.place = Place(str(self.folder / "agd.db"), str(self.folder))
        threads: Any = NoThreads()
        daemon.store._threads = threads
        daemon.store.worker._in_thread = threads
        daemon.store.open()
        self.addCleanup(daemon.store.close)
        return daemon

    def service(self, daemon: Daemon, wall: float = 1e9) -> StateService:
        """Start its service."""
        service = StateService(daemon, self.clock, lambda: wall)
        service.startService()
        self.addCleanup(service.stopService)
        return service

    def conditions(self, daemon: Daemon) -> list[str]:
        """Tell how the accounts are."""
        return [view.condition for view in daemon.gateway.pool.overview(0.0)]

    def test_over_a_kill(self) -> None:
        """What was known a second ago is known to the next daemon; nothing was said at the end."""
        daemon = self.daemon()
        self.service(daemon)
        first, second = daemon.gateway.pool.accounts
        daemon.gateway.pool.pause(first.id, Pause.DISABLED, "holidays")
        failure = UpstreamFailure(FailureKind.STATUS, "slow down", 429, retry_after=600.0)
        daemon.gateway.pool.punish(second, "m", judge(failure, Cause.MINUTE_QUOTA, 1e9), failure, 0.0)
        self.clock.advance(1.0)
        self.successResultOf(daemon.store.close())
        again = self.daemon()
        self.service(again, 1e9 + 100)
        self.assertEqual(self.conditions(again), ["disabled", "limited"])
        [rest] = again.gateway.pool.overview(0.0)[1].rests
        self.assertEqual(rest.ends, 500.0)

    def test_unchanged(self) -> None:
        """Where nothing changes nothing is written."""
        daemon = self.daemon()
        self.service(daemon)
        saved: list[Any] = []
        self.patch(AccountStore, "save", lambda *given: saved.append(given))
        self.clock.pump([1.0] * 5)
        self.assertEqual(saved, [])

    def test_failing(self) -> None:
        """A store that cannot is told of once, and tried again every second until it can."""
        daemon = self.daemon()
        self.service(daemon)
        results: list[Deferred[None]] = [fail(StoreError("full")), fail(StoreError("full")), succeed(None)]
        wholes: list[bool] = []

        def keep_state(_: Daemon, __: float, *, whole: bool) -> Deferred[None]:
            wholes.append(whole or daemon.gateway.pool.unkept.take() is None)
            return results.pop(0)

        self.patch(Daemon, "keep_state", keep_state)
        daemon.gateway.pool.pause(daemon.gateway.pool.accounts[0].id, Pause.DRAINING)
        with capturedLogs() as events:
            self.clock.pump([1.0] * 5)
        self.assertEqual(told(list(events), LogLevel.warn), "what is known of the accounts is not kept for now: full")
        self.assertEqual((results, wholes), ([], [True] * 3))

    def test_part(self) -> None:
        """The first time in a day everybody is put down, then whoever has changed."""
        daemon = self.daemon()
        walls = [1e9]
        service = StateService(daemon, self.clock, lambda: walls[0])
        service.startService()
        self.addCleanup(service.stopService)
        saved: list[tuple[int, bool]] = []

        def save(_: AccountStore, snapshot: dict[str, Any], __: int, *, whole: bool) -> Deferred[None]:
            saved.append((len(snapshot["accounts"]), whole))
            return succeed(None)

        self.patch(AccountStore, "save", save)
        for wall in (1e9, 1e9 + 1, 1e9 + 86400):
            walls[0] = wall
            daemon.gateway.pool.pause(daemon.gateway.pool.accounts[0].id, Pause.DRAINING)
            self.clock.advance(1.0)
        self.assertEqual(saved, [(2, True), (1, False), (2, True)])

    def test_foreign(self) -> None:
        """A state of another version is left out, and said so."""
        daemon = self.daemon()
        daemon.store.accounts.found = {"version": 99, "accounts": {}, "purses": []}
        with capturedLogs() as events:
            self.service(daemon)
        self.assertIn("version 99", told(list(events), LogLevel.warn))
        self.assertEqual(self.conditions(daemon), ["ready", "ready"])
