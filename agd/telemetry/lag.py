"""How late the event loop is: what it does at a time is not done at that time while it does something else."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall, IReactorTime

EVERY = 1.0


@define(eq=False)
class Lag:
    """Looks once a second, and tells ``observe`` by how many seconds it was late."""

    _clock: IReactorTime
    _observe: Callable[[float], object]
    _due: float = field(default=0.0, init=False)
    _timer: IDelayedCall | None = field(default=None, init=False)

    def start(self) -> None:
        """Begin to look."""
        self._due = self._clock.seconds() + EVERY
        self._timer = self._clock.callLater(EVERY, self._look)

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def _look(self) -> None:
        self._observe(max(0.0, self._clock.seconds() - self._due))
        self.start()
