"""Counting a prompt's tokens through the pool."""

from __future__ import annotations

from agd.accounts.holds import PROBE_AFTER
from agd.accounts.standing import Pause
from agd.gateway import Trail
from agd.gemini.requests import write_request
from tests.gateways import MODEL, GatewayTestCase, pool_of, prompt
from tests.upstream.script import refusal
from tests.upstream.wire import start


class CountTests(GatewayTestCase):
    """One count."""

    def test_counted(self) -> None:
        """What is counted is what would be asked, of the model that the name leads to."""
        trail = Trail("req_1")
        counted = self.successResultOf(start(self.gateway.count(prompt("alias"), trail)))
        self.assertEqual(counted, len(write_request(prompt(), MODEL).body))
        self.assertEqual(trail.model, MODEL)

    def test_rotates(self) -> None:
        """An account that is exhausted is passed over, as for any other question."""
        self.actor.lines["one"] = [refusal(429, retry_after=30.0)]
        self.successResultOf(start(self.gateway.count(prompt(), Trail("req_1"))))
        self.assertEqual(self.actor.asked, ["one", "two"])

    def test_quota_of_its_own(self) -> None:
        """Counts have a quota of their own: one that is used up keeps no answer from being asked for."""
        self.actor.lines["one"] = [refusal(429, retry_after=30.0)]
        self.successResultOf(start(self.gateway.count(prompt(), Trail("req_1"))))
        self.assertEqual(self.witness.punishments, [])
        self.assertIn("one", [self.answered_by() for _ in range(4)])

    def test_tells_nothing_of_the_quota(self) -> None:
        """A count that is granted does not end an account's rest, and is not sent to try it while others are there."""
        self.gateway.pool = pool_of("one", "two")
        self.actor.lines["one"] = [refusal(429, quota_ids=("GenerateRequestsPerDayPerProjectPerModel",))]
        self.assertEqual(self.answered_by(), "two")
        self.clock.advance(PROBE_AFTER)
        self.successResultOf(start(self.gateway.count(prompt(), Trail("req_1"))))
        self.gateway.pool.pause(self.gateway.pool.accounts[1].id, Pause.DISABLED)
        self.successResultOf(start(self.gateway.count(prompt(), Trail("req_1"))))
        self.assertEqual(self.actor.asked[2:], ["two", "one"])
        self.assertTrue(self.gateway.pool.overview(self.clock.seconds())[0].rests)
