"""How the answer is made, as ``generationConfig``: sampling, outputs, thinking, candidates, and the provider's own."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

from attrs import field, frozen

from agd.conversation import Notice, Prompt
from agd.errors import BadRequest
from agd.gemini.models import Family
from agd.gemini.native import Native
from agd.gemini.outputs import OutputWriter
from agd.gemini.sampling import SamplingWriter
from agd.gemini.schema import SchemaWriter
from agd.gemini.thinking import write_thinking
from agd.options import Options


@frozen
class Generation:
    """``config`` is ``generationConfig``, empty when the client asked for nothing.

    ``stops`` are the stop strings that the provider is not told, ``candidates`` how many answers it is asked for.
    """

    config: dict[str, Any]
    stops: tuple[str, ...] = ()
    candidates: int = 1
    notices: list[Notice] = field(factory=list)


def write_generation(
    prompt: Prompt,
    family: Family,
    native: Native,
    schemas: SchemaWriter,
    options: Options,
    *,
    details: AbstractSet[str | None] = frozenset(),
    tools: bool = False,
) -> Generation:
    """Write ``generationConfig``. ``details`` are the resolutions of all images, ``tools``: tools are sent as well.

    Raises ``BadRequest`` for what the model cannot do, and for what is asked in two places.
    """
    sampling, outputs = SamplingWriter(family, options), OutputWriter(family, schemas, options)
    thinking, of_thinking = _thinking(prompt, family, native, options)
    config = sampling.write(prompt.sampling, thinking)
    config |= outputs.write(prompt, native.generation, tools=tools)
    if thinking:
        config["thinkingConfig"] = thinking
    candidates = prompt.n if 1 < prompt.n <= family.candidate_count else 1
    if candidates > 1:
        config["candidateCount"] = candidates
    level, of_detail = _resolution(details, native)
    if level is not None:
        config["mediaResolution"] = level
    config |= native.generation
    notices = [*sampling.notices, *outputs.notices, *of_thinking, *of_detail]
    return Generation(config, sampling.stops, candidates, notices)


def _thinking(prompt: Prompt, family: Family, native: Native, options: Options) -> tuple[dict[str, Any], list[Notice]]:
    """Return ``thinkingConfig``; the client's own is sent as it is, also to models of which nothing is known."""
    if native.thinking is None:
        return write_thinking(prompt.reasoning, family, summaries=options.include_thoughts)
    if prompt.reasoning.effort is not None:
        raise BadRequest(
            "reasoning_effort and extra_body.google.thinking_config exclude each other.",
            "extra_body.google.thinking_config",
        )
    wanted = prompt.reasoning.summary or options.include_thoughts
    return {**({"includeThoughts": True} if wanted else {}), **native.thinking}, []


def _resolution(details: AbstractSet[str | None], native: Native) -> tuple[str | None, list[Notice]]:
    """Return the one resolution for all images, which must agree about it."""
    levels = details - {None}
    if not levels or "mediaResolution" in native.generation:
        return None, []
    if len(details) > 1:
        return None, [Notice("detail", "ignored: the model takes one level of detail for all images of a request")]
    return next(iter(levels)), []
