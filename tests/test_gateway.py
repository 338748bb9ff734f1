"""Pool, retry, rotation: what the gateway makes of each way in which an attempt can fail."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from agd.accounts.verdict import Blame
from agd.conversation import FinishReason, Text
from agd.errors import FailureKind, UpstreamFailure
from tests.gateways import MODEL, GatewayTestCase, pool_of, prompt
from tests.upstream.script import (
    BROKEN,
    EMPTY,
    GOOD,
    LATE,
    REFUSED_KEY,
    STALE,
    UNFINISHED,
    UNREACHABLE,
    Says,
    Silence,
    refusal,
)
from tests.upstream.sinks import Recorder
from tests.upstream.wire import chunk, sse


class ChoiceTests(GatewayTestCase):
    """Who is asked, and with what."""

    def test_least_recently_used(self) -> None:
        """Requests go round: the account that was asked longest ago is next."""
        self.assertEqual([self.answered_by() for _ in range(6)], ["one", "two", "three", "four", "one", "two"])

    def test_failed_attempts_are_turns_too(self) -> None:
        """An account that failed goes to the end of the line like any other that was asked."""
        self.actor.lines["one"] = [refusal(500)]
        self.assertEqual([self.answered_by() for _ in range(4)], ["two", "three", "four", "one"])

    def test_upstream_model(self) -> None:
        """The upstream is asked for the model that routing names, and the trail tells both names."""
        self.successResultOf(self.complete(prompt("alias")))
        self.assertEqual(self.actor.calls[0][1], MODEL)
        self.assertEqual((self.trail.wanted, self.trail.model), ("alias", MODEL))

    def test_unknown_model_asks_nobody(self) -> None:
        """A name that leads nowhere is a 404 before any account is asked."""
        error = self.refused_with(self.complete(prompt("no-such-model")), 404)
        self.assertEqual((error.code, error.param), ("model_not_found", "model"))
        self.assertEqual((self.actor.asked, self.trail.model), ([], ""))

    def test_same_bytes_for_every_attempt(self) -> None:
        """A request that is repeated sends the bytes of the first attempt."""
        self.actor.lines = {"one": [refusal(500)], "two": [refusal(503)]}
        self.answered_by()
        self.assertEqual(len({outgoing.body for _, _, outgoing, _ in self.actor.calls}), 1)

    def test_stream_and_plain(self) -> None:
        """A streamed request asks the upstream for a stream, a plain one for a plain answer."""
        self.successResultOf(self.open())
        self.successResultOf(self.complete())
        self.assertEqual([stream for *_, stream in self.actor.calls], [True, False])


class AnswerTests(GatewayTestCase):
    """What comes back."""

    def test_plain(self) -> None:
        """A plain answer is complete."""
        answer = self.successResultOf(self.complete())
        self.assertEqual(answer.choices[0].parts, [Text("hello")])
        self.assertIs(answer.choices[0].reason, FinishReason.STOP)

    def test_stream(self) -> None:
        """A streamed answer comes with its first event in hand and the rest to follow."""
        self.actor.lines["one"] = [Says(sse(chunk("hel")), ends=None)]
        relay = self.successResultOf(self.open())
        sink = Recorder()
        done = relay.pour(sink)
        self.assertEqual(sink.text, "hel")
        relay.dataReceived(sse(chunk("lo", "STOP")))
        relay.connectionLost()
        self.successResultOf(done)
        self.assertEqual(sink.text, "hello")

    def test_G16_nothing_is_retried_after_the_first_event(self) -> None:
        """A stream that breaks off after its first event fails there: nobody else is asked, nobody blamed."""
        for broken in (BROKEN, UNFINISHED):
            self.actor.asked.clear()
            self.actor.lines["one"] = self.actor.lines["two"] = [broken]
            relay = self.successResultOf(self.open())
            failure = self.failureResultOf(relay.pour(Recorder()), UpstreamFailure).value
            assert isinstance(failure, UpstreamFailure)
            self.assertIs(failure.kind, FailureKind.CUT)
            self.assertEqual(len(self.actor.asked), 1)
        self.assertEqual(self.witness.punishments, [])

    def test_G17_what_is_too_long_is_not_continued(self) -> None:
        """An answer that its limit cut off is given as that; the model is not asked to go on in secret."""
        self.actor.lines["one"] = [Says(sse(chunk("hel", "MAX_TOKENS")))]
        answer = self.successResultOf(self.complete())
        self.assertEqual((answer.choices[0].parts, answer.choices[0].reason), ([Text("hel")], FinishReason.LENGTH))
        self.assertEqual(self.actor.asked, ["one"])

    def test_plain_answer_that_breaks_off_is_asked_for_again(self) -> None:
        """Of a plain answer the client has seen nothing yet, so another account gives it whole."""
        for broken in (BROKEN, UNFINISHED):
            self.actor.lines = {"one": [broken], "three": [broken]}
            answer = self.successResultOf(self.complete())
            self.assertEqual(answer.choices[0].parts, [Text("hello")])
        self.assertEqual(self.actor.asked, ["one", "two", "three", "four"])


class RotationTests(GatewayTestCase):
    """Failures that say nothing about the request are put to another account."""

    def test_transient_failures_rotate(self) -> None:
        """5xx, an unreachable upstream, a late or an empty answer: another account answers and nobody is blamed."""
        statuses = [refusal(status) for status in (500, 502, 503, 504, 529)]
        for failure in (*statuses, UNREACHABLE, EMPTY, LATE):
            self.setUp()
            self.actor.lines["one"] = [failure]
            self.assertEqual(self.answered_by(), "two", failure)
            self.assertEqual((self.trail.attempts, self.witness.punishments), (2, []))
            self.assertEqual([self.answered_by() for _ in range(3)], ["three", "four", "one"])

    def test_empty_stream_rotates(self) -> None:
        """A stream that ends without an event is repeated elsewhere: nothing of it went to the client."""
        self.actor.lines["one"] = [Says(b"")]
        relay = self.successResultOf(self.open())
        sink = Recorder()
        self.successResultOf(relay.pour(sink))
        self.assertEqual((sink.text, self.actor.asked), ("hello", ["one", "two"]))

    def test_error_object_before_the_first_event_rotates(self) -> None:
        """An error inside a 200 counts like its status."""
        self.actor.lines["one"] = [Says(sse({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "x"}}))]
        self.successResultOf(self.open())
        self.assertEqual(self.actor.asked, ["one", "two"])
        self.assertEqual(self.witness.punishments, [("one", Blame.COOL)])

    def test_stale_keep_alive_is_repeated_at_once(self) -> None:
        """A connection that the upstream had just closed costs no attempt: the same account is asked again."""
        self.actor.lines["one"] = [STALE]
        self.assertEqual(self.answered_by(), "one")
        self.assertEqual((self.trail.attempts, self.trail.failures), (1, []))
        self.assertEqual(self.actor.asked, ["one", "one"])

    def test_stale_keep_alive_only_once_a_request(self) -> None:
        """The second stale connection of a request is a failed attempt like any other."""
        self.actor.lines = {"one": [STALE, STALE], "two": [STALE]}
        self.assertEqual(self.answered_by(), "three")
        self.assertEqual(self.actor.asked, ["one", "one", "two", "three"])
        self.assertEqual(self.trail.attempts, 3)


class QuotaTests(GatewayTestCase):
    """429."""

    def test_delay_is_a_cooldown(self) -> None:
        """A 429 with a delay: the second account answers, the first is not asked again until the delay is over."""
        self.actor.lines["one"] = [refusal(429, retry_after=60.0)]
        self.assertEqual(self.answered_by(), "two")
        self.assertEqual(self.witness.punishments, [("one", Blame.COOL)])
        self.clock.advance(59)
        self.assertEqual([self.answered_by() for _ in range(6)], ["three", "four", "two"] * 2)
        self.clock.advance(1)
        self.assertEqual(self.answered_by(), "one")

    def test_cooldown_is_for_the_model(self) -> None:
        """Quotas are per model: for another one the account serves on."""
        self.actor.lines["one"] = [refusal(429, retry_after=60.0)]
        self.answered_by()
        for _ in range(3):
            self.successResultOf(self.complete(prompt("gemini-2.5-pro")))
        self.assertEqual(self.actor.asked[-3:], ["three", "four", "one"])

    def test_success_does_not_end_a_cooldown(self) -> None:
        """An answer that was under way when another request met the quota does not call the account back."""
        self.gateway.pool = pool_of("one")
        self.actor.lines["one"] = [Silence(), refusal(429, retry_after=60.0)]
        slow = self.open()
        self.refused_with(self.complete(), 429)
        self.actor.waiting[0].callback(self.successResultOf(Deferred.fromCoroutine(self.actor.say(GOOD))))
        self.successResultOf(slow)
        self.refused_with(self.complete(), 429)
        self.assertEqual(self.actor.asked, ["one", "one"])

    def test_G35_429_without_details_from_two_accounts(self) -> None:
        """A 429 that names neither quota nor delay, from two accounts: the request is at fault, and nobody rests."""
        self.actor.lines = {"one": [refusal(429)], "two": [refusal(429)]}
        error = self.refused_with(self.complete(), 429)
        self.assertEqual(self.actor.asked, ["one", "two"])
        self.assertGreaterEqual(error.retry_after or 0, 1)
        self.assertEqual(self.witness.punishments, [])

    def test_429_with_quota_from_two_accounts(self) -> None:
        """Quotas that two accounts have each used up are theirs: both rest, and a third is asked."""
        used_up = refusal(429, retry_after=9.0, quota_ids=("PerMinute",))
        self.actor.lines = {"one": [used_up], "two": [used_up]}
        self.assertEqual(self.answered_by(), "three")
        self.assertEqual(self.witness.punishments, [("one", Blame.COOL), ("two", Blame.COOL)])


class CredentialTests(GatewayTestCase):
    """401, and 400 with API_KEY_INVALID."""

    def test_refused_key_disables(self) -> None:
        """A refused credential takes its account out until reload, for every model, and another account answers."""
        for failure in (REFUSED_KEY, refusal(401, grpc="UNAUTHENTICATED")):
            self.setUp()
            self.actor.lines["one"] = [failure]
            self.assertEqual(self.answered_by(), "two")
            self.assertEqual(self.witness.punishments, [("one", Blame.DISABLE)])
            self.clock.advance(10**6)
            self.assertEqual([self.answered_by() for _ in range(4)], ["three", "four", "two", "three"])
            self.successResultOf(self.complete(prompt("gemini-2.5-pro")))
            self.assertNotIn("one", self.actor.asked[1:])
            self.gateway.pool.replace(self.gateway.pool.accounts)
            self.assertIn("one", [self.answered_by() for _ in range(4)])

    def test_refused_keys_of_two_accounts(self) -> None:
        """That two keys are refused does not make it the request's fault: both are out, the third answers."""
        self.actor.lines = {"one": [REFUSED_KEY], "two": [REFUSED_KEY]}
        self.assertEqual(self.answered_by(), "three")
        self.assertEqual(self.witness.punishments, [("one", Blame.DISABLE), ("two", Blame.DISABLE)])

    def test_credential_is_read_again(self) -> None:
        """A key that was replaced where it comes from is used at once; that costs no attempt and blames nobody."""
        self.actor.lines["one"] = [REFUSED_KEY]
        self.fresh["one"] = "key-new"
        self.assertEqual(self.answered_by(), "one")
        self.assertEqual((self.trail.attempts, self.witness.punishments), (1, []))
        self.assertEqual([call[0].credential.secrets[0] for call in self.actor.calls], ["key-one", "key-new"])
        self.assertEqual(self.actor.calls[0][0].id, self.actor.calls[1][0].id)
        for _ in range(4):
            self.answered_by()
        self.assertEqual(self.actor.calls[-1][0].credential.secrets[0], "key-new")

    def test_fresh_credential_that_is_refused_too(self) -> None:
        """A credential is refreshed once a request; when the fresh one is refused as well the account is out."""
        self.actor.lines["one"] = [REFUSED_KEY, REFUSED_KEY]
        self.fresh["one"] = "key-new"
        self.assertEqual(self.answered_by(), "two")
        self.assertEqual(self.renewed, ["one"])
        self.assertEqual(self.witness.punishments, [("one", Blame.DISABLE)])

    def test_unchanged_credential_is_not_tried_again(self) -> None:
        """A key file that still holds the refused key changes nothing, and leaves the refresh to the next account."""
        self.actor.lines = {"one": [REFUSED_KEY], "two": [REFUSED_KEY]}
        self.fresh = {"one": "key-one", "two": "key-new"}
        self.assertEqual(self.answered_by(), "two")
        self.assertEqual(self.actor.asked, ["one", "two", "two"])
        self.assertEqual(self.witness.punishments, [("one", Blame.DISABLE)])

    def test_other_failures_read_nothing(self) -> None:
        """Only a refused credential is looked up again."""
        self.actor.lines = {"one": [refusal(403)], "two": [refusal(500)]}
        self.answered_by()
        self.assertEqual(self.renewed, [])


class RequestFaultTests(GatewayTestCase):
    """4xx that are, or may be, the request's own fault."""

    def test_other_400_goes_to_the_client_at_once(self) -> None:
        """A request that the provider finds wrong is wrong everywhere: nobody else is asked, nobody blamed."""
        self.actor.lines["one"] = [refusal(400, grpc="INVALID_ARGUMENT", message="contents is not set")]
        error = self.refused_with(self.complete(), 400)
        self.assertEqual(error.message, "contents is not set")
        self.assertEqual((self.actor.asked, self.witness.punishments), (["one"], []))
        self.assertIsNone(error.retry_after)

    def test_403_blocks_for_the_model_and_rotates(self) -> None:
        """An account that may not use a model is left out for it, and serves others."""
        self.actor.lines["one"] = [refusal(403)]
        self.assertEqual(self.answered_by(), "two")
        self.assertEqual(self.witness.punishments, [("one", Blame.BLOCK)])
        self.assertEqual([self.answered_by() for _ in range(3)], ["three", "four", "two"])
        for _ in range(3):
            self.successResultOf(self.complete(prompt("gemini-2.5-pro")))
        self.assertIn("one", self.actor.asked[-3:])

    def test_same_4xx_from_two_accounts(self) -> None:
        """The same refusal from two accounts goes to the client, and neither is blocked."""
        for failure, status in ((refusal(403), 403), (refusal(404, message="model is not found"), 404)):
            self.setUp()
            self.actor.lines = {"one": [failure], "two": [failure]}
            self.refused_with(self.complete(), status)
            self.assertEqual((self.actor.asked, self.witness.punishments), (["one", "two"], []))
            self.assertEqual([self.answered_by() for _ in range(4)], ["three", "four", "one", "two"])

    def test_G30_same_403_about_two_accounts(self) -> None:
        """A 403 that names the account as its cause is never the request's: both are blocked, and a third answers."""
        denied = refusal(403, grpc="PERMISSION_DENIED", reason="SERVICE_DISABLED")
        self.actor.lines = {"one": [denied], "two": [denied]}
        self.assertEqual(self.answered_by(), "three")
        self.assertEqual(self.witness.punishments, [("one", Blame.BLOCK), ("two", Blame.BLOCK)])
        self.successResultOf(self.complete(prompt("gemini-2.5-pro")))
        self.assertIn("four", self.actor.asked)
        self.gateway.pool = pool_of("one", "two")
        self.actor.lines = {"one": [denied], "two": [denied]}
        self.assertEqual(self.refused_with(self.complete(), 503).code, "upstream_auth_error")

    def test_block_holds_while_another_answers(self) -> None:
        """Others do not ask a refusing account again while its request waits elsewhere; a pardon lifts that."""
        self.actor.lines = {"one": [refusal(403)], "two": [Silence()]}
        first = self.complete()
        self.assertEqual([self.answered_by() for _ in range(4)], ["three", "four", "three", "four"])
        self.actor.lines = {name: [refusal(403)] for name in ("three", "four")}
        self.actor.waiting[0].errback(refusal(403))
        self.refused_with(first, 403)
        self.actor.lines = {}
        self.assertIn("one", [self.answered_by() for _ in range(4)])

    def test_different_4xx_are_each_accounts_own(self) -> None:
        """Two accounts with two different refusals are both blocked, and a third answers."""
        self.actor.lines = {"one": [refusal(403)], "two": [refusal(404, message="model is not found")]}
        self.assertEqual(self.answered_by(), "three")
        self.assertEqual(self.witness.punishments, [("one", Blame.BLOCK), ("two", Blame.BLOCK)])

    def missing(self, *names: str) -> None:
        """Let accounts lack the model for good."""
        for name in names:
            self.actor.lines[name] = [refusal(404, grpc="NOT_FOUND", message="models/m is not found")] * 100

    def test_model_that_few_have(self) -> None:
        """Where somebody is known to serve a model, two that lack it are found out, and left out for it."""
        self.gateway.pool = pool_of("one", "two", "three")
        self.assertEqual([self.answered_by() for _ in range(3)], ["one", "two", "three"])
        self.missing("one", "two")
        self.assertEqual([self.answered_by() for _ in range(4)], ["three"] * 4)
        self.assertEqual(self.witness.punishments, [("one", Blame.BLOCK), ("two", Blame.BLOCK)])
        self.assertEqual(self.actor.asked[3:], ["one", "two", "three", "three", "three", "three"])

    def test_model_that_nobody_has_any_more(self) -> None:
        """When whoever served it says the same the request gets it, and nobody is left out."""
        for attempts in (3, 2):
            self.setUp()
            self.gateway.max_attempts = attempts
            self.gateway.pool = pool_of("one", "two", "three")
            self.assertEqual([self.answered_by() for _ in range(3)], ["one", "two", "three"])
            self.missing("one", "two", "three")
            self.refused_with(self.complete(), 404)
            self.assertEqual(self.actor.asked[3:], ["one", "two", "three"][:attempts])
            self.assertEqual((self.gateway.pool.wait(MODEL, 0.0), self.witness.punishments), (0.0, []))
            self.assertFalse(any(view.rests for view in self.gateway.pool.overview(0.0)))

    def test_shared_faults_of_a_request_that_fails_otherwise(self) -> None:
        """Whoever serves the model is in trouble: the two that said the same are not blamed for what is not known."""
        self.gateway.pool = pool_of("one", "two", "three")
        self.assertEqual([self.answered_by() for _ in range(3)], ["one", "two", "three"])
        self.missing("one", "two")
        self.actor.lines["three"] = [refusal(500)]
        self.refused_with(self.complete(), 502)
        self.assertFalse(any(view.rests for view in self.gateway.pool.overview(0.0)))

    def test_same_4xx_with_another_failure_between(self) -> None:
        """That somebody else failed otherwise in between does not matter."""
        self.actor.lines = {"one": [refusal(403)], "two": [refusal(500)], "three": [refusal(403)]}
        self.refused_with(self.complete(), 403)
        self.assertEqual(self.witness.punishments, [])

    def test_success_ends_a_block(self) -> None:
        """After an answer the next block is as short as the first; without one it would be longer."""
        self.gateway.pool = pool_of("one")
        self.actor.lines["one"] = [refusal(403), GOOD, refusal(403)]
        self.refused_with(self.complete(), 403)
        self.clock.advance(60)
        self.assertEqual(self.answered_by(), "one")
        self.refused_with(self.complete(), 403)
        self.clock.advance(60)
        self.assertEqual(self.answered_by(), "one")
