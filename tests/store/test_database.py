"""Opening the database file."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from agd.errors import StoreError
from agd.store import database
from agd.store.database import open_database
from agd.store.schema import APPLICATION_ID, Migration, bundled_migrations

ONE = Migration(1, "CREATE TABLE one (a); INSERT INTO one VALUES (1);")
TWO = Migration(2, "ALTER TABLE one ADD COLUMN b; UPDATE one SET b = a + 1;")
WRONG = Migration(2, "CREATE TABLE two (a); INSERT INTO nowhere VALUES (1);")


class FileTestCase(SynchronousTestCase):
    """A folder that does not exist yet."""

    def setUp(self) -> None:
        """Choose it."""
        self.folder = Path(self.mktemp()).absolute() / "state"
        self.file = self.folder / "agd.db"

    def open(self, *migrations: Migration) -> None:
        """Open the database and close it."""
        open_database(str(self.file), migrations or None).close()

    def refused(self, *migrations: Migration) -> str:
        """Give the sentence with which it is refused."""
        with self.assertRaises(StoreError) as caught:
            self.open(*migrations)
        text = str(caught.exception)
        self.assertEqual(len(text.splitlines()), 1)
        self.assertIn(str(self.folder), text)
        return text

    def ask(self, sql: str) -> list[tuple[object, ...]]:
        """Ask the file."""
        connection = sqlite3.connect(self.file)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def mode(self, path: Path) -> int:
        """Give a file's rights."""
        return stat.S_IMODE(path.stat().st_mode)


class OpeningTests(FileTestCase):
    """A new file."""

    def test_rights(self) -> None:
        """Folder, database, journal and lock are for this user alone, whatever the umask allows."""
        self.addCleanup(os.umask, os.umask(0))
        opened = open_database(str(self.file))
        self.addCleanup(opened.close)
        opened.carry_out([lambda connection: connection.execute("CREATE TABLE t (a)") and None])
        self.assertEqual(self.mode(self.folder), 0o700)
        modes = {path.name: self.mode(path) for path in self.folder.iterdir()}
        names = ("agd.db", "agd.db-shm", "agd.db-wal", "agd.db.lock")
        self.assertEqual(modes, dict.fromkeys(names, 0o600))

    def test_rights_of_an_old_file(self) -> None:
        """A file that others could read no longer can be."""
        self.open()
        self.file.chmod(0o644)
        self.open()
        self.assertEqual(self.mode(self.file), 0o600)

    def test_durable(self) -> None:
        """Each commit is on disk before it is told, and what is deleted can be given back."""
        opened = open_database(str(self.file))
        self.addCleanup(opened.close)
        names = ("journal_mode", "synchronous", "foreign_keys", "auto_vacuum")

        def pragmas(connection: sqlite3.Connection) -> list[object]:
            return [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names]

        [outcome] = opened.carry_out([pragmas])
        self.assertEqual(outcome.value, ["wal", 2, 1, 2])

    def test_again(self) -> None:
        """What was written is there when it is opened again."""
        self.open(ONE)
        self.open(ONE)
        self.assertEqual(self.ask("SELECT a FROM one"), [(1,)])

    def test_memory(self) -> None:
        """A store without a path leaves nothing on disk."""
        self.folder.mkdir(parents=True)
        before = os.getcwd()
        os.chdir(self.folder)
        self.addCleanup(os.chdir, before)
        open_database(None).close()
        self.assertEqual(list(self.folder.iterdir()), [])


class BatchTests(FileTestCase):
    """A batch of jobs on a file."""

    def test_held(self) -> None:
        """While another program holds the database a batch fails as a whole, and is not tried job by job."""
        self.patch(database, "_BUSY_SECONDS", 0.0)
        opened = open_database(str(self.file))
        self.addCleanup(opened.close)
        other = sqlite3.connect(self.file, isolation_level=None)
        self.addCleanup(other.close)
        other.execute("BEGIN IMMEDIATE")
        carried_out: list[int] = []
        outcomes = opened.carry_out([lambda _: carried_out.append(1)] * 3)
        self.assertEqual([str(each.error) for each in outcomes], [f"{self.file}: database is locked"] * 3)
        self.assertEqual(carried_out, [])
        other.execute("ROLLBACK")
        self.assertEqual([each.error for each in opened.carry_out([lambda _: 1])], [None])


class RefusalTests(FileTestCase):
    """What stands in the way."""

    def test_another_daemon(self) -> None:
        """A second daemon is refused with the file and the cure, and may come when the first has gone."""
        first = open_database(str(self.file))
        words = self.refused()
        self.assertIn(f"{self.file}.lock", words)
        self.assertIn("store.path", words)
        first.close()
        self.open()

    def test_garbage(self) -> None:
        """A file that is no database is refused, left as it is, and not locked for good."""
        self.folder.mkdir(parents=True)
        garbage = b"no database at all, but long enough to be taken for one" * 100
        self.file.write_bytes(garbage)
        self.assertIn("leaves it as it is", self.refused())
        self.assertEqual(self.file.read_bytes(), garbage)
        self.file.unlink()
        self.open()

    def test_truncated(self) -> None:
        """A database that was cut is refused and left as it is."""
        self.open()
        whole = self.file.read_bytes()
        self.file.write_bytes(whole[: len(whole) // 2])
        self.assertIn("malformed", self.refused())
        self.assertEqual(self.file.read_bytes(), whole[: len(whole) // 2])

    def test_foreign(self) -> None:
        """Another program's database is refused, and nothing is written into it."""
        self.folder.mkdir(parents=True)
        sqlite3.connect(self.file).execute("CREATE TABLE theirs (a)").connection.close()
        self.assertIn("another program", self.refused())
        self.assertEqual(self.ask("SELECT name FROM sqlite_master"), [("theirs",)])

    def test_newer(self) -> None:
        """A schema that a newer agd has written is refused, naming what was found and what is allowed."""
        self.open(ONE, TWO)
        words = self.refused(ONE)
        self.assertIn("found a store of version 2", words)
        self.assertIn("allowed: up to version 1", words)
        self.assertEqual(self.ask("PRAGMA user_version"), [(2,)])

    def test_no_folder(self) -> None:
        """A folder that cannot be made is told with its path."""
        self.folder.parent.mkdir(parents=True)
        self.folder.write_text("a file in its place")
        self.assertIn("store.path", self.refused())

    def test_folder_in_its_place(self) -> None:
        """So is a folder where the file should be."""
        self.file.mkdir(parents=True)
        self.assertIn("Is a directory", self.refused())


class MigrationTests(FileTestCase):
    """The steps."""

    def test_steps(self) -> None:
        """An old database is brought up step by step, each once."""
        self.open(ONE)
        self.open(ONE, TWO)
        self.open(ONE, TWO)
        self.assertEqual(self.ask("SELECT a, b FROM one"), [(1, 2)])
        self.assertEqual(self.ask("PRAGMA user_version"), [(2,)])
        self.assertEqual(self.ask("PRAGMA application_id"), [(APPLICATION_ID,)])

    def test_failing(self) -> None:
        """A step that fails is undone as a whole; those before it stay."""
        self.assertIn("nowhere", self.refused(ONE, WRONG))
        self.assertEqual(self.ask("SELECT name FROM sqlite_master"), [("one",)])
        self.assertEqual(self.ask("PRAGMA user_version"), [(1,)])
        self.open(ONE, TWO)

    def test_bundled(self) -> None:
        """The steps that come with agd are numbered from 1 without a gap."""
        versions = [each.version for each in bundled_migrations()]
        self.assertEqual(versions, list(range(1, len(versions) + 1)))
