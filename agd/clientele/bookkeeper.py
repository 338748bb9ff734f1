"""What was spent of budgets goes to the store: at once where little happens, else once a second.

A daemon that is killed forgets what its running requests used, and at most what was settled in its last second.
"""

from __future__ import annotations

from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from agd.errors import StoreError
from agd.keys.turnstile import Turnstile
from agd.store.clients import ClientStore

PAUSE_SECONDS = 1.0

_log = Logger("agd")


@define(eq=False)
class Bookkeeper:
    """Writes down what was spent. Owners whose budgets have changed since are written with the next write."""

    _turnstile: Turnstile
    _store: ClientStore
    _clock: IReactorTime
    _dirty: set[str] = field(factory=set, init=False)
    _pause: IDelayedCall | None = field(default=None, init=False)

    def changed(self, owner: str) -> None:
        """An owner has spent something."""
        self._dirty.add(owner)
        if self._pause is None:
            self._write()

    def close(self) -> Deferred[Any]:
        """Write what is not written yet; fires when it is on disk."""
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        return self._written()

    def _write(self) -> None:
        self._pause = self._clock.callLater(PAUSE_SECONDS, self._rested)
        self._written()

    def _rested(self) -> None:
        self._pause = None
        if self._dirty:
            self._write()

    def _written(self) -> Deferred[Any]:
        owners, self._dirty = self._dirty, set()
        spent = [each for owner in sorted(owners) for each in self._turnstile.spent(owner)]
        return self._store.spend(spent).addErrback(self._failed, owners) if spent else succeed(None)

    def _failed(self, failure: Failure, owners: set[str]) -> None:
        """What could not be written is written with whatever comes next."""
        failure.trap(StoreError)
        self._dirty |= owners
        _log.warn("what was spent is not on disk yet: {error}", error=failure.value)
