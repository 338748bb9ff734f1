"""What tests of the store stand on: threads that are none, records, and a store over them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from attrs import define, evolve, field
from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from agd.store.database import Database, open_database
from agd.store.record import Record
from agd.store.responses import ResponseStore
from agd.store.retention import Limits
from agd.store.store import Place, Store
from agd.store.worker import Worker

T = TypeVar("T")

NOW = 1_764_000_000
LIMITS = Limits(max_age=30 * 86400, max_bytes=2**30)
ANN, BOB = "key:ann", "local"


@define
class NoThreads:
    """Calls at once what should be called in a thread."""

    running: bool = False

    def start(self) -> None:
        """Be ready."""
        self.running = True

    def stop(self) -> None:
        """Have nothing left to do."""
        self.running = False

    def __call__(self, function: Callable[..., T], /, *args: Any) -> Deferred[T]:
        """Call it."""
        return execute(function, *args)


@define
class SlowThread:
    """Keeps what should be called in a thread until it is told to."""

    kept: list[tuple[Deferred[Any], Callable[[], Any]]] = field(factory=list)

    def __call__(self, function: Callable[..., T], /, *args: Any) -> Deferred[T]:
        """Keep it."""
        done: Deferred[T] = Deferred()
        self.kept.append((done, lambda: function(*args)))
        return done

    def go_on(self) -> None:
        """Call what was kept first."""
        done, call = self.kept.pop(0)
        execute(call).chainDeferred(done)


def body(id: str, *output: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Make a Response object, or what the store knows of one."""
    return {"id": id, "object": "response", "status": "completed", "output": list(output), **more}


def message(id: str, text: str = "hello") -> dict[str, Any]:
    """Make an item."""
    return {"id": id, "type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}


def record(
    id: str, previous: str | None = None, *, owner: str = ANN, created: int = NOW, text: str = "hello"
) -> Record:
    """Make a record with one item of input and one of output, named by it."""
    return Record(
        id=id,
        owner=owner,
        created=created,
        previous=previous,
        status="completed",
        background=False,
        input=(message(f"{id}_in", text),),
        body=body(id, message(f"{id}_out", text)),
        memory=({"kind": "call", "id": "call_1", "signature": "c2ln"},),
    )


def background(id: str, status: str, *, owner: str = ANN) -> Record:
    """Make a record of a background response."""
    made = record(id, owner=owner)
    return evolve(made, status=status, background=True, body={**made.body, "status": status}, journal=b"event: x\n\n")


class StoreTestCase(SynchronousTestCase):
    """A store of responses in memory, or in a file of the test's own folder."""

    limits = LIMITS

    def setUp(self) -> None:
        """Open it."""
        self.folder = Path(self.mktemp()).absolute()
        self.file = self.folder / "agd.db"
        self.clock = Clock()
        self.threads = NoThreads()
        self.database = open_database(None)
        self.worker = Worker(NoThreads())
        self.worker.open(self.database)
        self.store = ResponseStore(self.worker, self.limits)

    def get(self, waited: Deferred[T]) -> T:
        """Give the result of what is done already."""
        result: T = self.successResultOf(waited)
        return result

    def save(self, *records: Record) -> None:
        """Store records."""
        for each in records:
            self.get(self.store.save(each))

    def ids(self, owner: str, id: str) -> list[str] | None:
        """Give the ids of a chain."""
        links = self.get(self.store.chain(owner, id))
        return None if links is None else [each.id for each in links]

    def query(self, sql: str, *values: Any) -> list[Any]:
        """Ask the database itself."""
        return self.get(self.worker.submit(lambda connection: connection.execute(sql, values).fetchall()))

    def items(self, owner: str, *ids: str) -> Mapping[str, Any]:
        """Give items by their ids."""
        return self.get(self.store.items(owner, ids))

    def open_file(self) -> Database:
        """Open the database in the file; closed when the test ends."""
        database = open_database(str(self.file))
        self.addCleanup(database.close)
        return database

    def whole(self, path: Path | None, directory: Path | None) -> Store:
        """Make a whole store, not open yet."""
        return Store.of(
            Place(str(path) if path else None, str(directory) if directory else None),
            self.limits,
            threads=self.threads,
            in_thread=NoThreads(),
            clock=self.clock,
            now=lambda: NOW + self.clock.seconds(),
            random=bytes,
        )
