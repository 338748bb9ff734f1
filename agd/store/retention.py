"""What is dropped, and when.

Only leaves are ever dropped: responses that no stored response continues. So a conversation goes from its end, when
that end has not been used for long, and never loses a beginning that a living end still needs; dead branches of a
living conversation go like any other. What was dropped gives its place back to the disk bit by bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from sqlite3 import Connection

DAY = 86400
STEP = 200
"""How many responses one job drops: others must not wait long."""

_MEMORY_BYTES = 64 * 2**20
_LARGEST_SHARE = 4
_VACUUM_PAGES = 4096

STALE = "SELECT key FROM responses WHERE leaf = 1 AND used < ? ORDER BY used, key LIMIT ?"
OLDEST = "SELECT key FROM responses WHERE leaf = 1 ORDER BY used, key LIMIT 1"
_FAMILY = "SELECT owner, previous FROM responses WHERE key = ?"
_REMOVE = "DELETE FROM responses WHERE key = ?"
RIPEN = """
    UPDATE responses SET leaf = 1 WHERE owner = :owner AND id = :id
    AND NOT EXISTS (SELECT 1 FROM responses WHERE owner = :owner AND previous = :id)
"""


@frozen
class Limits:
    """How much is kept: seconds since a response was last used, and bytes that all of them take."""

    max_age: int
    max_bytes: int

    @classmethod
    def of(cls, max_age_days: int, max_bytes: int, *, memory: bool) -> Limits:
        """Make them from the settings; in memory responses take 64 MiB at most."""
        return cls(max_age_days * DAY, min(max_bytes, _MEMORY_BYTES) if memory else max_bytes)

    @property
    def largest(self) -> int:
        """How many bytes one response may take, so that it does not drive out nearly everything else."""
        return self.max_bytes // _LARGEST_SHARE


def remove(connection: Connection, key: int) -> None:
    """Take a response out; the one it continued may be a leaf now."""
    owner, previous = connection.execute(_FAMILY, (key,)).fetchone()
    connection.execute(_REMOVE, (key,))
    if previous is not None:
        connection.execute(RIPEN, {"owner": owner, "id": previous})


def drop_stale(connection: Connection, before: int) -> int:
    """Drop leaves that were last used before that second, some of them at most; return how many."""
    stale = connection.execute(STALE, (before, STEP)).fetchall()
    for (key,) in stale:
        remove(connection, key)
    return len(stale)


def drop_excess(connection: Connection, max_bytes: int) -> int:
    """Drop the leaves that were not used for longest while all is too large, some at most; return how many."""
    dropped = 0
    while dropped < STEP and taken(connection) > max_bytes:
        oldest = connection.execute(OLDEST).fetchone()
        if oldest is None:
            break
        remove(connection, oldest[0])
        dropped += 1
    return dropped


def give_back(connection: Connection) -> bool:
    """Give room that nothing stands in back to the disk, some of it at most; tell whether there is more."""
    before = _free_pages(connection)
    connection.execute(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})").fetchall()
    return 0 < _free_pages(connection) < before


def taken(connection: Connection) -> int:
    """Return how many bytes responses take; it costs the same however many there are."""
    return int(connection.execute("SELECT bytes FROM tally").fetchone()[0])


def _free_pages(connection: Connection) -> int:
    return int(connection.execute("PRAGMA freelist_count").fetchone()[0])
