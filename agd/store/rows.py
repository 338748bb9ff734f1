"""Records in the tables: what ``ResponseStore`` has done in the thread. Every query names the owner or a row's key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from agd.encoding import decode, encode
from agd.store.record import Contents, Record, item_ids, record_of
from agd.store.retention import remove

if TYPE_CHECKING:
    from sqlite3 import Connection

INSERT = """
    INSERT INTO responses (owner, id, created, previous, status, background, used, bytes, leaf)
    VALUES (:owner, :id, :created, :previous, :status, :background, :used, :bytes,
            NOT EXISTS (SELECT 1 FROM responses WHERE owner = :owner AND previous = :id))
    ON CONFLICT (owner, id) DO UPDATE
    SET status = excluded.status, used = max(used, excluded.used), bytes = excluded.bytes
"""
CONTINUE = "UPDATE responses SET leaf = 0 WHERE owner = ? AND id = ?"
KEY = "SELECT key FROM responses WHERE owner = ? AND id = ?"
FIND = """
    SELECT id, owner, created, previous, status, background, input, body, memory, journal
    FROM responses JOIN contents ON response = key WHERE owner = ? AND id = ?
"""
LINK = """
    SELECT id, owner, created, previous, status, background, input, body, memory, NULL
    FROM responses JOIN contents ON response = key WHERE owner = ? AND id = ?
"""
USE = "UPDATE responses SET used = ? WHERE owner = ? AND id = ? AND used < ?"
HOLDER = "SELECT response FROM items WHERE owner = ? AND id = ? ORDER BY response DESC LIMIT 1"
LEFT = "SELECT key, body FROM responses JOIN contents ON response = key WHERE status IN ('queued', 'in_progress')"

FAIL = "UPDATE responses SET status = 'failed', used = ?, bytes = bytes + ? WHERE key = ?"


def save(connection: Connection, record: Record, contents: Contents, used: int) -> None:
    """Write a record; what it replaces keeps its place in the conversation."""
    row = {
        "owner": record.owner,
        "id": record.id,
        "created": record.created,
        "previous": record.previous,
        "status": record.status,
        "background": record.background,
        "used": used,
        "bytes": contents.size,
    }
    connection.execute(INSERT, row)
    [key] = connection.execute(KEY, (record.owner, record.id)).fetchone()
    if record.previous is not None:
        connection.execute(CONTINUE, (record.owner, record.previous))
    connection.execute("INSERT OR REPLACE INTO contents VALUES (?, ?, ?, ?, ?)", (key, *contents.values))
    connection.execute("DELETE FROM items WHERE response = ?", (key,))
    connection.executemany("INSERT INTO items VALUES (?, ?, ?)", [(record.owner, id, key) for id in item_ids(record)])


def find(connection: Connection, owner: str, id: str) -> Record | None:
    """Read a record, None when there is none."""
    return _read(connection, FIND, owner, id)


def chain(connection: Connection, owner: str, id: str) -> list[Record] | None:
    """Read a record and all those before it, the oldest first; None when one is missing."""
    links = list(_walk(connection, owner, id))
    links.reverse()
    return None if None in links[:1] else [link for link in links if link is not None]


def use(connection: Connection, owner: str, id: str, now: int, before: int) -> None:
    """Note that a response was used, where it was last used before ``before``."""
    connection.execute(USE, (now, owner, id, before))


def holds(connection: Connection, owner: str, id: str) -> bool:
    """Tell whether there is a record."""
    return connection.execute(KEY, (owner, id)).fetchone() is not None


def delete(connection: Connection, owner: str, id: str) -> bool:
    """Take a record out and tell whether there was one."""
    row = connection.execute(KEY, (owner, id)).fetchone()
    if row is not None:
        remove(connection, row[0])
    return row is not None


def items(connection: Connection, owner: str, ids: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """Read items by id; each record that holds some is read once."""
    holders: dict[int, set[str]] = {}
    for id in ids:
        row = connection.execute(HOLDER, (owner, id)).fetchone()
        if row is not None:
            holders.setdefault(row[0], set()).add(id)
    return {
        item["id"]: item
        for key, wanted in holders.items()
        for item in _items_of(connection, key)
        if item.get("id") in wanted
    }


def fail_unfinished(connection: Connection, error: Mapping[str, Any], now: int) -> int:
    """Let every response that is still being made have failed; return how many there were."""
    left = connection.execute(LEFT).fetchall()
    for key, body in left:
        failed = encode({**decode(body), "status": "failed", "error": dict(error)})
        connection.execute(FAIL, (now, len(failed) - len(body), key))
        connection.execute("UPDATE contents SET body = ? WHERE response = ?", (failed, key))
    return len(left)


def _read(connection: Connection, query: str, owner: str, id: str) -> Record | None:
    row = connection.execute(query, (owner, id)).fetchone()
    return None if row is None else record_of(row)


def _walk(connection: Connection, owner: str, id: str) -> Iterator[Record | None]:
    """Yield a record and those before it, the newest first; a None at the end stands for one that is missing."""
    wanted: str | None = id
    seen: set[str] = set()
    while wanted is not None:
        link = None if wanted in seen else _read(connection, LINK, owner, wanted)
        yield link
        seen.add(wanted)
        wanted = None if link is None else link.previous


def _items_of(connection: Connection, key: int) -> Iterator[Mapping[str, Any]]:
    said, body = connection.execute("SELECT input, body FROM contents WHERE response = ?", (key,)).fetchone()
    yield from decode(said)
    yield from decode(body).get("output", ())
