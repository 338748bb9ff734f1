"""Which account is asked next, and which ones rest."""

from __future__ import annotations

from collections.abc import Collection

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.accounts.account import Account, ApiKey
from agd.accounts.holds import MAX_HOLDS
from agd.accounts.lease import Lease
from agd.accounts.pool import Pool
from agd.accounts.search import Exhausted
from agd.accounts.verdict import BLOCK, MAX_BLOCK, Blame, Scope, Verdict
from agd.errors import UpstreamFailure
from tests.accounts.failures import status

URL = "https://upstream.example"
A, B, C = (Account.of_key(f"{name}@example.com", URL, f"made-up-{name}") for name in "abc")
BLOCKED = Verdict(True, Blame.BLOCK, BLOCK, contestable=True, scope=Scope.MODEL, most=MAX_BLOCK)
DISABLED = Verdict(rotate=True, blame=Blame.DISABLE)


def cool(seconds: float) -> Verdict:
    """Make the verdict of a 429."""
    return Verdict(rotate=True, blame=Blame.COOL, seconds=seconds, scope=Scope.MODEL)


class PoolTestCase(SynchronousTestCase):
    """A pool of three accounts, asked for model ``m`` at time 0 unless said otherwise."""

    def setUp(self) -> None:
        """Three accounts in good standing."""
        self.pool = Pool.of([A, B, C])
        self.leases: list[Lease] = []

    def lease(self, now: float = 0.0, model: str = "m", tried: Collection[str] = ()) -> str:
        """Take the next account; give the first letter of its address, "-" where there is none."""
        try:
            self.leases.append(self.pool.lease(model, now, tried))
        except Exhausted:
            return "-"
        return self.leases[-1].account.email[0]

    def exhausted(self, now: float = 0.0, tried: Collection[str] = ()) -> Exhausted:
        """Take an account where there is none."""
        with self.assertRaises(Exhausted) as caught:
            self.pool.lease("m", now, tried)
        found: Exhausted = caught.exception
        return found

    def punish(
        self, account: Account, verdict: Verdict, now: float = 0.0, failure: UpstreamFailure | None = None
    ) -> None:
        """Carry out a verdict for model ``m``."""
        self.pool.punish(account, "m", verdict, failure or status(429), now)

    def lose(self, verdict: Verdict, now: float = 0.0) -> None:
        """Let the request that was sent last fail, and give its account back."""
        self.pool.fail(self.leases[-1], verdict, status(429), now)
        self.leases.pop().release()

    def succeed(self, now: float = 0.0) -> None:
        """Let the request that was sent last succeed, and give its account back."""
        self.pool.succeed(self.leases[-1], now)
        self.leases.pop().release()


class TurnTests(PoolTestCase):
    """Least recently used first."""

    def test_order(self) -> None:
        """Fresh accounts come in the order of the configuration, then whoever waited longest."""
        self.assertEqual([self.lease() for _ in range(7)], list("abcabca"))

    def test_over_models(self) -> None:
        """A turn counts for every model, so that the load is spread over the accounts."""
        self.assertEqual([self.lease(model=model) for model in ("m", "n", "m", "n")], list("abca"))

    def test_tried(self) -> None:
        """An account that was tried already is passed over, and keeps its place in the order."""
        self.assertEqual(self.lease(tried={A.id}), "b")
        self.assertEqual([self.lease() for _ in range(3)], list("acb"))

    def test_return(self) -> None:
        """Who comes back from a rest has waited longest and is next."""
        self.assertEqual(self.lease(), "a")
        self.punish(A, cool(10))
        self.assertEqual([self.lease(now) for now in (1, 2, 3, 10)], list("bcba"))

    @given(st.lists(st.integers(0, 2), max_size=30))
    def test_fair(self, absences: list[int]) -> None:
        """Whoever is taken, nobody who could have been taken has waited longer."""
        pool, turns = Pool.of([A, B, C]), dict.fromkeys((A.id, B.id, C.id), -1)
        for turn, absent in enumerate(absences):
            missing = (A, B, C)[absent].id
            chosen = pool.lease("m", 0, {missing}).account.id
            self.assertEqual(turns[chosen], min(turns[account] for account in turns if account != missing))
            turns[chosen] = turn


class CooldownTests(PoolTestCase):
    """Rest for a told time."""

    def test_nothing_else_is_kept(self) -> None:
        """A failure that is remembered keeps nothing of the request that met it."""
        try:
            try:
                raise ValueError
            except ValueError as error:
                raise status(429) from error
        except UpstreamFailure as failure:
            self.pool.fail(self.pool.lease("m", 0.0), cool(5), failure, 0.0)
            self.assertEqual((failure.__traceback__, failure.__context__, failure.__cause__), (None, None, None))

    def test_until(self) -> None:
        """An account is not asked before its delay is over, and may be asked from then on."""
        self.punish(A, cool(30))
        self.assertEqual([self.lease(now) for now in (0, 10, 29.9, 30)], list("bcba"))

    def test_per_model(self) -> None:
        """It rests for one model only."""
        self.punish(A, cool(30))
        self.assertEqual(self.lease(model="other"), "a")

    def test_not_shortened(self) -> None:
        """A second failure can lengthen a cooldown, not shorten it."""
        self.pool = Pool.of([A])
        self.punish(A, cool(30))
        self.punish(A, cool(5), now=1)
        self.assertEqual(self.pool.wait("m", 1), 29)
        self.punish(A, cool(60), now=2)
        self.assertEqual(self.pool.wait("m", 2), 60)

    def test_not_forgiven(self) -> None:
        """An answer to a request from before the failure does not end the rest."""
        self.assertEqual(self.lease(), "a")
        self.punish(A, cool(30))
        self.succeed(1)
        self.assertEqual(self.lease(29), "b")

    def test_nobody(self) -> None:
        """A verdict that blames nobody changes nothing."""
        self.punish(A, Verdict(rotate=True))
        self.assertEqual(self.lease(), "a")

    def test_stranger(self) -> None:
        """An account that has left the pool can be punished, praised and renewed without effect."""
        self.lease()
        self.lease(tried={B.id, C.id})
        self.pool.replace([B])
        self.punish(A, DISABLED)
        self.succeed()
        self.lose(DISABLED)
        self.pool.pardon(A, status(429))
        self.pool.renew(A)
        self.assertEqual(self.pool.accounts, (B,))

    @given(st.lists(st.tuples(st.sampled_from([A, B, C]), st.floats(0, 100), st.floats(0, 10)), max_size=20))
    def test_never_while_cooling(self, failures: list[tuple[Account, float, float]]) -> None:
        """Whatever fails and when, no account is leased before the end of the longest delay it was told."""
        pool, now = Pool.of([A, B, C]), 0.0
        until = dict.fromkeys((A.id, B.id, C.id), 0.0)
        for account, seconds, passed in failures:
            pool.punish(account, "m", cool(seconds), status(429), now)
            until[account.id] = max(until[account.id], now + seconds)
            now += passed
            if min(until.values()) <= now:
                self.assertLessEqual(until[pool.lease("m", now).account.id], now)
            else:
                with self.assertRaises(Exhausted):
                    pool.lease("m", now)


class BlockTests(PoolTestCase):
    """Out for a model, and back on trial."""

    def setUp(self) -> None:
        """One account alone, so that its return shows."""
        super().setUp()
        self.pool = Pool.of([A])

    def fail_trial(self, now: float) -> None:
        """Take the account, which is due, and let it fail again."""
        self.assertEqual(self.lease(now), "a")
        self.lose(BLOCKED, now)

    def test_per_model(self) -> None:
        """A block is for one model and for its first time."""
        self.punish(A, BLOCKED)
        self.assertEqual((self.lease(BLOCK - 1), self.lease(BLOCK - 1, "other"), self.lease(BLOCK)), ("-", "a", "a"))

    def test_growing(self) -> None:
        """Each trial that fails doubles the block, up to an hour, for months on end."""
        self.punish(A, BLOCKED)
        now, waits = 0.0, []
        for _ in range(2000):
            wait = self.pool.wait("m", now)
            assert wait is not None
            waits.append(wait)
            now += wait
            self.fail_trial(now)
        self.assertEqual(waits[:8], [60, 120, 240, 480, 960, 1920, 3600, 3600])
        self.assertEqual(waits[-1], MAX_BLOCK)

    def test_at_once(self) -> None:
        """Many requests that were on their way together and fail together are one failure."""
        self.assertEqual([self.lease() for _ in range(10)], ["a"] * 10)
        for now in range(10):
            self.lose(BLOCKED, now)
        self.assertEqual(self.pool.wait("m", 10), BLOCK - 10)

    def test_G37_one_trial(self) -> None:
        """When a block is over one request tries the account; others wait until that one is over, or given up."""
        self.punish(A, BLOCKED)
        self.assertEqual([self.lease(BLOCK + later) for later in (0, 0, 1000)], ["a", "-", "-"])
        self.assertTrue(self.exhausted(BLOCK).is_busy)
        self.leases.pop().release()
        self.assertEqual([self.lease(BLOCK + 2000), self.lease(BLOCK + 2000)], ["a", "-"])

    def test_forgiven(self) -> None:
        """A trial that succeeds lifts the block, and the next one begins small again."""
        self.punish(A, BLOCKED)
        self.fail_trial(60)
        self.assertEqual(self.lease(180), "a")
        self.succeed(180)
        self.assertEqual([self.lease(180), self.lease(180)], ["a", "a"])
        self.punish(A, BLOCKED, 200)
        self.assertEqual(self.pool.wait("m", 200), BLOCK)

    def test_beside_cooldown(self) -> None:
        """Cooldowns do not make a first block longer, and neither cuts the other short."""
        for now in range(5):
            self.punish(A, cool(100), now)
        self.punish(A, BLOCKED, 5)
        self.assertEqual(self.pool.wait("m", 5), 99)
        self.punish(A, cool(1), 6)
        self.assertEqual(self.pool.wait("m", 6), 98)

    def test_bounded(self) -> None:
        """Clients who ask for ever new names cannot make the pool remember without end; the newest hold."""
        for number in range(MAX_HOLDS + 10):
            self.pool.punish(A, f"m{number}", BLOCKED, status(404), 0)
        self.assertEqual(self.lease(1, "m0"), "a")
        self.assertEqual(self.lease(1, "m10"), "-")
        self.assertEqual(self.lease(1, f"m{MAX_HOLDS + 9}"), "-")


class DisableTests(PoolTestCase):
    """Refused credentials."""

    def test_until_replaced(self) -> None:
        """A disabled account is out for every model and for good, until the configuration is read again."""
        self.punish(A, DISABLED)
        self.assertEqual([self.lease(1e9, model) for model in ("m", "n", "m")], list("bcb"))
        self.pool.replace([A, B, C])
        self.assertEqual(self.lease(1e9), "a")

    def test_renew(self) -> None:
        """A fresh credential takes the old one's place; turns and holds stay."""
        self.pool = Pool.of([A, B])
        self.punish(A, cool(30))
        fresh = Account(A.id, A.email, A.base_url, ApiKey("made-up-fresh"))
        self.pool.renew(fresh)
        self.assertEqual(self.pool.accounts, (fresh, B))
        self.assertEqual(self.lease(29), "b")
        self.assertIs(self.pool.lease("m", 30).account, fresh)


class ReplaceTests(PoolTestCase):
    """A configuration that is read again."""

    def test_keeps(self) -> None:
        """Cooldowns, blocks and the order of turns survive."""
        self.assertEqual(self.lease(), "a")
        self.punish(B, cool(30))
        self.punish(C, BLOCKED)
        self.pool.replace([A, B, C])
        self.assertEqual([self.lease(1), self.lease(30), self.lease(60)], list("abc"))

    def test_keeps_order(self) -> None:
        """Who was asked last before is not asked first after."""
        self.assertEqual([self.lease(), self.lease()], list("ab"))
        self.pool.replace([A, B, C])
        self.assertEqual([self.lease() for _ in range(3)], list("cab"))

    def test_membership(self) -> None:
        """New accounts are asked next, in the new order; those that are gone are not asked."""
        self.pool = Pool.of([A, B])
        self.assertEqual([self.lease(), self.lease()], list("ab"))
        self.pool.replace([C, B])
        self.assertEqual(self.pool.accounts, (C, B))
        self.assertEqual([self.lease() for _ in range(3)], list("cbc"))

    def test_return(self) -> None:
        """An account that was away in between starts afresh."""
        self.punish(A, cool(30))
        self.pool.replace([B])
        self.pool.replace([A])
        self.assertEqual(self.lease(1), "a")


class ExhaustedTests(PoolTestCase):
    """Nobody is left."""

    def test_soonest(self) -> None:
        """The cause is that of the account that comes back first, and so is the time."""
        self.pool = Pool.of([A, B])
        late, soon = status(429, "late"), status(429, "soon")
        self.punish(A, cool(90), failure=late)
        self.punish(B, cool(30), failure=soon)
        found = self.exhausted(now=10)
        self.assertIs(found.cause, soon)
        self.assertEqual(found.retry_after, 20)

    def test_longest_hold(self) -> None:
        """An account with two holds comes back when both are over, and the later one is why."""
        self.pool = Pool.of([A])
        denied = status(403)
        self.punish(A, cool(10))
        self.punish(A, BLOCKED, failure=denied)
        found = self.exhausted(now=1)
        self.assertIs(found.cause, denied)
        self.assertEqual(found.retry_after, 59)

    def test_resting_before_disabled(self) -> None:
        """Where some rest and others are disabled, the rest is the cause: it ends."""
        self.pool = Pool.of([A, B])
        quota = status(429)
        self.punish(A, cool(30), failure=quota)
        self.punish(B, DISABLED, failure=status(401))
        self.assertIs(self.exhausted().cause, quota)

    def test_all_disabled(self) -> None:
        """Where all are disabled that is the cause, and no time helps."""
        self.pool = Pool.of([A])
        refused = status(401)
        self.punish(A, DISABLED, failure=refused)
        found = self.exhausted()
        self.assertIs(found.cause, refused)
        self.assertIsNone(found.retry_after)

    def test_all_tried(self) -> None:
        """Where all were tried there is nothing to hold against them."""
        found = self.exhausted(tried={A.id, B.id, C.id})
        self.assertEqual((found.cause, found.retry_after), (None, None))

    def test_empty(self) -> None:
        """A pool without accounts has no cause either."""
        self.pool = Pool.of([])
        found = self.exhausted()
        self.assertEqual((found.cause, found.retry_after), (None, None))


class WaitTests(PoolTestCase):
    """How long until somebody may serve."""

    def test_now(self) -> None:
        """Nothing when an account is free."""
        self.punish(A, cool(30))
        self.assertEqual(self.pool.wait("m", 0), 0)

    def test_soonest(self) -> None:
        """The shortest rest when all rest; a disabled account does not count."""
        for account, seconds in ((A, 30), (B, 20)):
            self.punish(account, cool(seconds))
        self.punish(C, DISABLED)
        self.assertEqual((self.pool.wait("m", 5), self.pool.wait("other", 5)), (15, 0))

    def test_never(self) -> None:
        """None when every account is disabled, or there is none."""
        self.pool = Pool.of([A])
        self.punish(A, DISABLED)
        self.assertIsNone(self.pool.wait("m", 0))
        self.assertIsNone(Pool.of([]).wait("m", 0))


class ReadyTests(PoolTestCase):
    """Why nothing can be answered."""

    def test_ready(self) -> None:
        """One account that is not disabled is enough, even while it rests."""
        self.punish(A, DISABLED)
        self.punish(B, DISABLED)
        self.punish(C, cool(30))
        self.assertIsNone(self.pool.unready())

    def test_none_configured(self) -> None:
        """Without accounts it says what to configure."""
        reason = Pool.of([]).unready() or ""
        self.assertIn("[[accounts]]", reason)
        self.assertIn("GEMINI_API_KEY", reason)

    def test_all_disabled(self) -> None:
        """It says for each account, by its place in the configuration, what the provider said."""
        self.pool = Pool.of([A, B])
        self.punish(A, DISABLED, failure=status(400, "API key not valid."))
        self.punish(B, DISABLED, failure=status(401, "Unauthenticated."))
        self.assertEqual(
            self.pool.unready(),
            "no account is usable: account 1: 400 API key not valid.; account 2: 401 Unauthenticated.",
        )

    def test_no_address(self) -> None:
        """It names no address: a client that may not see X-Account-Email in clear reads this as well."""
        self.pool = Pool.of([A])
        self.punish(A, DISABLED)
        self.assertNotIn("@", self.pool.unready() or "")
