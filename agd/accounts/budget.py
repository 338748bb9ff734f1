"""How many repeats an upstream in trouble may be burdened with."""

from __future__ import annotations

from attrs import define

RESERVE = 20.0
"""Repeats that are allowed beyond the ratio before it bites."""


@define(eq=False)
class RetryBudget:
    """A bucket of tokens: every request puts ``ratio`` in, every repeat after an upstream's trouble takes one out.

    So over any stretch of time there are at most ``ratio`` times as many repeats as requests, and ``RESERVE``.
    """

    ratio: float = 1.0
    _tokens: float = RESERVE

    def deposit(self) -> None:
        """Count a request."""
        self._tokens = min(self._tokens + self.ratio, RESERVE)

    def withdraw(self) -> bool:
        """Ask for a repeat; false: the upstream has enough of them."""
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
