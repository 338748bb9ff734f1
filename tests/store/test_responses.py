"""Stored responses: what was saved comes back, to its owner and to nobody else."""

from __future__ import annotations

import random
from typing import Any

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from agd.errors import StoreError
from agd.store import rows
from agd.store.record import Record
from agd.store.responses import ResponseStore
from agd.store.retention import OLDEST, RIPEN, STALE, Limits
from agd.store.worker import Worker
from tests.store.stage import ANN, BOB, LIMITS, NOW, NoThreads, StoreTestCase, background, body, message, record

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
OBJECTS = st.dictionaries(st.text(), JSON, max_size=4)


class SavingTests(StoreTestCase):
    """One response."""

    def test_back(self) -> None:
        """A response comes back as it was saved."""
        saved = evolve(background("resp_1", "completed"), previous="resp_0")
        self.save(saved)
        self.assertEqual(self.get(self.store.find(ANN, "resp_1")), saved)

    def test_unknown(self) -> None:
        """An unknown id is none."""
        self.assertIsNone(self.get(self.store.find(ANN, "resp_1")))
        self.assertIsNone(self.ids(ANN, "resp_1"))
        self.assertFalse(self.get(self.store.delete(ANN, "resp_1")))

    @given(OBJECTS, st.lists(OBJECTS, max_size=2), st.lists(OBJECTS, max_size=2))
    def test_exact(self, more: dict[str, Any], memory: list[dict[str, Any]], items: list[dict[str, Any]]) -> None:
        """Whatever JSON stands in a response comes back exactly: large integers, floats, every character."""
        saved = evolve(
            record("resp_1"), body={**more, "output": []}, memory=tuple(memory), input=tuple(map(unnamed, items))
        )
        self.save(saved)
        self.assertEqual(repr(self.get(self.store.find(ANN, "resp_1"))), repr(saved))
        found = self.get(self.store.find(ANN, "resp_1"))
        assert found is not None
        self.assertEqual((found.body, found.memory, found.input), (saved.body, saved.memory, saved.input))

    def test_as_it_was(self) -> None:
        """A response is kept as it was when it was saved, however its body changes afterwards."""
        saved = record("resp_1")
        self.save(saved)
        saved.body["status"] = "changed"
        found = self.get(self.store.find(ANN, "resp_1"))
        assert found is not None
        self.assertEqual(found.body["status"], "completed")

    def test_again(self) -> None:
        """A background response is saved again as it goes on: it keeps its place, and its items are the new ones."""
        queued = evolve(background("resp_2", "queued"), previous="resp_1", body=body("resp_2"))
        done = evolve(background("resp_2", "completed"), previous="resp_1")
        self.save(record("resp_1"), queued, record("resp_3", "resp_2"), done)
        self.assertEqual(self.get(self.store.find(ANN, "resp_2")), done)
        self.assertEqual(self.ids(ANN, "resp_3"), ["resp_1", "resp_2", "resp_3"])
        self.assertEqual(set(self.items(ANN, "resp_2_out")), {"resp_2_out"})

    def test_too_large(self) -> None:
        """A response that would take more than a quarter of the store is refused with both sizes; others stay."""
        self.store.limits = Limits(max_age=1, max_bytes=40_000)
        self.save(record("resp_1"))
        error = self.failureResultOf(self.store.save(record("resp_2", text="x" * 10_000)), StoreError)
        self.assertIn("allowed: 10000", str(error.value))
        self.assertIsNone(self.get(self.store.find(ANN, "resp_2")))
        self.assertIsNotNone(self.get(self.store.find(ANN, "resp_1")))

    def test_not_json(self) -> None:
        """What is no JSON is refused, and nothing of it is kept."""
        nested: list[Any] = []
        for _ in range(100_000):
            nested = [nested]
        for value in (nested, object(), "\ud800"):
            wrong = evolve(record("resp_1"), memory=({"value": value},))
            self.failureResultOf(self.store.save(wrong), StoreError)
        self.assertIsNone(self.get(self.store.find(ANN, "resp_1")))

    def test_closed(self) -> None:
        """A store that is closed fails every question."""
        self.get(self.worker.close())
        for waited in (self.store.find(ANN, "resp_1"), self.store.save(record("resp_1")), self.store.expire(NOW)):
            self.failureResultOf(waited, StoreError)


class ChainTests(StoreTestCase):
    """What came before."""

    def test_I29_order(self) -> None:
        """A chain is all that a response continues, the oldest first, with items and signatures."""
        self.save(record("resp_1"), record("resp_2", "resp_1"), record("resp_3", "resp_2"), record("resp_x", "resp_1"))
        links = self.get(self.store.chain(ANN, "resp_3"))
        assert links is not None
        self.assertEqual([each.id for each in links], ["resp_1", "resp_2", "resp_3"])
        self.assertEqual([each.memory for each in links], [record("resp_1").memory] * 3)
        self.assertEqual(links[0].input[0]["id"], "resp_1_in")

    def test_I29_at_once(self) -> None:
        """A response can be continued as soon as its saving has fired."""
        waited = self.store.save(record("resp_1")).addCallback(lambda _: self.store.chain(ANN, "resp_1"))
        self.assertEqual([each.id for each in self.get(waited) or ()], ["resp_1"])

    def test_I29_missing(self) -> None:
        """Where one of them was deleted, or never stored, there is no chain."""
        self.save(record("resp_1"), record("resp_2", "resp_1"), record("resp_3", "resp_2"))
        self.assertTrue(self.get(self.store.delete(ANN, "resp_2")))
        self.assertIsNone(self.ids(ANN, "resp_3"))
        self.assertEqual(self.ids(ANN, "resp_1"), ["resp_1"])
        self.save(record("resp_9", "resp_8"))
        self.assertIsNone(self.ids(ANN, "resp_9"))

    def test_circle(self) -> None:
        """Responses that continue each other in a circle, which nothing makes, are no chain either."""
        self.save(record("resp_1", "resp_2"), record("resp_2", "resp_1"))
        self.assertIsNone(self.ids(ANN, "resp_2"))

    def test_journal(self) -> None:
        """A chain comes without the journals, which may be long."""
        self.save(background("resp_1", "completed"))
        [link] = self.get(self.store.chain(ANN, "resp_1")) or []
        self.assertEqual(link, evolve(background("resp_1", "completed"), journal=None))


class OwnerTests(StoreTestCase):
    """Whose it is."""

    def test_I51_foreign(self) -> None:
        """Another owner's response is unknown in every way there is to ask for it."""
        self.save(record("resp_1"), record("resp_2", "resp_1"))
        for owner in (BOB, "key:an", "key:ann ", "KEY:ANN", "%", "key:ann\0"):
            self.assertIsNone(self.get(self.store.find(owner, "resp_2")))
            self.assertIsNone(self.ids(owner, "resp_2"))
            self.assertEqual(self.items(owner, "resp_1_in", "resp_1_out"), {})
            self.assertFalse(self.get(self.store.delete(owner, "resp_2")))
        self.assertEqual(self.ids(ANN, "resp_2"), ["resp_1", "resp_2"])

    def test_I51_same_id(self) -> None:
        """Two owners may have the same id; what one does with it leaves the other's alone."""
        self.save(record("resp_1", text="of ann"), record("resp_1", owner=BOB, text="of bob"))
        found = self.items(BOB, "resp_1_in")
        self.assertEqual(found["resp_1_in"]["content"][0]["text"], "of bob")
        self.assertTrue(self.get(self.store.delete(BOB, "resp_1")))
        self.assertEqual(self.get(self.store.find(ANN, "resp_1")), record("resp_1", text="of ann"))

    def test_I51_continued(self) -> None:
        """A response that names another owner's as the one before it does not lead there."""
        self.save(record("resp_1"), record("resp_2", "resp_1", owner=BOB))
        self.assertIsNone(self.ids(BOB, "resp_2"))
        self.assertEqual(self.query("SELECT leaf FROM responses WHERE owner = ?", ANN), [(1,)])

    def test_I51_nobody(self) -> None:
        """Nothing belongs to nobody: an empty owner is refused at every door, and by the database."""
        for ask in (self.store.find, self.store.chain, self.store.delete):
            with self.assertRaises(ValueError):
                ask("", "resp_1")
        with self.assertRaises(ValueError):
            self.store.items("", ["resp_1_in"])
        with self.assertRaises(ValueError):
            self.store.save(record("resp_1", owner=""))
        direct = "INSERT INTO responses VALUES (1, '', 'resp_1', 1, NULL, 'completed', 0, 1, 1, 1)"
        waited = self.worker.submit(lambda connection: connection.execute(direct))
        self.assertIn("CHECK", str(self.failureResultOf(waited, StoreError).value))


class ItemTests(StoreTestCase):
    """Items by their ids."""

    def test_found(self) -> None:
        """Items of input and output are found, each as it was; those unknown are left out."""
        self.save(record("resp_1"), record("resp_2"))
        found = self.items(ANN, "resp_2_out", "resp_1_in", "resp_1_out", "nowhere", "resp_1_in")
        wanted = ("resp_1_in", "resp_1_out", "resp_2_out")
        self.assertEqual(found, {id: message(id) for id in wanted})

    def test_latest(self) -> None:
        """Of an item that was sent again the latest form counts; when its response goes, the older one is back."""
        again = evolve(record("resp_2"), input=(message("resp_1_out", "changed"),))
        self.save(record("resp_1"), again)
        self.assertEqual(self.items(ANN, "resp_1_out"), {"resp_1_out": message("resp_1_out", "changed")})
        self.get(self.store.delete(ANN, "resp_2"))
        self.assertEqual(self.items(ANN, "resp_1_out"), {"resp_1_out": message("resp_1_out")})

    def test_gone(self) -> None:
        """With a response go its items and contents."""
        self.save(record("resp_1"))
        self.get(self.store.delete(ANN, "resp_1"))
        for table in ("responses", "contents", "items"):
            self.assertEqual(self.query(f"SELECT count(*) FROM {table}"), [(0,)])

    def test_odd(self) -> None:
        """Items without an id, with the same id twice, and bodies without output are no trouble."""
        items = ({"type": "message"}, {"id": 7}, message("a"), message("a", "later"))
        self.save(evolve(record("resp_1"), input=items, body={"id": "resp_1"}))
        self.assertEqual(self.items(ANN, "a"), {"a": message("a", "later")})


class UnfinishedTests(StoreTestCase):
    """What a daemon that ended left behind."""

    def test_failed(self) -> None:
        """Responses queued or in progress have failed with the error; all others, and the owners, stay."""
        states = ("queued", "in_progress", "completed", "cancelled", "incomplete")
        self.save(*(background(f"resp_{state}", state) for state in states), background("resp_b", "queued", owner=BOB))
        error = {"code": "server_error", "message": "stopped"}
        self.assertEqual(self.get(self.store.fail_unfinished(error, NOW + 5)), 3)
        for owner, id in ((ANN, "resp_queued"), (ANN, "resp_in_progress"), (BOB, "resp_b")):
            found = self.get(self.store.find(owner, id))
            assert found is not None
            self.assertEqual((found.status, found.body["status"], found.body["error"]), ("failed", "failed", error))
            self.assertEqual(found.journal, b"event: x\n\n")
        self.assertEqual(self.get(self.store.find(ANN, "resp_completed")), background("resp_completed", "completed"))
        self.assertEqual(self.get(self.store.fail_unfinished(error, NOW)), 0)


class PlanTests(StoreTestCase):
    """How SQLite goes about it: the cost of a question does not depend on how much is stored."""

    def test_I29_no_scan(self) -> None:
        """Every query searches an index; none reads a table from end to end."""
        queries = {name: getattr(rows, name) for name in ("INSERT", "CONTINUE", "KEY", "FIND", "LINK", "USE", "HOLDER")}
        queries |= {"STALE": STALE, "RIPEN": RIPEN, "DELETE": "DELETE FROM responses WHERE key = ?"}
        for name, sql in queries.items():
            names = ("owner", "id", "created", "previous", "status", "background", "used", "bytes")
            values: Any = dict.fromkeys(names, "x") if ":" in sql else ["x"] * sql.count("?")
            steps = self.plan(sql, values)
            self.assertEqual([step for step in steps if not step.startswith(("SEARCH", "SCALAR"))], [], name)

    def test_whole_indexes(self) -> None:
        """What is asked of all owners reads an index that holds only what is asked for, in its order."""
        self.assertEqual(self.plan(OLDEST, ()), ["SCAN responses USING INDEX responses_leaves"])
        [first, second] = self.plan(rows.LEFT, ())
        self.assertIn("INDEX responses_unfinished", first)
        self.assertTrue(second.startswith("SEARCH contents USING INTEGER PRIMARY KEY"))

    def plan(self, sql: str, values: Any) -> list[str]:
        """Give the steps of a query."""
        job = lambda connection: connection.execute(f"EXPLAIN QUERY PLAN {sql}", values).fetchall()  # noqa: E731
        return [row[3] for row in self.get(self.worker.submit(job))]


class ModelTests(StoreTestCase):
    """Against a dictionary."""

    @given(st.randoms(use_true_random=False))
    def test_any_order(self, dice: random.Random) -> None:
        """Whatever is saved and deleted, in whatever order, chains are what a walk through a dictionary gives."""
        self.worker = Worker(NoThreads())
        self.worker.open(self.database)
        self.store = ResponseStore(self.worker, LIMITS)
        self.query("DELETE FROM responses")
        model: dict[tuple[str, str], Record] = {}
        for number in range(dice.randint(1, 12)):
            owner = dice.choice((ANN, BOB))
            known = [id for of, id in model if of == owner]
            if known and dice.random() < 0.2:
                gone = dice.choice(known)
                del model[owner, gone]
                self.assertTrue(self.get(self.store.delete(owner, gone)))
            made = record(f"resp_{number}", dice.choice(known) if known and dice.random() < 0.8 else None, owner=owner)
            model[owner, made.id] = made
            self.save(made)
        for owner, id in model:
            self.assertEqual(self.ids(owner, id), walk(model, owner, id))
        continued = {(each.owner, each.previous) for each in model.values()}
        leaves = {(owner, id) for owner, id in model if (owner, id) not in continued}
        self.assertEqual(set(self.query("SELECT owner, id FROM responses WHERE leaf = 1")), leaves)


def unnamed(item: dict[str, Any]) -> dict[str, Any]:
    """Take an id off an item."""
    return {name: value for name, value in item.items() if name != "id"}


def walk(model: dict[tuple[str, str], Record], owner: str, id: str | None) -> list[str] | None:
    """Give the ids of a chain, None where it is broken."""
    ids: list[str] = []
    while id is not None:
        if (owner, id) not in model:
            return None
        ids.insert(0, id)
        id = model[owner, id].previous
    return ids
