"""Sampling."""

from __future__ import annotations

from typing import Any

from attrs import fields_dict
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Reasoning, Sampling
from agd.errors import BadRequest
from agd.options import Options
from tests.gemini.asking import NEW, OLD, noticed, sent, user, written


def generation(to: str = OLD, **fields: Any) -> dict[str, Any] | None:
    """Return the generationConfig that is sent."""
    return sent(user("q"), to=to, **fields).get("generationConfig")


class SamplingTests(SynchronousTestCase):
    """Sampling."""

    def test_A17_absent_stays_absent(self) -> None:
        """Nothing asked is nothing sent."""
        self.assertIsNone(generation())

    def test_E20_tiers(self) -> None:
        """A service tier stands in the body; without one the provider is told nothing."""
        self.assertEqual(sent(user("q"), service_tier="flex")["serviceTier"], "flex")
        self.assertNotIn("serviceTier", sent(user("q")))

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

    def test_E01_E03_stops(self) -> None:
        """Stop strings are a list, each once; empty ones are removed."""
        self.assertEqual(generation(sampling=Sampling(stop=("a",))), {"stopSequences": ["a"]})
        self.assertEqual(generation(sampling=Sampling(stop=("a", "", " ", "a"))), {"stopSequences": ["a", " "]})
        self.assertIsNone(generation(sampling=Sampling(stop=("",))))

    def test_E02_E04_many_stops(self) -> None:
        """The longest stop strings go to the provider, the rest to whoever reads the answer; or all are refused."""
        sampling = Sampling(stop=("a", "long", "bb", "c", "ccc", "d", "longer"))
        outgoing = written(user("q"), sampling=sampling)
        self.assertEqual(outgoing.stops, ("c", "d"))
        self.assertEqual(generation(sampling=sampling), {"stopSequences": ["a", "long", "bb", "ccc", "longer"]})
        self.assertEqual(written(user("q"), sampling=Sampling(stop=("a",))).stops, ())
        reject = Options(many_stops="reject")
        self.assertEqual(self.assertRaises(BadRequest, generation, sampling=sampling, options=reject).param, "stop")
        none = written(user("q"), sampling=Sampling(stop=("a",)), overrides={"gemini": {"stops": 0}})
        self.assertEqual((none.stops, b"stopSequences" in none.body), (("a",), False))

    def test_E08_zero_is_a_value(self) -> None:
        """A zero is sent and not taken for nothing."""
        self.assertEqual(generation(sampling=Sampling(max_tokens=0)), {"maxOutputTokens": 0})

    def test_E12_E13_E14_temperature(self) -> None:
        """A temperature is sent as it is, up to the limit that both sides share, also to models that advise others."""
        for value in (0.0, 0.1, 2.0):
            self.assertEqual(generation(to=NEW, sampling=Sampling(temperature=value)), {"temperature": value})
        self.assertIsNone(generation(sampling=Sampling(temperature=None, top_p=None)))

    def test_E09_E10_E11_candidates(self) -> None:
        """Several answers are asked of one call where the model gives them, and one of each call elsewhere."""
        several = {OLD: {"candidate_count": 8}}
        for to, n, config, candidates in (
            (OLD, 1, None, 1),
            (OLD, 3, {"candidateCount": 3}, 3),
            (OLD, 9, None, 1),
            (NEW, 3, None, 1),
            ("other", 3, None, 1),
        ):
            self.assertEqual(generation(to=to, n=n, overrides=several), config)
            self.assertEqual(written(user("q"), to=to, n=n, overrides=several).candidates, candidates)

    def test_E17_logprobs(self) -> None:
        """Log probabilities are asked for, with as many alternatives as the model gives."""
        for sampling, config in (
            (Sampling(logprobs=True), {"responseLogprobs": True}),
            (Sampling(logprobs=True, top_logprobs=0), {"responseLogprobs": True}),
            (Sampling(logprobs=True, top_logprobs=5), {"responseLogprobs": True, "logprobs": 5}),
            (Sampling(logprobs=True, top_logprobs=99), {"responseLogprobs": True, "logprobs": 20}),
        ):
            self.assertEqual(generation(sampling=sampling), config)
        over = Sampling(logprobs=True, top_logprobs=99)
        self.assertEqual(noticed(user("q"), sampling=over), ["top_logprobs"])
        error = self.assertRaises(BadRequest, generation, to="gemini-3.5-flash", sampling=Sampling(logprobs=True))
        self.assertEqual(error.param, "logprobs")
        error = self.assertRaises(BadRequest, generation, sampling=Sampling(top_logprobs=3))
        self.assertEqual(error.param, "top_logprobs")

    def test_E06_headroom(self) -> None:
        """Room for thoughts is made as the options say, never without a word, and never beyond the model."""
        budget, level = ("gemini-2.5-flash", Reasoning("low")), (NEW, Reasoning("low"))
        for (to, reasoning), headroom, limit in (
            (budget, "none", 200),
            (budget, "add_budget", 1224),
            (budget, "raise_to_model_max", 65536),
            (level, "add_budget", 65536),
            (("gemini-2.5-flash", Reasoning("none")), "raise_to_model_max", 200),
            (("gemini-2.5-flash", Reasoning()), "add_budget", 65536),
            (("gemini-2.0-flash", Reasoning()), "add_budget", 200),
            (("other", Reasoning()), "raise_to_model_max", 200),
        ):
            fields: dict[str, Any] = {
                "to": to,
                "reasoning": reasoning,
                "sampling": Sampling(max_tokens=200),
                "options": Options(thinking_headroom=headroom),  # type: ignore[arg-type]  # a literal, from a table
            }
            self.assertEqual((generation(**fields) or {})["maxOutputTokens"], limit)
            self.assertEqual("max_tokens" in noticed(user("q"), **fields), limit != 200)

    def test_E07_excess_refused(self) -> None:
        """Where that is set, more tokens than the model gives are refused."""
        options = Options(excessive_max_tokens="reject")
        error = self.assertRaises(BadRequest, generation, sampling=Sampling(max_tokens=10**6), options=options)
        self.assertEqual(error.param, "max_tokens")

    def test_E15_penalties_refused(self) -> None:
        """Where that is set, penalties on a model that takes none are refused, unless they are zero."""
        options = Options(unsupported_penalties="reject")
        sampling = Sampling(presence_penalty=0.5)
        error = self.assertRaises(BadRequest, generation, to=NEW, sampling=sampling, options=options)
        self.assertEqual(error.param, "presence_penalty")
        self.assertIsNone(generation(to=NEW, sampling=Sampling(presence_penalty=0.0), options=options))

    def test_B35_every_field_is_written(self) -> None:
        """No field of the sampling is forgotten: each one, asked for, changes what is sent."""
        asked: dict[str, Any] = {"stop": ("x",), "logprobs": True, "temperature": 0.5, "top_p": 0.5}
        for name in fields_dict(Sampling):
            if name == "top_logprobs":
                continue
            self.assertIsNotNone(generation(sampling=Sampling(**{name: asked.get(name, 3)})), name)

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
