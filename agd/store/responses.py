"""Stored responses. The owner is part of every key and of every query: a foreign id is an unknown one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from attrs import define
from twisted.internet.defer import Deferred, fail

from agd.errors import StoreError
from agd.store import rows
from agd.store.record import Contents, Record
from agd.store.retention import DAY, Limits, drop_excess, drop_stale, give_back, taken
from agd.store.worker import Job, T, Worker

if TYPE_CHECKING:
    from sqlite3 import Connection


@define(eq=False)
class ResponseStore:
    """Responses of all owners. Every method returns a Deferred, which fails with ``StoreError`` when the store cannot.

    An empty owner is a mistake of the caller and refused with ``ValueError``. ``limits`` may be replaced at any time.
    """

    _worker: Worker
    limits: Limits

    def save(self, record: Record, now: int | None = None) -> Deferred[None]:
        """Keep a response as it is now; one of the same owner and id takes its status and contents.

        Fires when it is on disk. ``now`` is when it was last used, in Unix seconds: its creation when not given. The
        responses that were not used for longest make room for it. One that is too large for the store is refused, and
        so is one that could only take the place of what it continues.
        """
        _check(record.owner)
        try:
            contents = Contents.of(record)
        except StoreError:
            return fail()
        limits, used = self.limits, record.created if now is None else now
        if contents.size > limits.largest:
            found = f"{record.id} takes {contents.size} bytes"
            return fail(StoreError(f"{found}; allowed: {limits.largest}, a quarter of what the store may take"))

        def job(connection: Connection) -> None:
            rows.save(connection, record, contents, used)
            drop_excess(connection, limits.max_bytes)
            if not rows.holds(connection, record.owner, record.id):
                raise StoreError(f"{record.id} finds no room: what it continues takes all that the store may take")

        return self._worker.submit(job)

    def find(self, owner: str, id: str) -> Deferred[Record | None]:
        """Return an owner's response, None when there is none of that id."""
        return self._ask(owner, lambda connection: rows.find(connection, owner, id))

    def chain(self, owner: str, id: str, now: int | None = None) -> Deferred[list[Record] | None]:
        """Return a response with all those that it continues, the oldest first, without their journals.

        None when it or one of them is missing: deleted, dropped, or never stored. With ``now``, in Unix seconds, it
        counts as used, and what it continues lives as long as it does.
        """

        def job(connection: Connection) -> list[Record] | None:
            if now is not None:
                rows.use(connection, owner, id, now, now - DAY)
            return rows.chain(connection, owner, id)

        return self._ask(owner, job)

    def items(self, owner: str, ids: Iterable[str]) -> Deferred[dict[str, Mapping[str, Any]]]:
        """Return those of an owner's items that are stored, by id, as they stand in the latest response with them."""
        wanted = tuple(dict.fromkeys(ids))
        return self._ask(owner, lambda connection: rows.items(connection, owner, wanted))

    def delete(self, owner: str, id: str) -> Deferred[bool]:
        """Take an owner's response out and tell whether there was one."""
        return self._ask(owner, lambda connection: rows.delete(connection, owner, id))

    def fail_unfinished(self, error: Mapping[str, Any], now: int) -> Deferred[int]:
        """Let responses that are queued or in progress have failed with ``error``; return how many there were.

        To be called before any of this process is saved: all that are found were left by one that has ended.
        """
        return self._worker.submit(lambda connection: rows.fail_unfinished(connection, error, now))

    def expire(self, now: int) -> Deferred[int]:
        """Drop what is too old and what is too much, and return how many responses that were.

        It is done in steps, so that others need not wait for all of it. The room goes back to the disk.
        """
        return Deferred.fromCoroutine(self._expire(now))

    def size(self) -> Deferred[int]:
        """Return how many bytes are taken, of those that ``limits.max_bytes`` allows."""
        return self._worker.submit(taken)

    async def _expire(self, now: int) -> int:
        stale = partial(drop_stale, before=now - self.limits.max_age)
        excess = partial(drop_excess, max_bytes=self.limits.max_bytes)
        dropped = await self._all_steps(stale) + await self._all_steps(excess)
        while await self._worker.submit(give_back):
            pass
        return dropped

    async def _all_steps(self, step: Job[int]) -> int:
        """Repeat a step until it finds nothing: what it drops makes new leaves."""
        total = 0
        while dropped := await self._worker.submit(step):
            total += dropped
        return total

    def _ask(self, owner: str, job: Job[T]) -> Deferred[T]:
        _check(owner)
        return self._worker.submit(job)


def _check(owner: str) -> None:
    if not owner:
        raise ValueError("a stored response belongs to somebody: the owner is empty")
