"""Which models the upstreams have."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from agd.accounts.catalogue import Catalogue


class CatalogueTests(SynchronousTestCase):
    """The union of what the accounts have told."""

    def setUp(self) -> None:
        """Nobody has told anything."""
        self.catalogue = Catalogue(frozenset({"bundled"}), since=1)

    def test_bundled(self) -> None:
        """Until an account has told its list, the bundled names are known."""
        self.assertEqual((self.catalogue.known, self.catalogue.since), ({"bundled"}, 1))

    def test_learn(self) -> None:
        """The first list takes the place of the bundled one; a second account's adds to it."""
        self.catalogue.learn("a", ["one", "two"], 100)
        self.assertEqual(self.catalogue.known, {"one", "two"})
        self.catalogue.learn("b", ["two", "three"], 200)
        self.assertEqual((self.catalogue.known, self.catalogue.since), ({"one", "two", "three"}, 200))

    def test_learn_again(self) -> None:
        """A list replaces what the same account told before."""
        self.catalogue.learn("a", ["one", "two"], 100)
        self.catalogue.learn("a", ["two"], 200)
        self.assertEqual(self.catalogue.known, {"two"})

    def test_empty_list(self) -> None:
        """An upstream that lists nothing has told nothing."""
        self.catalogue.learn("a", [], 100)
        self.assertEqual(self.catalogue.known, {"bundled"})
        self.catalogue.learn("b", ["one"], 200)
        self.assertEqual(self.catalogue.known, {"one"})

    def test_keep_only(self) -> None:
        """What only dismissed accounts had told is forgotten; without any list the bundled names are known again."""
        self.catalogue.learn("a", ["one"], 100)
        self.catalogue.learn("b", ["two"], 200)
        self.catalogue.keep_only(["b", "c"])
        self.assertEqual(self.catalogue.known, {"two"})
        self.catalogue.keep_only([])
        self.assertEqual(self.catalogue.known, {"bundled"})
