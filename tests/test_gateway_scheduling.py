"""How the gateway uses the pool: conversations, leases, waiting, trials, and the record of it."""

from __future__ import annotations

import gc
from typing import Any

from attrs import evolve
from twisted.internet.defer import CancelledError, Deferred

from agd.accounts.holds import PROBE_AFTER
from agd.accounts.pool import Pool
from agd.accounts.scheduling import Mode, Scheduling
from agd.accounts.terms import Terms
from agd.accounts.verdict import Blame
from agd.conversation import Message, Prompt, Text
from agd.errors import ClientLostError, UpstreamFailure
from agd.gateway import Trail
from agd.gateway.quest import Quest
from tests.gateways import MODEL, GatewayTestCase, pool_of, prompt
from tests.upstream.script import BROKEN, GOOD, UNREACHABLE, Says, Silence, refusal
from tests.upstream.sinks import Recorder
from tests.upstream.wire import account, chunk, sse

OPEN = Says(sse(chunk("hel")), ends=None)
TOKENS = refusal(429, retry_after=30.0, quota_ids=("InputTokensPerModelPerMinute",), message="too many tokens")


def on_terms(*names: str, mode: Mode = Mode.PERFORMANCE_FIRST, **terms: Any) -> Pool:
    """Make a pool of accounts that all have these terms."""
    return Pool.of([evolve(account(name), terms=Terms(**terms)) for name in names], Scheduling(mode))


class SchedulingTestCase(GatewayTestCase):
    """A gateway whose accounts a test may choose."""

    def running(self) -> int:
        """Count the leases that are held."""
        return sum(standing.running for standing in self.gateway.pool.roster)

    def stream(self) -> Any:
        """Begin a streamed answer."""
        return self.successResultOf(self.open())


class ConversationTests(SchedulingTestCase):
    """K12."""

    def setUp(self) -> None:
        super().setUp()
        self.gateway.pool = Pool.of(map(account, self.names))

    def asked_by(self, owner: str = "ann", words: str = "hi", **fields: Any) -> str:
        """Ask for an answer as a client; return who gave it."""
        self.trail = Trail("req_1", owner=owner)
        asked = Prompt(MODEL, (Message("user", (Text(words),)),), **fields)
        self.successResultOf(Deferred.fromCoroutine(self.gateway.complete(asked, self.trail)))
        assert self.trail.account is not None
        return self.trail.account.email.partition("@")[0]

    def test_K12_stays(self) -> None:
        """A conversation stays with its account; another beginning, or another client's, is another conversation."""
        self.assertEqual([self.asked_by() for _ in range(3)], ["one"] * 3)
        self.assertEqual([self.asked_by(words="ho"), self.asked_by("bob"), self.asked_by()], ["two", "three", "one"])

    def test_K12_said(self) -> None:
        """What the client says of its conversation counts, not its words."""
        self.assertEqual([self.asked_by(words=words, session="key:k") for words in "abc"], ["one"] * 3)

    def test_K12_moves(self) -> None:
        """When its account is exhausted it moves at once, and stays where it was answered."""
        self.asked_by()
        self.actor.lines["one"] = [refusal(429, retry_after=60.0)]
        self.assertEqual([self.asked_by() for _ in range(3)], ["two"] * 3)
        self.clock.advance(60)
        self.assertEqual(self.asked_by(), "two")
        self.assertEqual(self.actor.asked.count("one"), 2)

    def test_cache_first(self) -> None:
        """In cache_first it waits for an account that is back soon, and not for one that is not."""
        self.gateway.pool.configure(Scheduling(Mode.CACHE_FIRST, max_wait=20.0))
        self.asked_by()
        self.actor.lines["one"] = [refusal(429, retry_after=15.0)]
        asked = self.complete()
        self.trail.owner = "ann"
        waiting = Deferred.fromCoroutine(self.gateway.complete(prompt(), Trail("req_2", owner="ann")))
        self.successResultOf(asked)
        self.clock.advance(15)
        self.successResultOf(waiting)
        self.assertEqual(self.actor.asked.count("one"), 3)

    def test_no_room_to_be_patient(self) -> None:
        """Where the queue is full nobody waits for the conversation's account: another one is asked."""
        self.gateway.pool.configure(Scheduling(Mode.CACHE_FIRST, max_wait=20.0, queue_size=0))
        self.asked_by()
        self.actor.lines["one"] = [refusal(429, retry_after=15.0)]
        self.asked_by()
        self.successResultOf(self.complete())
        self.assertNotEqual(self.actor.asked[-1], "one")


class LeaseTests(SchedulingTestCase):
    """An account is given back once, whatever becomes of the request."""

    def setUp(self) -> None:
        super().setUp()
        self.gateway.pool = on_terms("one", max_concurrency=1)

    def check_free(self) -> None:
        """Check that nothing is held, and that the next request is served at once."""
        self.assertEqual(self.running(), 0)
        self.assertEqual(self.answered_by(), "one")

    def quests(self) -> int:
        """Count the quests that are in memory; other tests may have left theirs hanging."""
        return sum(isinstance(each, Quest) for each in gc.get_objects())

    def test_lean(self) -> None:
        """While an answer streams nothing is kept of what was asked but the account's turn, collected or not."""
        gc.collect()
        before = self.quests()
        gc.disable()
        self.addCleanup(gc.enable)
        self.actor.lines["one"] = [OPEN]
        relay = self.stream()
        self.assertEqual((self.running(), self.quests() - before), (1, 0))
        relay.dismiss()

    def test_whole_answer(self) -> None:
        """After a plain answer, and after one that was refused."""
        self.answered_by()
        self.actor.lines["one"] = [refusal(400)]
        self.refused_with(self.complete(), 400)
        self.check_free()

    def test_stream(self) -> None:
        """A stream keeps its account until its last event."""
        self.actor.lines["one"] = [OPEN]
        relay = self.stream()
        done = relay.pour(Recorder())
        self.assertEqual(self.running(), 1)
        relay.dataReceived(sse(chunk("lo", "STOP")))
        relay.connectionLost()
        self.successResultOf(done)
        self.check_free()

    def test_stream_that_is_there_at_once(self) -> None:
        """One that had ended before anybody took it has given it back."""
        self.stream()
        self.check_free()

    def test_stream_that_breaks(self) -> None:
        """Where it breaks off; the client leaves; nobody wants it any more."""
        self.actor.lines["one"] = [BROKEN, OPEN, OPEN]
        self.failureResultOf(self.stream().pour(Recorder()), UpstreamFailure)
        self.assertEqual(self.running(), 0)
        relay = self.stream()
        done = relay.pour(Recorder())
        relay.stopProducing()
        self.failureResultOf(done, ClientLostError)
        self.assertEqual(self.running(), 0)
        self.stream().dismiss()
        self.check_free()

    def test_client_leaves(self) -> None:
        """A client that leaves before the first event."""
        for ask in (self.open, self.complete):
            self.actor.lines["one"] = [Silence()]
            asked: Deferred[Any] = ask()
            self.assertEqual(self.running(), 1)
            asked.cancel()
            self.failureResultOf(asked, CancelledError)
            self.assertEqual(self.trail.tries[-1].verdict, "left")
        self.check_free()

    def test_several_calls(self) -> None:
        """Of several streams of one request each gives its own back."""
        self.gateway.pool = on_terms("one", "two", max_concurrency=1)
        self.gateway.overrides = {MODEL: {"candidate_count": 1}}
        self.actor.lines = {"one": [OPEN], "two": [refusal(400)]}
        self.refused_with(self.open(prompt(stream=True, n=2)), 400)
        self.assertEqual(self.running(), 0)

    def test_streaming_failure_blames(self) -> None:
        """A quota that is told in the middle of a stream rests the account, although nobody else can be asked."""
        self.actor.lines["one"] = [OPEN]
        relay = self.stream()
        done = relay.pour(Recorder())
        error = {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "Please retry in 40s."}
        relay.dataReceived(sse({"error": error}))
        self.failureResultOf(done, UpstreamFailure)
        self.assertEqual((self.running(), self.witness.punishments), (0, [("one", Blame.COOL)]))
        self.assertEqual(self.refused_with(self.complete(), 429).retry_after, 40)


class WaitingTests(SchedulingTestCase):
    """Everybody is busy, or rests for a moment."""

    def test_busy(self) -> None:
        """A request waits until an account is given back, and its wait is told."""
        self.gateway.pool = on_terms("one", max_concurrency=1)
        self.actor.lines["one"] = [OPEN]
        relay = self.stream()
        asked = self.complete()
        self.clock.advance(4)
        self.assertNoResult(asked)
        relay.dismiss()
        self.successResultOf(asked)
        self.assertEqual((self.trail.queue, self.trail.tries[0].queue, self.trail.attempts), (4, 4, 1))

    def test_busy_for_too_long(self) -> None:
        """When none is in time it is told to come back: 503, never a 429 that nobody's quota is the cause of."""
        self.gateway.pool = on_terms("one", max_concurrency=1)
        self.actor.lines["one"] = [OPEN]
        self.stream()
        asked = self.complete()
        self.clock.advance(10)
        error = self.refused_with(asked, 503)
        self.assertEqual((error.code, error.retry_after, self.trail.attempts), ("accounts_busy", 1, 0))
        self.assertEqual((self.trail.queue, self.trail.account), (10, None))

    def test_short_rest(self) -> None:
        """The only account rests for a moment: the request waits and asks it again."""
        self.gateway.pool = pool_of("one")
        self.actor.lines["one"] = [refusal(429, retry_after=3.0)]
        asked = self.complete()
        self.clock.advance(2.9)
        self.assertNoResult(asked)
        self.clock.advance(0.1)
        self.successResultOf(asked)
        self.assertEqual((self.actor.asked, self.trail.attempts), (["one", "one"], 2))

    def test_leaving(self) -> None:
        """G20: a client that leaves while it waits leaves nothing behind."""
        self.gateway.pool = on_terms("one", max_concurrency=1)
        self.actor.lines["one"] = [OPEN]
        relay = self.stream()
        asked = self.complete()
        asked.cancel()
        self.failureResultOf(asked, CancelledError)
        relay.dismiss()
        self.assertEqual((self.actor.asked, self.running(), self.clock.getDelayedCalls()), (["one"], 0, []))

    def test_nobody_serves_the_model(self) -> None:
        """A model that no account may be asked for is not found."""
        self.gateway.pool = on_terms("one", models=("other",))
        error = self.refused_with(self.complete(), 404)
        self.assertEqual((error.code, error.param), ("model_not_found", "model"))


class TrialTests(SchedulingTestCase):
    """G37, at the expense of a request."""

    def test_G37_one_trial_for_a_request(self) -> None:
        """A request whose trial fails goes to an account in good standing, although others wait for a trial too."""
        spent = refusal(429, retry_after=7200.0)
        self.gateway.pool.configure(Scheduling(Mode.FILL_FIRST))
        for name in ("one", "two", "three"):
            self.actor.lines[name] = [spent, spent]
            self.answered_by()
        self.clock.advance(PROBE_AFTER)
        self.actor.asked.clear()
        self.assertEqual(self.answered_by(), "four")
        self.assertEqual(self.actor.asked, ["one", "four"])
        self.assertEqual([attempt.is_trial for attempt in self.trail.tries], [True, False])


class RequestFaultTests(SchedulingTestCase):
    """G35: one request must not exhaust the pool."""

    def test_G35_more_tokens_than_a_minute_allows(self) -> None:
        """A quota of tokens that two idle accounts say is used up is too small for the request: nobody rests."""
        self.actor.lines = {"one": [TOKENS], "two": [TOKENS]}
        error = self.refused_with(self.complete(), 429)
        self.assertEqual((self.actor.asked, error.message), (["one", "two"], "too many tokens"))
        self.assertEqual(self.witness.punishments, [])
        self.assertEqual(self.answered_by(), "three")

    def test_G35_accounts_that_were_busy(self) -> None:
        """Of accounts that had other requests just before it is their quota: they rest, and the next is asked."""
        for _ in self.names:
            self.answered_by()
        self.actor.lines = {"one": [TOKENS], "two": [TOKENS]}
        self.assertEqual(self.answered_by(), "three")
        self.assertEqual(self.witness.punishments, [("one", Blame.COOL), ("two", Blame.COOL)])

    def test_G30_region(self) -> None:
        """An account in a region that is not served is out, for a reason of its own, and another is asked."""
        words = "User location is not supported for the API use."
        self.actor.lines["one"] = [refusal(400, grpc="FAILED_PRECONDITION", message=words)]
        self.assertEqual(self.answered_by(), "two")
        self.assertEqual(self.witness.punishments, [("one", Blame.BLOCK)])
        self.successResultOf(self.complete(prompt("gemini-2.5-pro")))
        self.assertEqual(self.actor.asked, ["one", "two", "three"])

    def test_G30_precondition(self) -> None:
        """Any other state that two accounts are not in is the request's affair: 503, and nobody is out."""
        failure = refusal(400, grpc="FAILED_PRECONDITION", message="The file is not active.")
        self.actor.lines = {"one": [failure], "two": [failure]}
        self.assertEqual(self.refused_with(self.complete(), 503).code, "upstream_precondition_failed")
        self.assertEqual(self.witness.punishments, [])


class RecordTests(SchedulingTestCase):
    """The record of a request, from which its log line and Server-Timing are made."""

    def test_attempts(self) -> None:
        """Each attempt tells its account, why it was that one, what came of it and what it took."""
        self.actor.lines = {"one": [refusal(503, message="busy")], "two": [Silence()]}
        asked = self.complete()
        self.clock.advance(2)
        self.actor.waiting[0].callback(self.successResultOf(Deferred.fromCoroutine(self.actor.say(GOOD))))
        self.successResultOf(asked)
        first, second = self.trail.tries
        self.assertEqual(
            (first.account.email, first.verdict, first.failure), ("one@example.com", "overloaded", "503 busy")
        )
        self.assertEqual((first.head, first.first, first.total), (0, None, 0))
        self.assertEqual((second.verdict, second.why, second.failure), ("served", "it is the least busy", ""))
        self.assertEqual((second.began, second.head, second.first, second.total), (0, 2, 2, 2))

    def test_bad_status(self) -> None:
        """The time of a status is told also where it was a bad one, and of none where none came."""
        self.actor.lines = {"one": [UNREACHABLE], "two": [refusal(503)]}
        self.successResultOf(self.complete())
        self.assertEqual([attempt.head for attempt in self.trail.tries], [None, 0, 0])

    def test_stream_that_runs(self) -> None:
        """A stream's attempt is served with its first event and goes on until its end, which may be a failure."""
        self.actor.lines["one"] = [OPEN]
        relay = self.stream()
        done = relay.pour(Recorder())
        [attempt] = self.trail.tries
        self.assertEqual((attempt.verdict, attempt.first, attempt.total), ("served", 0, None))
        self.clock.advance(3)
        relay.connectionLost()
        self.failureResultOf(done, UpstreamFailure)
        self.assertEqual((attempt.verdict, attempt.total), ("broken", 3))
