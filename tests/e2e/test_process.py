"""The daemon as a process: how it starts, refuses to start, reloads, drains, ends, and what it writes about itself."""

from __future__ import annotations

import json
import shutil
import signal
import socket
from collections.abc import Sequence
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.e2e.connection import Connection
from tests.e2e.exchange import ask, chat, text_of
from tests.e2e.processes import Child, free_port, run, script, temporary_folder, until
from tests.e2e.stage import (
    CLEAN_END,
    DaemonProcess,
    SimulatorProcess,
    StagedTestCase,
    accounts_toml,
    await_health,
    strike_all,
)
from tests.private import write_private

CHAT = "/v1/chat/completions"
PROJECT = Path(__file__).parents[2]
TWISTD = ("twistd", "-n", "--pidfile=", "agd")


def begin_stream(port: int, text: str) -> Connection:
    """Begin a stream whose text holds "hello", and wait until it has come that far."""
    connection = Connection(port, CHAT, chat(text, stream=True))
    connection.read_until(b"hello")
    return connection


class ProcessTestCase(SynchronousTestCase):
    """Tests that start what they need themselves, and nothing beside it."""

    def setUp(self) -> None:
        """Have an empty home."""
        strike_all()
        self.folder = temporary_folder()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def start(self, command: Sequence[str], more: dict[str, str] | None = None) -> Child:
        """Start a command of the environment's, to be gone when the test is over."""
        child = Child.start([script(command[0]), *command[1:]], self.folder, more)
        self.addCleanup(child.discard)
        return child

    def start_daemon(self, configuration: str, options: Sequence[str] = ()) -> DaemonProcess:
        """Start a daemon with a configuration and wait until it answers."""
        daemon = DaemonProcess.start(configuration, options)
        self.addCleanup(daemon.child.discard)
        return daemon

    def start_simulator(self) -> SimulatorProcess:
        """Start a simulator."""
        simulator = SimulatorProcess.start(2)
        self.addCleanup(simulator.child.discard)
        return simulator

    def configure(self, text: str) -> Path:
        """Write a configuration into the home."""
        path = self.folder / "agd.toml"
        write_private(path, text)
        return path

    def run_to_end(self, *command: str) -> tuple[int, str]:
        """Run a command of the environment's and return its status and all that it wrote."""
        done = run([script(command[0]), *command[1:]], self.folder)
        self.assertNotIn("Traceback", done.stdout + done.stderr)
        return done.returncode, done.stdout + done.stderr


class RefusalTests(ProcessTestCase):
    """A daemon that does not start says why, in words."""

    def test_wrong_configuration(self) -> None:
        """A wrong value: status 1, and the file, the key's path, what was found and what is allowed."""
        path = self.configure('[proxy]\nport = "eighty"\nauth_mode = "maybe"\n[upsteam]\nidle_seconds = 3\n')
        for command in ((*TWISTD, "--config", str(path)), ("agd", "run", "--config", str(path))):
            status, output = self.run_to_end(*command)
            self.assertEqual(status, 1)
            self.assertIn(f'{path}: proxy.port: found "eighty" (a string); allowed: ', output)
            self.assertIn(f'{path}: proxy.auth_mode: found "maybe" (a string); allowed: ', output)
            for mode in ("off", "strict", "all_except_health", "auto"):
                self.assertIn(mode, output)
            self.assertIn('did you mean "upstream"?', output)

    def test_check_says_the_same(self) -> None:
        """``agd check`` finds the same without starting, and is content with a sound file."""
        path = self.configure("[proxy]\nport = 99999999\n")
        status, checked = self.run_to_end("agd", "check", str(path))
        self.assertEqual(status, 1)
        (problem,) = checked.strip().split("\n")
        self.assertIn(problem, self.run_to_end(*TWISTD, "--config", str(path))[1])
        path = self.configure('[[accounts]]\napi_key = "made-up-key"\n')
        status, checked = self.run_to_end("agd", "check", str(path))
        self.assertEqual(status, 0)
        self.assertNotIn("made-up-key", checked)

    def test_not_toml(self) -> None:
        """A file that is no TOML is refused with the line."""
        path = self.configure("[proxy]\nport 8045\n")
        status, output = self.run_to_end(*TWISTD, "--config", str(path))
        self.assertEqual(status, 1)
        self.assertIn(str(path), output)
        self.assertIn("line 2", output)

    def test_missing_file(self) -> None:
        """A file that is named must exist."""
        status, output = self.run_to_end(*TWISTD, "--config", "nowhere.toml")
        self.assertEqual(status, 1)
        self.assertIn("nowhere.toml", output)

    def test_mapping_loop(self) -> None:
        """A mapping that loops is refused."""
        path = self.configure('[proxy.custom_mapping]\n"a" = "b"\n"b" = "a"\n')
        status, output = self.run_to_end(*TWISTD, "--config", str(path))
        self.assertEqual(status, 1)
        self.assertIn('proxy.custom_mapping."a"', output)
        self.assertIn("loop", output)

    def test_auth_without_key(self) -> None:
        """LAN access does not come about without a key; a mode that is written down may rely on keys yet to be made."""
        path = self.configure("[proxy]\nallow_lan_access = true\n")
        status, output = self.run_to_end(*TWISTD, "--config", str(path))
        self.assertEqual(status, 1)
        self.assertIn("proxy.api_key: found nothing", output)

    def test_port_taken(self) -> None:
        """A port that is taken ends the start with a status that is not 0, naming the port."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            done = run([script(TWISTD[0]), *TWISTD[1:], "--port", str(port)], self.folder)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(str(port), done.stdout + done.stderr)
        self.assertIn("Address already in use", done.stdout + done.stderr)


class StartTests(ProcessTestCase):
    """The ways to start it, and what it says of itself."""

    def test_no_account(self) -> None:
        """Without an account it runs, never simulates, and says what to configure where one is needed."""
        daemon = self.start_daemon("")
        self.assertEqual(ask(daemon.port, "/healthz").json, {"status": "ok"})
        replies = [ask(daemon.port, "/readyz"), ask(daemon.port, CHAT, chat("hello"))]
        replies += [ask(daemon.port, CHAT, chat("hello", stream=True))]
        for reply in replies:
            self.assertEqual((reply.status, reply.error["type"]), (503, "server_error"))
            self.assertIn("[[accounts]]", reply.error["message"])
            self.assertIn("GEMINI_API_KEY", reply.error["message"])
        self.assertEqual(daemon.child.stop(), CLEAN_END)

    def test_key_of_the_environment(self) -> None:
        """``GEMINI_API_KEY`` alone is an account, and never shows in the log."""
        simulator = self.start_simulator()
        port = free_port()
        more = {"GEMINI_API_KEY": "sim-key-1", "AGD_BASE_URL": simulator.base_url}
        child = self.start([*TWISTD, "--port", str(port)], more)
        await_health(child, port)
        self.assertEqual(ask(port, CHAT, chat("hello")).status, 200)
        self.assertEqual(child.stop(), CLEAN_END)
        self.assertIn("from environment: 1 account(s)", child.output)
        self.assertNotIn("sim-key-1", child.output)

    def test_simulate(self) -> None:
        """``--simulate`` answers without an account, and the log says loudly that nothing in it is real."""
        daemon = self.start_daemon("", ["--simulate"])
        self.assertEqual(ask(daemon.port, "/readyz").status, 200)
        self.assertIn("hello", ask(daemon.port, CHAT, chat("hello")).json["choices"][0]["message"]["content"])
        self.assertTrue(ask(daemon.port, CHAT, chat("hello", stream=True)).is_done)
        self.assertEqual(daemon.child.stop(), CLEAN_END)
        (line,) = (line for line in daemon.child.output.split("\n") if "SIMULATED ANSWERS" in line)
        self.assertIn("warn", line)

    def test_tac(self) -> None:
        """``twistd -n -y agd.tac`` starts the same, configured by the environment and the usual files."""
        folder = self.folder / ".config" / "agd"
        folder.mkdir(parents=True)
        port = free_port()
        (folder / "agd.toml").write_text(f"[proxy]\nport = {port}\n", "utf-8")
        child = self.start(["twistd", "-n", "--pidfile=", "-y", str(PROJECT / "agd.tac")])
        await_health(child, port)
        self.assertEqual(child.stop(), CLEAN_END)
        self.assertIn(f"from {folder / 'agd.toml'}", child.output)

    def test_tac_refuses(self) -> None:
        """A wrong configuration is told in words there as well."""
        (self.folder / ".config" / "agd").mkdir(parents=True)
        (self.folder / ".config" / "agd" / "agd.toml").write_text("[proxy]\nport = -1\n", "utf-8")
        status, output = self.run_to_end("twistd", "-n", "--pidfile=", "-y", str(PROJECT / "agd.tac"))
        self.assertEqual(status, 1)
        self.assertIn("proxy.port", output)

    def test_run(self) -> None:
        """``agd run`` is ``twistd -n agd``."""
        port = free_port()
        child = self.start(["agd", "run", "--port", str(port)])
        await_health(child, port)
        self.assertEqual(child.stop(), CLEAN_END)

    def test_unix_socket(self) -> None:
        """``--listen`` takes Twisted's endpoint descriptions, several of them."""
        port = free_port()
        path = self.folder / "agd.sock"
        listen = ["--listen", f"unix:{path}", "--listen", f"tcp:{port}:interface=127.0.0.1"]
        child = self.start([*TWISTD, *listen, "--simulate"])
        await_health(child, port)
        curl = [script("curl"), "-s", "--unix-socket", str(path), "http://localhost/v1/models"]
        self.assertEqual(json.loads(run(curl, self.folder).stdout)["object"], "list")
        self.assertEqual(ask(port, "/v1/models").status, 200)
        self.assertEqual(child.stop(), CLEAN_END)
        self.assertFalse(path.exists())


class EndTests(ProcessTestCase):
    """SIGTERM, and what it means to those who are being served; and what was written until then."""

    def setUp(self) -> None:
        """Start a simulator and a daemon with a client key."""
        super().setUp()
        self.simulator = self.start_simulator()
        accounts = accounts_toml(self.simulator, "example.com")
        self.daemon = self.start_daemon('[proxy]\napi_key = "sk-e2e-made-up"\n' + accounts)

    def test_drain(self) -> None:
        """SIGTERM: a stream that runs is sent to its ``[DONE]``, nobody new is let in, then the process ends."""
        running = self.enterContext(begin_stream(self.daemon.port, "hello [[words=100 pause=0.02]]"))
        self.daemon.child.signal(signal.SIGTERM)

        def closed() -> bool | None:
            try:
                ask(self.daemon.port, "/healthz")
            except ConnectionError:
                return True
            return None

        until("the listener to be closed", closed, seconds=2)
        self.assertNotIn(b"[DONE]", running.received)
        self.assertTrue(running.read_all().endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n"), running.received[-100:])
        self.assertEqual(self.daemon.child.wait(), CLEAN_END)
        self.assertEqual(self.simulator.record["aborted"], 0)

    def test_idle_connection_is_closed(self) -> None:
        """A kept connection that does nothing does not hold up the end."""
        with socket.create_connection(("127.0.0.1", self.daemon.port), 10) as idle:
            idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            idle.recv(4096)
            self.daemon.child.signal(signal.SIGTERM)
            self.assertEqual(idle.recv(4096), b"")
        self.assertEqual(self.daemon.child.wait(5), CLEAN_END)

    def test_secrets_stay_out_of_the_log(self) -> None:
        """Neither the accounts' keys nor a client's are written, whatever happens; nor what was said."""
        words = "Consumer 'api_key:AIzaMadeUpForThisTest' has been suspended."
        self.simulator.fault("sim-key-1", [{"kind": "status", "status": 403, "message": words}])
        key = {"Authorization": "Bearer sk-e2e-made-up", "x-api-key": "sk-e2e-another"}
        for path in (CHAT, "/v1/nowhere", f"{CHAT}?key=sk-e2e-in-query"):
            ask(self.daemon.port, path, chat("a private matter"), key)
        text = text_of(ask(self.daemon.port, CHAT, chat("a private matter", stream=True), key).events)
        self.assertIn("a private matter", text)
        self.assertEqual(self.daemon.child.stop(), CLEAN_END)
        output = self.daemon.child.output
        self.assertIn(f"POST {CHAT} 200", output)
        self.assertIn("has been suspended", output)
        for secret in (
            *self.simulator.keys,
            "sk-e2e-made-up",
            "sk-e2e-another",
            "sk-e2e-in-query",
            "MadeUpForThisTest",
        ):
            self.assertNotIn(secret, output)
        self.assertNotIn("private matter", output)


class ReloadTests(StagedTestCase):
    """SIGHUP."""

    def setUp(self) -> None:
        """Leave a sound configuration to the next test."""
        super().setUp()
        self.addCleanup(self.stage.recast)

    def test_reload(self) -> None:
        """SIGHUP: new settings hold from the next request on, and a stream that runs goes on."""
        running = self.enterContext(begin_stream(self.port, "hello [[words=60 pause=0.02]]"))
        accounts = accounts_toml(self.simulator, "after.example.com")
        mapping = '[proxy.custom_mapping]\n"mine" = "gemini-2.5-pro"\n'
        self.assertEqual(ask(self.port, CHAT, chat("hello", model="mine")).status, 404)
        self.stage.daemon.reload(mapping + accounts)
        reply = ask(self.port, CHAT, chat("hello", model="mine"))
        self.assertEqual((reply.status, reply.headers["x-mapped-model"]), (200, "gemini-2.5-pro"))
        self.assertIn("@after.example.com", reply.headers["x-account-email"])
        self.assertIn(b"data: [DONE]", running.read_all())

    def test_wrong_reload(self) -> None:
        """SIGHUP with a wrong file changes nothing, and says so."""
        (self.stage.daemon.child.folder / "agd.toml").write_text("[retry]\nmax_attempts = 0\n", "utf-8")
        self.stage.daemon.child.signal(signal.SIGHUP)
        until("the refusal", lambda: "configuration not reloaded" in self.stage.daemon.child.output or None)
        self.assertIn("retry.max_attempts", self.stage.daemon.child.output)
        self.assertEqual(ask(self.port, CHAT, chat("hello")).status, 200)

    def test_reload_gives_another_chance(self) -> None:
        """An account that was disabled is asked again after a reload."""
        for key in self.simulator.keys:
            self.simulator.fault(key, [{"kind": "status", "status": 401}])
        self.assertEqual(ask(self.port, CHAT, chat("hello")).status, 503)
        self.assertEqual(ask(self.port, "/readyz").status, 503)
        self.stage.daemon.reload((self.stage.daemon.child.folder / "agd.toml").read_text("utf-8"))
        self.assertEqual(ask(self.port, "/readyz").status, 200)
        self.assertEqual(ask(self.port, CHAT, chat("hello")).status, 200)
