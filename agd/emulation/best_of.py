"""Legacy completions' ``best_of``: of many choices the likeliest are given (J06)."""

from __future__ import annotations

from attrs import evolve

from agd.conversation import Answer, Choice


def choose(answer: Answer, n: int, best_of: int | None = None) -> Answer:
    """Return an answer with the ``n`` likeliest choices, the likeliest first, numbered from 0; the usage stays whole.

    A choice's likelihood is the mean natural logarithm of its tokens' probabilities: ``avgLogprobs`` of its details,
    else computed from its log probabilities. Choices without either come behind the others; equals keep their order.
    With ``best_of``, every so many numbers are the choices of one prompt (``FanIn``), and of each prompt ``n`` are
    given, the prompts in order.
    """
    groups: dict[int, list[Choice]] = {}
    for index, choice in sorted(answer.choices.items()):
        groups.setdefault(index // best_of if best_of else 0, []).append(choice)
    chosen: dict[int, Choice] = {}
    for prompt, choices in groups.items():
        best = sorted(choices, key=_rank)[:n]
        chosen.update((prompt * n + place, _numbered(choice, prompt * n + place)) for place, choice in enumerate(best))
    return Answer(chosen, answer.usage)


def _rank(choice: Choice) -> tuple[bool, float]:
    likelihood = _likelihood(choice)
    return (True, 0.0) if likelihood is None else (False, -likelihood)


def _likelihood(choice: Choice) -> float | None:
    average = choice.details.get("avgLogprobs")
    if isinstance(average, int | float):
        return average
    tokens = choice.logprobs
    return sum(token.logprob for token in tokens) / len(tokens) if tokens else None


def _numbered(choice: Choice, number: int) -> Choice:
    return evolve(choice, citations=[evolve(citation, choice=number) for citation in choice.citations])
