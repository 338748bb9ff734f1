"""What is known of models."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from agd.gemini.models import Family, bundled_models, family
from agd.gemini.thinking import EFFORTS
from tests.shared_data import recordings


class ModelTests(SynchronousTestCase):
    """bundled_models and family."""

    def test_served_models_are_known(self) -> None:
        """Every model that is offered is of a known family."""
        self.assertEqual([name for name in bundled_models() if not family(name).known], [])
        self.assertIn("gemini-2.0-flash", bundled_models())

    def test_recorded_models_are_known(self) -> None:
        """Every model that was recorded is of a known family."""
        self.assertEqual({name for name in (r["model"] for r in recordings()) if not family(name).known}, set())

    def test_families_are_complete(self) -> None:
        """A family that thinks knows every effort."""
        for name in bundled_models():
            traits = family(name)
            if traits.thinking == "budget":
                self.assertEqual(set(traits.budgets), set(EFFORTS))
            elif traits.thinking == "level":
                self.assertEqual(list(traits.levels), sorted(traits.levels, key=EFFORTS.index))
                self.assertTrue(traits.levels)

    def test_longest_name_wins(self) -> None:
        """A model belongs to the nearest family, by whole words of its name, whatever path stands before it."""
        self.assertEqual(family("gemini-2.5-flash").thinking, "budget")
        self.assertIsNone(family("gemini-2.5-flash-image").thinking)
        self.assertEqual(family("models/gemini-3-pro-preview"), family("gemini-3-pro"))
        self.assertEqual(family("gemini-3.99-flash").thinking, None)
        self.assertTrue(family("gemini-3.99-flash").signature_bypass)
        for name in ("gemini-30-pro", "gemini", "gpt-4o", ""):
            self.assertEqual(family(name), Family())
