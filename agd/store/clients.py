"""Client keys in the database, and what was spent with them. The keys themselves are not there, only their digests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from attrs import astuple, define, frozen
from twisted.internet.defer import Deferred

from agd.allowance import Allowance, read_budgets
from agd.encoding import decode, encode
from agd.keys.key import StoredKey
from agd.keys.turnstile import Spent
from agd.store.worker import Worker

if TYPE_CHECKING:
    from sqlite3 import Connection

_COLUMNS = "name, digest, created, revoked, expires, models, rpm, tpm, concurrency, budgets"
_SAVE = f"INSERT OR REPLACE INTO client_keys ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - constants
_ALL = f"SELECT {_COLUMNS} FROM client_keys ORDER BY name"  # noqa: S608 - constants
_SPEND = "INSERT OR REPLACE INTO spent (owner, period, label, tokens) VALUES (?, ?, ?, ?)"
_SPENT = "SELECT owner, period, label, tokens FROM spent"


@frozen
class Kept:
    """Everything that is kept of clients."""

    keys: tuple[StoredKey, ...] = ()
    spent: tuple[Spent, ...] = ()


@define(eq=False)
class ClientStore:
    """Keys and what was spent. Each Deferred fires when it is on disk, and fails with ``StoreError``."""

    _worker: Worker

    def save(self, key: StoredKey) -> Deferred[None]:
        """Keep a key as it is now, in place of one of the same name."""
        return self._worker.submit(lambda connection: save_key(connection, key))

    def spend(self, spent: Sequence[Spent]) -> Deferred[None]:
        """Keep what owners have spent, in place of what was kept for the same kind of period."""

        def job(connection: Connection) -> None:
            connection.executemany(_SPEND, [astuple(each) for each in spent])

        return self._worker.submit(job)


def read_all(connection: Connection) -> Kept:
    """Read everything."""
    keys = tuple(_key(row) for row in connection.execute(_ALL).fetchall())
    return Kept(keys, tuple(Spent(*row) for row in connection.execute(_SPENT).fetchall()))


def save_key(connection: Connection, key: StoredKey) -> None:
    """Write a key."""
    allowance = key.allowance
    limits = (allowance.rpm, allowance.tpm, allowance.concurrency)
    models, budgets = encode(list(allowance.models)).decode(), ", ".join(map(str, allowance.budgets))
    row = (key.name, key.digest, key.created, key.revoked, allowance.expires, models, *limits, budgets)
    connection.execute(_SAVE, row)


def _key(row: Sequence[Any]) -> StoredKey:
    name, digest, created, revoked, expires, models, rpm, tpm, concurrency, budgets = row
    bought = read_budgets(budgets) if budgets else ()
    allowance = Allowance(expires, tuple(decode(models.encode())), rpm, tpm, concurrency, bought)
    return StoredKey(name, digest, created, revoked, allowance)
