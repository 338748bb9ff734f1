"""A budget of tokens and what is left of it: reserved before a request, settled after it."""

from __future__ import annotations

from datetime import UTC, datetime

from attrs import define, field

from agd.allowance import Budget, Period


def label(period: Period, wall: float) -> str:
    """Name the period that a moment is in: ``2026-11-25``, ``2026-11``, ``total``."""
    if period == "total":
        return period
    return datetime.fromtimestamp(wall, UTC).strftime("%Y-%m-%d" if period == "day" else "%Y-%m")


def end_of(period: Period, wall: float) -> float | None:
    """Return when the period of a moment ends, in unix seconds; None: never."""
    if period == "total":
        return None
    midnight = datetime.fromtimestamp(wall, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "day":
        return midnight.timestamp() + 86400
    years, month = divmod(midnight.month, 12)
    return midnight.replace(year=midnight.year + years, month=month + 1, day=1).timestamp()


@define
class Purse:
    """The tokens of one budget. What is used counts for the period in which it is settled.

    ``spent`` is what requests have used in the period ``name``; ``reserved`` what those that run are thought to use.
    """

    budget: Budget
    name: str = field(default="", init=False)
    spent: int = field(default=0, init=False)
    reserved: int = field(default=0, init=False)

    def turn(self, wall: float) -> None:
        """Begin anew where another period has begun. A clock that was put back begins nothing."""
        name = label(self.budget.period, wall)
        if name > self.name:
            self.name, self.spent = name, 0

    def left(self, wall: float) -> int:
        """Return how many tokens may still be reserved: none or fewer than none when it is used up."""
        self.turn(wall)
        return self.budget.tokens - self.spent - self.reserved

    def has_room(self, tokens: int, wall: float) -> bool:
        """Tell whether so many may be reserved; what takes no tokens always may."""
        return tokens == 0 or tokens <= self.left(wall)

    def reserve(self, tokens: int) -> None:
        """Set tokens aside for a request."""
        self.reserved += tokens

    def settle(self, reserved: int, used: int, wall: float) -> None:
        """Put what was reserved for a request back, and take what it used."""
        self.turn(wall)
        self.reserved -= reserved
        self.spent += used

    def restore(self, name: str, spent: int) -> None:
        """Take over what was spent before a restart, if it is of the latest period that is known of."""
        if name >= self.name:
            self.name, self.spent = name, self.spent + spent if name == self.name else spent
