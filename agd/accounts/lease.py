"""A turn of an account, taken by one request and given back once."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field

from agd.accounts.account import Account
from agd.accounts.breaker import Breaker
from agd.accounts.holds import Hold
from agd.accounts.standing import Standing


@define(eq=False)
class Lease:
    """Held as long as an account carries a request: until the answer has ended, or nobody wants it any more.

    ``turn`` is its number among all leases of the pool; ``why`` is why this account was chosen; ``trials`` are the
    holds that it was let through in spite of; ``idle`` is for how long the account's project had not been asked for
    the model.
    """

    standing: Standing = field(repr=False)
    model: str
    turn: int
    why: str
    idle: float
    trials: tuple[Hold | Breaker, ...] = field(repr=False)
    _give_back: Callable[[Lease], None] = field(repr=False)
    released: bool = False

    @property
    def account(self) -> Account:
        """Whose turn it is; with the credential it has now."""
        return self.standing.account

    @property
    def is_trial(self) -> bool:
        """Whether its outcome decides for others that wait."""
        return bool(self.trials)

    def release(self) -> None:
        """Give the turn back; whoever does so again does no harm."""
        if not self.released:
            self.released = True
            self._give_back(self)
