"""Pools for tests: accounts by one letter, leases that a test holds."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from agd.accounts.account import Account
from agd.accounts.lease import Lease
from agd.accounts.pool import Pool
from agd.accounts.scheduling import Mode, Scheduling
from agd.accounts.search import Exhausted
from agd.accounts.terms import Terms
from agd.accounts.verdict import Verdict, judge
from agd.errors import Cause, UpstreamFailure
from tests.accounts.failures import status

URL = "https://upstream.example"
WALL = 1_780_000_000.0


def account(name: str, url: str = URL, project: str = "", **terms: Any) -> Account:
    """Make the account ``NAME@example.com`` on these terms."""
    return evolve(Account.of_key(f"{name}@example.com", url, f"made-up-{name}", Terms(**terms)), project=project)


def ruled(cause: Cause, **failure: Any) -> tuple[Verdict, UpstreamFailure]:
    """Make a failure of this cause, and the verdict on it."""
    told = status(failure.pop("code", 429), **failure)
    return judge(told, cause, WALL), told


class PoolCase(SynchronousTestCase):
    """A pool that each test makes."""

    pool: Pool

    def make(self, *accounts: Account, mode: Mode = Mode.BALANCE, **scheduling: Any) -> Pool:
        """Take a new pool."""
        self.pool = Pool.of(accounts, Scheduling(mode, **scheduling))
        return self.pool

    def take(self, now: float = 0.0, model: str = "m", **how: Any) -> Lease:
        """Take the next account and keep it."""
        return self.pool.lease(model, now, **how)

    def asked(self, now: float = 0.0, model: str = "m", **how: Any) -> str:
        """Take the next account, let it succeed and give it back; return the first letter of its address."""
        try:
            lease = self.take(now, model, **how)
        except Exhausted:
            return "-"
        self.pool.succeed(lease, now)
        lease.release()
        return lease.account.email[0]

    def exhausted(self, now: float = 0.0, model: str = "m", **how: Any) -> Exhausted:
        """Take an account where there is none."""
        error: Exhausted = self.assertRaises(Exhausted, self.take, now, model, **how)
        return error

    def lose(self, lease: Lease, cause: Cause, now: float = 0.0, **failure: Any) -> Verdict:
        """Let a request fail for this cause, and give its account back."""
        verdict = self.pool.fail(lease, *ruled(cause, **failure), now)
        lease.release()
        return verdict

    def rest(self, name: str, seconds: float, now: float = 0.0, model: str = "m") -> None:
        """Rest the account with this letter for a told time."""
        [found] = [each for each in self.pool.accounts if each.email[0] == name]
        self.pool.punish(found, model, *ruled(Cause.MINUTE_QUOTA, retry_after=seconds), now)
