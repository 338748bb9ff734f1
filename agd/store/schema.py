"""The schema of the database, as numbered steps that are never changed once released.

Each is a file ``migrations/NNNN_name.sql`` without transaction statements. The number of the last one that was carried
out stands in the database as ``PRAGMA user_version``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from importlib.resources import files

from attrs import frozen

from agd.errors import StoreError

APPLICATION_ID = 0x61676431
"""Tells agd's databases from others (``PRAGMA application_id``): "agd1"."""


@frozen
class Migration:
    """One step: the version that it leads to, and its SQL."""

    version: int
    sql: str


def bundled_migrations() -> tuple[Migration, ...]:
    """Read the steps that come with agd, in order."""
    return tuple(sorted(_bundled(), key=lambda each: each.version))


def _bundled() -> Iterator[Migration]:
    for file in files("agd.store").joinpath("migrations").iterdir():
        if file.name.endswith(".sql"):
            yield Migration(int(file.name.partition("_")[0]), file.read_text("utf-8"))


def migrate(connection: sqlite3.Connection, path: str, migrations: Sequence[Migration]) -> None:
    """Bring a database to the last version, each step in a transaction of its own.

    ``path`` names it in errors. Raises ``StoreError`` for a database that is not agd's or that a newer agd has written,
    and ``sqlite3.Error``.
    """
    version, latest = _version(connection, path), migrations[-1].version
    if version > latest:
        raise StoreError(
            f"{path}: found a store of version {version}, which a newer agd has written; allowed: up to version "
            f"{latest}; install that agd again, or name another file in store.path"
        )
    for migration in migrations:
        if migration.version > version:
            _carry_out(connection, migration)


def _version(connection: sqlite3.Connection, path: str) -> int:
    [application] = connection.execute("PRAGMA application_id").fetchone()
    [version] = connection.execute("PRAGMA user_version").fetchone()
    [tables] = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION_ID and (tables or version):
        raise StoreError(
            f"{path}: found a database of another program; allowed: one of agd's, or a file that does not exist yet"
        )
    return int(version)


def _carry_out(connection: sqlite3.Connection, migration: Migration) -> None:
    marks = f"PRAGMA application_id = {APPLICATION_ID};\nPRAGMA user_version = {migration.version};"
    try:
        connection.executescript(f"BEGIN IMMEDIATE;\n{migration.sql}\n{marks}\nCOMMIT;")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
