"""What the pool does when upstreams fail, seen from both sides: what the client gets, whom the upstream saw asking."""

from __future__ import annotations

import time
from typing import Any

from tests.e2e.connection import Connection
from tests.e2e.exchange import Reply, ask, chat, text_of
from tests.e2e.processes import until
from tests.e2e.stage import StagedTestCase

CHAT = "/v1/chat/completions"


class RotationTestCase(StagedTestCase):
    """Two accounts that nothing is known of; the first one is asked first."""

    settings = "[upstream]\nfirst_event_seconds = 1\nidle_seconds = 1\n"

    def setUp(self) -> None:
        """Take accounts that no test before has used."""
        super().setUp()
        self.stage.recast()
        self.first, self.second = self.simulator.keys

    def chat(self, *, stream: bool = False, text: str = "hello") -> Reply:
        """Ask for a chat answer."""
        return ask(self.port, CHAT, chat(text, stream=stream))

    def check_served_by(self, reply: Reply, number: int) -> None:
        """Check that the answer is whole and that its headers name this account."""
        self.assertEqual(reply.status, 200, reply)
        self.assertTrue(reply.headers["x-account-email"].startswith(f"account{number}@"), reply.headers)
        self.assertEqual(reply.headers["x-mapped-model"], "gemini-2.5-flash")
        streamed = reply.headers["content-type"].startswith("text/event-stream")
        text = text_of(reply.events) if streamed else reply.json["choices"][0]["message"]["content"]
        self.assertIn("hello", text)
        self.assertEqual(reply.is_done, streamed)

    def check_rotates(self, fault: dict[str, Any], *, again: bool) -> None:
        """Check that a fault of the first account is answered by the second, streamed and not.

        ``again``: the first account is blamed for nothing, so it is asked again in its turn.
        """
        for stream in (False, True):
            self.stage.recast()
            self.simulator.fault(self.first, [fault])
            self.check_served_by(self.chat(stream=stream), 2)
            self.assertEqual(self.simulator.asked, [self.first, self.second])
            self.check_served_by(self.chat(stream=stream), 1 if again else 2)


class CooldownTests(RotationTestCase):
    """429, and how long an account rests."""

    def test_rests_until_its_delay_is_over(self) -> None:
        """The account that said 429 is not asked again before the delay it named, and is asked again after it."""
        self.simulator.fault(self.first, [{"kind": "status", "status": 429, "retry_delay": 2}])
        begun = time.monotonic()
        self.check_served_by(self.chat(), 2)
        self.assertEqual(self.simulator.asked, [self.first, self.second])
        for _ in range(3):
            self.check_served_by(self.chat(stream=True), 2)
        self.assertEqual(self.simulator.asked.count(self.first), 1)

        def asked_again() -> float | None:
            self.assertEqual(self.chat().status, 200)
            return time.monotonic() if self.simulator.asked.count(self.first) > 1 else None

        again = until("the first account's return", asked_again, seconds=10, pause=0.05)
        self.assertGreaterEqual(again - begun, 2)

    def test_rests_for_its_model_only(self) -> None:
        """Quotas are kept by model, so the account serves another one meanwhile."""
        self.simulator.fault(self.first, [{"kind": "status", "status": 429, "retry_delay": 60}])
        self.check_served_by(self.chat(), 2)
        other = ask(self.port, CHAT, chat("hello", model="gemini-2.5-pro"))
        self.assertTrue(other.headers["x-account-email"].startswith("account1@"), other.headers)

    def test_everybody_rests(self) -> None:
        """When all rest, the client is told 429 and for how long, and nobody is asked in vain."""
        self.simulator.fault(self.first, {"kind": "status", "status": 429, "retry_delay": 50})
        self.simulator.fault(self.second, {"kind": "status", "status": 429, "retry_delay": 30})
        for _ in range(2):
            reply = self.chat(stream=True)
            self.assertEqual((reply.status, reply.error["code"]), (429, "rate_limit_exceeded"))
            self.assertIn(int(reply.headers["retry-after"]), range(28, 31))
            self.assertEqual(reply.headers["content-type"], "application/json")
        self.assertEqual(self.simulator.asked, [self.first, self.second])


class BlameTests(RotationTestCase):
    """Faults that are the account's, the request's, or nobody's."""

    def test_invalid_key(self) -> None:
        """A key that is not valid takes its account out, and the log says why."""
        fault = {"kind": "status", "status": 400, "reason": "API_KEY_INVALID", "message": "API key not valid."}
        self.check_rotates(fault, again=False)
        self.assertIn("disabled until reload: 400 API key not valid", self.stage.daemon.child.output)

    def test_unauthenticated(self) -> None:
        """So does a 401."""
        self.check_rotates({"kind": "status", "status": 401}, again=False)

    def test_all_keys_invalid(self) -> None:
        """With no valid key left the client is told 503, not that its own key is wrong, and ``/readyz`` agrees."""
        for key in self.simulator.keys:
            self.simulator.fault(key, {"kind": "status", "status": 401})
        for _ in range(2):
            reply = self.chat()
            self.assertEqual((reply.status, reply.error["type"]), (503, "server_error"))
        self.assertEqual(len(self.simulator.asked), 2)
        self.assertEqual(ask(self.port, "/readyz").status, 503)
        self.assertEqual(ask(self.port, "/healthz").status, 200)

    def test_forbidden(self) -> None:
        """A 403 blocks the account for the model."""
        self.check_rotates({"kind": "status", "status": 403}, again=False)

    def test_same_refusal_twice(self) -> None:
        """The same 403 from two accounts is about the request: the client gets it and nobody is blocked."""
        for key in self.simulator.keys:
            self.simulator.fault(key, [{"kind": "status", "status": 403, "message": "Not in your country."}])
        reply = self.chat()
        self.assertEqual((reply.status, reply.error["message"]), (403, "Not in your country."))
        self.check_served_by(self.chat(), 1)
        self.check_served_by(self.chat(), 2)

    def test_bad_request(self) -> None:
        """Any other 400 goes to the client at once and blames nobody."""
        self.simulator.fault(self.first, [{"kind": "status", "status": 400, "message": "No such field."}])
        reply = self.chat()
        self.assertEqual((reply.status, reply.error["message"]), (400, "No such field."))
        self.assertEqual(self.simulator.asked, [self.first])
        self.check_served_by(self.chat(), 2)
        self.check_served_by(self.chat(), 1)

    def test_server_errors(self) -> None:
        """Each passing fault of the provider is answered by the other account and blames nobody."""
        for status in (500, 502, 503, 504, 529):
            self.check_rotates({"kind": "status", "status": status}, again=True)

    def test_page_of_a_proxy(self) -> None:
        """So is an error page that is no JSON."""
        page = "<html><title>502</title>Bad Gateway</html>"
        self.check_rotates({"kind": "status", "status": 502, "body": page}, again=True)


class BrokenAnswerTests(RotationTestCase):
    """Answers that are no answers: before the first event they are another account's chance."""

    def test_reset(self) -> None:
        """A connection that is reset without an answer, every time: on a kept one that may cost a call more."""
        for stream in (False, True):
            self.stage.recast()
            self.simulator.fault(self.first, {"kind": "reset"})
            self.check_served_by(self.chat(stream=stream), 2)
            self.assertEqual(self.simulator.asked[-1], self.second)
            self.assertIn(self.simulator.asked.count(self.first), (1, 2))

    def test_garbage(self) -> None:
        """Bytes that are no HTTP, and a first event that is no JSON."""
        self.check_rotates({"kind": "garbage"}, again=True)
        self.check_rotates({"kind": "garbage", "chunks": 0}, again=True)

    def test_empty(self) -> None:
        """200 and nothing."""
        self.check_rotates({"kind": "empty"}, again=True)

    def test_error_in_200(self) -> None:
        """An error object where the first event should be."""
        self.check_rotates({"kind": "error_in_200", "status": 503}, again=True)

    def test_stall(self) -> None:
        """No first event within ``first_event_seconds``: no header, or no event after the headers."""
        for fault in ({"kind": "stall"}, {"kind": "stall", "chunks": 0}):
            self.stage.recast()
            self.simulator.fault(self.first, [fault])
            self.check_served_by(self.chat(stream=True), 2)
            self.assertEqual(self.simulator.asked, [self.first, self.second])

    def test_cut_of_a_plain_answer(self) -> None:
        """A plain answer that breaks off has shown nothing to the client, so another account gives it whole."""
        self.simulator.fault(self.first, [{"kind": "cut", "how": "close"}])
        self.check_served_by(self.chat(), 2)

    def test_all_broken(self) -> None:
        """When every account breaks, the client is told what the last one did."""
        for fault, status in (({"kind": "reset"}, 502), ({"kind": "empty"}, 502), ({"kind": "stall"}, 504)):
            self.stage.recast()
            for key in self.simulator.keys:
                self.simulator.fault(key, fault)
            reply = self.chat(stream=True)
            self.assertEqual((reply.status, reply.error["type"]), (status, "server_error"))
            self.assertIn("retry-after", reply.headers)


class MidStreamTests(RotationTestCase):
    """After the first event nothing is retried: a stream that breaks says so."""

    def check_breaks(self, fault: dict[str, Any], code: str, path: str = CHAT, **body: Any) -> Reply:
        """Check that a stream begins, ends with an error (then ``[DONE]`` for a Response only), asked for once."""
        self.stage.recast()
        self.simulator.fault(self.first, [fault])
        reply = ask(self.port, path, {**chat("hello", stream=True), **body})
        self.assertEqual(reply.status, 200)
        self.assertEqual("[DONE]" in reply.lines, path == "/v1/responses")
        self.assertEqual(self.simulator.asked, [self.first])
        last = reply.events[-1]
        error = last["error"] if "error" in last else last["response"]["error"]
        self.assertEqual(error["code"], code)
        return reply

    def test_cut(self) -> None:
        """However an answer is cut, the text before it arrives, then an error."""
        for how in ("clean", "close", "reset"):
            fault = {"kind": "cut", "chunks": 2, "how": how}
            reply = self.check_breaks(fault, "upstream_stream_interrupted")
            self.assertIn("hello", text_of(reply.events))
            self.assertNotIn('finish_reason":"', reply.body.decode())

    def test_error_in_200(self) -> None:
        """An error object after some events is told as the provider told it."""
        fault = {"kind": "error_in_200", "chunks": 2, "status": 503, "message": "Overloaded now."}
        reply = self.check_breaks(fault, "upstream_overloaded")
        self.assertIn("Overloaded now.", reply.events[-1]["error"]["message"])

    def test_garbage(self) -> None:
        """So is an event that is no JSON."""
        self.check_breaks({"kind": "garbage", "chunks": 2}, "upstream_malformed_response")

    def test_silence(self) -> None:
        """An answer that falls silent for ``idle_seconds`` ends with an error."""
        self.check_breaks({"kind": "stall", "chunks": 2}, "upstream_timeout")

    def test_legacy_completions(self) -> None:
        """The legacy route does the same."""
        fault = {"kind": "cut", "chunks": 2, "how": "close"}
        self.check_breaks(fault, "upstream_stream_interrupted", "/v1/completions", prompt="hello", messages=None)

    def test_responses(self) -> None:
        """A Response ends with ``response.failed``, numbered like the rest."""
        fault = {"kind": "cut", "chunks": 2, "how": "close"}
        reply = self.check_breaks(fault, "server_error", "/v1/responses", input="hello", messages=None)
        self.assertEqual(reply.events[-1]["type"], "response.failed")
        self.assertEqual([event["sequence_number"] for event in reply.events], list(range(len(reply.events))))


class StaleConnectionTests(RotationTestCase):
    """A kept connection that the upstream has just closed."""

    def test_invisible(self) -> None:
        """The client notices nothing, no account is blamed, and it costs no attempt."""
        for stream in (False, True):
            self.stage.recast()
            self.simulator.fault(self.first, [{"kind": "close_idle"}])
            answered = 0
            # Which of the kept connections comes next is the pool's affair; at some time it is the closed one.
            while self.simulator.record["total"] == answered and answered < 20:
                self.check_served_by(self.chat(stream=stream), answered % 2 + 1)
                answered += 1
            self.assertEqual(self.simulator.record["total"], answered + 1)
        self.assertNotIn("attempt(s) |", self.stage.daemon.child.output.rpartition("configuration reloaded")[2])


class DepartureTests(RotationTestCase):
    """A client that leaves, in whatever phase, ends its upstream call."""

    def check_aborted(self, connection: Connection) -> None:
        """Leave, and check that the upstream call goes away without another being made."""
        connection.vanish()
        until("the upstream call's end", lambda: self.simulator.record["live"] == 0 or None, seconds=2)
        record = self.simulator.record
        self.assertEqual((record["aborted"], record["total"]), (1, 1))

    def connect(self, text: str, *, stream: bool) -> Connection:
        """Ask, and wait until the upstream has the call."""
        connection = Connection(self.port, CHAT, chat(text, stream=stream))
        self.addCleanup(connection.__exit__, None, None, None)
        until("the upstream call", lambda: self.simulator.record["live"] == 1 or None, seconds=5)
        return connection

    def test_before_the_headers(self) -> None:
        """While the upstream has not answered at all."""
        for stream in (False, True):
            self.stage.recast()
            self.simulator.fault(self.first, [{"kind": "slow_headers", "seconds": 30}])
            self.check_aborted(self.connect("hello", stream=stream))

    def test_before_the_first_event(self) -> None:
        """After the upstream's headers, before its first event."""
        self.simulator.fault(self.first, [{"kind": "stall", "chunks": 0}])
        self.check_aborted(self.connect("hello", stream=True))

    def test_midway(self) -> None:
        """In the middle of a stream."""
        connection = self.connect("hello [[words=2000 pause=0.05]]", stream=True)
        connection.read_until(b"hello")
        self.check_aborted(connection)

    def test_during_a_plain_answer(self) -> None:
        """While a plain answer is being made."""
        self.check_aborted(self.connect("hello [[words=400 pause=0.05]]", stream=False))

    def test_while_it_does_not_read(self) -> None:
        """While the client has stopped reading and the upstream is paused."""
        connection = self.connect("hello [[words=200000 chunk=1 pause=0 first=0]]", stream=True)
        connection.read_until(b"hello")
        before = -1

        def stands_still() -> bool | None:
            nonlocal before
            now = self.simulator.record["calls"][0]["chunks"]
            still, before = now == before, now
            return still or None

        until("the upstream to be paused", stands_still, pause=0.2)
        self.check_aborted(connection)
