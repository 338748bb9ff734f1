"""Effort."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Reasoning
from agd.errors import BadRequest
from agd.options import Options
from tests.gemini.asking import NEW, OLD, noticed, sent, user


def generation(to: str = OLD, **fields: Any) -> dict[str, Any] | None:
    """Return the generationConfig that is sent."""
    return sent(user("q"), to=to, **fields).get("generationConfig")


class ThinkingTests(SynchronousTestCase):
    """Effort."""

    def thinking(self, effort: str | None, to: str, summary: bool = False) -> Any:
        """Return the thinkingConfig for an effort."""
        return (generation(to=to, reasoning=Reasoning(effort, summary)) or {}).get("thinkingConfig")

    def noticed(self, effort: str | None, to: str, summary: bool = False) -> bool:
        """Tell whether something is said of it."""
        return noticed(user("q"), to=to, reasoning=Reasoning(effort, summary)) == ["reasoning_effort"]

    def test_C23_C24_clamped_up(self) -> None:
        """An effort that a model does not have becomes the next one up."""
        for to, effort, level in (
            ("gemini-3-pro-preview", "minimal", "LOW"),
            ("gemini-3.1-pro-preview", "minimal", "LOW"),
            ("gemini-3.7-flash", "minimal", "LOW"),
            ("gemini-3-pro-preview", "medium", "HIGH"),
        ):
            self.assertEqual(self.thinking(effort, to), {"thinkingLevel": level})

    def test_C28_names_say_nothing(self) -> None:
        """The end of a model's name is not an effort."""
        for to in ("gemini-2.5-flash-high", "gemini-3-flash-preview-max"):
            self.assertIsNone(self.thinking(None, to))
            self.assertTrue(self.thinking("low", to))

    def test_C14_always(self) -> None:
        """Where that is set, summaries are asked of every model that thinks, unless it shall not."""
        options = Options(include_thoughts=True)
        self.assertEqual(generation(options=options), {"thinkingConfig": {"includeThoughts": True}})
        rest = generation(options=options, reasoning=Reasoning("none"))
        self.assertEqual(rest, {"thinkingConfig": {"thinkingBudget": 0}})
        self.assertIsNone(generation(options=options, to="other"))
        self.assertIsNone(generation(options=options, to="gemini-2.0-flash"))

    def test_C20_C22_C25_budgets(self) -> None:
        """The 2.5 family gets a budget; Pro cannot rest."""
        for to, effort, budget in (
            ("gemini-2.5-flash", "none", 0),
            ("gemini-2.5-flash-lite", "none", 0),
            ("gemini-2.5-pro", "none", 128),
            ("gemini-2.5-flash", "low", 1024),
            ("gemini-2.5-flash", "medium", 8192),
            ("gemini-2.5-flash", "xhigh", 24576),
            ("gemini-2.5-pro", "max", 32768),
        ):
            self.assertEqual(self.thinking(effort, to), {"thinkingBudget": budget})
        self.assertTrue(self.noticed("none", "gemini-2.5-pro"))
        self.assertFalse(self.noticed("none", "gemini-2.5-flash"))

    def test_C20_C25_levels(self) -> None:
        """The 3 family gets the lowest level that is not below the effort, and clamping is said."""
        for to, effort, level, exact in (
            ("gemini-3-flash-preview", "none", "MINIMAL", False),
            ("gemini-3-flash-preview", "minimal", "MINIMAL", True),
            ("gemini-3.8-flash", "minimal", "LOW", False),
            ("gemini-3-pro-preview", "minimal", "LOW", False),
            ("gemini-3-pro-preview", "medium", "HIGH", False),
            ("gemini-3.1-pro-preview", "medium", "MEDIUM", True),
            ("gemini-3.1-pro-preview", "max", "HIGH", False),
        ):
            self.assertEqual(self.thinking(effort, to), {"thinkingLevel": level})
            self.assertEqual(self.noticed(effort, to), not exact)

    def test_C14_summaries(self) -> None:
        """Thoughts are asked for when the client wants them, and not when it wants none."""
        self.assertEqual(self.thinking(None, NEW, summary=True), {"includeThoughts": True})
        self.assertEqual(self.thinking("low", OLD, summary=True), {"thinkingBudget": 1024, "includeThoughts": True})
        self.assertEqual(self.thinking("none", "gemini-2.5-pro", summary=True), {"thinkingBudget": 128})

    def test_C26_unknown_model(self) -> None:
        """A model of which nothing is known is told nothing, and that is said."""
        for model in ("gemini-9-ultra", "gemini-3.99-flash", "gemini-2.0-flash"):
            self.assertIsNone(self.thinking("high", model, summary=True))
            self.assertTrue(self.noticed("high", model))
        self.assertTrue(self.noticed("none", "gemini-9-ultra"))
        self.assertFalse(self.noticed("none", "gemini-2.0-flash"))

    def test_unknown_effort(self) -> None:
        """An effort that does not exist is refused for every model."""
        for to in (OLD, NEW, "other"):
            error = self.assertRaises(BadRequest, self.thinking, "ultra", to)
            self.assertEqual(error.param, "reasoning_effort")
