"""A real daemon watched from outside: metrics during streams, what answers tell of their way, the log for programs."""

from __future__ import annotations

import json
import re
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from twisted.trial.unittest import SynchronousTestCase

from tests.e2e.connection import Connection
from tests.e2e.exchange import Reply, ask, ask_socket, chat
from tests.e2e.processes import free_port, until
from tests.e2e.stage import Stage

CHAT = "/v1/chat/completions"
KEY = "made-up-client-key-of-ann"
PROMPT = "a prompt that nobody but the model reads"
SLOW = f"{PROMPT} [[words=400 chunk=4 pause=0.2]]"
BEARER = {"Authorization": f"Bearer {KEY}"}

Samples = dict[tuple[str, tuple[str, ...]], float]


class WatchedTests(SynchronousTestCase):
    """One daemon with a port for operators, and metrics for clients as well."""

    def setUp(self) -> None:
        self.operators = free_port()
        self.stage = Stage.set_up(
            f'[proxy]\nauth_mode = "strict"\napi_keys = [{{ name = "ann", key = "{KEY}" }}]\n'
            f'[log]\nformat = "json"\n[metrics]\npublic = true\nlisten = "tcp:{self.operators}:interface=127.0.0.1"\n',
            accounts=2,
        )
        self.port = self.stage.daemon.port
        self.addCleanup(self.stage.strike)
        self.pages: list[str] = []

    def scrape(self) -> Samples:
        """Read the metrics at the operators' port, labels in the order of their names."""
        return self.samples(ask(self.operators, "/metrics"))

    def samples(self, reply: Reply) -> Samples:
        """Return what a page says."""
        self.assertEqual(reply.status, 200, reply.body)
        self.pages.append(reply.body.decode())
        families = text_string_to_metric_families(self.pages[-1])
        return {
            (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
            for family in families
            for sample in family.samples
        }

    def socket_page(self) -> Reply:
        """Read the metrics at the admin socket."""
        state = self.stage.daemon.child.folder / ".local" / "state" / "agd"
        return ask_socket(state / "admin.sock", "/metrics")

    def ask(self, *, stream: bool) -> Reply:
        """Let a request be answered."""
        reply = ask(self.port, CHAT, chat(PROMPT, stream=stream), BEARER)
        self.assertEqual(reply.status, 200, reply.body)
        return reply

    def records(self) -> list[dict[str, Any]]:
        """Return the lines about requests."""
        lines = re.findall(r"\[agd#info\] (\{.*\})$", self.stage.daemon.child.output, re.MULTILINE)
        return [json.loads(line) for line in lines]

    def test_during_streams(self) -> None:
        """A scrape while an answer streams sees it; one after it has its tokens, times and attempts."""
        with Connection(self.port, CHAT, {**chat(SLOW, stream=True)}) as refused:
            self.assertIn(b"401", refused.read_all()[:20])
        self.ask(stream=True)
        with Stream(self.port, chat(SLOW, stream=True)) as stream:
            stream.read_until(b"a prompt")
            during = self.scrape()
            self.assertEqual((during["agd_open_streams", ()], during["agd_accounts", ("ready",)]), (1, 2))
            self.assertEqual(sum(value for (name, _), value in during.items() if name == "agd_account_running"), 1)
            until("gaps", lambda: self.scrape()["agd_event_gap_seconds_count", ()] > 2 or None)
            stream.vanish()
        until("the stream to end", lambda: self.scrape()["agd_open_streams", ()] == 0 or None)
        after = self.scrape()
        model = "gemini-2.5-flash"
        self.assertEqual(after["agd_requests_total", ("ann", model, CHAT, "2xx")], 1)
        self.assertEqual(after["agd_requests_total", ("ann", model, CHAT, "499")], 1)
        self.assertEqual(after["agd_requests_total", ("", "", CHAT, "4xx")], 1)
        self.assertGreater(after["agd_tokens_total", ("ann", "completion", model)], 0)
        self.assertEqual(after["agd_time_to_first_event_seconds_count", (model,)], 2)
        served = [
            value for (name, labels), value in after.items() if name == "agd_attempts_total" and "served" in labels
        ]
        self.assertEqual(sum(served), 2)
        self.check_secrets()

    def test_every_door(self) -> None:
        """The operators' port, which tells readiness too, and the admin socket ask for no key; the other does."""
        self.assertEqual(ask(self.port, "/metrics").status, 401)
        self.assertEqual(ask(self.operators, "/readyz").status, 200)
        self.assertEqual(ask(self.operators, "/v1/models").status, 404)
        for reply in (ask(self.port, "/metrics", headers=BEARER), self.socket_page()):
            self.assertEqual(self.samples(reply)["agd_queue_length", ()], 0)
        self.check_secrets()

    def test_answers_tell_their_way(self) -> None:
        """Plain and streamed answers tell how many accounts were asked, and where their time went."""
        for stream in (False, True):
            headers = self.ask(stream=stream).headers
            self.assertEqual(headers["x-agd-attempts"], "1")
            spans = re.findall(r"([a-z]+);dur=([0-9.]+)", headers["server-timing"])
            self.assertEqual([name for name, _ in spans], ["queue", "pick", "translate", "connect", "upstream"])
        told = self.records()[-1]
        self.assertEqual((told["path"], told["status"], told["owner"], told["attempts"]), (CHAT, 200, "key:ann", 1))
        [attempt] = told["tries"]
        self.assertEqual(attempt["verdict"], "served")
        self.assertLessEqual(attempt["connect_ms"], attempt["head_ms"])
        self.assertLessEqual(attempt["head_ms"], attempt["first_ms"])
        self.check_secrets()

    def check_secrets(self) -> None:
        """Neither metrics nor the log hold a key or a prompt."""
        output = self.stage.daemon.child.output
        for secret in (KEY, PROMPT, *self.stage.simulator.keys):
            for place in (output, *self.pages):
                self.assertNotIn(secret, place)


class Stream(Connection):
    """A connection with ann's key."""

    def __init__(self, port: int, body: dict[str, Any]) -> None:
        super().__init__(port, CHAT, body, BEARER)
