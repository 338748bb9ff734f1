"""The one thread that works on the database, seen from the reactor.

Jobs that are submitted while a batch runs form the next batch, which is one transaction: with many clients at once the
disk is waited for once a batch, not once a job (group commit). Since there is never more than one batch under way, jobs
see the database in the order in which they were submitted, and need no lock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from attrs import define, field, frozen
from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

from agd.errors import StoreError

if TYPE_CHECKING:
    from sqlite3 import Connection

T = TypeVar("T")

Job = Callable[["Connection"], T]
"""Reads or changes the database, in the thread, within a transaction that it must not end.

What it returns must be complete: no cursor. It may be carried out once more after it was undone (see ``Database``).
"""


@frozen
class Outcome:
    """What became of one job: its value, or the error that it failed with."""

    value: Any = None
    error: Exception | None = None


class Jobs(Protocol):
    """What carries out a batch, in the thread: an opened ``Database``."""

    def carry_out(self, jobs: Sequence[Job[Any]]) -> list[Outcome]:
        """Carry out jobs in one transaction and return what became of each, in order, once that is on disk."""

    def close(self) -> None:
        """Let the database go."""


class InThread(Protocol):
    """Calls a function in a thread: ``twisted.internet.threads.deferToThreadPool`` with reactor and pool given."""

    def __call__(self, function: Callable[..., T], /, *args: Any) -> Deferred[T]:
        """Return what fires on the reactor with the function's result."""


@define(eq=False)
class Worker:
    """Takes jobs from the moment it is opened until it is closed. ``failures`` counts those that could not be done."""

    _in_thread: InThread
    failures: int = field(default=0, init=False)
    _database: Jobs | None = field(default=None, init=False)
    _waiting: list[tuple[Job[Any], Deferred[Any]]] = field(factory=list, init=False)
    _leaving: list[Deferred[None]] = field(factory=list, init=False)
    _busy: bool = field(default=False, init=False)

    def open(self, database: Jobs) -> None:
        """Begin to take jobs."""
        self._database = database

    def submit(self, job: Job[T]) -> Deferred[T]:
        """Have a job carried out; fire with its result once that is on disk.

        Fails with the job's own error, or with ``StoreError`` when the database could not do it or is not open. Who
        cancels the Deferred no longer waits; the job is carried out all the same.
        """
        if self._database is None or self._leaving:
            return fail(StoreError("the store is not open"))
        done: Deferred[T] = Deferred()
        self._waiting.append((job, done))
        self._proceed()
        return done

    def close(self) -> Deferred[None]:
        """Take no more jobs; fire when those submitted are done and the database is closed."""
        left: Deferred[None] = Deferred()
        self._leaving.append(left)
        self._proceed()
        return left

    def _proceed(self) -> None:
        """Begin the next batch, or leave when there is none and it was asked."""
        if self._busy:
            return
        if self._waiting and self._database is not None:
            batch, self._waiting = self._waiting, []
            self._busy = True
            told = self._in_thread(self._database.carry_out, [job for job, _ in batch])
            told.addCallbacks(self._tell, self._tell_all, callbackArgs=(batch,), errbackArgs=(batch,))
            told.addBoth(self._relieved)
        elif self._leaving:
            self._leave()

    def _tell(self, outcomes: list[Outcome], batch: Sequence[tuple[Job[Any], Deferred[Any]]]) -> None:
        for outcome, (_, done) in zip(outcomes, batch, strict=True):
            if outcome.error is None:
                done.callback(outcome.value)
            else:
                self.failures += 1
                done.errback(outcome.error)

    def _tell_all(self, failure: Failure, batch: Sequence[tuple[Job[Any], Deferred[Any]]]) -> None:
        self.failures += len(batch)
        for _, done in batch:
            done.errback(failure)

    def _relieved(self, result: Any) -> Any:
        self._busy = False
        self._proceed()
        return result

    def _leave(self) -> None:
        database, self._database = self._database, None
        if database is None:
            self._left(None)
            return
        self._busy = True
        self._in_thread(database.close).addBoth(self._left)

    def _left(self, result: Failure | None) -> None:
        self._busy = False
        leaving, self._leaving = self._leaving, []
        for each in leaving:
            each.callback(result)  # a Failure makes it fail
