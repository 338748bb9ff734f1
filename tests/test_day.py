"""A day in the life of a small pool, simulated: what ``bench/day.py`` prints for a large one."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from bench.day import Day, Plan, table

SMALL = Plan(accounts=10, requests=3000, per_minute=4, per_day=120, revoked=2)


class DayTests(SynchronousTestCase):
    """Quotas, outages, revoked keys, and requests that every account refuses."""

    def setUp(self) -> None:
        self.day = Day(SMALL)
        self.count = self.day.run()

    def test_G33_no_request_to_a_cooling_account(self) -> None:
        """Nobody is asked who said that it rests, but for trial; a revoked key is refused once and no more."""
        self.assertEqual(self.count.cooling, 0)
        self.assertGreater(self.count.trials, 0)
        for account_id in self.day.world.revoked:
            self.assertEqual(self.day.world.ledgers[account_id].refused[401], 1)

    def test_served(self) -> None:
        """Of what the quotas of two days allow at least 99 % is served."""
        self.assertGreaterEqual(self.count.served, 0.99 * self.day.allowed)
        self.assertGreater(sum(self.count.failed.values()), 0)

    def test_no_good_request_fails_needlessly(self) -> None:
        """No good request fails while an account could have served it."""
        self.assertEqual(self.count.needless, [])

    def test_G35_poison(self) -> None:
        """A request that every account refuses is refused, and costs two attempts, not the pool."""
        self.assertNotIn("served", self.count.poison)
        self.assertLessEqual(self.count.poison_attempts, 3 * sum(self.count.poison.values()))

    def test_everything_is_over(self) -> None:
        """At the end no lease is held, nobody waits and no timer runs."""
        self.assertEqual(sum(standing.running for standing in self.day.gateway.pool.roster), 0)
        self.assertEqual((len(self.day.gateway.waiting), self.day.clock.getDelayedCalls()), (0, []))

    def test_table(self) -> None:
        """The table tells the three lines that decide."""
        printed = table(self.day, 1.0)
        for words in ("of what the quotas allow", "although an account could", "at an account that rests, and not"):
            self.assertIn(words, printed)
