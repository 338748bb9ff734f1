"""The likeliest of many choices."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Answer, Choice, Citation, Text, TokenLogprob, Usage
from agd.emulation.best_of import choose


def made(*likelihoods: float | None) -> Answer:
    """Make an answer whose choices say their own numbers."""
    details = [{} if value is None else {"avgLogprobs": value} for value in likelihoods]
    choices = {index: Choice([Text(str(index))], details=told) for index, told in enumerate(details)}
    return Answer(choices, Usage(3, 4))


def order(answer: Answer) -> list[str]:
    """Return what the choices say, in order of their numbers."""
    return [
        part.text for _, choice in sorted(answer.choices.items()) for part in choice.parts if isinstance(part, Text)
    ]


class BestOfTests(SynchronousTestCase):
    """Ranking."""

    def test_J06_by_average(self) -> None:
        """The n likeliest choices come first, numbered from 0; the usage is that of all."""
        chosen = choose(made(-2.0, -0.1, -1), 2)
        self.assertEqual(order(chosen), ["1", "2"])
        self.assertEqual(sorted(chosen.choices), [0, 1])
        self.assertEqual(chosen.usage, Usage(3, 4))

    def test_J06_by_tokens(self) -> None:
        """Without an average it is computed from the probabilities of the tokens, however many there are."""
        answer = made(None, None, -0.5)
        answer.choices[0].logprobs = [TokenLogprob("a", -0.4)] * 10
        answer.choices[1].logprobs = [TokenLogprob("a", -0.6)]
        self.assertEqual(order(choose(answer, 3)), ["0", "2", "1"])

    def test_J06_without_likelihoods(self) -> None:
        """Choices that nothing is known of keep their order, behind those that are known."""
        self.assertEqual(order(choose(made(None, None, None), 2)), ["0", "1"])
        self.assertEqual(order(choose(made(None, -9.0, None), 3)), ["1", "0", "2"])

    def test_J06_of_each_prompt(self) -> None:
        """With several prompts the best of each are given, prompt by prompt."""
        chosen = choose(made(-3.0, -1.0, -2.0, -0.2, -0.3, -0.1), 2, best_of=3)
        self.assertEqual(order(chosen), ["1", "2", "5", "3"])
        self.assertEqual(sorted(chosen.choices), [0, 1, 2, 3])

    def test_citations_are_renumbered(self) -> None:
        """A source names the number that its choice has now."""
        answer = made(-2.0, -1.0)
        answer.choices[1].citations = [Citation(0, 1, "https://a.example", "A", choice=1)]
        self.assertEqual(choose(answer, 1).choices[0].citations[0].choice, 0)
        self.assertEqual(answer.choices[1].citations[0].choice, 1)

    @given(st.lists(st.floats(-9, 0), min_size=1, max_size=8), st.integers(1, 8))
    def test_J06_any(self, likelihoods: list[float], n: int) -> None:
        """What is given is sorted, as many as there are, and none that was left out is likelier."""
        chosen = [likelihoods[int(name)] for name in order(choose(made(*likelihoods), n))]
        self.assertEqual(chosen, sorted(likelihoods, reverse=True)[:n])
