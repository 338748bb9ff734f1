"""Client keys with limits over real sockets: made by the command, enforced on every way, kept through a kill."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
from twisted.trial.unittest import SynchronousTestCase

from tests.e2e.exchange import Reply, ask
from tests.e2e.processes import run, script, temporary_folder, until
from tests.e2e.sdk import FLASH, user
from tests.e2e.stage import DaemonProcess, SimulatorProcess, accounts_toml
from tests.e2e.websocket import TERMINAL, WebSocket
from tests.private import write_private

CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"
FIXED = "sk-made-up-fixed"
STRICT = '[proxy]\nauth_mode = "strict"\n'
CONFIGURED = STRICT + f'[[proxy.api_keys]]\nname = "fixed"\nkey = "{FIXED}"\nrpm = 1\nmodels = ["{FLASH}"]\n'


def bearer(key: str) -> dict[str, str]:
    """Return the header with a key."""
    return {"Authorization": f"Bearer {key}"}


class KeysTestCase(SynchronousTestCase):
    """A daemon of its own, which is killed in the end."""

    configuration = STRICT

    def setUp(self) -> None:
        self.simulator = SimulatorProcess.start(1)
        self.addCleanup(self.simulator.child.discard)
        self.text = self.configuration + accounts_toml(self.simulator, "example.com")
        self.home = temporary_folder()
        self.start()

    def start(self) -> None:
        """Start the daemon, in the home of the one before."""
        self.daemon = DaemonProcess.start(self.text, home=self.home)
        self.addCleanup(self.daemon.child.discard)

    def agd(self, *arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        """Say ``agd keys ...``."""
        done = run([script("agd"), "keys", *arguments, "--config", "agd.toml"], self.home)
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def create(self, name: str, *terms: str) -> str:
        """Make a key."""
        return self.agd("create", name, *terms, "--quiet").stdout.strip()

    def chat(self, key: str, **more: Any) -> Reply:
        """Ask for a chat completion."""
        body = {"model": FLASH, "messages": user("hello"), "max_tokens": 50, **more}
        return ask(self.daemon.port, CHAT, body, bearer(key))

    def respond(self, key: str, path: str = "", **more: Any) -> Reply:
        """Ask for something of the Responses."""
        return ask(self.daemon.port, RESPONSES + path, {"model": FLASH, "input": "hello", **more}, bearer(key))

    def client(self, key: str) -> openai.OpenAI:
        """Make OpenAI's own client, which does not repeat anything."""
        made = openai.OpenAI(api_key=key, base_url=f"http://127.0.0.1:{self.daemon.port}/v1", max_retries=0, timeout=20)
        self.addCleanup(made.close)
        return made

    def told(self, name: str) -> Mapping[str, Any]:
        """Return what is told of a key."""
        listed = json.loads(self.agd("list", "--json").stdout)["keys"]
        return next(key for key in listed if key["name"] == name)


class LimitTests(KeysTestCase):
    """What a key allows."""

    def test_life_of_a_key(self) -> None:
        """A key is shown once, opens the door, and does not once it is revoked; nothing else is stopped by that."""
        shown = self.agd("create", "ann")
        ann, bob = shown.stdout.strip(), self.create("bob")
        self.assertRegex(ann, r"\Aagd-[A-Za-z0-9_-]{43}\Z")
        self.assertIn("not shown again", shown.stderr)
        self.assertEqual(self.chat("agd-wrong").status, 401)
        with WebSocket(self.daemon.port, bearer(ann)) as socket:
            socket.create(model=FLASH, input="hello [[words=60 chunk=1 pause=0.05]]")
            self.assertEqual(socket.receive()["type"], "response.created")
            self.agd("revoke", "ann")
            self.assertEqual((self.chat(ann).status, self.chat(bob).status), (401, 200))
            while (event := socket.receive())["type"] not in TERMINAL:
                pass
            self.assertEqual(event["type"], "response.completed")
            self.assertEqual(socket.ask(model=FLASH, input="hello")[-1]["status"], 401)
        again = self.create("ann")
        self.assertNotEqual(again, ann)
        self.assertEqual((self.chat(again).status, self.chat(ann).status), (200, 401))
        self.assertIn("already", self.agd("create", "ann", status=1).stderr)
        self.assertIn("no key named", self.agd("revoke", "eve", status=1).stderr)
        table = self.agd("list").stdout
        self.assertIn("ann", table)
        for secret in (ann, bob, again):
            self.assertNotIn(secret, table + self.daemon.child.output + self.agd("list", "--json").stdout)
            files = [path for path in self.home.rglob("*") if path.is_file()]
            self.assertEqual([path for path in files if secret.encode() in path.read_bytes()], [])

    def test_requests_a_minute(self) -> None:
        """The answer to one too many is OpenAI's, in its head, its body, and what OpenAI's library makes of it."""
        ann, bob = self.create("ann", "--rpm", "2"), self.create("bob", "--rpm", "2")
        client = self.client(ann)
        raw = client.chat.completions.with_raw_response.create(model=FLASH, messages=user("hello"))
        told = {name: value for name, value in raw.headers.items() if name.startswith("x-ratelimit-")}
        self.assertEqual((told["x-ratelimit-limit-requests"], told["x-ratelimit-remaining-requests"]), ("2", "1"))
        list(client.chat.completions.create(model=FLASH, messages=user("hello"), stream=True))
        with self.assertRaises(openai.RateLimitError) as caught:
            client.chat.completions.create(model=FLASH, messages=user("hello"))
        error = caught.exception
        self.assertEqual((error.code, error.type), ("rate_limit_exceeded", "requests"))
        headers = error.response.headers
        self.assertEqual(headers["x-ratelimit-remaining-requests"], "0")
        self.assertTrue(50 <= int(headers["retry-after"]) <= 60, headers)
        ways: list[tuple[str, dict[str, Any]]] = [("", {}), ("", {"stream": True}), ("", {"background": True})]
        for path, more in (*ways, ("/compact", {}), ("/input_tokens", {})):
            self.assertEqual(self.respond(ann, path, **more).status, 429, (path, more))
        legacy = ask(self.daemon.port, "/v1/completions", {"model": FLASH, "prompt": "x"}, bearer(ann))
        self.assertEqual(legacy.status, 429)
        with WebSocket(self.daemon.port, bearer(ann)) as socket:
            frame = socket.ask(model=FLASH, input="hello")[-1]
        self.assertEqual((frame["status"], frame["error"]["code"]), (429, "rate_limit_exceeded"))
        self.assertEqual(frame["headers"]["x-ratelimit-limit-requests"], "2")
        self.assertEqual(self.chat(bob).status, 200)

    def test_at_a_time(self) -> None:
        """Of twenty at a time two are carried out, the others refused at once; then there is room again."""
        ann = self.create("ann", "--concurrency", "2")
        slow = user("hello [[first=4]]")
        with ThreadPoolExecutor(20) as pool:
            replies = list(pool.map(lambda _: self.chat(ann, messages=slow), range(20)))
        statuses = sorted(reply.status for reply in replies)
        self.assertEqual(statuses, [200] * 2 + [429] * 18)
        self.assertEqual({reply.headers["retry-after"] for reply in replies if reply.status == 429}, {"1"})
        self.assertEqual(self.chat(ann).status, 200)
        self.assertEqual(self.told("ann")["running"], 0)

    def test_budget(self) -> None:
        """A budget stops a key when it is used up, whatever way it was used, and also after a kill."""
        ann = self.create("ann", "--budget", "1000000/day,100000000/total")
        self.assertEqual(self.chat(ann).status, 200)
        self.assertTrue(self.chat(ann, stream=True).is_done)
        self.assertEqual(self.respond(ann).status, 200)
        response = self.respond(ann, background=True).json["id"]
        found = f"{RESPONSES}/{response}"
        until(
            "the background response",
            lambda: ask(self.daemon.port, found, None, bearer(ann)).json["status"] == "completed" or None,
        )
        with WebSocket(self.daemon.port, bearer(ann)) as socket:
            used = socket.ask(model=FLASH, input="hello")[-1]["response"]["usage"]["total_tokens"]
        spent = self.told("ann")["budgets"]
        self.assertEqual(spent[0]["spent"], spent[1]["spent"])
        self.assertGreater(spent[0]["spent"], 4 * used // 2)
        self.agd("revoke", "ann")
        small = self.create("ann", "--budget", f"{spent[0]['spent'] + 60}/day")  # the same owner, and as much spent
        refused = self.chat(small, max_tokens=100)
        self.assertEqual((refused.status, refused.error["code"]), (429, "insufficient_quota"))
        self.assertEqual(refused.headers["x-should-retry"], "false")
        with self.assertRaises(openai.RateLimitError) as caught:
            self.client(small).chat.completions.create(model=FLASH, messages=user("hello"), max_tokens=100)
        self.assertEqual(caught.exception.type, "insufficient_quota")
        until("what was spent on disk", lambda: self.on_disk() == spent[0]["spent"] or None)
        self.daemon.child.signal(signal.SIGKILL)
        self.daemon.child.wait()
        self.start()
        self.assertEqual(self.told("ann")["budgets"][0]["spent"], spent[0]["spent"])
        self.assertEqual(self.chat(small, max_tokens=100).error["code"], "insufficient_quota")

    def on_disk(self) -> int:
        """Return what the database says of the day."""
        [path] = self.home.rglob("agd.db")
        with sqlite3.connect(path) as connection:
            rows = connection.execute("SELECT tokens FROM spent WHERE period = 'day'").fetchall()
        connection.close()
        return int(rows[0][0]) if rows else 0

    def test_models(self) -> None:
        """A key sees and asks the models of its list, and no other exists for it."""
        ann = self.create("ann", "--models", "gpt-4o,gemini-2.5-f*")
        listed = {model.id for model in self.client(ann).models.list()}
        self.assertIn("gpt-4o", listed)
        self.assertNotIn("gemini-2.5-pro", listed)
        self.assertEqual((self.chat(ann).status, self.chat(ann, model="gpt-4o").status), (200, 200))
        for way in (
            self.chat(ann, model="gemini-2.5-pro"),
            self.respond(ann, model="gemini-2.5-pro"),
            self.respond(ann, model="gemini-2.5-pro", background=True),
            ask(self.daemon.port, "/v1/models/gemini-2.5-pro", None, bearer(ann)),
        ):
            self.assertEqual((way.status, way.error["code"]), (404, "model_not_found"))

    def test_expiry(self) -> None:
        """A key that is over says so."""
        ann = self.create("ann", "--expires", "2020-01-31")
        reply = self.chat(ann)
        self.assertEqual((reply.status, reply.error["code"]), (401, "invalid_api_key"))
        self.assertIn("expired", reply.error["message"])
        self.assertEqual(self.told("ann")["status"], "expired")


class ConfiguredTests(KeysTestCase):
    """Keys of the configuration, and of a store that no daemon has open."""

    configuration = CONFIGURED

    def test_one_list(self) -> None:
        """Keys of the configuration have limits too, and come before those of the store with the same name."""
        self.assertEqual([self.chat(FIXED).status, self.chat(FIXED).status], [200, 429])
        self.assertIn("in the configuration", self.agd("create", "fixed", status=1).stderr)
        self.assertIn("configuration", self.agd("revoke", "fixed", status=1).stderr)
        ann = self.create("ann")
        self.assertEqual(self.chat(ann).status, 200)
        self.daemon.reload(self.text.replace('name = "fixed"', 'name = "ann"').replace("rpm = 1", "rpm = 2"))
        self.assertEqual((self.chat(ann).status, self.chat(FIXED).status), (401, 200))
        self.assertEqual(self.told("ann")["source"], "configuration")

    def test_without_a_daemon(self) -> None:
        """While no daemon runs the command works on the store itself, and the next daemon knows its keys."""
        self.assertEqual(self.daemon.child.stop(), -signal.SIGTERM)
        write_private(self.home / "agd.toml", self.text)
        ann = self.create("ann", "--rpm", "1")
        self.create("bob")
        self.agd("revoke", "bob")
        self.start()
        self.assertEqual([self.chat(ann).status, self.chat(ann).status], [200, 429])
        self.assertEqual(self.told("bob")["status"], "revoked")
