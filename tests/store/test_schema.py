"""Databases of every version that was ever released open as they should.

``schemas/NNNN.sql`` is what ``.dump`` says of a database of that version with something in it, and is never changed.
Whoever adds a migration adds the dump of a database after it.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from agd.allowance import Allowance, read_budgets
from agd.keys.key import StoredKey
from agd.keys.turnstile import Spent
from agd.store.accounts import load
from agd.store.clients import read_all
from agd.store.database import open_database
from agd.store.schema import bundled_migrations
from tests.store.stage import ANN, BOB, NOW, StoreTestCase, background, message, record

SCHEMAS = Path(__file__).parent / "schemas"

STORED = (record("resp_1"), record("resp_2", "resp_1"), record("resp_1", owner=BOB), background("resp_3", "completed"))
"""What stands in each of the dumps."""
SNAPSHOT = {
    "version": 1,
    "accounts": {"acct_1": {"pause": "draining"}, "acct_2": {"pause": None}},
    "purses": [{"upstream": "https://a.example", "name": "project", "holds": []}],
}
SNAPSHOT_SECOND = NOW
"""What stands in the dumps of version 2 and later, and when it was saved."""


def schema_of(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """Give every table, index and trigger with its SQL."""
    query = "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name"
    return connection.execute(query).fetchall()


class SchemaTests(StoreTestCase):
    """Old databases."""

    def load(self, version: int) -> None:
        """Make the file from a dump."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.file.unlink(missing_ok=True)
        connection = sqlite3.connect(self.file)
        connection.executescript((SCHEMAS / f"{version:04}.sql").read_text("utf-8"))
        connection.close()

    def test_every_version(self) -> None:
        """Whatever version a database has, it is brought to the latest schema, and all that it holds is there."""
        fresh = schema_of(self.database._connection)
        for migration in bundled_migrations():
            self.load(migration.version)
            database = open_database(str(self.file))
            self.assertEqual(schema_of(database._connection), fresh, migration.version)
            self.worker.open(database)
            self.check()
            if migration.version >= 3:
                self.check_clients()
            kept = self.get(self.worker.submit(load))
            self.assertEqual(kept, None if migration.version < 2 else SNAPSHOT)
            self.assertEqual(self.query("PRAGMA integrity_check"), [("ok",)])
            database.close()

    def test_no_dump_forgotten(self) -> None:
        """There is a dump for every version, and none without one."""
        dumps = sorted(path.name for path in SCHEMAS.iterdir())
        self.assertEqual(dumps, [f"{each.version:04}.sql" for each in bundled_migrations()])

    def check_clients(self) -> None:
        """Look for the client key and what was spent with it."""
        kept = self.get(self.worker.submit(read_all))
        allowance = Allowance(1_800_000_000.0, ("gemini-*",), 60, None, 2, read_budgets("1000000/day"))
        self.assertEqual(kept.keys, (StoredKey("ann", bytes(range(32)), NOW, None, allowance),))
        self.assertEqual(kept.spent, (Spent("key:ann", "day", "2025-11-24", 1234),))

    def check(self) -> None:
        """Look for all that the dumps hold."""
        for each in STORED:
            self.assertEqual(self.get(self.store.find(each.owner, each.id)), each)
        self.assertEqual(self.ids(ANN, "resp_2"), ["resp_1", "resp_2"])
        self.assertEqual(self.get(self.store.items(ANN, ["resp_2_out"])), {"resp_2_out": message("resp_2_out")})
        self.assertGreater(self.get(self.store.size()), 4 * 1024)
