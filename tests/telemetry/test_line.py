"""One request as one line, for people and for programs."""

from __future__ import annotations

import json

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Notice
from agd.encoding import encode
from agd.gateway import Trail
from agd.telemetry.line import in_words, record
from agd.telemetry.log import Log
from tests.gateways import MODEL
from tests.telemetry.trails import attempt, served

PATH = "/v1/chat/completions"


class WordsTests(SynchronousTestCase):
    """The line for people."""

    def test_every_attempt(self) -> None:
        """It tells each account that was asked, what came of it, and where the time went."""
        self.assertEqual(
            in_words("POST", PATH, 200, 1.75, served()),
            f"req_1 POST {PATH} 200 1750ms gpt-4o -> {MODEL} by two@example.com in 2 attempt(s) "
            "[one@example.com minute_quota pick=0.1ms connect=0ms total=50ms] "
            "[two@example.com served pick=0.1ms connect=10ms head=200ms first=250ms total=1500ms] "
            "key=ann queue=2ms translate=1ms tokens=12+34 | acct_x: 429 used up",
        )

    def test_refused(self) -> None:
        """Whose limits a request met is told although nobody was asked."""
        trail = Trail("req_1", "gpt-4o", MODEL, failures=["error rate_limit_exceeded"], owner="key:ann")
        self.assertEqual(
            in_words("POST", PATH, 429, 0.001, trail),
            f"req_1 POST {PATH} 429 1ms gpt-4o -> {MODEL} by nobody in 0 attempt(s) key=ann "
            "| error rate_limit_exceeded",
        )

    def test_broken(self) -> None:
        """A stream that ended with an error after a good head tells both."""
        trail = served(broke=502, session="abc")
        self.assertIn(" 200/502 1750ms ", in_words("POST", PATH, 200, 1.75, trail))
        told = record("POST", PATH, 200, 1.75, trail)
        self.assertEqual((told["status"], told["broke"], told["session"]), (200, 502, "abc"))

    def test_running(self) -> None:
        """An attempt that is still under way says so, and a trial too."""
        trail = Trail("req_1", "x", MODEL, tries=[attempt(verdict="", is_trial=True)])
        self.assertIn("[one@example.com running (trial) pick=0.1ms]", in_words("WS", "/v1/responses", 200, 0.1, trail))

    @given(st.text(), st.text(), st.text())
    def test_nobody_forges_a_line(self, name: str, failure: str, param: str) -> None:
        """Whatever was written, by whomever, it is one line, and no part of it begins where none does."""
        trail = evolve(served(), request_id=param, wanted=name, failures=[failure], notices=(Notice(param, failure),))
        line = in_words(name, name, 200, 0.1, trail)
        self.assertEqual(len(line.splitlines()), 1)
        self.assertEqual(line.count("|"), 2)


class RecordTests(SynchronousTestCase):
    """The line for programs."""

    def test_whole(self) -> None:
        """It holds all that is known, in milliseconds, and nothing that is not."""
        trail = evolve(served(), notices=(Notice("user", "ignored"),))
        told = record("POST", PATH, 200, 1.75, trail)
        self.assertEqual(
            {key: told[key] for key in ("event", "id", "status", "ms", "owner", "asked", "model", "first_ms")},
            {
                "event": "request",
                "id": "req_1",
                "status": 200,
                "ms": 1750.0,
                "owner": "key:ann",
                "asked": "gpt-4o",
                "model": MODEL,
                "first_ms": 2250.0,
            },
        )
        self.assertEqual(told["notices"], [{"param": "user", "message": "ignored"}])
        refused, good = told["tries"]
        self.assertEqual(
            refused,
            {
                "account": "one@example.com",
                "why": "least busy",
                "verdict": "minute_quota",
                "failure": "429 used up",
                "began_ms": 2000.0,
                "pick_ms": 0.1,
                "connect_ms": 0.0,
                "total_ms": 50.0,
            },
        )
        self.assertEqual(good["tokens"], {"prompt": 12, "cached": 5, "completion": 34, "reasoning": 4})

    def test_nothing_is_known(self) -> None:
        """A request that came to nothing has a short record."""
        told = record("GET", "/x", 404, 0.001, Trail("req_1"))
        self.assertEqual(set(told), {"event", "id", "method", "path", "status", "ms", "owner"})
        self.assertNotIn("owner", record("GET", "/x", 401, 0.001, Trail("req_1", owner="")))

    @given(st.text())
    def test_one_line_of_json(self, text: str) -> None:
        """Whatever was written, it is one line of JSON."""
        line = encode(record(text, text, 200, 0.1, evolve(served(), wanted=text, failures=[text]))).decode()
        self.assertEqual(len(line.splitlines()), 1)
        self.assertEqual(json.loads(line)["id"], "req_1")

    def test_logged(self) -> None:
        """The setting decides which of the two is written, braces and all."""
        with capturedLogs() as events:
            Log("json").answered("POST", PATH, 200, 0.5, served())
            Log("text").ended("resp_1", "completed", 0.5, served())
        first, second = (formatEvent(event) for event in events)
        self.assertEqual(json.loads(first)["path"], PATH)
        self.assertTrue(second.startswith("req_1 BACKGROUND resp_1 completed 500ms gpt-4o -> "), second)
