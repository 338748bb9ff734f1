"""Rests, blocks and trials: how long, how they grow, and how they end early."""

from __future__ import annotations

from agd.accounts.breaker import Tolerance
from agd.accounts.holds import FORGET, PROBE_AFTER
from agd.accounts.pool import Pool
from agd.accounts.standing import Pause
from agd.accounts.verdict import LONG_BLOCK, MAX_BLOCK, MINUTE, MOST_UNTOLD
from agd.errors import Cause
from tests.accounts.pools import PoolCase, account, ruled

A, B, C = map(account, "abc")
HOURS = 7200.0


class StepTests(PoolCase):
    """Rests that the provider did not tell."""

    def setUp(self) -> None:
        """One account."""
        self.make(A)

    def steps(self, cause: Cause, count: int) -> list[float]:
        """Fail again and again, as soon as the account may be asked; return the rests."""
        now, found = 0.0, []
        for _ in range(count):
            found.append(self.lose(self.take(now), cause, now).seconds)
            now += found[-1]
        return found

    def test_untold(self) -> None:
        """Each further failure in a row doubles the rest, up to five minutes."""
        self.assertEqual(self.steps(Cause.UNTOLD_QUOTA, 9), [5, 10, 20, 40, 80, 160, 300, 300, 300])
        self.assertEqual(MOST_UNTOLD, 300)

    def test_minute(self) -> None:
        """For a quota of the minute, up to a minute."""
        self.assertEqual(self.steps(Cause.MINUTE_QUOTA, 6), [5, 10, 20, 40, MINUTE, MINUTE])

    def test_success_begins_anew(self) -> None:
        """After a success the next rest is as short as the first."""
        self.steps(Cause.UNTOLD_QUOTA, 3)
        self.assertEqual(self.asked(100), "a")
        self.assertEqual(self.lose(self.take(101), Cause.UNTOLD_QUOTA, 101).seconds, 5)

    def test_long_ago(self) -> None:
        """So it is when the last rest was over for long."""
        self.steps(Cause.UNTOLD_QUOTA, 3)
        self.assertEqual(self.lose(self.take(1000), Cause.UNTOLD_QUOTA, 36 + FORGET).seconds, 5)

    def test_together(self) -> None:
        """Requests that were under way together are one failure; a success from before ends nothing."""
        first, second, third = self.take(), self.take(), self.take()
        self.lose(first, Cause.UNTOLD_QUOTA)
        self.lose(second, Cause.UNTOLD_QUOTA, 1)
        self.pool.succeed(third, 2)
        self.assertEqual((self.pool.wait("m", 2), self.asked(5)), (3, "a"))

    def test_told(self) -> None:
        """A told rest is that long, however often it comes."""
        for now in (0, 10, 20):
            self.assertEqual(self.lose(self.take(now), Cause.MINUTE_QUOTA, now, retry_after=10.0).seconds, 10)


class ProbeTests(PoolCase):
    """G37: a long rest may have ended sooner than was told."""

    def setUp(self) -> None:
        """One account that rests for two hours."""
        self.make(A)
        self.rest("a", HOURS)

    def test_G37_probe(self) -> None:
        """After a quarter of an hour one request tries, and nobody else while it does."""
        self.exhausted(PROBE_AFTER - 1)
        probe = self.take(PROBE_AFTER)
        self.assertTrue(probe.is_trial)
        found = self.exhausted(PROBE_AFTER + 5)
        self.assertEqual((found.is_busy, found.retry_after), (True, HOURS - PROBE_AFTER - 5))

    def test_G37_success(self) -> None:
        """A trial that succeeds ends the rest for everybody."""
        self.assertEqual(self.asked(PROBE_AFTER), "a")
        self.assertEqual([self.take(PROBE_AFTER).is_trial for _ in range(2)], [False, False])

    def test_G37_failure(self) -> None:
        """A trial that fails takes the newest delay, be it shorter, and the next is a quarter of an hour later."""
        self.lose(self.take(PROBE_AFTER), Cause.MINUTE_QUOTA, PROBE_AFTER, retry_after=3600.0)
        self.assertEqual(self.pool.wait("m", PROBE_AFTER), 3600)
        self.exhausted(2 * PROBE_AFTER - 1)
        self.lose(self.take(2 * PROBE_AFTER), Cause.MINUTE_QUOTA, 2 * PROBE_AFTER, retry_after=20.0)
        self.assertEqual(self.pool.wait("m", 2 * PROBE_AFTER), 20)

    def test_G37_given_up(self) -> None:
        """A trial that nobody waited for decides nothing: the next request is the next trial."""
        self.take(PROBE_AFTER).release()
        self.assertTrue(self.take(PROBE_AFTER).is_trial)

    def test_G37_failure_of_nobody(self) -> None:
        """So it is with one that failed for the provider's machines."""
        self.lose(self.take(PROBE_AFTER), Cause.SERVER, PROBE_AFTER, code=500)
        self.assertTrue(self.take(PROBE_AFTER).is_trial)

    def test_short_rests_have_none(self) -> None:
        """A rest of up to a quarter of an hour is simply waited for, and over for all at once."""
        self.make(A)
        self.rest("a", PROBE_AFTER)
        self.exhausted(PROBE_AFTER - 1)
        self.assertEqual([self.take(PROBE_AFTER).is_trial for _ in range(2)], [False, False])

    def test_retry_after_is_the_end(self) -> None:
        """Clients are told when the first rest ends, not when somebody looks; waiting may end sooner."""
        self.make(A, B)
        self.rest("a", HOURS)
        self.rest("b", 1000, now=10)
        found = self.exhausted(20)
        self.assertEqual((found.retry_after, found.wakes), (990, PROBE_AFTER - 20))

    def test_without_trials(self) -> None:
        """A request that has paid for a trial takes those in good standing, and a trial only where there is none."""
        self.make(A, B, C)
        for name in "ab":
            self.rest(name, HOURS)
        self.assertEqual([self.take(PROBE_AFTER, trials=False).account for _ in range(3)], [C, C, C])
        self.assertEqual(self.take(PROBE_AFTER).account, A)
        self.assertTrue(self.take(PROBE_AFTER, trials=False, tried={C.id}).is_trial)


class BlockTests(PoolCase):
    """What only a person can put right."""

    def test_growing(self) -> None:
        """The account is out for every model; a quarter of an hour at first, then up to an hour between trials."""
        self.make(A)
        now = 0.0
        for expected in (LONG_BLOCK, 1800, MAX_BLOCK, MAX_BLOCK):
            self.lose(self.take(now, model="m"), Cause.VALIDATION, now, code=403)
            self.assertEqual(self.pool.wait("other", now), expected)
            now += expected
        self.assertEqual([self.asked(now, model="n"), self.asked(now, model="m")], ["a", "a"])

    def test_pardon(self) -> None:
        """What is taken back leaves what was there before."""
        self.make(A)
        self.rest("a", 10)
        verdict, failure = ruled(Cause.MINUTE_QUOTA, retry_after=100.0)
        self.pool.punish(A, "m", verdict, failure, 1)
        self.assertEqual(self.pool.wait("m", 1), 99 + 1)
        self.pool.pardon(A, failure)
        self.assertEqual(self.pool.wait("m", 1), 9)


class UpstreamTests(PoolCase):
    """The circuit breaker."""

    def fail_often(self, count: int, cause: Cause = Cause.UNREACHABLE, now: float = 0.0) -> None:
        """Let so many requests fail."""
        for _ in range(count):
            self.lose(self.take(now), cause, now, code=503)

    def test_opens(self) -> None:
        """Ten requests in a row that fail for the upstream keep everybody off it; others are asked."""
        other = account("c", "https://other.example", priority=-1)
        self.make(A, B, other)
        self.fail_often(9)
        self.assertEqual(self.take().account, B)
        self.fail_often(1)
        self.assertEqual("".join(self.asked(now) for now in (0, 1, 4.9)), "ccc")
        self.make(A)
        self.fail_often(10)
        found = self.exhausted(1)
        self.assertEqual((found.retry_after, found.wakes, found.cause.status if found.cause else 0), (4, 4, 503))
        self.assertEqual(self.pool.wait("m", 1), 4)

    def test_half_open(self) -> None:
        """When its time is over one request tries it: its success closes it, its failure doubles the time."""
        self.make(A, B)
        self.fail_often(10)
        trial = self.take(5)
        self.assertTrue(trial.is_trial and self.exhausted(5).is_busy)
        self.lose(trial, Cause.SERVER, 5, code=500)
        self.assertEqual(self.pool.wait("m", 5), 10)
        trial = self.take(15)
        self.pool.succeed(trial, 15)
        self.assertEqual([self.take(15).is_trial for _ in range(3)], [False] * 3)

    def test_slow_trial(self) -> None:
        """A trial whose answer is long in coming has another follow after as long as the break was, and so on."""
        self.make(A, B)
        self.fail_often(10)
        slow = self.take(5)
        found = self.exhausted(6)
        self.assertEqual((found.is_busy, found.wakes), (True, 4))
        second = self.take(10)
        self.exhausted(11)
        slow.release()
        self.exhausted(12)
        self.pool.succeed(second, 12)
        self.assertEqual([self.take(12).is_trial for _ in range(3)], [False] * 3)

    def test_longest(self) -> None:
        """The time grows to a minute."""
        self.make(A)
        self.fail_often(10)
        now = 0.0
        waits = []
        for _ in range(6):
            wait = self.pool.wait("m", now)
            assert wait is not None
            waits.append(wait)
            now += wait
            self.lose(self.take(now), Cause.UNREACHABLE, now)
        self.assertEqual(waits, [5, 10, 20, 40, 60, 60])

    def test_given_up(self) -> None:
        """A trial that nobody waited for leaves the next request to try."""
        self.make(A)
        self.fail_often(10)
        self.take(5).release()
        self.assertTrue(self.take(5).is_trial)

    def test_success_between(self) -> None:
        """A success in between begins the count anew."""
        self.make(A)
        for _ in range(3):
            self.fail_often(9)
            self.assertEqual(self.asked(), "a")

    def test_latecomers(self) -> None:
        """Requests that were under way when it opened neither lengthen nor close it."""
        self.make(A)
        late, later = self.take(), self.take()
        self.fail_often(10)
        self.lose(late, Cause.UNREACHABLE, 3)
        self.pool.succeed(later, 3)
        self.assertEqual(self.pool.wait("m", 3), 2)

    def test_overload_is_the_models(self) -> None:
        """A model that is short of capacity is left alone; the upstream's other models are not."""
        self.make(A)
        self.fail_often(10, Cause.OVERLOADED)
        self.exhausted()
        self.assertEqual(self.asked(model="other"), "a")

    def test_never(self) -> None:
        """It can be switched off."""
        self.make(A)
        self.pool.upstreams.tolerance = Tolerance(0, 5.0)
        self.fail_often(100)
        self.assertEqual(self.asked(), "a")

    def test_budget(self) -> None:
        """Repeats are at most so many as requests, and a reserve; good times do not save up for more."""
        for ratio, allowed in ((1.0, 100), (0.5, 50), (0.0, 0)):
            pool = Pool.of([A])
            pool.upstreams.ratio = ratio
            for _ in range(1000):
                pool.upstreams.budget("u").deposit()
            repeats = 0
            for _ in range(100):
                pool.upstreams.budget("u").deposit()
                while pool.may_repeat("u"):
                    repeats += 1
            self.assertTrue(allowed <= repeats <= allowed + 20, (ratio, repeats))
            self.assertTrue(pool.may_repeat("another"))


class DecreeTests(PoolCase):
    """What the operator decrees."""

    def setUp(self) -> None:
        """Two accounts."""
        self.make(A, B)

    def test_pause(self) -> None:
        """A paused account is not asked, its running requests end as ever, and enabling brings it back."""
        for pause in Pause:
            lease = self.take()
            self.assertTrue(self.pool.pause(lease.account.id, pause, "maintenance"))
            self.assertEqual(len({self.asked() for _ in range(3)}), 1)
            lease.release()
            self.assertEqual(len({self.asked() for _ in range(3)}), 1)
            self.assertTrue(self.pool.enable(lease.account.id))
            self.assertEqual({self.asked() for _ in range(3)}, {"a", "b"})

    def test_survives_a_reload(self) -> None:
        """What an operator decreed holds when the configuration is read again."""
        self.pool.pause(A.id, Pause.DISABLED)
        self.pool.replace([A, B])
        self.assertEqual("".join(self.asked() for _ in range(3)), "bbb")

    def test_all_paused(self) -> None:
        """When all are paused nothing is ready, nobody ever comes back by itself, and the reason is told."""
        for each in (A, B):
            self.pool.pause(each.id, Pause.DISABLED)
        found = self.exhausted()
        self.assertEqual((found.cause, found.retry_after, found.is_busy), (None, None, False))
        self.assertEqual(self.pool.unready(), "no account is usable: account 1: disabled; account 2: disabled")

    def test_G37_reset(self) -> None:
        """A reset forgets rests, blocks and the refusal of the credential, for one model or for all."""
        self.make(A)
        self.rest("a", HOURS)
        self.rest("a", HOURS, model="n")
        self.pool.reset(A.id, "m")
        self.assertEqual((self.asked(), self.asked(model="n")), ("a", "-"))
        self.lose(self.take(), Cause.KEY_INVALID)
        self.pool.reset(A.id)
        self.assertEqual((self.asked(), self.asked(model="n")), ("a", "a"))

    def test_away_for_a_while(self) -> None:
        """What was decreed for an account holds on when it leaves the configuration and comes back."""
        self.pool.pause(A.id, Pause.DISABLED, "leaked")
        self.pool.replace([B])
        self.pool.replace([A, B])
        self.assertEqual([view.condition for view in self.pool.overview(0)], ["disabled", "ready"])

    def test_stranger(self) -> None:
        """A name that no account has is told so."""
        self.assertFalse(self.pool.enable("x") or self.pool.reset("x") or self.pool.pause("x", Pause.DRAINING))

    def test_changes(self) -> None:
        """Whatever is worth keeping is noted; taking a turn is not."""
        self.assertIsNone(self.pool.unkept.take(), "everybody is new")
        self.take().release()
        self.assertFalse(self.pool.unkept)
        a, b = self.pool.roster
        self.lose(self.take(), Cause.MINUTE_QUOTA)
        self.assertEqual(self.pool.unkept.take(), {b})
        self.pool.pause(A.id, Pause.DISABLED)
        self.pool.reset(B.id)
        self.assertEqual(self.pool.unkept.take(), {a, b})
        self.asked()
        self.assertEqual(self.pool.unkept.take(), {b})
        self.pool.replace([A])
        self.assertIsNone(self.pool.unkept.take())
