"""How a request ends when nobody answers it: exhausted accounts, what the client is told, a client that leaves."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred

from agd.accounts.verdict import Blame
from agd.conversation import Notice, Prompt
from agd.errors import BadRequest
from agd.gateway import Trail
from agd.gateway.refusals import LATER, SOON
from agd.gateway.turns import PAUSE
from tests.gateways import MODEL, GatewayTestCase, pool_of, prompt
from tests.upstream.script import EMPTY, LATE, REFUSED_KEY, STALE, UNREACHABLE, Says, Silence, refusal
from tests.upstream.wire import HEAD, Connection, Wire, chunk, chunked, sse


class ExhaustedTests(GatewayTestCase):
    """Attempts and accounts come to an end."""

    def everybody(self, *outcomes: Any) -> None:
        """Let every account have the same run of attempts."""
        self.actor.lines = {name: list(outcomes) for name in self.names}

    def test_at_most_max_attempts(self) -> None:
        """No request asks more accounts than max_attempts, and the first of them are asked once each."""
        for limit in (1, 2, 3, 4):
            self.setUp()
            self.gateway.max_attempts = limit
            self.everybody(refusal(500))
            self.refused_with(self.complete(), 502)
            self.assertEqual(self.actor.asked, list(self.names[:limit]))
            self.assertEqual(self.trail.attempts, limit)

    def test_bounded_by_usable_accounts(self) -> None:
        """No account is asked twice for one request that it is to blame for, or too slow for."""
        for failure, status in ((refusal(403, reason="SERVICE_DISABLED"), 503), (LATE, 504)):
            self.setUp()
            self.gateway.pool = pool_of("one", "two")
            self.everybody(failure)
            self.refused_with(self.complete(), status)
            self.assertEqual(self.actor.asked, ["one", "two"])

    def test_G30_again_after_a_pause(self) -> None:
        """For trouble of the provider's that passes, an account is asked once more after all others and a pause."""
        for failure in (refusal(500), refusal(503), UNREACHABLE, EMPTY):
            self.setUp()
            self.gateway.pool = pool_of("one", "two")
            self.actor.lines = {"one": [failure], "two": [failure]}
            asked = self.complete()
            self.clock.advance(PAUSE - 0.1)
            self.assertEqual(self.actor.asked, ["one", "two"])
            self.assertNoResult(asked)
            self.clock.advance(0.1)
            self.successResultOf(asked)
            self.assertEqual((self.actor.asked, self.trail.attempts), (["one", "two", "one"], 3))

    def test_left_during_the_pause(self) -> None:
        """G20: a client that leaves in between leaves nothing behind."""
        self.gateway.pool = pool_of("one")
        self.actor.lines = {"one": [refusal(500)]}
        asked = self.complete()
        asked.cancel()
        self.failureResultOf(asked, CancelledError)
        self.assertEqual((self.actor.asked, self.clock.getDelayedCalls()), (["one"], []))

    def test_last_real_cause(self) -> None:
        """The client is told the last cause by its status, and when to come back."""
        for last, status in (
            (refusal(429), 429),
            (refusal(503), 503),
            (refusal(529), 503),
            (refusal(500), 502),
            (UNREACHABLE, 502),
            (EMPTY, 502),
            (refusal(504), 504),
        ):
            self.setUp()
            self.actor.lines = {"one": [UNREACHABLE], "two": [refusal(500)], "three": [last]}
            error = self.refused_with(self.complete(), status)
            self.assertGreaterEqual(error.retry_after or 0, 1)
            self.assertEqual(error.message, last.message)

    def test_all_used_up(self) -> None:
        """When every quota is used up the client is told to wait for the first account that comes back."""
        self.gateway.pool = pool_of("one", "two")
        self.actor.lines = {"one": [refusal(429, retry_after=20.5)], "two": [refusal(429, retry_after=90.0)]}
        self.assertEqual(self.refused_with(self.complete(), 429).retry_after, 21)

    def test_all_resting_from_before(self) -> None:
        """While everybody rests nobody is asked: 429 at once, which says so, with the wait that is left."""
        self.gateway.pool = pool_of("one", "two")
        self.everybody(refusal(429, retry_after=60.0, message="Quota exceeded"))
        self.refused_with(self.complete(), 429)
        self.clock.advance(20)
        error = self.refused_with(self.complete(), 429)
        words = f"No account can be asked for {MODEL} now, the first again in 40 s: Quota exceeded"
        self.assertEqual((error.retry_after, error.message, error.code), (40, words, "rate_limit_exceeded"))
        self.assertEqual((self.actor.asked, self.trail.attempts), (["one", "two"], 0))
        self.assertIsNone(self.trail.account)
        self.clock.advance(40)
        self.assertEqual(self.answered_by(), "one")

    def test_free_account_that_was_not_asked(self) -> None:
        """When attempts end before accounts do, the client is sent to the free ones soon, not after the delay."""
        self.actor.lines = {"one": [UNREACHABLE], "two": [UNREACHABLE], "three": [refusal(429)]}
        error = self.refused_with(self.complete(), 429)
        self.assertEqual((error.retry_after, self.actor.asked), (LATER, ["one", "two", "three"]))
        self.setUp()
        self.gateway.max_attempts = 1
        self.actor.lines["one"] = [refusal(429, retry_after=3600.0, quota_ids=("TokensPerMinute",))]
        self.assertEqual(self.refused_with(self.complete(), 429).retry_after, SOON)

    def test_exhausted_accounts_are_no_attempts(self) -> None:
        """An account whose day is used up, or that is refused, costs no attempt: while one is left it is asked."""
        self.gateway.max_attempts = 1
        spent = refusal(429, retry_after=3600.0, quota_ids=("PerDay",))
        self.actor.lines = {"one": [spent], "two": [refusal(401)], "three": [spent]}
        self.assertEqual(self.answered_by(), "four")
        self.assertEqual(self.trail.attempts, 4)

    def test_nobody_rests(self) -> None:
        """After failures that hold nobody off there is still a number of seconds in the answer."""
        self.everybody(refusal(500))
        self.assertEqual(self.refused_with(self.complete(), 502).retry_after, LATER)
        self.setUp()
        self.everybody(refusal(503, retry_after=4.0))
        self.assertEqual(self.refused_with(self.complete(), 503).retry_after, 4)

    def test_refused_keys_only(self) -> None:
        """When no credential is good the client gets 503, never a 401 that it would take for its own key's."""
        self.gateway.pool = pool_of("one", "two")
        self.everybody(refusal(401))
        error = self.refused_with(self.complete(), 503)
        self.assertEqual(error.code, "upstream_auth_error")
        self.assertEqual(self.refused_with(self.complete(), 503).code, "upstream_auth_error")
        self.assertEqual(self.actor.asked, ["one", "two"])

    def test_403_of_the_only_account(self) -> None:
        """With nobody to compare with, a 403 is the account's: it is blocked, and the client gets the 403.

        The next client has been refused by nobody: it is told that accounts rest (G36).
        """
        self.gateway.pool = pool_of("one")
        self.actor.lines["one"] = [refusal(403)]
        self.refused_with(self.complete(), 403)
        self.assertEqual(self.witness.punishments, [("one", Blame.BLOCK)])
        error = self.refused_with(self.complete(), 503)
        self.assertEqual((error.code, error.retry_after), ("accounts_resting", 60))
        self.assertEqual(self.actor.asked, ["one"])

    def test_no_accounts(self) -> None:
        """Without any account the answer is 503 and says what to configure."""
        self.gateway.pool = pool_of()
        error = self.refused_with(self.complete(), 503)
        self.assertIn("[[accounts]]", error.message)
        self.assertIn("GEMINI_API_KEY", error.message)
        self.assertEqual(self.trail.attempts, 0)


class TrailTests(GatewayTestCase):
    """What is known afterwards."""

    def test_way_of_a_request(self) -> None:
        """The trail tells the model, the account that answered, the attempts and every failure on the way."""
        self.actor.lines = {"one": [refusal(500, message="internal")], "two": [UNREACHABLE]}
        self.answered_by()
        one, two, three, _ = self.gateway.pool.accounts
        self.assertEqual((self.trail.model, self.trail.account, self.trail.attempts), (MODEL, three, 3))
        self.assertEqual(
            self.trail.failures, [f"{one.id}: 500 internal", f"{two.id}: Connection was refused by other side"]
        )
        self.assertEqual([name for name, _ in self.witness.failed_attempts], ["one", "two"])

    def test_account_of_the_last_attempt(self) -> None:
        """After a failure the trail names the account that was really asked last."""
        self.actor.lines["one"] = [refusal(400)]
        self.refused_with(self.complete(), 400)
        self.assertIs(self.trail.account, self.gateway.pool.accounts[0])

    def test_notices(self) -> None:
        """Notices of reading the request and of translating it are there even when nobody answers."""
        notice = Notice("user", "ignored")
        self.gateway.pool = pool_of()
        asked = Prompt(MODEL, (), instructions=("Say hi.",), notices=(notice,))
        self.refused_with(self.complete(asked), 503)
        self.assertEqual([told.param for told in self.trail.notices], ["user", "messages"])

    def test_request_that_cannot_be_translated(self) -> None:
        """A request that the provider cannot be asked is refused with the model known and nobody asked."""
        error = self.refused_with(self.complete(Prompt("alias", ())), 400)
        self.assertIsInstance(error, BadRequest)
        self.assertEqual((self.trail.model, self.trail.attempts, self.actor.asked), (MODEL, 0, []))

    def test_secrets_stay_out(self) -> None:
        """No key is in what the trail or an error tells."""
        self.actor.lines["one"] = [REFUSED_KEY]
        self.gateway.pool = pool_of("one")
        error = self.refused_with(self.complete(), 503)
        self.assertNotIn("key-one", f"{self.trail} {error} {error.message}")


class LeavingTests(GatewayTestCase):
    """A client that leaves before it was answered."""

    def test_blames_nobody_and_asks_nobody_else(self) -> None:
        """Leaving is no failure of the account that was being asked."""
        self.actor.lines["one"] = [Silence()]
        asked = self.complete()
        asked.cancel()
        self.failureResultOf(asked, CancelledError)
        self.assertEqual((self.actor.asked, self.witness.failed_attempts), (["one"], []))
        self.assertEqual([self.answered_by() for _ in range(4)], ["two", "three", "four", "one"])

    def test_during_the_second_attempt(self) -> None:
        """What an earlier attempt has shown of its account holds, although the request did not come to its end."""
        self.actor.lines = {"one": [refusal(403)], "two": [Silence()]}
        asked = self.complete()
        asked.cancel()
        self.failureResultOf(asked, CancelledError)
        self.assertEqual(self.witness.punishments, [("one", Blame.BLOCK)])

    def test_while_a_plain_answer_comes(self) -> None:
        """Leaving in the middle of a plain answer's body closes the upstream's connection."""
        self.actor.lines["one"] = [Says(sse(chunk("hel")), ends=None)]
        asked = self.complete()
        self.assertNoResult(asked)
        asked.cancel()
        self.failureResultOf(asked, CancelledError)
        self.assertEqual(self.actor.transports[0].producerState, "stopped")
        self.assertEqual(self.clock.getDelayedCalls(), [])


class WireTests(GatewayTestCase):
    """The gateway over a network in memory."""

    def setUp(self) -> None:
        super().setUp()
        self.wire = Wire()
        self.gateway.upstream = self.wire.client

    def say(self, connection: Connection, text: str) -> None:
        """Answer the request on a connection with a whole stream."""
        connection.send(HEAD + chunked(sse(chunk(text, "STOP"))) + chunked(b""))

    def test_stale_keep_alive(self) -> None:
        """A kept connection that breaks under a request is replaced by a new one, for the same account."""
        self.gateway.pool = pool_of("one")
        first = self.complete()
        self.say(self.wire.connect(), "a")
        self.successResultOf(first)
        second = self.complete()
        self.wire.connections[0].reset()
        connection = self.wire.connect()
        self.assertEqual(connection.headers["x-goog-api-key"], ["key-one"])
        self.say(connection, "b")
        self.successResultOf(second)
        self.assertEqual((self.trail.attempts, self.trail.failures), (1, []))

    def test_new_connection_that_breaks_is_an_attempt(self) -> None:
        """A new connection that ends without an answer is no stale keep-alive: the next account is asked."""
        asked = self.complete()
        self.wire.connect().reset()
        connection = self.wire.connect()
        self.assertEqual(connection.headers["x-goog-api-key"], ["key-two"])
        self.say(connection, "b")
        self.successResultOf(asked)
        self.assertEqual(self.trail.attempts, 2)

    def test_leaving_in_every_phase(self) -> None:
        """Whenever the client leaves, the upstream's connection is gone, for streams and plain answers alike."""
        for ask in (self.open, self.complete):
            for sent in (b"", HEAD, HEAD + chunked(b": thinking\n\n")):
                asked: Deferred[Any] = ask()
                connection = self.wire.connect()
                if sent:
                    connection.send(sent)
                asked.cancel()
                self.failureResultOf(asked, CancelledError)
                self.assertTrue(connection.ended)
            asked = ask()
            asked.cancel()
            self.failureResultOf(asked, CancelledError)
            self.wire.reactor.tcpClients.clear()
        self.assertEqual(self.wire.reactor.getDelayedCalls(), [])

    def test_leaving_during_the_repeat(self) -> None:
        """The repeat after a stale connection is cancelled like any other attempt."""
        self.actor.lines["one"] = [STALE, Silence()]
        upstream: Any = self.actor
        self.gateway.upstream = upstream
        asked = self.complete()
        asked.cancel()
        self.failureResultOf(asked, CancelledError)
        self.assertEqual(self.actor.asked, ["one", "one"])

    def test_trails_are_apart(self) -> None:
        """Two requests at once each know their own account."""
        first = Trail("req_a")
        second = Trail("req_b")
        both = [Deferred.fromCoroutine(self.gateway.complete(prompt(), trail)) for trail in (first, second)]
        for text in ("a", "b"):
            self.say(self.wire.connect(), text)
        for asked in both:
            self.successResultOf(asked)
        one, two, *_ = self.gateway.pool.accounts
        self.assertEqual((first.account, second.account), (one, two))
