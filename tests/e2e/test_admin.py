"""``agd accounts`` and its like against a real daemon: the whole life of an account, over a kill."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.accounts.keys import service_account_json
from tests.e2e.exchange import ask, ask_socket, chat
from tests.e2e.processes import START_SECONDS, environment, script, until
from tests.e2e.stage import DaemonProcess, SimulatorProcess
from tests.private import write_private

CHAT = "/v1/chat/completions"
ONE, TWO = "one@example.com", "two@example.com"
CLIENT_KEY, REFRESH, CLIENT_SECRET, PASSWORD = "made-up-client", "1//made-up-refresh", "made-up/secret", "made-up-pass"

SOCKET_PAGES = ("/metrics", "/accounts", "/explain?model=gpt-4o", "/models", "/status", "/keys")
"""Everything that the admin socket shows."""


class AdminTestCase(SynchronousTestCase):
    """A simulator, and a daemon without accounts."""

    settings = ""

    def setUp(self) -> None:
        self.simulator = SimulatorProcess.start(3)
        self.addCleanup(self.simulator.child.discard)
        self.configuration = f'[upstream]\nbase_url = "{self.simulator.base_url}"\n{self.settings}'
        self.daemon = DaemonProcess.start(self.configuration)
        self.home = self.daemon.child.folder
        self.addCleanup(self.discard)
        self.said: list[str] = []

    def discard(self) -> None:
        """Let go of the daemon that there is by then."""
        self.daemon.child.discard()

    def agd(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run the command in the daemon's home."""
        ended = subprocess.run(
            [script("agd"), *arguments],
            cwd=self.home,
            env=environment(self.home, {"AGD_CONFIG": str(self.home / "agd.toml")}),
            input=given,
            capture_output=True,
            text=True,
            timeout=2 * START_SECONDS,
            check=False,
        )
        self.said += [ended.stdout, ended.stderr]
        self.assertNotIn("Traceback", ended.stderr)
        return ended

    def json(self, *arguments: str, given: str = "", status: int = 0) -> Any:
        """Run the command for JSON."""
        ended = self.agd(*arguments, "--json", given=given)
        self.assertEqual(ended.returncode, status, ended.stderr)
        return json.loads(ended.stdout)

    def conditions(self) -> dict[str, str]:
        """Tell how the accounts are."""
        return {each["email"]: each["condition"] for each in self.json("accounts", "list")["accounts"]}

    def kill_and_start(self) -> None:
        """SIGKILL, and the next daemon in the same home."""
        self.daemon.child.signal(signal.SIGKILL)
        self.daemon.child.wait()
        self.daemon = DaemonProcess.start(self.configuration, home=self.home)

    @property
    def state(self) -> Path:
        """The state directory."""
        return self.home / ".local" / "state" / "agd"


class LifeTests(AdminTestCase):
    """The commands one after the other."""

    def test_life(self) -> None:
        """Added, asked, explained, drained, killed, enabled, reset: every command does what it says."""
        one, two, _ = self.simulator.keys
        self.assertEqual(ask(self.daemon.port, CHAT, chat("Hello")).status, 503)
        added = self.json("accounts", "add", "--email", ONE, "--api-key", "-", given=one + "\n")
        self.assertTrue(added["taken"])
        self.assertEqual(Path(added["file"]).stat().st_mode & 0o777, 0o600)
        self.assertEqual(ask(self.daemon.port, CHAT, chat("Hello")).headers["x-account-email"], ONE)
        write_private(self.home / "keys", f"{TWO} {two}\n{TWO} {two}\n1//made-up\n")
        imported = self.json("accounts", "import", "keys", status=1)
        self.assertEqual([imported[each] for each in ("added", "skipped", "refused")], [1, 1, 1])
        self.assertEqual(self.conditions(), {ONE: "ready", TWO: "ready"})
        self.assertTrue(all(each["ok"] for each in self.json("accounts", "test")["accounts"]))

        self.json("accounts", "drain", ONE, "--why", "to be sold")
        self.assertEqual(ask(self.daemon.port, CHAT, chat("Hi")).headers["x-account-email"], TWO)
        self.simulator.fault(two, {"kind": "status", "status": 429, "retry_delay": 300})
        self.assertEqual(ask(self.daemon.port, CHAT, chat("Hey")).status, 429)
        explained = self.json("explain", "gpt-4o", status=1)
        self.assertEqual([each["chosen"] for each in explained["considered"]], [False, False])
        why = {each["email"]: each["why"] for each in explained["considered"]}
        self.assertIn("draining by the operator: to be sold", why[ONE])
        self.assertIn("it rests", why[TWO])

        until("the rest on disk", self.kept)
        self.kill_and_start()
        self.assertEqual(self.conditions(), {ONE: "draining", TWO: "limited"})
        asked = len(self.simulator.asked)
        self.assertEqual(ask(self.daemon.port, CHAT, chat("Hey")).status, 429)
        self.assertEqual(len(self.simulator.asked), asked)

        self.assertEqual(self.json("accounts", "enable", ONE)["condition"], "ready")
        self.assertEqual(self.json("accounts", "reset", TWO)["condition"], "ready")
        self.assertEqual(self.json("explain", "gpt-4o")["model"], "gemini-2.5-flash")
        self.assertTrue(self.json("models", "list")["models"])
        for command in (["accounts", "list"], ["explain", "gpt-4o"], ["models", "list"], ["accounts", "test"]):
            ended = self.agd(*command)
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertTrue(ended.stdout)

    def kept(self) -> bool | None:
        """Tell whether the database has the rest by now."""
        with sqlite3.connect(f"file:{self.state / 'agd.db'}?mode=ro", uri=True) as database:
            return (
                bool(database.execute("SELECT 1 FROM purses WHERE CAST(state AS TEXT) LIKE '%quota%'").fetchall())
                or None
            )

    def test_wrong(self) -> None:
        """What is wrong is told in a sentence: 1 where it was tried, 2 where the command makes no sense."""
        one = self.simulator.keys[0]
        literal = self.agd("accounts", "add", "--email", ONE, "--api-key", one)
        self.assertEqual(literal.returncode, 2)
        self.assertNotIn(one, literal.stderr)
        self.assertEqual(self.agd("accounts", "add", "--email", ONE).returncode, 2)
        wrong = self.agd("accounts", "add", "--email", ONE, "--kind", "code-assist", "--api-key", "-", given=one)
        self.assertEqual((wrong.returncode, "takes no keys" in wrong.stderr), (1, True))
        self.assertEqual(list(self.state.glob("accounts.d/*")), [])
        self.assertEqual(self.agd("accounts", "disable", "nobody").returncode, 1)
        for command in (("accounts", "disable"), ("explain",), ("keys", "revoke")):
            no_text = self.agd(*command, os.fsdecode(b"\xff"))
            self.assertEqual(
                (no_text.returncode, no_text.stderr), (1, "agd: an argument is no text in UTF-8\n"), command
            )
        self.daemon.child.stop()
        gone = self.agd("accounts", "list")
        self.assertEqual((gone.returncode, len(gone.stderr.splitlines())), (1, 1))
        alone = self.json("accounts", "add", "--email", ONE, "--api-key", "-", given=one + "\n")
        self.assertFalse(alone["taken"])
        self.assertTrue(self.json("accounts", "test", ONE)["accounts"][0]["ok"])
        self.daemon = DaemonProcess.start(self.configuration, home=self.home)
        self.assertEqual(self.conditions(), {ONE: "ready"})


class SecretTests(AdminTestCase):
    """Every secret used, looked for everywhere."""

    settings = f'[proxy]\nauth_mode = "strict"\napi_key = "{CLIENT_KEY}"\n[metrics]\npublic = true\n'

    def test_nowhere(self) -> None:
        """No secret shows in logs, output, errors, answers, metrics, the list of processes or the database."""
        one, two, _ = self.simulator.keys
        robot = service_account_json(f"{self.simulator.base_url}/token")
        (self.home / "robot.json").write_text(robot)
        self.add(one, "--email", ONE, "--api-key", "-")
        self.add(f"{CLIENT_SECRET}", "--email", TWO, "--api-key", "file:two.key", "--proxy", "file:proxy.url")
        self.agd("accounts", "import", "robot.json", "--project", "p")
        token = ("--client-id", "mine", "--client-secret", "file:client.secret", "--token-url", self.simulator.base_url)
        self.add(REFRESH, "--email", "three@example.com", "--refresh-token", "-", *token)
        self.assertEqual(len(self.conditions()), 4)
        bearer = {"Authorization": f"Bearer {CLIENT_KEY}"}
        replies = [ask(self.daemon.port, CHAT, chat("Hello"), headers=bearer)]
        self.simulator.fault(one, {"kind": "status", "status": 429, "retry_delay": 300})
        replies += [ask(self.daemon.port, CHAT, chat("Hi"), headers=bearer), ask(self.daemon.port, CHAT, chat("Hi"))]
        self.agd("accounts", "test")
        self.agd("accounts", "disable", ONE, "--why", "done")
        for command in (["accounts", "list"], ["explain", "gpt-4o"], ["models", "list"], ["accounts", "test"]):
            self.agd(*command, "--json")
        replies.append(ask(self.daemon.port, "/metrics", headers=bearer))
        replies += [ask_socket(self.state / "admin.sock", path) for path in SOCKET_PAGES]
        self.assertEqual([reply.status for reply in replies], [200, 429, 401, 200, *[200] * len(SOCKET_PAGES)])
        processes = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if readable(path)]
        self.daemon.child.stop()
        databases = [path.read_bytes() for path in self.state.glob("agd.db*")]
        told = "\n".join([*self.said, self.daemon.child.output, *map(str, replies)]).encode()
        places = {"told": told, "processes": b"\n".join(processes), "database": b"\n".join(databases)}
        lines = [line for line in json.loads(robot)["private_key"].splitlines() if len(line) > 32]
        for secret in (one, two, CLIENT_KEY, REFRESH, CLIENT_SECRET, PASSWORD, *lines):
            for place, text in places.items():
                self.assertNotIn(secret.encode(), text, place)
        self.assertIn(b"acct", places["database"])

    def add(self, given: str, *options: str) -> None:
        """Add an account; the files that options name hold what they should."""
        write_private(self.home / "two.key", self.simulator.keys[1])
        write_private(self.home / "proxy.url", f"http://user:{PASSWORD}@127.0.0.1:9")
        write_private(self.home / "client.secret", CLIENT_SECRET)
        ended = self.agd("accounts", "add", *options, given=given + "\n")
        self.assertEqual(ended.returncode, 0, ended.stderr)


def readable(path: Path) -> bool:
    """Tell whether a process is still there."""
    try:
        path.read_bytes()
    except OSError:
        return False
    return True
