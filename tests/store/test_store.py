"""The whole store: opened, looked after, closed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from agd.errors import StoreError
from agd.store.keys import SEALING_SECONDS
from agd.store.retention import DAY
from agd.store.store import LEFT_UNFINISHED, LOOK_AFTER_SECONDS, Store
from tests.store.stage import ANN, NOW, StoreTestCase, background, record

PROJECT = Path(__file__).parents[2]


class WholeTestCase(StoreTestCase):
    """A store in a folder that does not exist yet."""

    def open(self) -> Store:
        """Make a store and open it; closed when the test ends."""
        made = self.whole(self.file, self.folder)
        made.open()
        self.addCleanup(made.close)
        return made


class LifeTests(WholeTestCase):
    """Open and closed."""

    def test_between_runs(self) -> None:
        """What one run has stored and sealed, the next one has and opens, and owners keep their names."""
        first = self.open()
        self.get(first.responses.save(record("resp_1")))
        sealed, name = first.ring.seal(ANN, ["state"]), first.ring.owner_mac("key-one")
        self.get(first.close())
        second = self.open()
        self.assertEqual(self.get(second.responses.find(ANN, "resp_1")), record("resp_1"))
        self.assertEqual(second.ring.open(ANN, sealed), ["state"])
        self.assertEqual(second.ring.owner_mac("key-one"), name)

    def test_before(self) -> None:
        """Before it is open it leaves nothing on disk and answers nothing; its parts stay the same objects."""
        made = self.whole(self.file, self.folder)
        responses, ring = made.responses, made.ring
        self.failureResultOf(responses.save(record("resp_1")), StoreError)
        self.assertFalse(self.folder.exists())
        made.open()
        self.addCleanup(made.close)
        self.assertIs(made.responses, responses)
        self.assertIs(made.ring, ring)
        self.get(responses.save(record("resp_1")))

    def test_closed(self) -> None:
        """Closed, it has no threads and no timers, and a question fails; closing again is nothing."""
        made = self.open()
        self.assertTrue(self.threads.running)
        self.get(made.close())
        self.assertFalse(self.threads.running)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.failureResultOf(made.responses.find(ANN, "resp_1"), StoreError)
        self.get(made.close())
        self.get(self.whole(self.file, self.folder).close())

    def test_refused(self) -> None:
        """A store that another process holds, or whose keys others may read, is not opened, and nothing is left."""
        first = self.open()
        with self.assertRaises(StoreError):
            self.whole(self.file, self.folder).open()
        self.get(first.close())
        (self.folder / "sealing.keys").chmod(0o644)
        with self.assertRaises(StoreError):
            self.whole(self.file, self.folder).open()
        (self.folder / "sealing.keys").chmod(0o600)
        self.open()
        self.assertEqual(self.flushLoggedErrors(), [])


class OffTests(WholeTestCase):
    """A store that is off."""

    def test_memory(self) -> None:
        """It keeps responses while it runs, and the keys in their file all the same."""
        made = self.whole(None, self.folder)
        made.open()
        self.get(made.responses.save(record("resp_1")))
        self.assertEqual(self.get(made.responses.find(ANN, "resp_1")), record("resp_1"))
        sealed = made.ring.seal(ANN, 1)
        self.get(made.close())
        self.assertEqual([path.name for path in self.folder.iterdir()], ["sealing.keys"])
        again = self.whole(None, self.folder)
        again.open()
        self.assertEqual(again.ring.open(ANN, sealed), 1)
        self.get(again.close())

    def test_I31_no_directory(self) -> None:
        """Without a state directory nothing is on disk, and the keys are the process's own."""
        made = self.whole(None, None)
        made.open()
        self.addCleanup(made.close)
        self.assertEqual(made.ring.open(ANN, made.ring.seal(ANN, 1)), 1)
        self.assertFalse(self.folder.exists())

    def test_directory_of_no_use(self) -> None:
        """A directory that cannot be written is no reason not to start when the store is off."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        self.folder.write_text("a file in its place")
        made = self.whole(None, self.folder)
        made.open()
        self.addCleanup(made.close)
        self.assertEqual(made.ring.open(ANN, made.ring.seal(ANN, 1)), 1)


class CareTests(WholeTestCase):
    """Looked after."""

    def test_unfinished(self) -> None:
        """What the run before left unfinished has failed when the store is open again, and is never a ghost."""
        first = self.open()
        self.get(first.responses.save(background("resp_1", "in_progress")))
        self.get(first.close())
        found = self.get(self.open().responses.find(ANN, "resp_1"))
        assert found is not None
        self.assertEqual((found.status, found.body["error"]), ("failed", dict(LEFT_UNFINISHED)))

    def test_expiry(self) -> None:
        """What is too old is dropped at the start, and every hour."""
        first = self.open()
        self.get(first.responses.save(record("resp_1")))
        self.get(first.responses.save(record("resp_2", created=NOW + 1800)))
        self.get(first.close())
        self.clock.advance(30 * DAY + 1)
        second = self.open()
        self.assertIsNone(self.get(second.responses.find(ANN, "resp_1")))
        self.assertIsNotNone(self.get(second.responses.find(ANN, "resp_2")))
        self.clock.advance(LOOK_AFTER_SECONDS)
        self.assertIsNone(self.get(second.responses.find(ANN, "resp_2")))

    def test_keys(self) -> None:
        """Keys are renewed while agd runs; the ring opens what the old one sealed."""
        made = self.open()
        sealed, old = made.ring.seal(ANN, 1), made.ring.keys.sealing
        self.clock.pump([LOOK_AFTER_SECONDS, SEALING_SECONDS])
        self.assertEqual(made.ring.keys.sealing[1:], old)
        self.assertEqual(made.ring.open(ANN, sealed), 1)

    def test_trouble(self) -> None:
        """Keys and a database that fail later are told in the log, once an hour, and end nothing."""
        made = self.open()
        (self.folder / "sealing.keys").write_text("spoiled")
        broken = made.worker.submit(lambda connection: connection.close())
        self.failureResultOf(broken, StoreError)
        keys = made.ring.keys
        self.clock.advance(LOOK_AFTER_SECONDS)
        self.clock.advance(LOOK_AFTER_SECONDS)
        self.assertEqual(made.ring.keys, keys)
        self.failureResultOf(made.responses.find(ANN, "resp_1"), StoreError)


class WeightTests(SynchronousTestCase):
    """What the plugin loads."""

    def test_lazy(self) -> None:
        """Neither SQLite nor the key file's module is loaded before a store is opened."""
        code = "import sys, agd.tap, agd.store.store; print(sorted({'sqlite3', 'agd.store.keys'} & set(sys.modules)))"
        environ = {**os.environ, "PYTHONPATH": str(PROJECT)}
        told = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
        self.assertEqual(told.stdout, "[]\n")
