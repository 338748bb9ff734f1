"""Which account is asked next, and which ones rest.

The pool is plain state: it has no clock and does no I/O. ``now`` is seconds of any monotonic clock, the same for all
calls. Cooldowns and blocks are kept per account and model, because quotas are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from attrs import define, field

from agd.accounts.account import Account
from agd.accounts.standing import Standing
from agd.accounts.verdict import Blame, Verdict
from agd.errors import UpstreamFailure


@define
class Exhausted(Exception):
    """No account can be asked now. ``cause`` is why the one that comes back soonest rests, None if there is none."""

    cause: UpstreamFailure | None
    retry_after: float | None


@define(eq=False)
class Pool:
    """The accounts and their standings."""

    _standings: dict[str, Standing] = field(factory=dict)
    _turn: int = 0

    @classmethod
    def of(cls, accounts: Iterable[Account]) -> Pool:
        """Make a pool in which every account is in good standing."""
        pool = cls()
        pool.replace(accounts)
        return pool

    @property
    def accounts(self) -> tuple[Account, ...]:
        """Every account, in the order of the configuration."""
        return tuple(standing.account for standing in self._standings.values())

    def replace(self, accounts: Iterable[Account]) -> None:
        """Take a newly read configuration: what rests still rests, what was disabled gets another chance."""
        known = self._standings
        self._standings = {
            account.id: known[account.id].succeed(account) if account.id in known else Standing(account)
            for account in accounts
        }

    def lease(self, model: str, now: float, tried: Collection[str] = ()) -> Account:
        """Take the least recently used account that may serve the model and whose id was not tried yet.

        Raises ``Exhausted`` when there is none.
        """
        usable = [
            standing
            for standing in self._standings.values()
            if standing.account.id not in tried and standing.disabled is None and standing.rests(model, now) is None
        ]
        if not usable:
            raise self._exhausted(model, now)
        chosen = min(usable, key=_last_turn)
        self._turn += 1
        chosen.take_turn(self._turn, model, now)
        return chosen.account

    def punish(self, account: Account, model: str, verdict: Verdict, failure: UpstreamFailure, now: float) -> None:
        """Carry out a verdict. An account that is no longer in the pool is none of its business."""
        standing = self._standings.get(account.id)
        if standing is None:
            return
        match verdict.blame:
            case Blame.COOL:
                standing.cool(model, verdict.seconds, failure, now)
            case Blame.BLOCK:
                standing.block(model, failure, now)
            case Blame.DISABLE:
                standing.disabled = failure

    def pardon(self, account: Account, model: str, failure: UpstreamFailure) -> None:
        """Take back a punishment for a failure that turned out to be the request's own."""
        standing = self._standings.get(account.id)
        if standing is not None:
            standing.pardon(model, failure)

    def forgive(self, account: Account, model: str) -> None:
        """Note that the account served the model: a block is over. A cooldown is not: it was told by the clock."""
        standing = self._standings.get(account.id)
        if standing is not None:
            standing.forgive(model)

    def renew(self, account: Account) -> None:
        """Take the same account with a fresh credential; its standing stays."""
        standing = self._standings.get(account.id)
        if standing is not None:
            standing.account = account

    def wait(self, model: str, now: float) -> float | None:
        """Seconds until some account may serve the model, 0 when one may now, None when none ever will."""
        usable = [standing for standing in self._standings.values() if standing.disabled is None]
        waits = [hold.until - now if (hold := standing.rests(model, now)) else 0.0 for standing in usable]
        return min(waits, default=None)

    def unready(self) -> str | None:
        """Say why no account can be asked for anything, or None when one can.

        Clients read this, and not all of them may know addresses: accounts are told by their place in the
        configuration.
        """
        if not self._standings:
            return "no account is configured: add [[accounts]] to the configuration or set GEMINI_API_KEY"
        standings = enumerate(self._standings.values(), 1)
        reasons = [f"account {place}: {standing.disabled}" for place, standing in standings if standing.disabled]
        if len(reasons) == len(self._standings):
            return "no account is usable: " + "; ".join(reasons)
        return None

    def _exhausted(self, model: str, now: float) -> Exhausted:
        standings = [standing for standing in self._standings.values() if standing.disabled is None]
        holds = [hold for standing in standings if (hold := standing.rests(model, now)) is not None]
        if holds:
            soonest = min(holds, key=lambda hold: hold.until)
            return Exhausted(soonest.cause, soonest.until - now)
        disabled = [standing.disabled for standing in self._standings.values() if standing.disabled is not None]
        return Exhausted(disabled[-1] if disabled and not standings else None, None)


def _last_turn(standing: Standing) -> int:
    return standing.last_turn
