"""From ``logprobsResult`` (``LogprobsResult``, v1beta) to probabilities of tokens."""

from __future__ import annotations

from typing import Any

from agd.conversation import TokenLogprob

_ABSURD = 1e30
"""No logarithm of a probability is as large; an integer as large does not fit a float."""


def read_logprobs(result: object) -> tuple[TokenLogprob, ...]:
    """Return one entry for each chosen token, with the likeliest in its place, best first; empty for anything else."""
    if not isinstance(result, dict):
        return ()
    steps = [_pairs(_object(step).get("candidates")) for step in _list(result.get("topCandidates"))]
    chosen = _pairs(result.get("chosenCandidates"))
    return tuple(
        TokenLogprob(token, logprob, _ranked(steps[at]) if at < len(steps) else ())
        for at, (token, logprob) in enumerate(chosen)
    )


def _pairs(candidates: object) -> list[tuple[str, float]]:
    """Read token and probability of each; proto JSON leaves out a value that is empty or 0, and its place counts."""
    return [_pair(_object(candidate)) for candidate in _list(candidates)]


def _pair(candidate: dict[str, Any]) -> tuple[str, float]:
    token, logprob = candidate.get("token"), candidate.get("logProbability")
    value = float(logprob) if isinstance(logprob, int | float) and abs(logprob) < _ABSURD else 0.0
    return token if isinstance(token, str) else "", value


def _ranked(pairs: list[tuple[str, float]]) -> tuple[tuple[str, float], ...]:
    return tuple(sorted(pairs, key=lambda pair: -pair[1]))


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
