"""Fields of a Responses request that stand beside the conversation and the tools."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from attrs import evolve, field, frozen

from agd.conversation import Notice, OutputFormat, Reasoning, Sampling
from agd.protocols import parameters
from agd.protocols.fields import Fields, invalid, shown, unsupported, wrong_type
from agd.protocols.formats import EFFORTS, read_format, read_reasoning
from agd.protocols.parameters import leftovers_within

_LIMITS = ("max_output_tokens", "max_completion_tokens", "max_tokens")

LOGPROBS = "message.output_text.logprobs"

_INCLUDED = frozenset(
    {LOGPROBS, "reasoning.encrypted_content", "web_search_call.action.sources", "code_interpreter_call.outputs"}
)
_INCLUDES = (
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    LOGPROBS,
)
"""OpenAI ``IncludeEnum``."""


@frozen
class Keeping:
    """What becomes of the answer: whether it is stored, made in the background, made at all."""

    store: bool
    background: bool
    generate: bool


def read_keeping(fields: Fields) -> Keeping:
    """Read ``store``, ``background``, and Codex's ``generate``; what nobody waits for has to be stored."""
    store, background = fields.flag("store") is not False, fields.flag("background") or False
    if background and not store:
        raise invalid("background", "it needs 'store' to be true.")
    return Keeping(store, background, fields.flag("generate") is not False)


def read_include(fields: Fields, notices: list[Notice]) -> frozenset[str]:
    """Read what is wanted beside the answer (I32)."""
    wanted = set()
    for index, name in enumerate(fields.array("include") or []):
        path = f"include[{index}]"
        if not isinstance(name, str):
            raise wrong_type(path, "a string", name)
        if name not in _INCLUDES:
            raise invalid(path, f"{shown(name)} is not one of {', '.join(map(repr, _INCLUDES))}.")
        if name not in _INCLUDED:
            notices.append(Notice(path, f"{name} is not given"))
        wanted.add(name)
    return frozenset(wanted)


def check_included(names: Iterable[str]) -> None:
    """Check what is wanted beside a response that is there already: it is what it was made with (I32).

    Raises ``BadRequest``.
    """
    for name in names:
        if name not in _INCLUDES:
            raise invalid("include", f"{shown(name)} is not one of {', '.join(map(repr, _INCLUDES))}.")


def read_sampling(fields: Fields, include: frozenset[str], notices: list[Notice]) -> Sampling:
    """Read how tokens are drawn; probabilities are wanted when they are included, or the likeliest are counted."""
    sampling = parameters.read_sampling(fields, _LIMITS, notices)
    count = fields.integer("top_logprobs", 0, 20)
    wanted = LOGPROBS in include or bool(count)
    return evolve(sampling, logprobs=wanted, top_logprobs=(count or 0) if wanted else None)


@frozen
class Wording:
    """How the words of the answer shall be (``text``)."""

    format: OutputFormat | None = None
    verbosity: str | None = None


def read_text(fields: Fields, notices: list[Notice]) -> Wording:
    """Read ``text``: the format (I36), and the verbosity, which the provider has no measure for."""
    text = fields.object("text")
    if text is None:
        return Wording()
    verbosity = text.one_of("verbosity", ("low", "medium", "high"))
    if verbosity not in {None, "medium"}:
        notices.append(Notice("text.verbosity", "ignored: the provider has nothing like it"))
    place = text.object("format")
    notices.extend(leftovers_within(text))
    return Wording(read_format(place, notices), verbosity)


@frozen
class Thinking:
    """How the model shall think; ``summary`` is the kind of summary as the client named it (I44)."""

    reasoning: Reasoning = field(factory=Reasoning)
    summary: str | None = None


def read_thinking(fields: Fields, notices: list[Notice]) -> Thinking:
    """Read ``reasoning``, an object or, as some clients write it, an effort.

    All earlier reasoning that is there goes back to the model; a wish for less is told of.
    """
    value = fields.get("reasoning")
    if isinstance(value, str):
        return Thinking(Reasoning(fields.one_of("reasoning", EFFORTS)))
    place = fields.object("reasoning")
    if place is None:
        return Thinking()
    if place.one_of("context", ("auto", "current_turn", "all_turns")) == "current_turn":
        notices.append(Notice("reasoning.context", "ignored: earlier reasoning is given back as well"))
    if place.text("mode") not in {None, "standard"}:
        notices.append(Notice("reasoning.mode", "ignored: the provider thinks in one way"))
    reasoning = read_reasoning(place, notices)
    summary = place.text("summary") or place.text("generate_summary")
    return Thinking(reasoning, summary if reasoning.summary else None)


def read_truncation(fields: Fields) -> Literal["auto", "disabled"]:
    """Read ``truncation``; who sends the request cuts the conversation (I34)."""
    return "auto" if fields.one_of("truncation", ("auto", "disabled")) == "auto" else "disabled"


def read_call_limit(fields: Fields, notices: list[Notice]) -> int | None:
    """Read ``max_tool_calls``."""
    limit = fields.integer("max_tool_calls", 1)
    if limit is not None:
        notices.append(Notice("max_tool_calls", "ignored: it limits tools that run at the provider"))
    return limit


def read_metadata(fields: Fields) -> dict[str, str]:
    """Read ``metadata`` within OpenAI's limits; it is only repeated in the answer (I35)."""
    metadata = fields.mapping("metadata") or {}
    if len(metadata) > 16:
        raise invalid("metadata", "it may have 16 keys at most.")
    for key, value in metadata.items():
        path = f"metadata.{key[:64]}"
        if not isinstance(value, str):
            raise wrong_type(path, "a string", value)
        if len(key) > 64 or len(value) > 512:
            raise invalid(path, "a key may have 64 characters and a value 512.")
    return dict(metadata)


_NOT_KEPT = {
    "conversation": "conversations are not kept as such; go on from a response by 'previous_response_id'.",
    "prompt": "prompt templates are not stored; send their text.",
}


def refuse_foreign(fields: Fields) -> None:
    """Refuse what only OpenAI's own stores could give."""
    for key, why in _NOT_KEPT.items():
        if fields.get(key) is not None:
            raise unsupported(key, why)
