"""Client keys in the database."""

from __future__ import annotations

from agd.allowance import Allowance, read_budgets
from agd.keys.key import StoredKey, digest_of
from agd.keys.turnstile import Spent
from agd.store.clients import ClientStore, Kept, read_all
from tests.store.stage import NOW, StoreTestCase

KEY = "agd-made-up-key"
PLAIN = StoredKey("ann", digest_of(KEY), NOW)
TERMS = Allowance(NOW + 0.5, ("gemini-*", 'say "x"'), 60, 10_000, 2, read_budgets("5/day, 7/total"))


class ClientStoreTests(StoreTestCase):
    """What is kept of clients."""

    def setUp(self) -> None:
        super().setUp()
        self.clients = ClientStore(self.worker)

    @property
    def kept(self) -> Kept:
        """Everything that is kept."""
        return self.get(self.worker.submit(read_all))

    def test_keys(self) -> None:
        """A key comes back as it was kept, with all its terms; one of the same name takes its place."""
        self.assertEqual(self.kept, Kept())
        other = StoredKey("bob", digest_of("agd-other"), NOW, NOW + 5, TERMS)
        for key in (other, PLAIN):
            self.get(self.clients.save(key))
        self.assertEqual(self.kept.keys, (PLAIN, other))
        renewed = StoredKey("ann", digest_of("agd-renewed"), NOW + 1)
        self.get(self.clients.save(renewed))
        self.assertEqual(self.kept.keys, (renewed, other))

    def test_spent(self) -> None:
        """What was spent is kept by owner and kind of period, the latest of each."""
        today, month = Spent("key:ann", "day", "2026-11-25", 7), Spent("key:ann", "month", "2026-11", 9)
        self.get(self.clients.spend([today, month]))
        tomorrow = Spent("key:ann", "day", "2026-11-26", 1)
        self.get(self.clients.spend([tomorrow]))
        self.assertEqual(set(self.kept.spent), {tomorrow, month})

    def test_no_key_in_it(self) -> None:
        """The file holds no key: its digest is all there is of it."""
        database = self.open_file()
        self.worker.open(database)
        self.get(self.clients.save(PLAIN))
        files = b"".join(path.read_bytes() for path in self.folder.iterdir())
        self.assertIn(PLAIN.digest, files)
        self.assertNotIn(KEY.encode(), files)
