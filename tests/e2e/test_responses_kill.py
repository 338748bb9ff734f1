"""SIGKILL at any moment: no response whose end a client has seen is lost, and the database is sound.

Clients talk on and on, over HTTP and over WebSockets, each turn continuing the one before. One of them kills the
daemon after so many events, often in the middle of an answer of others and right after the end of its own; then a new
one starts with the same home.
"""

from __future__ import annotations

import http.client
import json
import random
import shutil
import signal
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import define, field
from twisted.trial.unittest import SynchronousTestCase

from tests.e2e.connection import TIMEOUT
from tests.e2e.processes import until
from tests.e2e.responses import MODEL, PATH, create, look, made
from tests.e2e.stage import DaemonProcess, SimulatorProcess, accounts_toml
from tests.e2e.websocket import TERMINAL, Closed, WebSocket

ROUNDS = 8
CLIENTS = 4
TALK = "Tell me more [[words=16 chunk=2 pause=0.002]]"
LONG = "Tell me all [[words=5000 pause=0.05]]"


@define(eq=False)
class Crowd:
    """Clients that talk until the daemon is gone. ``seen``: the Response of every end that a client has received."""

    daemon: DaemonProcess
    _events_left: int
    seen: dict[str, Any]
    problems: list[str] = field(factory=list)
    _lock: threading.Lock = field(factory=threading.Lock)

    def talk(self, last: dict[int, str]) -> None:
        """Let all clients talk to the end; ``last`` is where each one's conversation stands."""
        clients = [threading.Thread(target=self._client, args=(number, last)) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()

    def _client(self, number: int, last: dict[int, str]) -> None:
        try:
            while self.daemon.child.running():
                for event in (self._posted, self._on_a_socket)[number % 2](last.get(number)):
                    if event["type"] == "response.completed":
                        last[number] = event["response"]["id"]
                    self._heard(event)
        except (OSError, http.client.HTTPException, Closed):
            return  # killed

    def _posted(self, previous: str | None) -> Iterator[dict[str, Any]]:
        body = {"model": MODEL, "input": TALK, "stream": True, "previous_response_id": previous}
        connection = http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=TIMEOUT)
        try:
            connection.request("POST", PATH, json.dumps(body), {"Content-Type": "application/json"})
            response = connection.getresponse()
            if response.status != 200:
                self.problems.append(f"{response.status} {response.read()!r}")
                raise http.client.HTTPException
            for line in response:
                if line.startswith(b"data: {") and line.endswith(b"\n"):
                    yield json.loads(line[6:])
        finally:
            connection.close()

    def _on_a_socket(self, previous: str | None) -> Iterator[dict[str, Any]]:
        with WebSocket(self.daemon.port) as socket:
            socket.create(model=MODEL, input=TALK, previous_response_id=previous)
            while (event := socket.receive())["type"] not in TERMINAL:
                yield event
            if event["type"] == "error":
                self.problems.append(str(event))
            yield event

    def _heard(self, event: dict[str, Any]) -> None:
        with self._lock:
            if event["type"] == "response.completed":
                self.seen[event["response"]["id"]] = event["response"]
            self._events_left -= 1
            if self._events_left == 0:
                self.daemon.child.signal(signal.SIGKILL)


class KillTests(SynchronousTestCase):
    """One home, several daemons."""

    def setUp(self) -> None:
        """Start the upstream and the first daemon."""
        self.simulator = SimulatorProcess.start(1)
        self.addCleanup(self.simulator.child.discard)
        self.settings = accounts_toml(self.simulator, "example.com")
        self.daemon = DaemonProcess.start(self.settings)
        self.home = self.daemon.child.folder
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)

    def restart(self) -> None:
        """Start a daemon in the home of the one that was killed."""
        self.assertEqual(self.daemon.child.wait(), -signal.SIGKILL)
        self.assertNotIn("Traceback", self.daemon.child.output)
        self.daemon = DaemonProcess.start(self.settings, home=self.home)
        self.addCleanup(self.daemon.child.discard)

    def assert_sound(self) -> None:
        """See that a copy of the database, as the killed process left it, is sound."""
        (database,) = self.home.rglob("agd.db")
        copy = Path(self.mktemp())
        copy.mkdir()
        for file in database.parent.glob("agd.db*"):
            shutil.copy(file, copy)
        connection = sqlite3.connect(copy / "agd.db")
        try:
            self.assertEqual(connection.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
            self.assertEqual(connection.execute("PRAGMA foreign_key_check").fetchall(), [])
        finally:
            connection.close()

    def test_nothing_is_lost(self) -> None:
        """After every kill all that was seen to the end is there as it was seen, and conversations go on from it."""
        choose = random.Random(51)
        seen: dict[str, Any] = {}
        last: dict[int, str] = {}
        for _ in range(ROUNDS):
            crowd = Crowd(self.daemon, choose.randint(1, 300), seen)
            crowd.talk(last)
            self.assertEqual(crowd.problems, [])
            self.assert_sound()
            self.restart()
            for response_id, response in seen.items():
                found = look(self.daemon.port, response_id)
                self.assertEqual(found.status, 200, found)
                for key in ("output", "usage", "status", "previous_response_id"):
                    self.assertEqual(found.json[key], response[key], key)
        self.assertGreater(len(seen), ROUNDS)
        self.assertEqual(set(last), set(range(CLIENTS)))

    def test_background(self) -> None:
        """A background response that was running is failed afterwards, with a reason; one that was done is not."""
        done = made(self.daemon.port, input=TALK, background=True)["id"]
        until("the end", lambda: look(self.daemon.port, done).json["status"] == "completed")
        running = made(self.daemon.port, input=LONG, background=True)["id"]
        until("its beginning", lambda: look(self.daemon.port, running).json["status"] == "in_progress")
        self.daemon.child.signal(signal.SIGKILL)
        self.restart()
        found = look(self.daemon.port, running).json
        self.assertEqual(found["status"], "failed")
        self.assertIn("agd was stopped", found["error"]["message"])
        self.assertEqual(look(self.daemon.port, done).json["status"], "completed")
        cancelled = look(self.daemon.port, running, more="/cancel", method="POST")
        self.assertEqual(cancelled.json.get("status", cancelled.status), "failed")
        self.assertEqual(look(self.daemon.port, running, more="?stream=true").events[-1]["type"], "response.failed")

    def test_I31_sealed(self) -> None:
        """What was sealed for a client that stores nothing here is opened after the kill, and changed it is not."""
        asked: dict[str, Any] = {"store": False, "include": ["reasoning.encrypted_content"], "input": TALK}
        output = made(self.daemon.port, **asked)["output"]
        self.assertTrue(any(item.get("encrypted_content") for item in output), output)
        self.daemon.child.signal(signal.SIGKILL)
        self.restart()
        turn = [{"role": "user", "content": TALK}, *output, {"role": "user", "content": "And then?"}]
        reply = create(self.daemon.port, **asked | {"input": turn})
        self.assertNotIn("encrypted_content", reply.headers.get("x-agd-notices", ""))
        called = self.simulator.last["body"]["contents"][1]
        self.assertIn("thoughtSignature", json.dumps(called))
        forged = json.loads(json.dumps(turn).replace('"encrypted_content": "agd1.', '"encrypted_content": "agd1.A'))
        reply = create(self.daemon.port, **asked | {"input": forged})
        self.assertIn("encrypted_content", reply.headers["x-agd-notices"])
