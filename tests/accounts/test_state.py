"""What survives a restart, and what an operator is shown."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from agd.accounts.account import ApiKey
from agd.accounts.credentials import DefaultCredentials
from agd.accounts.pool import Pool
from agd.accounts.standing import Pause
from agd.accounts.verdict import LONGEST
from agd.encoding import decode, encode
from agd.errors import Cause
from tests.accounts.pools import WALL, PoolCase, account

A, B, C, D = (account("a"), account("b", project="p"), account("c", project="p"), account("d"))
HOUR = 3600.0


class StateTests(PoolCase):
    """snapshot and restore."""

    def setUp(self) -> None:
        """Four accounts with a history: a quota, a block, a refused key, a pause."""
        self.make(A, B, C, D)
        self.lose(self.take(tried={A.id, C.id, D.id}), Cause.DAY_QUOTA, 10, retry_after=2 * HOUR, quota_ids=("PerDay",))
        self.lose(self.take(tried={B.id, C.id, D.id}), Cause.FORBIDDEN, 10, code=403, message="not yours")
        self.lose(self.take(tried={A.id, B.id, C.id}), Cause.KEY_EXPIRED, 10, code=400)
        self.pool.pause(A.id, Pause.DRAINING, "to be sold")

    def restarted(self, seconds: float, now: float = 5.0, *accounts: Any) -> Pool:
        """Make the pool of the next process, so long after, whose clock says ``now``."""
        kept = decode(encode(self.pool.snapshot(10, WALL)))
        self.make(*(accounts or (A, B, C, D)))
        self.pool.restore(kept, now, WALL + seconds)
        return self.pool

    def test_rests(self) -> None:
        """A rest goes on by the clock on the wall, for every account of the project, and ends when it would have."""
        self.restarted(100)
        self.assertEqual(self.exhausted(5).retry_after, 2 * HOUR - 100)
        self.assertFalse(self.take(2 * HOUR - 95).is_trial)

    def test_probe(self) -> None:
        """So does the time of the next trial."""
        self.restarted(100)
        self.assertTrue(self.take(5 + 800, tried={A.id}).is_trial)

    def test_blocks_grow_on(self) -> None:
        """A block goes on where it was: the trial that fails after the restart doubles it."""
        self.restarted(60)
        self.pool.enable(A.id)
        trial = self.take(5, tried={B.id, C.id, D.id})
        self.assertTrue(trial.is_trial)
        self.assertEqual(self.lose(trial, Cause.FORBIDDEN, 5, code=403).seconds, 120)

    def test_decrees_and_refusals(self) -> None:
        """What is disabled stays so, with its reason."""
        self.restarted(HOUR)
        views = {view.account.email[0]: view for view in self.pool.overview(5)}
        self.assertEqual((views["a"].condition, views["a"].why), ("draining", "to be sold"))
        self.assertEqual((views["d"].condition, views["d"].why), ("refused", "400 no"))

    def test_another_credential(self) -> None:
        """An account that has another credential by now has its chance; what was refused is not told by the state."""
        kept = self.pool.snapshot(10, WALL)
        self.assertNotIn("made-up", str(kept))
        self.make(A, B, C, evolve(D, credential=ApiKey("made-up-new")))
        self.pool.restore(kept, 5, WALL)
        self.assertEqual([view.condition for view in self.pool.overview(5)][3], "ready")

    def test_away_over_a_restart(self) -> None:
        """What was decreed for an account that was away at the start holds when it is back."""
        kept = self.pool.snapshot(10, WALL)
        self.make(B, C)
        self.pool.restore(kept, 5, WALL)
        self.pool.replace([A, B, C])
        self.assertEqual((self.pool.overview(5)[0].condition, self.pool.overview(5)[0].why), ("draining", "to be sold"))

    def test_credential_of_the_machine(self) -> None:
        """Whether a machine's credential is the one that was refused nobody knows: a restart tries it."""
        machine = evolve(D, credential=DefaultCredentials())
        self.make(machine)
        self.lose(self.take(0), Cause.KEY_EXPIRED, 0, code=400)
        self.assertEqual(self.pool.overview(0)[0].condition, "refused")
        self.restarted(HOUR, 5.0, machine)
        self.assertEqual(self.pool.overview(5)[0].condition, "ready")

    def test_tallies_and_quotas(self) -> None:
        """Counters and the quotas that were seen are kept."""
        self.restarted(HOUR)
        views = {view.account.email[0]: view for view in self.pool.overview(5)}
        self.assertEqual(views["d"].tally, {"asked": 1, "key_expired": 1})
        [quota] = views["c"].quotas
        self.assertEqual((quota.model, quota.kind, quota.names), ("m", "day_quota", ("PerDay",)))
        self.assertEqual((round(quota.ago), round(quota.ends)), (HOUR, HOUR))

    def test_twice(self) -> None:
        """A pool that was restored is kept as the one before it was."""
        before = self.pool.snapshot(10, WALL)
        self.restarted(0, 10)
        self.assertEqual(self.pool.snapshot(10, WALL), before)

    def test_accounts_that_left(self) -> None:
        """What is known of accounts that are no longer there is left out."""
        self.restarted(HOUR, 5.0, D)
        self.assertEqual(set(self.pool.snapshot(5, WALL)["accounts"]), {D.id})

    def test_wall_clock_that_jumped(self) -> None:
        """No rest is longer than the longest, however wrong the clock was."""
        self.restarted(-(10**9))
        self.pool.enable(A.id)
        found = self.exhausted(6)
        self.assertLessEqual(found.retry_after or 0, LONGEST)

    def test_no_snapshot(self) -> None:
        """What is no snapshot of this version is refused, and nothing is changed by it."""
        before = self.pool.snapshot(10, WALL)
        whole = decode(encode(before))
        for wrong in (
            {},
            {**whole, "version": 2},
            {**whole, "purses": None},
            {**whole, "accounts": {A.id: {}}},
            {**whole, "accounts": {A.id: {**whole["accounts"][A.id], "pause": "odd"}}},
            {**whole, "accounts": {A.id: {**whole["accounts"][A.id], "holds": [{"cause": "odd"}]}}},
        ):
            self.assertRaises(ValueError, self.pool.restore, wrong, 10, WALL)
        self.assertEqual(self.pool.snapshot(10, WALL), before)

    def test_no_secret(self) -> None:
        """No key is in it."""
        self.assertNotIn("made-up", encode(self.pool.snapshot(10, WALL)).decode())


class OverviewTests(PoolCase):
    """How accounts are."""

    def test_ready(self) -> None:
        """An account that carries a request and has nothing against it is ready."""
        self.make(A)
        self.take()
        [view] = self.pool.overview(0)
        self.assertEqual((view.condition, view.running, view.rests, view.tally), ("ready", 1, (), {"asked": 1}))

    def test_resting(self) -> None:
        """What is held against it is told with reason, hint and times; what is over is not."""
        self.make(A)
        self.rest("a", 5)
        self.lose(self.take(10), Cause.BILLING, 10, code=403, message="pay")
        [view] = self.pool.overview(20)
        [rest] = view.rests
        self.assertEqual((view.condition, view.why), ("resting", "the project's billing is off or in trouble"))
        self.assertEqual(
            (rest.model, rest.cause, rest.told, rest.blocks, rest.shared), ("", "billing", "403 pay", True, True)
        )
        self.assertEqual((rest.ends, rest.next_trial, rest.on_trial), (890, 890, False))
        self.assertIn("console", rest.hint)
