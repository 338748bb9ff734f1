"""A line by rank, and lanes of many accounts."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.accounts.holds import PROBE_AFTER
from agd.accounts.pool import Pool
from agd.accounts.ranks import Ranks
from agd.accounts.roster import MOST_LANES
from agd.accounts.standing import Obstacle, Standing
from agd.errors import Cause
from tests.accounts.pools import account, ruled

STEPS = st.lists(st.tuples(st.sampled_from(["put", "discard"]), st.integers(0, 9), st.floats(0, 100)), max_size=200)


class RanksTests(SynchronousTestCase):
    """Ranks."""

    @given(STEPS)
    def test_like_a_sorted_list(self, steps: list[tuple[str, int, float]]) -> None:
        """Whatever is put, moved and taken out, the first is the least."""
        line: Ranks[float, int] = Ranks()
        ranks: dict[int, float] = {}
        for what, thing, rank in steps:
            if what == "put":
                line.put(thing, rank)
                ranks[thing] = rank
            else:
                line.discard(thing)
                ranks.pop(thing, None)
            first = line.first()
            self.assertEqual(None if first is None else first[0], min(ranks.values(), default=None))
            self.assertEqual((len(line), set(line)), (len(ranks), set(ranks)))
            if first is not None:
                self.assertEqual(ranks[first[1]], first[0])

    def test_bounded(self) -> None:
        """Moving a few things for ever does not make the line grow."""
        line: Ranks[float, str] = Ranks.of([(1.0, "a"), (2.0, "b")])
        for number in range(10_000):
            line.put("ab"[number % 2], float(number))
        self.assertLess(len(line._heap), 50)

    def test_equals(self) -> None:
        """Among equals the one that was put first is first."""
        line: Ranks[float, str] = Ranks.of([(1.0, "b"), (1.0, "a")])
        line.put("c", 1.0)
        self.assertEqual(line.first(), (1.0, "b"))


class CostTests(SynchronousTestCase):
    """What a choice costs, counted in looks at accounts rather than in time."""

    def looks(self, count: int, turns: int) -> int:
        """Return how many accounts are looked at in so many turns, some of which end in a rest."""
        pool = Pool.of([account(f"a{number}") for number in range(count)])
        pool.lease("m", 0).release()
        looks = self.counted()
        for turn in range(turns):
            lease = pool.lease("m", float(turn))
            if turn % 3 == 0:
                pool.fail(lease, *ruled(Cause.MINUTE_QUOTA, retry_after=50.0), float(turn))
            lease.release()
        return looks()

    def counted(self) -> Callable[[], int]:
        """Count from now on how many accounts are looked at."""
        looked, original = 0, Standing.obstacle

        def looking(standing: Standing, model: str, now: float) -> Obstacle | None:
            nonlocal looked
            looked += 1
            return original(standing, model, now)

        self.patch(Standing, "obstacle", looking)
        return lambda: looked

    def test_few_looks(self) -> None:
        """Among ten thousand accounts a choice looks at no more of them than among a hundred: a few."""
        for count in (100, 10_000):
            self.assertLess(self.looks(count, 300), 900)

    def test_few_looks_among_doubtful(self) -> None:
        """So it is for a request that may try nobody, where all but one wait for their trial."""
        for count in (100, 10_000):
            pool = Pool.of([account(f"a{number}") for number in range(count)])
            pool.lease("m", 0).release()
            for each in pool.accounts[:-1]:
                pool.punish(each, "m", *ruled(Cause.MINUTE_QUOTA, retry_after=90_000.0), 0)
            self.assertTrue(pool.lease("m", PROBE_AFTER).is_trial)  # wakes them all, once
            self.assertFalse(pool.lease("m", PROBE_AFTER, trials=False).is_trial)  # and puts them in their line, once
            looks = self.counted()
            for _ in range(100):
                lease = pool.lease("m", PROBE_AFTER + 1, trials=False)
                self.assertEqual((lease.account.id, lease.is_trial), (pool.accounts[-1].id, False))
                lease.release()
            self.assertLess(looks(), 300)

    def test_lanes_are_bounded(self) -> None:
        """Clients who ask for ever new models do not make the pool remember without end."""
        pool = Pool.of([account("a")])
        for number in range(MOST_LANES + 10):
            pool.lease(f"m{number}", 0).release()
        self.assertEqual(len(pool.roster._lanes), MOST_LANES)
