"""What the pool knows of the upstreams: their circuit breakers, and what repeats they may be burdened with."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, field

from agd.accounts.breaker import Breaker, Tolerance
from agd.accounts.budget import RetryBudget
from agd.accounts.holds import ANY
from agd.errors import UpstreamFailure

MOST = 1000
"""Breakers that are remembered; names of models come from clients."""


@define(eq=False)
class Upstreams:
    """Breakers by base URL, and by base URL and model for what only one model is short of."""

    tolerance: Tolerance = field(factory=Tolerance)
    ratio: float = 1.0
    _breakers: dict[tuple[str, str], Breaker] = field(factory=dict)
    _budgets: dict[str, RetryBudget] = field(factory=dict)

    def breakers(self, upstream: str, model: str) -> Iterator[Breaker]:
        """Give those that have counted something."""
        if self._breakers:
            for key in ((upstream, ANY), (upstream, model)):
                breaker = self._breakers.get(key)
                if breaker is not None:
                    yield breaker

    def shut(self, upstream: str, model: str, now: float) -> Breaker | None:
        """Return the breaker that lets nobody through, if one does."""
        return next((each for each in self.breakers(upstream, model) if not each.lets_through(now)), None)

    def fail(self, upstream: str, model: str, failure: UpstreamFailure, *, now: float, turn: int, asked: int) -> bool:
        """Count a failure of the request of turn ``asked``; tell whether a breaker opened. ``turn`` is the present one.

        ``model`` is ``ANY`` for what is not about one model.
        """
        key = upstream, model
        breaker = self._breakers.pop(key, None) or Breaker()
        self._breakers[key] = breaker
        if len(self._breakers) > MOST:
            del self._breakers[next(iter(self._breakers))]
        return breaker.fail(failure, self.tolerance, now, turn, asked)

    def succeed(self, upstream: str, model: str, asked: int) -> bool:
        """Note that the request of turn ``asked`` was served; tell whether that closed a breaker."""
        closed = False
        for key in ((upstream, ANY), (upstream, model)):
            breaker = self._breakers.get(key)
            if breaker is not None and (not breaker.is_open or asked > breaker.turn):
                closed = closed or breaker.is_open
                del self._breakers[key]
        return closed

    def budget(self, upstream: str) -> RetryBudget:
        """Return the budget for repeats."""
        budget = self._budgets.get(upstream)
        if budget is None:
            budget = self._budgets[upstream] = RetryBudget()
        budget.ratio = self.ratio
        return budget

    def keep_only(self, upstreams: set[str]) -> None:
        """Forget the upstreams that a new configuration no longer has."""
        self._breakers = {key: each for key, each in self._breakers.items() if key[0] in upstreams}
        self._budgets = {upstream: each for upstream, each in self._budgets.items() if upstream in upstreams}

    def reset(self) -> None:
        """Close every breaker."""
        self._breakers.clear()
