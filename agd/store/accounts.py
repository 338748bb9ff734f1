"""What is known of the accounts, kept over restarts: a row for each, written only where it has changed.

The plain data is the pool's own (``agd.accounts.state``); here it is taken apart and put together again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import define, field
from twisted.internet.defer import Deferred

from agd.encoding import decode, encode
from agd.store.worker import Worker

if TYPE_CHECKING:
    from sqlite3 import Connection

DAY = 86400
FORGOTTEN_AFTER = 30 * DAY
"""Seconds after which an account that is in the configuration no longer is forgotten: until then it may come back."""

_SAVE_ACCOUNT = """
INSERT INTO accounts VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET state = excluded.state, seen = excluded.seen
WHERE state <> excluded.state OR seen <> excluded.seen
"""
_SAVE_PURSE = """
INSERT INTO purses VALUES (?, ?, ?) ON CONFLICT (upstream, name) DO UPDATE SET state = excluded.state
WHERE state <> excluded.state
"""


@define(eq=False)
class AccountStore:
    """``found`` is what stood there when the store was opened; whoever takes it up sets it to None."""

    _worker: Worker
    found: dict[str, Any] | None = field(default=None, init=False)

    def save(self, snapshot: Mapping[str, Any], now: int, *, whole: bool = True) -> Deferred[None]:
        """Keep a snapshot; fires when it is on disk, fails with ``StoreError``. ``now`` is in Unix seconds.

        One that is not ``whole`` is of those that have changed since the last whole one. The snapshot must not be
        changed afterwards: it is written in the store's thread.
        """
        keep = _save if whole else _amend
        return self._worker.submit(lambda connection: keep(connection, snapshot, now))


def load(connection: Connection) -> dict[str, Any] | None:
    """Return the last snapshot, with accounts that had left the configuration by then; None when there is none."""
    accounts = {id_: decode(state) for id_, state in connection.execute("SELECT id, state FROM accounts")}
    purses = [decode(state) for (state,) in connection.execute("SELECT state FROM purses")]
    [(version,)] = connection.execute("SELECT max(version) FROM account_version").fetchall()
    return None if version is None else {"version": version, "accounts": accounts, "purses": purses}


def _save(connection: Connection, snapshot: Mapping[str, Any], now: int) -> None:
    """Put everybody down, and forget whoever has left."""
    _put_accounts(connection, snapshot, now)
    connection.execute("DELETE FROM accounts WHERE seen < ?", (_day(now) - FORGOTTEN_AFTER,))
    named = {_key(purse) for purse in snapshot["purses"]}
    _drop_purses(connection, set(connection.execute("SELECT upstream, name FROM purses")) - named)
    _put_purses(connection, snapshot["purses"])
    connection.execute("DELETE FROM account_version")
    connection.execute("INSERT INTO account_version VALUES (?)", (snapshot["version"],))


def _amend(connection: Connection, snapshot: Mapping[str, Any], now: int) -> None:
    """Put these accounts and purses down; nothing is known of the others."""
    _put_accounts(connection, snapshot, now)
    _drop_purses(connection, {_key(purse) for purse in snapshot["purses"] if not (purse["holds"] or purse["quotas"])})
    _put_purses(connection, [purse for purse in snapshot["purses"] if purse["holds"] or purse["quotas"]])


def _put_accounts(connection: Connection, snapshot: Mapping[str, Any], now: int) -> None:
    rows = ((id_, encode(state), _day(now)) for id_, state in snapshot["accounts"].items())
    connection.executemany(_SAVE_ACCOUNT, rows)


def _put_purses(connection: Connection, purses: Iterable[Mapping[str, Any]]) -> None:
    connection.executemany(_SAVE_PURSE, ((*_key(purse), encode(purse)) for purse in purses))


def _drop_purses(connection: Connection, keys: Iterable[tuple[str, str]]) -> None:
    connection.executemany("DELETE FROM purses WHERE upstream = ? AND name = ?", keys)


def _key(purse: Mapping[str, Any]) -> tuple[str, str]:
    return purse["upstream"], purse["name"]


def _day(now: int) -> int:
    return now - now % DAY
