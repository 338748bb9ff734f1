"""One batch at a time, each job by itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Any

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from agd.errors import StoreError
from agd.store.database import Database, open_database
from agd.store.worker import Job, Worker
from tests.store.stage import SlowThread


def insert(value: int) -> Job[int]:
    """Make a job that writes a value and returns it."""

    def job(connection: sqlite3.Connection) -> int:
        connection.execute("INSERT INTO notes VALUES (?)", (value,))
        return value

    return job


def spoiled(connection: sqlite3.Connection) -> None:
    """Write something, then fail."""
    connection.execute("INSERT INTO notes VALUES (99)")
    raise LookupError("no")


def broken(connection: sqlite3.Connection) -> None:
    """Fail by what SQLite says."""
    connection.execute("INSERT INTO nowhere VALUES (1)")


class WorkerTestCase(SynchronousTestCase):
    """A worker whose thread does nothing until it is told to."""

    def setUp(self) -> None:
        """Open a database in memory with a table of the test's own."""
        self.thread = SlowThread()
        self.database = open_database(None)
        self.worker = Worker(self.thread)
        self.worker.open(self.database)
        self.done(lambda connection: connection.execute("CREATE TABLE notes (value UNIQUE)").fetchall())

    def done(self, job: Job[Any]) -> Any:
        """Carry out one job."""
        waited = self.worker.submit(job)
        self.thread.go_on()
        return self.successResultOf(waited)

    def notes(self) -> list[int]:
        """Give what stands in the table."""
        found: list[int] = self.done(
            lambda connection: [value for (value,) in connection.execute("SELECT value FROM notes")]
        )
        return found


class BatchTests(WorkerTestCase):
    """Group commit."""

    def test_batches(self) -> None:
        """Jobs submitted while a batch runs form the next one, and each fires with its own result, in order."""
        fired: list[int] = []
        for value in range(4):
            self.worker.submit(insert(value)).addCallback(fired.append)
        self.assertEqual(len(self.thread.kept), 1)
        self.thread.go_on()
        self.assertEqual((fired, len(self.thread.kept)), ([0], 1))
        self.thread.go_on()
        self.assertEqual((fired, len(self.thread.kept)), ([0, 1, 2, 3], 0))

    def test_one_commit(self) -> None:
        """A batch is one transaction: it is committed once, and no job is done before."""
        seen: list[str] = []
        self.database._connection.set_trace_callback(seen.append)
        waited = [self.worker.submit(insert(value)) for value in range(4)]
        self.thread.go_on()
        self.thread.go_on()
        self.assertEqual([self.successResultOf(each) for each in waited], [0, 1, 2, 3])
        self.assertEqual(seen.count("COMMIT"), 2)
        self.assertEqual(seen.count("BEGIN IMMEDIATE"), 2)

    def test_from_a_callback(self) -> None:
        """A job submitted where another's result arrives is carried out in its turn."""
        waited = self.worker.submit(insert(1)).addCallback(lambda value: self.worker.submit(insert(value + 1)))
        self.thread.go_on()
        self.assertNoResult(waited)
        self.thread.go_on()
        self.assertEqual(self.successResultOf(waited), 2)

    def test_cancelled(self) -> None:
        """Who no longer waits for a job does not undo it."""
        waited = self.worker.submit(insert(1))
        waited.cancel()
        self.failureResultOf(waited, CancelledError)
        self.thread.go_on()
        self.assertEqual(self.notes(), [1])


class FailureTests(WorkerTestCase):
    """Jobs that fail."""

    def together(self, *jobs: Job[Any]) -> list[Deferred[Any]]:
        """Carry out jobs in one batch."""
        first = self.worker.submit(lambda _: None)
        waited = [self.worker.submit(job) for job in jobs]
        self.thread.go_on()
        self.successResultOf(first)
        self.thread.go_on()
        return waited

    def test_alone(self) -> None:
        """A job that fails gets its own error; what it wrote is undone, the others are neither lost nor held up."""
        one, wrong, two = self.together(insert(1), spoiled, insert(2))
        self.assertEqual((self.successResultOf(one), self.successResultOf(two)), (1, 2))
        self.failureResultOf(wrong, LookupError)
        self.assertEqual(self.notes(), [1, 2])

    def test_of_the_database(self) -> None:
        """What SQLite refuses is told as the store's error, with the cause."""
        wrong, again, fine = self.together(broken, insert(1), insert(1))
        self.assertIn("nowhere", str(self.failureResultOf(wrong, StoreError).value))
        self.assertEqual(self.successResultOf(again), 1)
        self.failureResultOf(fine, StoreError)
        self.assertEqual(self.notes(), [1])

    def test_transaction_lost(self) -> None:
        """Where SQLite gives up the whole transaction, each job gets one of its own, and only the culprit fails."""

        def rolled_back(connection: sqlite3.Connection) -> None:
            """Fail like a full disk does: with the transaction undone."""
            connection.execute("INSERT OR ROLLBACK INTO notes VALUES (1)")

        one, wrong, two = self.together(insert(1), rolled_back, insert(2))
        self.assertEqual((self.successResultOf(one), self.successResultOf(two)), (1, 2))
        self.assertIn("UNIQUE", str(self.failureResultOf(wrong, StoreError).value))
        self.assertEqual(self.notes(), [1, 2])

    def test_full(self) -> None:
        """A real full disk: the job that is too large fails, those beside it are kept, and the store goes on."""
        self.done(lambda connection: connection.execute("PRAGMA max_page_count = 40").fetchall())

        def large(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT INTO notes VALUES (randomblob(1000000))")

        one, wrong, two = self.together(insert(1), large, insert(2))
        self.assertEqual((self.successResultOf(one), self.successResultOf(two)), (1, 2))
        self.assertIn("full", str(self.failureResultOf(wrong, StoreError).value))
        self.assertEqual(self.notes(), [1, 2])

    def test_commit(self) -> None:
        """Where the commit itself fails, so do the jobs of the batch that cannot be committed alone, with its error."""
        reference = "parent REFERENCES parents DEFERRABLE INITIALLY DEFERRED"
        self.done(lambda connection: connection.execute("CREATE TABLE parents (id PRIMARY KEY)").fetchall())
        self.done(lambda connection: connection.execute(f"CREATE TABLE children ({reference})").fetchall())

        def orphan(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT INTO children VALUES (1)")

        wrong, fine = self.together(orphan, insert(1))
        self.assertIn("FOREIGN KEY", str(self.failureResultOf(wrong, StoreError).value))
        self.assertEqual((self.successResultOf(fine), self.notes()), (1, [1]))

    def test_thread(self) -> None:
        """Where the thread itself fails, every job of the batch does, and the next batch is tried."""
        waited = self.worker.submit(insert(1))
        done, _ = self.thread.kept.pop()
        done.errback(MemoryError())
        self.failureResultOf(waited, MemoryError)
        self.assertEqual(self.done(insert(2)), 2)


@define
class Closable:
    """A database that only says what is done with it."""

    log: list[str] = field(factory=list)

    def carry_out(self, jobs: Any) -> Any:
        """Fail as a whole."""
        raise AssertionError("not asked")

    def close(self) -> None:
        """Fail to close."""
        self.log.append("close")
        raise StoreError("the disk is gone")


class ClosingTests(WorkerTestCase):
    """The end."""

    def test_pending(self) -> None:
        """What was submitted before is done first; what comes later is refused."""
        one, two = self.worker.submit(insert(1)), self.worker.submit(insert(2))
        closed = self.worker.close()
        self.failureResultOf(self.worker.submit(insert(3)), StoreError)
        self.thread.go_on()
        self.thread.go_on()
        self.assertEqual((self.successResultOf(one), self.successResultOf(two)), (1, 2))
        self.assertNoResult(closed)
        self.thread.go_on()
        self.successResultOf(closed)
        with self.assertRaises(sqlite3.ProgrammingError):
            self.database._connection.execute("SELECT 1")

    def test_twice(self) -> None:
        """Closing again waits for the same end, or for nothing where it is over."""
        closed = [self.worker.close(), self.worker.close()]
        self.thread.go_on()
        for each in (*closed, self.worker.close()):
            self.successResultOf(each)
        self.assertEqual(self.thread.kept, [])

    def test_failing(self) -> None:
        """A database that cannot be closed says so to all who closed it."""
        self.worker.open(Closable())
        closed = [self.worker.close(), self.worker.close()]
        self.thread.go_on()
        for each in closed:
            self.failureResultOf(each, StoreError)

    def test_not_open(self) -> None:
        """Before it is open nothing is taken."""
        self.failureResultOf(Worker(self.thread).submit(insert(1)), StoreError)


@implementer(IReactorFromThreads)
class Handover:
    """The one thing of a reactor that a thread needs, kept for the test to do."""

    def __init__(self) -> None:
        self.called: list[Any] = []

    def callFromThread(self, callable: Callable[..., Any], *args: object, **kwargs: object) -> None:
        """Keep it."""
        self.called.append(partial(callable, *args, **kwargs))


class ThreadTests(SynchronousTestCase):
    """A real pool of one thread."""

    def test_real(self) -> None:
        """Jobs are carried out in the thread, and their results come back through the reactor."""
        pool, reactor = ThreadPool(0, 1, "store"), Handover()
        database: Database = open_database(None)
        worker = Worker(partial(deferToThreadPool, reactor, pool))
        worker.open(database)
        pool.start()
        waited = worker.submit(lambda connection: connection.execute("SELECT 42").fetchone())
        pool.stop()  # waits for what was begun
        self.assertNoResult(waited)
        reactor.called.pop()()
        self.assertEqual(self.successResultOf(waited), (42,))
        database.close()
