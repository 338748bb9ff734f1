"""A circuit breaker: an upstream that fails every request is left alone for a while, then tried by one.

A trial tells something only with the first event of its answer, and models may think for minutes before that. So a
trial that takes long has others follow, one each time as long after the last as a break was.
"""

from __future__ import annotations

from attrs import define, frozen

from agd.errors import UpstreamFailure

LONGEST_BREAK = 60.0
"""Seconds of the longest break; it begins with the setting's and doubles with every trial that fails."""


@frozen
class Tolerance:
    """``failures`` in a row, each of another request, open a breaker for ``seconds``; 0 failures: never."""

    failures: int = 10
    seconds: float = 5.0


@define(eq=False)
class Breaker:
    """Counts failures in a row. It is open until ``until``; afterwards half open, for one trial after another.

    ``trials`` run now, and a further one may begin at ``next_trial``. ``turn`` is the pool's count of leases when it
    last opened: what was leased before says nothing new.
    """

    failed: int = 0
    until: float = 0.0
    seconds: float = 0.0
    turn: int = 0
    cause: UpstreamFailure | None = None
    trials: int = 0
    next_trial: float = 0.0

    @property
    def on_trial(self) -> bool:
        """Whether some request is trying it."""
        return self.trials > 0

    @property
    def is_open(self) -> bool:
        """Whether it lets nobody through but a trial."""
        return self.cause is not None

    def lets_through(self, now: float) -> bool:
        """Tell whether a request may be made, be it for trial."""
        return not self.is_open or now >= self.wakes

    @property
    def wakes(self) -> float:
        """When it lets the next trial through; earlier when the one that runs ends without having told anything."""
        return max(self.until, self.next_trial) if self.on_trial else self.until

    def begin_trial(self, now: float) -> None:
        """One request tries it."""
        self.trials += 1
        self.next_trial = now + self.seconds

    def end_trial(self) -> None:
        """That request is over, whatever became of it."""
        self.trials -= 1

    def fail(self, cause: UpstreamFailure, tolerance: Tolerance, now: float, turn: int, asked: int) -> bool:
        """Count a failure of the request of turn ``asked``; tell whether that opened the breaker."""
        self.failed += 1
        if self.is_open:
            if asked <= self.turn:
                return False
            self.seconds = min(self.seconds * 2, max(LONGEST_BREAK, tolerance.seconds))
        elif tolerance.failures and self.failed >= tolerance.failures:
            self.seconds = tolerance.seconds
        else:
            return False
        self.until, self.turn, self.cause = now + self.seconds, turn, cause
        return True
