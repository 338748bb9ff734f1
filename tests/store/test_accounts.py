"""What is known of the accounts, in the database."""

from __future__ import annotations

from typing import Any

from agd.store.accounts import DAY, FORGOTTEN_AFTER, AccountStore, load
from tests.store.stage import NOW, StoreTestCase


def snapshot(*accounts: str, purses: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    """Make what a pool would give."""
    shared = [{"upstream": "https://a.example", "name": name, **more} for name in purses]
    return {"version": 1, "accounts": {name: {"why": "", **more} for name in accounts}, "purses": shared}


class AccountStoreTests(StoreTestCase):
    """``AccountStore``."""

    def setUp(self) -> None:
        super().setUp()
        self.accounts = AccountStore(self.worker)

    def keep(self, kept: dict[str, Any], now: int = NOW) -> dict[str, Any] | None:
        """Save, and return what is there then."""
        self.get(self.accounts.save(kept, now))
        found: dict[str, Any] | None = self.get(self.worker.submit(load))
        return found

    def test_nothing(self) -> None:
        """Where nothing was saved there is nothing."""
        self.assertIsNone(self.get(self.worker.submit(load)))

    def test_round_trip(self) -> None:
        """What was saved last is found."""
        self.keep(snapshot("a", "b", purses=("p",)))
        changed = snapshot("a", "b", purses=("p",), note="changed")
        self.assertEqual(self.keep(changed), changed)

    def test_purses(self) -> None:
        """What no longer stands against a project is gone."""
        self.keep(snapshot("a", purses=("p", "q")))
        self.assertEqual(self.keep(snapshot("a", purses=("q",))), snapshot("a", purses=("q",)))

    def test_away(self) -> None:
        """An account that leaves the configuration is remembered for a month."""
        self.keep(snapshot("a", "b"))
        kept = self.keep(snapshot("a"), NOW + FORGOTTEN_AFTER - DAY)
        self.assertEqual(kept, snapshot("a", "b"))
        self.assertEqual(self.keep(snapshot("a"), NOW + FORGOTTEN_AFTER + DAY), snapshot("a"))

    def test_part(self) -> None:
        """What has changed is put down beside the rest; a purse that nothing stands against any more is gone."""
        self.keep(snapshot("a", "b", purses=("p", "q"), holds=[1], quotas={}))
        part = snapshot("b", purses=("q",), holds=[], quotas={})
        self.get(self.accounts.save(part, NOW, whole=False))
        found: Any = self.get(self.worker.submit(load))
        self.assertEqual(found["accounts"]["a"]["holds"], [1])
        self.assertEqual(found["accounts"]["b"], part["accounts"]["b"])
        self.assertEqual([purse["name"] for purse in found["purses"]], ["p"])
        again = snapshot(purses=("q",), holds=[], quotas={"m": 1})
        self.get(self.accounts.save(again, NOW, whole=False))
        found = self.get(self.worker.submit(load))
        self.assertEqual([purse["quotas"] for purse in found["purses"]], [{}, {"m": 1}])

    def test_unchanged(self) -> None:
        """What has not changed is not written again."""
        self.keep(snapshot("a", "b"))
        before = self.query("SELECT total_changes()")[0][0]
        self.keep(snapshot("a", "b", purses=()))
        after = self.query("SELECT total_changes()")[0][0]
        self.assertEqual(after - before, 2)  # the row of the version, taken away and put back

    def test_opened(self) -> None:
        """A store that is opened has at hand what the last daemon saved."""
        store = self.whole(self.file, self.folder)
        store.open()
        self.assertIsNone(store.accounts.found)
        self.get(store.accounts.save(snapshot("a"), NOW))
        self.get(store.close())
        again = self.whole(self.file, self.folder)
        again.open()
        self.addCleanup(again.close)
        self.assertEqual(again.accounts.found, snapshot("a"))
