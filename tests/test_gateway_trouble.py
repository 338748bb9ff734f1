"""Requests while an upstream fails: breaks, repeats within their budget, and accounts asked once more."""

from __future__ import annotations

from attrs import evolve
from twisted.internet.defer import CancelledError, Deferred

from agd.accounts.pool import Pool
from agd.accounts.scheduling import Mode, Scheduling
from agd.accounts.verdict import Blame
from agd.gateway.turns import PAUSE
from tests.gateways import pool_of, prompt
from tests.test_gateway_scheduling import OPEN, SchedulingTestCase
from tests.upstream.script import EMPTY, GOOD, UNREACHABLE, Silence, refusal
from tests.upstream.wire import account


class UpstreamTroubleTests(SchedulingTestCase):
    """An upstream that is down."""

    def test_retry_budget(self) -> None:
        """However many requests come, their repeats at most double the load, but for a reserve."""
        self.gateway.pool.upstreams.tolerance = evolve(self.gateway.pool.upstreams.tolerance, failures=0)
        for name in self.names:
            self.actor.lines[name] = [UNREACHABLE] * 1000
        for _ in range(200):
            self.refused_with(self.complete(), 502)
        self.assertLessEqual(len(self.actor.asked), 2 * 200 + 20)
        self.assertGreater(len(self.actor.asked), 350)

    def test_retry_budget_of_broken_answers(self) -> None:
        """An upstream whose answers all break off is in trouble like one that cannot be reached."""
        for name in self.names:
            self.actor.lines[name] = [EMPTY] * 1000
        for _ in range(200):
            self.refused_with(self.complete(), 502)
        self.assertLessEqual(len(self.actor.asked), 2 * 200 + 20)

    def test_quotas_do_not_count(self) -> None:
        """Rotation for an account's own trouble is not limited by it."""
        self.gateway.pool.upstreams.ratio = 0.0
        for _ in range(30):
            self.actor.lines["one"] = [refusal(403)]
            self.gateway.pool = pool_of(*self.names)
            self.gateway.pool.upstreams.ratio = 0.0
            self.assertEqual(self.answered_by(), "two")

    def test_breaker(self) -> None:
        """After ten failed requests in a row nobody is asked any more, then one, and with its success all."""
        for name in self.names:
            self.actor.lines[name] = [UNREACHABLE] * 100
        for _ in range(9):
            self.refused_with(self.complete(), 502)
        tenth, eleventh = self.complete(), self.complete()
        asked = len(self.actor.asked)
        self.clock.advance(4.9)
        self.assertEqual(len(self.actor.asked), asked)
        self.actor.lines = {name: [Silence()] for name in self.names}
        self.clock.advance(0.1)
        self.assertEqual(len(self.actor.asked), asked + 1)
        self.actor.waiting[0].callback(self.successResultOf(Deferred.fromCoroutine(self.actor.say(GOOD))))
        self.successResultOf(tenth)
        self.assertEqual(len(self.actor.asked), asked + 2)
        eleventh.cancel()
        self.failureResultOf(eleventh, CancelledError)

    def test_G36_open_breaker_is_told(self) -> None:
        """When it stays open for longer than a request waits, that is told: 503 with a code of its own."""
        pool = self.gateway.pool
        pool.upstreams.tolerance = evolve(pool.upstreams.tolerance, failures=1, seconds=60.0)
        self.actor.lines = {name: [refusal(500)] for name in self.names}
        first = self.complete()
        self.clock.advance(PAUSE)
        self.refused_with(first, 502)
        error = self.refused_with(self.complete(), 503)
        self.assertEqual((error.code, error.retry_after), ("accounts_resting", 60))

    def test_one_request_counts_once_for_each_upstream(self) -> None:
        """Two upstreams that fail the same request have each failed it."""
        other = evolve(account("two"), base_url="http://127.0.0.1:8")
        pool = self.gateway.pool = Pool.of([account("one"), other], Scheduling(Mode.FILL_FIRST))
        pool.upstreams.tolerance = evolve(pool.upstreams.tolerance, failures=1, seconds=60.0)
        self.actor.lines = {name: [refusal(500)] for name in ("one", "two")}
        first = self.complete()
        self.clock.advance(PAUSE)
        self.refused_with(first, 502)
        self.assertEqual(self.refused_with(self.complete(), 503).code, "accounts_resting")

    def test_own_way(self) -> None:
        """An account whose own proxy or token endpoint fails rests by itself; its neighbours are asked on."""
        self.gateway.pool.upstreams.tolerance = evolve(self.gateway.pool.upstreams.tolerance, failures=2)
        self.actor.lines = {"one": [Silence()] * 9, **{name: [OPEN] * 20 for name in self.names[1:]}}
        streams = [self.open() for _ in range(12)]
        lost = [waiting for waiting in self.actor.waiting if not waiting.called]
        self.assertGreater(len(lost), 2)
        for waiting in lost:
            waiting.errback(evolve(UNREACHABLE, own=True))
        for each in streams:
            self.successResultOf(each)
        asked = self.actor.asked.count("one")
        self.actor.lines = {}
        self.assertEqual({self.answered_by() for _ in range(6)}, {"two", "three", "four"})
        self.assertEqual(self.actor.asked.count("one"), asked)
        self.successResultOf(self.complete(prompt("gemini-2.5-pro")))
        self.assertEqual(self.actor.asked.count("one"), asked)
        self.assertEqual(set(self.witness.punishments), {("one", Blame.COOL)})

    def test_one_request_counts_once(self) -> None:
        """A request that makes the provider fail on every account does not open the breaker by itself."""
        pool = self.gateway.pool
        pool.upstreams.tolerance = evolve(pool.upstreams.tolerance, failures=2)
        self.actor.lines = {name: [refusal(500)] for name in ("one", "two", "three")}
        self.refused_with(self.complete(), 502)
        self.assertEqual(self.answered_by(), "four")
