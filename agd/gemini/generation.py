"""How the answer is drawn: sampling, output format and thinking as ``generationConfig``. Absent stays absent."""

from __future__ import annotations

from typing import Any

from agd.conversation import Notice, OutputFormat, Prompt, Sampling
from agd.errors import BadRequest
from agd.gemini.models import Family
from agd.gemini.thinking import write_thinking
from agd.gemini.tools import without_dialect

_MOST_STOPS = 5


def write_generation(prompt: Prompt, family: Family) -> tuple[dict[str, Any], list[Notice]]:
    """Return ``generationConfig``, empty when the client asked for nothing, and what was done otherwise than asked.

    Raises ``BadRequest`` (``stop``) for more stop strings than the provider takes.
    """
    notices: list[Notice] = []
    sampling = prompt.sampling
    config = {
        "temperature": sampling.temperature,
        "topP": sampling.top_p,
        "topK": sampling.top_k,
        "maxOutputTokens": _max_tokens(sampling, family, notices),
        "stopSequences": _stops(sampling),
        "seed": _seed(sampling, notices),
        **_penalties(sampling, family, notices),
        **_format(prompt.output_format),
    }
    thinking, more = write_thinking(prompt.reasoning, family)
    config["thinkingConfig"] = thinking or None
    return {key: value for key, value in config.items() if value is not None}, notices + more


def _max_tokens(sampling: Sampling, family: Family, notices: list[Notice]) -> int | None:
    asked, most = sampling.max_tokens, family.max_output
    if asked is None or most is None or asked <= most:
        return asked
    notices.append(Notice("max_tokens", f"{asked} is more than the model gives: {most} was sent"))
    return most


def _stops(sampling: Sampling) -> list[str] | None:
    stops = [stop for stop in sampling.stop if stop]
    if len(stops) > _MOST_STOPS:
        raise BadRequest(f"At most {_MOST_STOPS} stop strings can be used, not {len(stops)}.", "stop")
    return stops or None


def _seed(sampling: Sampling, notices: list[Notice]) -> int | None:
    """Fold a seed into int32, which the provider's field is; equal seeds stay equal."""
    if sampling.seed is None:
        return None
    seed = (sampling.seed + 2**31) % 2**32 - 2**31
    if seed != sampling.seed:
        notices.append(Notice("seed", f"{sampling.seed} does not fit into 32 bits: {seed} was sent"))
    return seed


def _penalties(sampling: Sampling, family: Family, notices: list[Notice]) -> dict[str, Any]:
    penalties = {
        "presencePenalty": ("presence_penalty", sampling.presence_penalty),
        "frequencyPenalty": ("frequency_penalty", sampling.frequency_penalty),
    }
    if family.penalties:
        return {key: value for key, (_, value) in penalties.items()}
    for param, value in penalties.values():
        if value:
            notices.append(Notice(param, "not sent: this model refuses penalties"))
    return {}


def _format(output: OutputFormat | None) -> dict[str, Any]:
    if output is None:
        return {}
    schema = None if output.schema is None else without_dialect(output.schema)
    return {"responseMimeType": "application/json", "responseJsonSchema": schema}
