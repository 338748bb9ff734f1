"""What is known of models."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from agd.gemini.models import EFFORTS, Family, bundled_models, check_overrides, family
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

    def test_like_another(self) -> None:
        """A family that is like another differs in what it says only."""
        self.assertEqual(family("gemini-3.5-flash").logprobs, 0)
        self.assertEqual(family("gemini-3.5-flash").levels, family("gemini-3-flash").levels)
        self.assertTrue(family("gemini-3.5-flash").signature_bypass)


class OverrideTests(SynchronousTestCase):
    """Overrides of the configuration."""

    def test_nearest_wins(self) -> None:
        """Every matching name applies, the longest last; other models stay as they are."""
        overrides = {"gemini-2.5": {"stops": 3, "name_length": 10}, "gemini-2.5-pro": {"stops": 4}}
        traits = family("models/gemini-2.5-pro-002", overrides)
        self.assertEqual((traits.stops, traits.name_length, traits.thinking), (4, 10, "budget"))
        self.assertEqual(family("gemini-2.5-flash", overrides).stops, 3)
        self.assertIs(family("gemini-2.0-flash", overrides), family("gemini-2.0-flash"))

    def test_lists(self) -> None:
        """Lists, as configurations have them, become tuples."""
        self.assertEqual(check_overrides({"x": {"media": ["image"], "thinking": "level", "levels": ["low"]}}), [])
        self.assertEqual(family("x", {"x": {"media": ["image"]}}).media, ("image",))

    def test_problems(self) -> None:
        """Every override that cannot be used is told by its model, and its trait where that is wrong by itself."""
        for traits, word in (
            ({"colour": "red"}, "x.colour"),
            ({"known": True}, "x.known"),
            ({"stops": -1}, "stops"),
            ({"stops": True}, "stops"),
            ({"stops": "5"}, "stops"),
            ({"penalties": 1}, "penalties"),
            ({"media": "image"}, "media"),
            ({"media": [1]}, "media"),
            ({"thinking": "hard"}, "thinking"),
            ({"thinking": "level"}, "levels"),
            ({"thinking": "budget", "budgets": {"low": 1}}, "budgets"),
            ({"thinking": "level", "levels": ["extreme"]}, "levels"),
            ({"budgets": {"low": "much"}}, "budgets"),
        ):
            (problem,) = check_overrides({"x": traits})
            self.assertTrue(problem.startswith("x"), problem)
            self.assertIn(word, problem)
        self.assertEqual(check_overrides({"gemini-2.5-pro": {"max_output": None, "stops": 0}}), [])
