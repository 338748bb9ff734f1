"""A real daemon with accounts of every kind, one of them behind a proxy: answers, renewals, and no secret anywhere."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from twisted.trial.unittest import SynchronousTestCase

from tests.accounts.keys import EMAIL, pair, service_account_json
from tests.e2e.exchange import Reply, ask, chat, text_of
from tests.e2e.processes import free_port, run, script, temporary_folder, until
from tests.e2e.stage import DaemonProcess, SimulatorProcess
from tests.private import write_private

CHAT = "/v1/chat/completions"
CLIENT_SECRET, REFRESH, REVOKED, PASSWORD = "made-up/secret+1", "1//made-up-refresh", "1//made-up-gone", "made-up-pass"


def office(simulator: SimulatorProcess, body: Any = None, method: str = "GET") -> Any:
    """Speak to the simulated token endpoint's book."""
    reply = ask(simulator.port, "/simulator/office", body, method=method)
    assert reply.status == 200, reply
    return reply.json


class AccountTests(SynchronousTestCase):
    """One daemon, four accounts: Vertex AI, Code Assist, a revoked one, and a key behind a dead proxy."""

    def setUp(self) -> None:
        self.simulator = SimulatorProcess.start(3)
        self.addCleanup(self.simulator.child.discard)
        one, two, three = self.simulator.keys
        clients = [
            {"client_id": "client-1", "client_secret": CLIENT_SECRET, "refresh_token": REFRESH, "key": two},
        ]
        office(self.simulator, {"signers": {EMAIL: {"public_key": pair()[1], "key": one}}, "clients": clients}, "PUT")
        self.files = temporary_folder()
        self.addCleanup(shutil.rmtree, self.files)
        write_private(self.files / "sa.json", service_account_json(f"{self.simulator.base_url}/token"))
        write_private(self.files / "secret", CLIENT_SECRET)
        self.key = three

    def configuration(self) -> str:
        """Write the accounts."""
        url = self.simulator.base_url
        client = (
            f'client_id = "client-1"\nclient_secret = "file:{self.files}/secret"\ntoken_url = "{url}/token"\n'
            f'base_url = "{url}"\n'
        )
        robot = f'kind = "vertex"\nservice_account = "file:{self.files}/sa.json"\nbase_url = "{url}"\n'
        dead = f"http://user:{PASSWORD}@127.0.0.1:{free_port()}"
        return (
            f'[[accounts]]\nemail = "robot@example.com"\n{robot}location = "europe-west4"\n'
            f'[[accounts]]\nemail = "licensed@example.com"\nkind = "code-assist"\n{client}refresh_token = "{REFRESH}"\n'
            f'[[accounts]]\nemail = "gone@example.com"\n{client}refresh_token = "{REVOKED}"\n'
            f'[[accounts]]\nemail = "behind@example.com"\napi_key = "{self.key}"\nproxy = "{dead}"\n'
            f'base_url = "{url}"\n'
        )

    def start(self) -> DaemonProcess:
        """Start the daemon, and wait until it has asked each account for its models."""
        daemon = DaemonProcess.start(self.configuration())
        self.addCleanup(daemon.child.discard)
        until("the revoked account", lambda: "gone@example.com disabled" in daemon.child.output or None)
        until("the dead proxy", lambda: "no list of models from behind@example.com" in daemon.child.output or None)
        return daemon

    def test_day(self) -> None:
        """Every good account answers, revoked tokens are renewed unseen, and no secret shows anywhere."""
        daemon = self.start()
        replies = [ask(daemon.port, CHAT, chat(f"hello {n}", stream=n % 2 == 0)) for n in range(8)]
        self.assertEqual({reply.status for reply in replies}, {200})
        who = {reply.headers["x-account-email"] for reply in replies}
        self.assertEqual(who, {"robot@example.com", "licensed@example.com"})
        self.assertTrue(all(text_of(reply.events) for reply in replies[::2]))

        before = office(self.simulator)["granted"]
        office(self.simulator, method="DELETE")
        replies += [ask(daemon.port, CHAT, chat(f"again {n}")) for n in range(6)]
        self.assertEqual({reply.status for reply in replies}, {200})
        self.assertEqual(office(self.simulator)["granted"], before + 2)
        self.assertEqual(office(self.simulator)["lookups"], 1)

        replies += self.trouble(daemon)
        self.assertIn("terms", daemon.child.output)
        self.assertIn("get a new one", daemon.child.output)
        self.assert_no_secret(daemon, replies)

    def trouble(self, daemon: DaemonProcess) -> list[Reply]:
        """Let everything fail, in words that repeat what was sent."""
        office(self.simulator, {"failures": [[400, "invalid_grant"]] * 4}, "PUT")
        office(self.simulator, method="DELETE")
        return [ask(daemon.port, CHAT, chat("none is left", stream=stream)) for stream in (True, False, True)]

    def assert_no_secret(self, daemon: DaemonProcess, replies: list[Reply]) -> None:
        """Look for every secret, in each of its forms, in all that anybody can see."""
        self.assertGreaterEqual({reply.status for reply in replies}, {503})
        checked = run([script("agd"), "check", str(daemon.child.folder / "agd.toml")], daemon.child.folder)
        command = Path(f"/proc/{daemon.child.pid}/cmdline").read_text("utf-8")
        seen = "\n".join(
            [daemon.child.output, checked.stdout, checked.stderr, command]
            + [json.dumps(dict(reply.headers)) + reply.body.decode() for reply in replies]
        )
        key_lines = pair()[0].splitlines()[1:-1]
        for secret in (CLIENT_SECRET, REFRESH, REVOKED, PASSWORD, self.key, *key_lines):
            for form in {secret, quote(secret, safe=""), quote_plus(secret)}:
                self.assertNotIn(form, seen)
        self.assertIsNone(re.search(r"ya29\.|eyJ[A-Za-z0-9_-]{20}", seen))

    def test_check(self) -> None:
        """``agd check`` says that the provider's terms apply, and what an account lacks."""
        file = self.files / "agd.toml"
        write_private(file, self.configuration())
        done = run([script("agd"), "check", str(file)], self.files)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("licensed@example.com", done.stderr)
        self.assertIn("terms", done.stderr)
        write_private(file, '[[accounts]]\nkind = "code-assist"\nrefresh_token = "made-up"\n')
        done = run([script("agd"), "check", str(file)], self.files)
        self.assertEqual(done.returncode, 1)
        self.assertIn("accounts[0].client_id", done.stderr)
        file.chmod(0o644)
        write_private(file, '[[accounts]]\napi_key = "made-up"\n')
        file.chmod(0o644)
        done = run([script("agd"), "check", str(file)], self.files)
        self.assertEqual(done.returncode, 1)
        self.assertIn("mode 0644", done.stderr)
