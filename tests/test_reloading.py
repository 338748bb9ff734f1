"""Looking at the files of the configuration."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from agd.daemon import Daemon
from agd.launch import prepare
from agd.reloading import LOOK_SECONDS, Look, ReloadService, WatchService, look_at
from tests.private import write_private

ACCOUNT = 'email = "{0}@example.com"\napi_key = "made-up-{0}"\n'


class WatchTests(SynchronousTestCase):
    """``WatchService`` over real files and a clock that a test moves."""

    def setUp(self) -> None:
        self.home = Path(self.mktemp()).absolute()
        self.folder = self.home / ".local" / "state" / "agd" / "accounts.d"
        self.folder.mkdir(parents=True)
        self.main = self.home / "agd.toml"
        write_private(self.main, "[[accounts]]\n" + ACCOUNT.format("main"))
        self.prepared = 0
        first = self.prepare()
        self.daemon = Daemon.build(first, MemoryReactorClock())
        self.reload = ReloadService(self.daemon, Clock(), first, self.prepare, lambda: None)
        self.clock = Clock()
        self.watch = WatchService(self.reload, self.clock)
        self.prepared = 0
        self.watch.startService()
        self.addCleanup(self.watch.stopService)

    def prepare(self) -> Any:
        """Read the configuration."""
        self.prepared += 1
        return prepare(str(self.main), environ={"HOME": str(self.home)})

    def wait(self, looks: int = 3) -> list[str]:
        """Let some looks pass; return what was logged beyond information."""
        with capturedLogs() as events:
            for _ in range(looks):
                self.clock.advance(LOOK_SECONDS)
        return [str(formatEvent(each)) for each in events if each["log_level"] is not LogLevel.info]

    @property
    def emails(self) -> list[str]:
        """Who is in the pool."""
        return [account.email.partition("@")[0] for account in self.daemon.gateway.pool.accounts]

    def test_quiet(self) -> None:
        """Where nothing changes nothing is read."""
        self.wait(10)
        self.assertEqual(self.prepared, 0)

    def test_added_changed_removed(self) -> None:
        """An account's file that comes, changes or goes is taken each time, by one reading."""
        file = self.folder / "two.toml"
        write_private(file, ACCOUNT.format("two"))
        self.wait()
        self.assertEqual((self.emails, self.prepared), (["main", "two"], 1))
        write_private(file, ACCOUNT.format("three"))
        self.wait()
        self.assertEqual((self.emails, self.prepared), (["main", "three"], 2))
        file.unlink()
        self.wait()
        self.assertEqual((self.emails, self.prepared), (["main"], 3))

    def test_secret(self) -> None:
        """A key's file that is replaced is read again."""
        write_private(self.home / "a.key", "made-up-1")
        write_private(self.main, '[[accounts]]\napi_key = "file:a.key"\n')
        self.wait()
        write_private(self.home / "a.key", "made-up-22")
        self.wait()
        [account] = self.daemon.gateway.pool.accounts
        self.assertEqual(account.credential.secrets, ("made-up-22",))

    def test_wrong(self) -> None:
        """What is wrong is told once, and changes nothing until it is right."""
        write_private(self.folder / "two.toml", "api_key = ")
        told = self.wait(6)
        self.assertEqual((len(told), self.prepared, self.emails), (1, 1, ["main"]))
        self.assertIn("two.toml", told[0])
        write_private(self.folder / "two.toml", ACCOUNT.format("two"))
        self.assertEqual(self.wait(), [])
        self.assertEqual(self.emails, ["main", "two"])

    def test_missing_then_there(self) -> None:
        """A key's file that was missing is waited for."""
        write_private(self.folder / "two.toml", 'email = "two@example.com"\napi_key = "file:two.key"\n')
        self.assertEqual(len(self.wait()), 1)
        write_private(self.folder / "two.key", "made-up-2")
        self.wait()
        self.assertEqual(self.emails, ["main", "two"])

    def test_told_already(self) -> None:
        """What was read on a signal, or for a command, is not read a second time."""
        write_private(self.folder / "two.toml", ACCOUNT.format("two"))
        self.reload.reload()
        self.wait()
        self.assertEqual((self.emails, self.prepared), (["main", "two"], 1))

    def test_settles(self) -> None:
        """What still changes from look to look is not read."""
        moving = iter(range(100))

        def restless(paths: Iterable[str]) -> Look:
            return tuple((path, next(moving), 0, 0) for path in paths)

        watch = WatchService(self.reload, self.clock, restless)
        for _ in range(5):
            watch.look()
        self.assertEqual(self.prepared, 0)

    def test_look(self) -> None:
        """A file that is not there looks like nothing."""
        self.assertEqual(look_at(["/nowhere/at/all"]), (("/nowhere/at/all", 0, 0, 0),))
