"""How the pool chooses: the table ``[proxy.scheduling]`` as a value."""

from __future__ import annotations

from enum import StrEnum

from attrs import frozen

from agd.patterns import most_specific


class Mode(StrEnum):
    """What decides between accounts that may all be asked. Priorities come before it, pins before those."""

    BALANCE = "balance"
    """A conversation stays with its account; new ones go to whoever has had the fewest turns for its weight."""
    CACHE_FIRST = "cache_first"
    """As ``balance``, but a conversation waits for an account that rests for a short time only."""
    PERFORMANCE_FIRST = "performance_first"
    """Every request goes to the least busy account."""
    FILL_FIRST = "fill_first"
    """Every request goes to the first account of the configuration that can be asked."""


@frozen
class Scheduling:
    """``max_wait``: seconds that ``cache_first`` waits for a conversation's account. ``queue_size``: requests that
    may wait for an account at a time, ``queue_seconds``: how long each of them may. ``pinned``: patterns of models,
    and the address or id of the account that is asked for them as long as it can be.
    """

    mode: Mode = Mode.BALANCE
    max_wait: float = 60.0
    queue_size: int = 1000
    queue_seconds: float = 10.0
    pinned: tuple[tuple[str, str], ...] = ()

    @property
    def sticks(self) -> bool:
        """Whether conversations stay with their accounts."""
        return self.mode in {Mode.BALANCE, Mode.CACHE_FIRST}

    def pin(self, model: str) -> str | None:
        """Return the address or id of the account that is asked first for a model."""
        return most_specific(self.pinned, model)


DEFAULT = Scheduling()
