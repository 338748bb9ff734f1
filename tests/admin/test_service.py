"""Where the admin socket is, and in whose place."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase, TestCase

from agd.admin import Part, Route
from agd.admin.service import AdminService
from agd.cli.socket import Daemon, NoDaemon, Refused


class Greeter:
    """Says hello."""

    def routes(self) -> Iterable[Route]:
        """One."""
        yield Route("GET", "/hello", lambda question: {"hello": question.text("name")})


def parts() -> Iterable[Part]:
    """Offer one thing."""
    return [Greeter()]


def folder_for(case: SynchronousTestCase) -> Path:
    """Make a folder with a short name: paths of sockets are."""
    folder = Path(tempfile.mkdtemp(prefix="agd-"))
    case.addCleanup(shutil.rmtree, folder)
    return folder


class PlaceTests(SynchronousTestCase):
    """What stands there already."""

    def setUp(self) -> None:
        self.path = folder_for(self) / "state" / "admin.sock"
        self.service = AdminService(str(self.path), parts, MemoryReactorClock())

    def leave(self) -> socket.socket:
        """Bind a socket at the path."""
        self.path.parent.mkdir()
        left = socket.socket(socket.AF_UNIX)
        self.addCleanup(left.close)
        left.bind(str(self.path))
        return left

    def refusal(self) -> str:
        """Start, which must end in a sentence."""
        return str(self.assertRaises(SystemExit, self.service.startService))

    def test_stale(self) -> None:
        """A socket of a dead daemon is taken away."""
        self.leave().close()
        self.service.startService()
        self.assertFalse(self.path.exists())

    def test_living(self) -> None:
        """A socket that somebody listens on stays, and agd says so."""
        self.leave().listen()
        self.assertIn("another agd does", self.refusal())
        self.assertTrue(self.path.exists())

    def test_second_daemon(self) -> None:
        """Whoever starts while another daemon has the place is turned away."""
        self.service.startService()
        self.service = AdminService(str(self.path), parts, MemoryReactorClock())
        self.assertIn("another agd does", self.refusal())

    def test_file(self) -> None:
        """A file that is no socket is left alone."""
        self.path.parent.mkdir()
        self.path.write_text("precious")
        self.assertIn("a file is there", self.refusal())
        self.assertEqual(self.path.read_text(), "precious")


class SocketTests(TestCase):
    """The real thing, asked as the command asks."""

    async def test_asked(self) -> None:
        """Only its user can reach it; it answers, refuses in words, and is gone with the service."""
        from twisted.internet import reactor

        path = folder_for(self) / "admin.sock"
        service = AdminService(str(path), parts, reactor)
        service.startService()
        self.addCleanup(service.stopService)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        daemon = Daemon(str(path))
        asked: Deferred[object] = deferToThread(daemon.get, "/hello", name="Ann")
        self.assertEqual(await asked, {"hello": "Ann"})
        refused = await self.assertFailure(deferToThread(daemon.get, "/hello"), Refused)
        self.assertEqual((str(refused), refused.details["param"]), ("name is missing", "name"))
        await service.stopService()
        self.assertFalse(path.exists())
        gone = await self.assertFailure(deferToThread(daemon.get, "/hello"), NoDaemon)
        self.assertIn("is agd running", str(gone))

    async def test_removed(self) -> None:
        """Who removes the socket, or all of its folder, does not trouble the end of the service."""
        from twisted.internet import reactor

        for gone in ("folder/admin.sock", "folder"):
            path = folder_for(self) / "folder" / "admin.sock"
            service = AdminService(str(path), parts, reactor)
            service.startService()
            removed = path.parent.parent / gone
            shutil.rmtree(removed) if removed.is_dir() else removed.unlink()
            await service.stopService()
            self.assertFalse(path.exists())
