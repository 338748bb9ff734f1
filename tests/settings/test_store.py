"""The table ``[store]``."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from agd.settings import Store
from tests.settings.configurations import problem, read


class StoreTests(SynchronousTestCase):
    """What is kept on disk."""

    def test_defaults(self) -> None:
        """Thirty days and one gibibyte, in a file of the state directory."""
        self.assertEqual(read().store, Store("agd.db", 30, 2**30))
        self.assertEqual(Store().file("/var/lib/agd"), "/var/lib/agd/agd.db")

    def test_path(self) -> None:
        """A path starts from the state directory unless it is absolute; where there is none it stays relative."""
        self.assertEqual(Store("a/b.db").file("/var/lib/agd"), "/var/lib/agd/a/b.db")
        self.assertEqual(Store("/srv/b.db").file("/var/lib/agd"), "/srv/b.db")
        self.assertEqual(Store("b.db").file(None), "b.db")

    def test_off(self) -> None:
        """Off is off with a state directory too; a file of that name is written with its folder."""
        self.assertIsNone(read('store.path = "off"').store.file("/var/lib/agd"))
        self.assertEqual(Store("./off").file("/var/lib/agd"), "/var/lib/agd/./off")

    def test_wrong(self) -> None:
        """No age and no size below what makes sense, and no empty path."""
        for text in ("max_age_days = 0", "max_bytes = 1000", 'path = ""', "max_age_days = 1.5"):
            self.assertEqual(problem(f"store.{text}").path, f"store.{text.partition(' ')[0]}")
