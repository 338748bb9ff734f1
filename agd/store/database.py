"""The database file: opened for one process alone, and worked on in transactions.

Everything here runs in whatever thread calls it, one at a time. A connection does not survive a fork, so the database
is opened after ``twistd`` has become a daemon.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import define

from agd.errors import StoreError
from agd.store.lock import Lock
from agd.store.schema import Migration, bundled_migrations, migrate
from agd.store.worker import Job, Outcome, T

MEMORY = ":memory:"

_BUSY_SECONDS = 5.0
_PRAGMAS = (
    "auto_vacuum = INCREMENTAL",  # before the first table is made: what is deleted can be given back to the disk
    "journal_mode = WAL",
    "synchronous = FULL",  # in WAL mode only this waits for the disk at each commit
    "foreign_keys = ON",
    "cache_size = -1024",  # KiB
    "journal_size_limit = 4194304",
)


@define(eq=False)
class Database:
    """An open database."""

    path: str
    _connection: sqlite3.Connection
    _lock: Lock | None

    def carry_out(self, jobs: Sequence[Job[Any]]) -> list[Outcome]:
        """Carry out jobs in one transaction; what one that fails has changed is undone.

        Where the transaction as a whole fails (the disk is full), each job gets one of its own, so that it fails by its
        own doing only.
        """
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:  # another program holds the database: no job would fare better alone
            return [Outcome(error=self._told(error)) for _ in jobs]
        try:
            return self._finish(jobs)
        except sqlite3.Error as error:
            if len(jobs) == 1:
                return [Outcome(error=self._told(error))]
        return [outcome for job in jobs for outcome in self.carry_out([job])]

    def ask(self, job: Job[T]) -> T:
        """Carry out one job and return its result. Raises what it raises, and ``StoreError``."""
        [outcome] = self.carry_out([job])
        if outcome.error is not None:
            raise outcome.error
        result: T = outcome.value
        return result

    def close(self) -> None:
        """Move the journal into the database, close it, and let others open it; nothing when that is done already."""
        lock, self._lock = self._lock, None
        try:
            self._connection.close()
        finally:
            if lock is not None:
                lock.release()

    def _finish(self, jobs: Sequence[Job[Any]]) -> list[Outcome]:
        """Carry out jobs and end the transaction. Raises ``sqlite3.Error`` when all of it is undone."""
        try:
            outcomes = [self._attempt(job) for job in jobs]
            self._connection.execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        return outcomes

    def _attempt(self, job: Job[Any]) -> Outcome:
        """Carry out one job. Raises ``sqlite3.Error`` when SQLite has undone the whole transaction."""
        self._connection.execute("SAVEPOINT job")
        try:
            outcome = Outcome(job(self._connection))
        except Exception as error:  # whatever it is, it is told to the one who submitted the job
            if isinstance(error, sqlite3.Error) and not self._connection.in_transaction:
                raise
            self._connection.execute("ROLLBACK TO job")
            outcome = Outcome(error=self._told(error))
        self._connection.execute("RELEASE job")
        return outcome

    def _told(self, error: Exception) -> Exception:
        return StoreError(f"{self.path}: {error}") if isinstance(error, sqlite3.Error) else error


def open_database(path: str | None, migrations: Sequence[Migration] | None = None) -> Database:
    """Open the database at an absolute path, made with its folder where they are missing; None: one in memory.

    Raises ``StoreError``, a sentence that says what is in the way and what helps. Nothing that was found is deleted.
    """
    shown = path or MEMORY
    steps = bundled_migrations() if migrations is None else migrations
    with _explained(shown):
        lock = None if path is None else _prepared(path)
        try:
            return Database(shown, _connected(shown, steps), lock)
        except BaseException:
            if lock is not None:
                lock.release()
            raise


def _prepared(path: str) -> Lock:
    """Make what is missing, for this user only, and lock it. SQLite gives its journal the rights of the file."""
    Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = Lock.take(path)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.fchmod(descriptor, 0o600)
        finally:
            os.close(descriptor)
    except BaseException:
        lock.release()
        raise
    return lock


def _connected(path: str, migrations: Sequence[Migration]) -> sqlite3.Connection:
    # Not bound to a thread: it is opened in one and worked on in another, never in both at once.
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}").fetchall()
        migrate(connection, path, migrations)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def _explained(path: str) -> Iterator[None]:
    """Turn what can go wrong into sentences."""
    try:
        yield
    except OSError as error:
        what = f"{error.filename or path}: {error.strerror}"
        raise StoreError(f"{what}; the store needs a folder that agd may write to, see store.path") from None
    except sqlite3.DatabaseError as error:
        raise StoreError(
            f"{path}: found a file that cannot be opened as a store ({error}); agd leaves it as it is: put a copy in "
            f"its place, move it away, or name another file in store.path"
        ) from error
