"""``twistd agd``: options, the service they make, and how a start fails."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

from twisted.application.service import IService, MultiService
from twisted.internet.error import CannotListenError
from twisted.python.usage import UsageError
from twisted.trial.unittest import SynchronousTestCase, TestCase

from agd import __version__
from agd.reloading import ReloadService
from agd.services import CatalogueService, DrainService
from agd.tap import Listener, Options, application, makeService
from tests.private import write_private

PROJECT = Path(__file__).parents[1]
ACCOUNT = '[[accounts]]\napi_key = "made-up"\n'


class TapTestCase(SynchronousTestCase):
    """An empty home."""

    def setUp(self) -> None:
        """Leave nothing of the environment but the search path."""
        home = patch.dict(
            os.environ, {"PATH": os.environ.get("PATH", ""), "HOME": os.path.abspath(self.mktemp())}, clear=True
        )
        home.start()
        self.addCleanup(home.stop)

    def file(self, text: str) -> str:
        """Write a configuration and return its path."""
        path = Path(self.mktemp())
        write_private(path, text)
        return str(path)

    def options(self, *arguments: str) -> Options:
        """Parse a command line."""
        options = Options()
        options.parseOptions(list(arguments))
        return options

    def wrong(self, *arguments: str) -> str:
        """Parse a wrong command line, and return what is said."""
        return str(self.assertRaises(UsageError, self.options, *arguments))


class OptionsTests(TapTestCase):
    """Right command lines."""

    def test_none(self) -> None:
        """Without any option the defaults hold."""
        launch = self.options().launch
        self.assertEqual((launch.source, launch.settings.proxy.port), ("environment", 8045))
        self.assertIn("interface=127.0.0.1", launch.listeners[0])

    def test_port(self) -> None:
        """--port overrides the environment, which overrides the file."""
        path = self.file("[proxy]\nport = 9001\n")
        self.assertEqual(self.options("--config", path).launch.settings.proxy.port, 9001)
        os.environ["AGD_PORT"] = "9002"
        self.assertEqual(self.options("--config", path).launch.settings.proxy.port, 9002)
        self.assertEqual(self.options("-c", path, "-p", "9003").launch.settings.proxy.port, 9003)

    def test_limits(self) -> None:
        """Ports from 0 to 65535 are right."""
        for port in ("0", "1", "65535"):
            self.assertEqual(self.options("--port", port).launch.settings.proxy.port, int(port))

    def test_listen(self) -> None:
        """--listen names endpoints, as many as are wanted, in place of the usual ones."""
        endpoints = ("tcp:8045:interface=127.0.0.1", "unix:agd.sock")
        options = self.options("--listen", endpoints[0], "-l", endpoints[1])
        self.assertEqual(options.launch.listeners, endpoints)

    def test_independent(self) -> None:
        """Two command lines do not share their listeners."""
        self.options("--listen", "tcp:1:interface=127.0.0.1")
        self.assertEqual(len(self.options("--listen", "tcp:2:interface=127.0.0.1").launch.listeners), 1)

    def test_environment(self) -> None:
        """GEMINI_API_KEY is an account, and $AGD_CONFIG a configuration."""
        os.environ["GEMINI_API_KEY"] = "made-up"
        self.assertEqual(len(self.options().launch.settings.accounts), 1)
        os.environ["AGD_CONFIG"] = path = self.file(ACCOUNT + ACCOUNT)
        launch = self.options().launch
        self.assertEqual((launch.source, len(launch.settings.accounts)), (path, 2))

    def test_reads_again(self) -> None:
        """What is prepared later is what the file says then, under the same options."""
        path = self.file(ACCOUNT)
        options = self.options("--config", path, "--port", "9003")
        Path(path).write_text("[proxy]\nport = 1\nmax_body_bytes = 7\n")
        proxy = options.prepare().settings.proxy
        self.assertEqual((proxy.port, proxy.max_body_bytes), (9003, 7))

    def test_version(self) -> None:
        """--version tells agd's version, not Twisted's."""
        out = StringIO()
        with redirect_stdout(out):
            self.assertEqual(self.assertRaises(SystemExit, self.options, "--version").code, 0)
        self.assertEqual(out.getvalue(), f"agd {__version__}\n")


class WrongOptionsTests(TapTestCase):
    """Wrong ones: a usage error that says where, what was found and what is allowed."""

    def test_port(self) -> None:
        """A port out of range or no number names the option, what it held, and the range."""
        for port in ("65536", "-1", "abc", "", "80.5"):
            said = self.wrong("--port", port)
            self.assertIn("--port: found", said)
            self.assertIn(port, said)
            self.assertIn("from 0 to 65535", said)

    def test_port_and_listen(self) -> None:
        """--port and --listen exclude each other."""
        said = self.wrong("--port", "1", "--listen", "tcp:1")
        self.assertIn("--port and --listen exclude each other", said)

    def test_listen(self) -> None:
        """What is no endpoint is quoted, with examples of what is."""
        for description in ("", "tcp", "tcp:abc", "tcp:1:colour=red", "carrier-pigeon:1", "ssl:1:privateKey=/nowhere"):
            said = self.wrong("--listen", description)
            self.assertIn(f"--listen: found {description!r}", said)
            self.assertIn("tcp:8045:interface=127.0.0.1", said)

    def test_no_file(self) -> None:
        """A configuration that is named and missing is named again."""
        said = self.wrong("--config", "/nowhere/agd.toml")
        self.assertEqual(said, "/nowhere/agd.toml: --config: found no such file; allowed: the path of a TOML file")

    def test_bad_toml(self) -> None:
        """A file that is no TOML is told with its line."""
        path = self.file("[proxy\n")
        said = self.wrong("--config", path)
        self.assertTrue(said.startswith(f"{path}: line 1"), said)
        self.assertIn("TOML", said)

    def test_every_problem(self) -> None:
        """Everything wrong is told at once, each on a line with file, key path, what was found, what is allowed."""
        path = self.file('[proxy]\nport = "x"\nprot = 1\n[retry]\nmax_attempts = 0\n')
        lines = self.wrong("--config", path).splitlines()
        self.assertEqual(len(lines), 3)
        for key in ("proxy.port", "proxy.prot", "retry.max_attempts"):
            [line] = [line for line in lines if line.startswith(f"{path}: {key}: found ")]
            self.assertIn("; allowed: ", line)

    def test_no_key(self) -> None:
        """An effective mode other than off without a key does not start, whether by setting or by listener."""
        self.assertIn("proxy.api_key", self.wrong("--config", self.file("[proxy]\nallow_lan_access = true\n")))
        self.assertIn("proxy.api_key", self.wrong("--listen", "tcp:8045"))

    def test_keys_of_the_store(self) -> None:
        """A mode that is written down may rely on keys that are yet to be made; that nobody else is let in is told."""
        launch = self.options("--config", self.file('[proxy]\nauth_mode = "strict"\n')).launch
        self.assertTrue(any("agd keys create" in warning for warning in launch.warnings))

    def test_mapping(self) -> None:
        """A map that loops or names nothing does not start."""
        said = self.wrong("--config", self.file('[proxy.custom_mapping]\na = "b"\nb = "a"\nc = "no-such-model"\n'))
        self.assertIn("a loop", said)
        self.assertIn('"no-such-model"', said)

    def test_secrets(self) -> None:
        """No message repeats a secret."""
        path = self.file('[proxy]\napi_key = 12345\n[[accounts]]\napi_key = ["made-up-secret"]\n')
        said = self.wrong("--config", path)
        self.assertNotIn("12345", said)
        self.assertNotIn("made-up-secret", said)

    def test_unknown(self) -> None:
        """An unknown option is wrong usage, not a traceback."""
        self.assertIn("fly", self.wrong("--fly"))


class _Taken:
    """A port that somebody else has."""

    def privilegedStartService(self) -> None:
        raise CannotListenError("127.0.0.1", 8045, OSError("in use"))


class ServiceTests(TapTestCase):
    """``makeService``."""

    def children(self, *arguments: str) -> dict[str, Any]:
        """Make the service, and give its parts by name or type."""
        root: Any = makeService(self.options(*arguments))
        self.assertIsInstance(root, MultiService)
        self.assertTrue(IService.providedBy(root))
        self.assertEqual(root.name, "agd")
        return {part.name or f"listener {number}": part for number, part in enumerate(root.services)}

    def test_parts(self) -> None:
        """Drain, reload, catalogue and one listener for each endpoint; no simulation unless told."""
        parts = self.children("--listen", "tcp:0:interface=127.0.0.1", "--listen", "unix:agd.sock")
        self.assertIsInstance(parts["drain"], DrainService)
        self.assertIsInstance(parts["reload"], ReloadService)
        self.assertIsInstance(parts["catalogue"], CatalogueService)
        self.assertEqual(len([part for part in parts.values() if isinstance(part, Listener)]), 2)
        self.assertNotIn("simulation", parts)

    def test_simulate(self) -> None:
        """--simulate adds the simulation, before what asks the accounts for their models."""
        names = list(self.children("--simulate"))
        self.assertLess(names.index("simulation"), names.index("catalogue"))

    def test_listeners_raise(self) -> None:
        """A listener that cannot listen says so at the start: the daemon must not run deaf."""
        parts = self.children("--port", "0")
        [listener] = [part for part in parts.values() if isinstance(part, Listener)]
        listener._port = _Taken()
        end = self.assertRaises(SystemExit, listener.privilegedStartService)
        self.assertEqual(end.code, "agd cannot listen on tcp:port=0:backlog=1024:interface=127.0.0.1: in use")

    def test_application(self) -> None:
        """The .tac's application holds the same service."""
        os.environ["GEMINI_API_KEY"] = "made-up"
        root: Any = IService(application())
        self.assertEqual([part.name for part in root.services], ["agd"])

    def test_wrong_application(self) -> None:
        """Wrong settings end it with the reason alone."""
        os.environ["AGD_PORT"] = "x"
        end = self.assertRaises(SystemExit, application)
        self.assertEqual(
            end.code, 'environment: env:AGD_PORT: found "x" (a string); allowed: a whole number from 0 to 65535'
        )


class SimulationTests(TestCase):
    """``--simulate`` in this process, over loopback."""

    async def test_reload(self) -> None:
        """A simulating daemon goes on simulating after a reload: no real account is ever asked."""
        self.addCleanup(signal.signal, signal.SIGHUP, signal.getsignal(signal.SIGHUP))
        path = Path(self.mktemp())
        write_private(path, ACCOUNT)
        home = patch.dict(os.environ, {"XDG_STATE_HOME": tempfile.mkdtemp(prefix="agd-")})
        home.start()
        self.addCleanup(home.stop)
        self.addCleanup(shutil.rmtree, os.environ["XDG_STATE_HOME"])
        options = Options()
        options.parseOptions(["--config", str(path), "--simulate", "--listen", "tcp:0:interface=127.0.0.1"])
        root: Any = makeService(options)
        root.startService()
        try:
            reload = root.getServiceNamed("reload")
            before = [account.email for account in reload._daemon.gateway.pool.accounts]
            reload.reload()
            after = [account.email for account in reload._daemon.gateway.pool.accounts]
            self.assertEqual(before, ["simulated-1@example.com", "simulated-2@example.com"])
            self.assertEqual(after, before)
        finally:
            await root.stopService()


class ProcessTests(TapTestCase):
    """``twistd`` itself."""

    def twistd(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run twistd until it ends by itself."""
        command = [sys.executable, "-c", "from twisted.scripts.twistd import run; run()", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(PROJECT), "HOME": os.path.abspath(self.mktemp())}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)

    def test_wrong_configuration(self) -> None:
        """A wrong configuration ends it with status 1 and a reason, without a traceback."""
        path = self.file('[proxy]\nport = "x"\n')
        ended = self.twistd("-n", "--pidfile=", "agd", "--config", path)
        said = ended.stdout + ended.stderr
        self.assertEqual(ended.returncode, 1)
        self.assertIn(f'{path}: proxy.port: found "x" (a string); allowed: a whole number from 0 to 65535', said)
        self.assertNotIn("Traceback", said)

    def test_wrong_settings_of_a_tac(self) -> None:
        """The same holds for the .tac."""
        os.environ["AGD_PORT"] = "x"
        ended = self.twistd("-n", "--pidfile=", "-y", str(PROJECT / "agd.tac"))
        self.assertEqual(ended.returncode, 1)
        self.assertIn("env:AGD_PORT", ended.stdout + ended.stderr)
        self.assertNotIn("Traceback", ended.stdout + ended.stderr)

    def test_port_in_use(self) -> None:
        """A port that is taken ends it with status 1 and one sentence that names the port."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            ended = self.twistd("-n", "--pidfile=", "agd", "--port", str(port))
        self.assertEqual(ended.returncode, 1)
        self.assertIn(f"agd cannot listen on tcp:port={port}:", ended.stdout + ended.stderr)
        self.assertNotIn("Traceback", ended.stdout + ended.stderr)
