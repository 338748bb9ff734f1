"""The whole store: opened with the daemon, closed with it, and looked after every hour."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

from attrs import define, field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from agd.errors import StoreError
from agd.sealing import KeyRing, RandomBytes
from agd.store.accounts import AccountStore, load
from agd.store.clients import ClientStore, Kept, read_all
from agd.store.responses import ResponseStore
from agd.store.retention import Limits
from agd.store.worker import InThread, Worker

_log = Logger("agd")

LOOK_AFTER_SECONDS = 3600.0

LEFT_UNFINISHED: Mapping[str, str] = MappingProxyType(
    {"code": "server_error", "message": "agd was stopped before this response was finished."}
)
"""The error of a background response that was under way when its daemon ended."""


@frozen
class Place:
    """Where the store stands: the database's path, None for memory, and the folder of the keys, None for no file."""

    path: str | None
    directory: str | None


class Threads(Protocol):
    """What the worker's thread comes from: a ``twisted.python.threadpool.ThreadPool`` of its own, of one thread."""

    def start(self) -> object:
        """Have threads."""

    def stop(self) -> object:
        """Wait for the threads and have none."""


@define(eq=False)
class Store:
    """Made closed; whoever asks it before it is open, or after it was closed, gets a ``StoreError``.

    ``responses`` and ``ring`` are the same objects throughout; the ring has keys that nobody knows until it is open.
    ``worker`` is for further repositories. ``kept`` is what was known of clients when it was opened: the first request
    may come at once. ``now`` gives Unix seconds.
    """

    place: Place
    worker: Worker
    responses: ResponseStore
    accounts: AccountStore
    clients: ClientStore
    ring: KeyRing
    _threads: Threads
    _clock: IReactorTime
    _now: Callable[[], float]
    _random: RandomBytes = field(repr=False)
    kept: Kept = field(factory=Kept, init=False, repr=False)
    _hourly: LoopingCall | None = field(default=None, init=False)

    @classmethod
    def of(
        cls,
        place: Place,
        limits: Limits,
        *,
        threads: Threads,
        in_thread: InThread,
        clock: IReactorTime,
        now: Callable[[], float],
        random: RandomBytes,
    ) -> Store:
        """Make a store. ``in_thread`` calls in one of ``threads``: ``partial(deferToThreadPool, reactor, threads)``."""
        worker = Worker(in_thread)
        ring = KeyRing.fresh(random)
        responses, accounts, clients = ResponseStore(worker, limits), AccountStore(worker), ClientStore(worker)
        return cls(place, worker, responses, accounts, clients, ring, threads, clock, now, random)

    def open(self) -> None:
        """Read the keys, open the database and begin to look after it; after any fork, for threads do not survive one.

        Raises ``StoreError`` with a sentence for the operator.
        """
        from agd.store.database import open_database  # noqa: PLC0415 - sqlite3, for those only that open a store

        self._take_keys()
        database = open_database(self.place.path)
        # Here and not by the worker: it is to be known before the first request.
        try:
            self.accounts.found, self.kept = database.ask(load), database.ask(read_all)
        except BaseException:
            database.close()
            raise
        self.worker.open(database)
        self._threads.start()
        left = self.responses.fail_unfinished(LEFT_UNFINISHED, int(self._now()))
        left.addErrback(_tell, "responses that were left unfinished stay so")
        self._expire()
        self._hourly = LoopingCall(self._look_after)
        self._hourly.clock = self._clock
        self._hourly.start(LOOK_AFTER_SECONDS, now=False)

    def close(self) -> Deferred[None]:
        """Fire when all that was asked is on disk and the file is closed; whatever is asked from now on fails."""
        if self._hourly is None:
            return self.worker.close()
        if self._hourly.running:
            self._hourly.stop()
        self._hourly = None
        return self.worker.close().addBoth(self._without_threads)

    def _without_threads(self, result: Any) -> Any:
        self._threads.stop()
        return result

    def _look_after(self) -> Deferred[Any]:
        try:
            self._renew_keys()
        except StoreError as error:
            _log.warn("the keys stay as they are: {error}", error=error)
        return self._expire()

    def _expire(self) -> Deferred[Any]:
        return self.responses.expire(int(self._now())).addErrback(_tell, "what is too old stays in the store for now")

    def _take_keys(self) -> None:
        """Read the keys or make some. A store that is off does without a file where none can be had."""
        try:
            self._renew_keys()
        except StoreError as error:
            if self.place.path is not None:
                raise
            _log.warn("what is sealed now will not open after a restart: {error}", error=error)

    def _renew_keys(self) -> None:
        from agd.store.keys import load_keys  # noqa: PLC0415 - used once an hour

        if self.place.directory is not None:
            self.ring.keys = load_keys(self.place.directory, int(self._now()), self._random)


def _tell(failure: Failure, words: str) -> None:
    failure.trap(StoreError)
    _log.warn("{words}: {error}", words=words, error=failure.value)
