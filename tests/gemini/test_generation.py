"""Sampling, format and thinking."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import OutputFormat, Reasoning, Sampling
from agd.errors import BadRequest
from tests.gemini.asking import NEW, OLD, noticed, sent, user


def generation(to: str = OLD, **fields: Any) -> dict[str, Any] | None:
    """Return the generationConfig that is sent."""
    return sent(user("q"), to=to, **fields).get("generationConfig")


class SamplingTests(SynchronousTestCase):
    """Sampling."""

    def test_A17_absent_stays_absent(self) -> None:
        """Nothing asked is nothing sent."""
        self.assertIsNone(generation())

    def test_every_field(self) -> None:
        """Every value is sent as it is, zeros too."""
        sampling = Sampling(0.0, 0.5, 40, 100, ("a", ""), 0, 0.5, 0.0)
        self.assertEqual(
            generation(sampling=sampling),
            {
                "temperature": 0.0,
                "topP": 0.5,
                "topK": 40,
                "maxOutputTokens": 100,
                "stopSequences": ["a"],
                "seed": 0,
                "presencePenalty": 0.5,
                "frequencyPenalty": 0.0,
            },
        )

    def test_E02_E03_stops(self) -> None:
        """Empty stop strings are removed; more than five others are refused."""
        stops = ("a", "b", "", "c", "d", "e")
        self.assertEqual(generation(sampling=Sampling(stop=stops)), {"stopSequences": ["a", "b", "c", "d", "e"]})
        self.assertIsNone(generation(sampling=Sampling(stop=("",))))
        error = self.assertRaises(BadRequest, generation, sampling=Sampling(stop=(*stops, "f")))
        self.assertEqual(error.param, "stop")

    def test_E07_max_tokens(self) -> None:
        """More tokens than the model gives are clamped, and that is said; nothing is known of other models."""
        sampling = Sampling(max_tokens=10**6)
        self.assertEqual(generation(sampling=sampling), {"maxOutputTokens": 65536})
        self.assertEqual(noticed(user("q"), sampling=sampling), ["max_tokens"])
        self.assertEqual(generation(to="other", sampling=sampling), {"maxOutputTokens": 10**6})

    def test_E15_penalties(self) -> None:
        """A family that refuses penalties does not get them, and that is said."""
        sampling = Sampling(presence_penalty=0.0, frequency_penalty=1.0)
        self.assertIsNone(generation(to=NEW, sampling=sampling))
        self.assertEqual(noticed(user("q"), to=NEW, sampling=sampling), ["frequency_penalty"])

    @given(st.integers(-(2**70), 2**70))
    def test_E16_seed(self, seed: int) -> None:
        """A seed fits into int32; one that did stays, one that did not is noticed."""
        found = generation(sampling=Sampling(seed=seed))
        assert found is not None
        self.assertTrue(-(2**31) <= found["seed"] < 2**31)
        kept = found["seed"] == seed
        self.assertEqual(kept, -(2**31) <= seed < 2**31)
        self.assertEqual(noticed(user("q"), sampling=Sampling(seed=seed)), [] if kept else ["seed"])


class FormatTests(SynchronousTestCase):
    """Output formats."""

    def test_D23_json_object(self) -> None:
        """Any JSON is a MIME type alone."""
        self.assertEqual(
            generation(output_format=OutputFormat("json_object")), {"responseMimeType": "application/json"}
        )

    def test_D24_json_schema(self) -> None:
        """A schema goes through unchanged."""
        schema = {"type": "object", "properties": {"a": {"const": 1}}, "additionalProperties": False}
        self.assertEqual(
            generation(output_format=OutputFormat("json_schema", schema, "n", True)),
            {"responseMimeType": "application/json", "responseJsonSchema": schema},
        )


class ThinkingTests(SynchronousTestCase):
    """Effort."""

    def thinking(self, effort: str | None, to: str, summary: bool = False) -> Any:
        """Return the thinkingConfig for an effort."""
        return (generation(to=to, reasoning=Reasoning(effort, summary)) or {}).get("thinkingConfig")

    def noticed(self, effort: str | None, to: str, summary: bool = False) -> bool:
        """Tell whether something is said of it."""
        return noticed(user("q"), to=to, reasoning=Reasoning(effort, summary)) == ["reasoning_effort"]

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
