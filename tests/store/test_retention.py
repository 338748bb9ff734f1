"""What is dropped, and when."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st
from twisted.python.failure import Failure

from agd.errors import StoreError
from agd.store.responses import ResponseStore
from agd.store.retention import DAY, STEP, Limits
from agd.store.worker import Worker
from tests.store.stage import ANN, BOB, NOW, NoThreads, StoreTestCase, background, record

MONTH = 30 * DAY


class AgeTests(StoreTestCase):
    """By age."""

    def expire(self, now: int) -> int:
        """Drop what is too old."""
        return self.get(self.store.expire(now))

    def test_age(self) -> None:
        """A response is dropped when it has not been used for longer than the limit, not a second before."""
        self.save(record("resp_1"), record("resp_2", created=NOW + 1))
        self.assertEqual(self.expire(NOW + MONTH), 0)
        self.assertEqual(self.expire(NOW + MONTH + 1), 1)
        self.assertIsNone(self.ids(ANN, "resp_1"))
        self.assertEqual(self.ids(ANN, "resp_2"), ["resp_2"])

    def test_ancestors(self) -> None:
        """However old its beginning, a conversation stays whole while its end is in use, and then goes as a whole."""
        self.save(record("resp_0"))
        for day in range(1, 50):
            self.save(record(f"resp_{day}", f"resp_{day - 1}", created=NOW + day * DAY))
            self.expire(NOW + day * DAY)
        self.assertEqual(len(self.ids(ANN, "resp_49") or ()), 50)
        self.assertEqual(self.expire(NOW + 49 * DAY + MONTH), 0)
        self.assertEqual(self.expire(NOW + 49 * DAY + MONTH + 1), 50)

    def test_dead_branch(self) -> None:
        """A branch that nobody continues goes by itself, from a conversation that goes on."""
        self.save(record("resp_1"), record("resp_dead", "resp_1"), record("resp_2", "resp_1", created=NOW + MONTH))
        self.assertEqual(self.expire(NOW + MONTH + 1), 1)
        self.assertEqual(self.ids(ANN, "resp_2"), ["resp_1", "resp_2"])

    def test_used(self) -> None:
        """A response that is continued without being stored counts as used, to the day."""
        self.save(record("resp_1"), record("resp_2", "resp_1"))
        self.get(self.store.chain(ANN, "resp_2", NOW + DAY - 1))
        self.assertEqual(self.query("SELECT max(used) FROM responses"), [(NOW,)])
        self.get(self.store.chain(ANN, "resp_2", NOW + 20 * DAY))
        self.assertEqual(self.expire(NOW + MONTH + 1), 0)
        self.assertEqual(self.ids(ANN, "resp_2"), ["resp_1", "resp_2"])
        self.get(self.store.chain(BOB, "resp_2", NOW + 40 * DAY))
        self.assertEqual(self.expire(NOW + 50 * DAY + 1), 2)

    def test_steps(self) -> None:
        """Much that is too old goes in steps, between which others have their turn."""
        for number in range(2 * STEP):
            self.save(record(f"resp_{number}"))
        batches: list[str] = []
        self.database._connection.set_trace_callback(lambda sql: batches.append(sql) if sql == "COMMIT" else None)
        self.assertEqual(self.expire(NOW + MONTH + 1), 2 * STEP)
        self.assertGreater(len(batches), 2)

    def test_saved_anew(self) -> None:
        """One that comes back after others have continued it is no end of a conversation."""
        self.save(record("resp_2", "resp_1", created=NOW + MONTH), record("resp_1"))
        self.assertEqual(self.expire(NOW + MONTH + 1), 0)
        self.assertEqual(self.ids(ANN, "resp_2"), ["resp_1", "resp_2"])


class SizeTests(StoreTestCase):
    """By size."""

    limits = Limits(max_age=MONTH, max_bytes=400_000)

    def size(self) -> int:
        """Give the bytes that are taken."""
        return self.get(self.store.size())

    def test_oldest_first(self) -> None:
        """A new response drives out the conversations that were not used for longest, and no more than it must."""
        for number in range(40):
            self.save(record(f"resp_{number}", created=NOW + number, text="x" * 10_000))
            self.assertLessEqual(self.size(), self.limits.max_bytes)
        kept = [id for (id,) in self.query("SELECT id FROM responses ORDER BY key")]
        self.assertEqual(kept, [f"resp_{number}" for number in range(40 - len(kept), 40)])
        self.assertGreater(len(kept), 10)

    def test_living_conversation(self) -> None:
        """An idle conversation goes before the beginning of one that goes on, even though that is older."""
        self.save(record("a_0", text="x" * 10_000))
        self.save(record("idle", created=NOW + 1, text="x" * 10_000))
        for number in range(1, 50):
            self.save(record(f"a_{number}", f"a_{number - 1}", created=NOW + 1 + number, text="x" * 10_000))
            if self.ids(ANN, "idle") is None:
                break
        self.assertIsNone(self.ids(ANN, "idle"))
        self.assertEqual(len(self.ids(ANN, f"a_{number}") or ()), number + 1)

    def test_no_room(self) -> None:
        """A conversation that takes all the room is not told that it is kept when it is not; it stays as it was."""
        number = 0
        self.save(record("a_0", text="x" * 20_000))
        while True:
            number += 1
            saved = self.store.save(record(f"a_{number}", f"a_{number - 1}", created=NOW + number, text="x" * 20_000))
            if isinstance(saved.result, Failure):
                break
        self.assertIn("no room", str(self.failureResultOf(saved, StoreError).value))
        self.assertIsNone(self.ids(ANN, f"a_{number}"))
        self.assertEqual(len(self.ids(ANN, f"a_{number - 1}") or ()), number)

    def test_lowered(self) -> None:
        """A limit that is lowered while agd runs is kept from the next look on."""
        for number in range(15):
            self.save(record(f"resp_{number}", created=NOW + number, text="x" * 10_000))
        self.store.limits = Limits(max_age=MONTH, max_bytes=200_000)
        self.assertGreater(self.get(self.store.expire(NOW)), 0)
        self.assertLessEqual(self.size(), 200_000)

    def test_file_shrinks(self) -> None:
        """What was dropped goes back to the disk."""
        self.get(self.worker.close())
        self.worker = Worker(NoThreads())
        database = self.open_file()
        self.worker.open(database)
        self.store = ResponseStore(self.worker, Limits(max_age=MONTH, max_bytes=2**30))
        for number in range(100):
            self.save(record(f"resp_{number}", text="x" * 100_000))
        self.query("PRAGMA quick_check")
        self.assertEqual(self.get(self.store.expire(NOW + MONTH + 1)), 100)
        self.assertLess(self.size(), 200_000)
        self.get(self.worker.close())
        self.assertLess(self.file.stat().st_size, 200_000)

    def test_memory(self) -> None:
        """A store in memory never takes more than 64 MiB; one on disk what the setting says."""
        self.assertEqual(Limits.of(30, 2**30, memory=False), Limits(MONTH, 2**30))
        self.assertEqual(Limits.of(30, 2**30, memory=True), Limits(MONTH, 64 * 2**20))
        self.assertEqual(Limits.of(1, 2**20, memory=True), Limits(DAY, 2**20))


class PropertyTests(StoreTestCase):
    """Whatever happens."""

    @given(st.randoms(use_true_random=False))
    def test_no_orphans(self, dice: random.Random) -> None:
        """Dropping whatever leaves there are never breaks the chain of a response that stays."""
        self.query("DELETE FROM responses")
        ids: list[str] = []
        for number in range(dice.randint(1, 15)):
            previous = dice.choice(ids) if ids and dice.random() < 0.8 else None
            ids.append(f"resp_{number}")
            self.save(record(ids[-1], previous, created=NOW + dice.randint(0, 20) * DAY))
        self.get(self.store.expire(NOW + MONTH + dice.randint(0, 20) * DAY))
        for (id,) in self.query("SELECT id FROM responses"):
            self.assertIsNotNone(self.ids(ANN, id))

    def test_taken(self) -> None:
        """What is taken is what all responses take, however they were saved, changed and deleted."""
        self.query("DELETE FROM responses")
        self.assertEqual(self.get(self.store.size()), 0)
        self.save(background("resp_1", "queued"), background("resp_2", "queued"), record("resp_3", text="x" * 10_000))
        self.save(background("resp_1", "completed"))
        self.get(self.store.fail_unfinished({"code": "server_error", "message": "stopped"}, NOW))
        everything = (
            "SELECT sum(length(input) + length(body) + length(memory) + ifnull(length(journal), 0)) FROM contents"
        )
        self.assertEqual(self.query(everything), [(self.get(self.store.size()) - 3 * 1024,)])
        for id in ("resp_1", "resp_2", "resp_3"):
            self.get(self.store.delete(ANN, id))
        self.assertEqual(self.get(self.store.size()), 0)
