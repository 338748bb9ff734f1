"""What is different, and the overrides that put it right."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.gemini.models import bundled_models, check_overrides, family
from agd.gemini.probes.comparison import Finding, agrees, compare, corrections
from agd.gemini.probes.observations import BUDGETS, Observation


def finding(model: str, trait: str, value: Any, **more: Any) -> Finding:
    """Make a finding about a model of the table."""
    return Finding(model, trait, getattr(family(model), trait), Observation(value, **more))


class VerdictTests(SynchronousTestCase):
    """Table against observation."""

    def test_verdicts(self) -> None:
        """A finding is the same, different, or unknown."""
        observed = {
            "penalties": Observation(True),
            "logprobs": Observation(5),
            "stops": Observation(known=False, said="503 busy"),
        }
        found = {each.trait: each.verdict for each in compare("gemini-2.5-pro", family("gemini-2.5-pro"), observed)}
        self.assertEqual(found, {"penalties": "same", "logprobs": "different", "stops": "unknown"})

    def test_at_least(self) -> None:
        """A number seen to be at least so high agrees with any that is not lower."""
        seen = Observation(20, at_least=True)
        self.assertEqual([agrees("logprobs", value, seen) for value in (19, 20, 64)], [False, True, True])

    def test_order(self) -> None:
        """The order of modalities means nothing; a missing list is not an empty one."""
        self.assertTrue(agrees("modalities", ("image", "text"), Observation(("text", "image"))))
        self.assertFalse(agrees("modalities", None, Observation(("text",))))


class CorrectionTests(SynchronousTestCase):
    """Overrides from findings."""

    def test_nothing(self) -> None:
        """What is the same or unknown needs no override."""
        same, unknown = finding("gemini-2.5-pro", "penalties", True), finding("gemini-2.5-pro", "stops", 0, known=False)
        self.assertEqual(corrections([same, unknown]), {})

    def test_different(self) -> None:
        """An override says what was observed, and the table with it says the same."""
        found = [finding("gemini-2.5-pro", "logprobs", 5), finding("gemini-2.5-pro", "penalties", False)]
        corrected = corrections(found)
        self.assertEqual(corrected, {"gemini-2.5-pro": {"logprobs": 5, "penalties": False}})
        self.assertEqual(check_overrides(corrected), [])
        self.assertEqual(family("gemini-2.5-pro", corrected).logprobs, 5)

    def test_longer_names(self) -> None:
        """A model whose name goes on from that of another says again what the other's override would change for it."""
        lite = finding("gemini-2.5-flash-lite", "logprobs", 20)
        corrected = corrections([lite, finding("gemini-2.5-flash", "logprobs", 5)])
        self.assertEqual(corrected, {"gemini-2.5-flash": {"logprobs": 5}, "gemini-2.5-flash-lite": {"logprobs": 20}})

    def test_shared(self) -> None:
        """It says nothing where the other's override is right for it too."""
        both = [finding(model, "logprobs", 5) for model in ("gemini-2.5-flash-lite", "gemini-2.5-flash")]
        self.assertEqual(corrections(both), {"gemini-2.5-flash": {"logprobs": 5}})

    def test_replaces(self) -> None:
        """An override that exists keeps what was not found to be wrong."""
        overrides = {"gemini-2.5-pro": {"stops": 3, "logprobs": 9}}
        corrected = corrections([finding("gemini-2.5-pro", "logprobs", 5)], overrides)
        self.assertEqual(corrected, {"gemini-2.5-pro": {"stops": 3, "logprobs": 5}})

    def test_thinking(self) -> None:
        """Another way to think comes with its budgets; without them, or for no thinking at all, nothing is said."""
        way = finding("gemini-3-pro-preview", "thinking", "budget")
        budgets = finding("gemini-3-pro-preview", "budgets", dict(BUDGETS))
        corrected = corrections([way, budgets])
        self.assertEqual(corrected["gemini-3-pro-preview"]["thinking"], "budget")
        self.assertEqual(check_overrides(corrected), [])
        self.assertEqual(corrections([way]), {})
        self.assertEqual(corrections([finding("gemini-3-pro-preview", "thinking", None)]), {})

    @given(
        st.dictionaries(
            st.sampled_from(bundled_models()),
            st.fixed_dictionaries({}, optional={"logprobs": st.integers(0, 30), "penalties": st.booleans()}),
        )
    )
    def test_right(self, observed: dict[str, dict[str, Any]]) -> None:
        """Whatever was observed of any models, the table with the overrides says all of it."""
        found = [finding(model, trait, value) for model, traits in observed.items() for trait, value in traits.items()]
        corrected = corrections(found)
        for each in found:
            self.assertEqual(getattr(family(each.model, corrected), each.trait), each.observation.value)
