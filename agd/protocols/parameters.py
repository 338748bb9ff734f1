"""Request fields that mean the same on every endpoint, and the rule that nothing is dropped in silence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from attrs import frozen

from agd.conversation import Notice, Sampling
from agd.protocols.fields import Fields, invalid, missing, shown, unsupported

ParallelPolicy = Literal["truncate", "ignore", "reject"]
"""``Options.parallel_tool_calls``."""

_STREAM_ONLY = "it is only allowed when 'stream' is true."


@frozen
class Ignored:
    """A known field that has no effect here; its ``neutral`` values ask for nothing and are not worth a word."""

    why: str
    neutral: tuple[Any, ...] = ()


_PLAIN_TIERS = ("auto", "default", "standard", "")
_TIERS: Mapping[str, Literal["flex", "priority"]] = {"flex": "flex", "priority": "priority", "fast": "priority"}
"""OpenAI's tiers that the provider has as well; ``fast`` is OpenAI's other name for ``priority``."""

_NOT_STORED = "accepted; agd keeps no record of it"
_NO_EQUIVALENT = "ignored: the provider has nothing like it"

IGNORED: Mapping[str, Ignored] = {
    "user": Ignored(f"{_NOT_STORED} but for which account its conversation is with", ("",)),
    "safety_identifier": Ignored(_NOT_STORED, ("",)),
    "metadata": Ignored(_NOT_STORED, ({},)),
    "client_metadata": Ignored(_NOT_STORED, ({},)),
    "store": Ignored("ignored: answers are not stored", (False,)),
    "service_tier": Ignored(_NO_EQUIVALENT, _PLAIN_TIERS),
    "prompt_cache_key": Ignored(
        "the provider caches by prefix alone; agd keeps the conversation with one account by it", ("",)
    ),
    "prompt_cache_retention": Ignored("ignored: the provider caches by prefix alone"),
    "prompt_cache_options": Ignored("ignored: the provider caches by prefix alone", ({},)),
    "verbosity": Ignored(_NO_EQUIVALENT, ("medium",)),
    "prediction": Ignored(_NO_EQUIVALENT),
    "logit_bias": Ignored(_NO_EQUIVALENT, ({},)),
    "moderation": Ignored(_NO_EQUIVALENT),
    "context_management": Ignored(_NO_EQUIVALENT, ([],)),
    "image": Ignored(_NO_EQUIVALENT, ({},)),
    "access_programs": Ignored("ignored: the provider has no such programs", ({},)),
    "background_options": Ignored("ignored: answers are made while the client waits", ({},)),
}


def read_model(fields: Fields) -> str:
    """Read the model's name as the client wrote it; it must not be empty."""
    model = fields.text("model")
    if model is None or not model.strip():
        raise missing("model")
    return model


def read_sampling(fields: Fields, limits: tuple[str, ...], notices: list[Notice]) -> Sampling:
    """Read how tokens are drawn. ``limits`` names the fields for the token limit, the strongest first."""
    return Sampling(
        temperature=fields.number("temperature", 0, 2),
        top_p=fields.number("top_p", 0, 1),
        top_k=fields.integer("top_k", 1),
        max_tokens=_read_limit(fields, limits, notices),
        stop=_read_stops(fields, notices),
        seed=fields.integer("seed"),
        presence_penalty=fields.number("presence_penalty", -2, 2),
        frequency_penalty=fields.number("frequency_penalty", -2, 2),
    )


def read_stream(fields: Fields, notices: list[Notice]) -> tuple[bool, bool]:
    """Return whether a stream is wanted, and whether it shall report usage."""
    stream = fields.flag("stream") or False
    options = fields.object("stream_options")
    if options is None:
        return stream, False
    if not stream:
        raise invalid("stream_options", _STREAM_ONLY)
    if options.flag("include_obfuscation"):
        notices.append(Notice("stream_options.include_obfuscation", "ignored: events are sent without padding"))
    include_usage = options.flag("include_usage") or False
    notices.extend(leftovers_within(options))
    return stream, include_usage


def read_tier(fields: Fields, notices: list[Notice]) -> Literal["flex", "priority"] | None:
    """Read ``service_tier``; a tier that the provider has not is told of and has no effect (E20)."""
    asked = fields.text("service_tier")
    if asked is None or asked in _PLAIN_TIERS:
        return None
    if asked not in _TIERS:
        notices.append(Notice("service_tier", f"ignored: the provider has no tier {shown(asked)}"))
    return _TIERS.get(asked)


def refuse_many(fields: Fields) -> None:
    """Refuse ``n`` other than 1."""
    count = fields.integer("n", 1)
    if count is not None and count != 1:
        raise unsupported("n", "only one choice per request can be made.")


def read_count(fields: Fields) -> int:
    """Read ``n``, how many answers are wanted: 1 to 128, and 1 when absent."""
    return fields.integer("n", 1, 128) or 1


def read_logprobs(fields: Fields) -> tuple[bool, int | None]:
    """Return whether probabilities of tokens are wanted, and of how many alternatives (E17)."""
    wanted = fields.flag("logprobs") or False
    count = fields.integer("top_logprobs", 0, 20)
    if count is not None and not wanted:
        raise invalid("top_logprobs", "it is only allowed when 'logprobs' is true.")
    return wanted, count


def read_parallel(fields: Fields, tools: int, policy: ParallelPolicy, notices: list[Notice]) -> bool | None:
    """Read ``parallel_tool_calls``. The provider cannot be held to false, so ``policy`` says what it means (B40)."""
    parallel = fields.flag("parallel_tool_calls")
    if parallel is not False:
        return parallel
    if policy == "reject" and tools > 1:
        raise unsupported("parallel_tool_calls", "the provider may call several tools at once; send one tool only.")
    if policy == "ignore":
        why = "not enforced: the provider may call several tools at once"
        notices.append(Notice("parallel_tool_calls", why))
    return False


def leftovers(fields: Fields) -> Iterator[Notice]:
    """Tell of every field that the reader did not ask for and that asks for something."""
    for key, value in fields.unread():
        known = IGNORED.get(key)
        if known is None:
            yield Notice(key[:80], "unknown parameter, ignored")
        elif value not in known.neutral:
            yield Notice(key, known.why)


def leftovers_within(fields: Fields) -> Iterator[Notice]:
    """Tell of every key of a nested object that the reader did not ask for."""
    for key, _ in fields.unread():
        yield Notice(fields.at(key)[:80], "ignored: it has no effect here")


def _read_limit(fields: Fields, names: tuple[str, ...], notices: list[Notice]) -> int | None:
    found = [(name, value) for name in names if (value := fields.integer(name, 1)) is not None]
    if not found:
        return None
    (winner, limit), *others = found
    for name, value in others:
        if value != limit:
            notices.append(Notice(name, f"ignored: {winner} is set to another value and wins"))
    return limit


def _read_stops(fields: Fields, notices: list[Notice]) -> tuple[str, ...]:
    stops = fields.texts("stop")
    kept = tuple(stop for stop in stops if stop)
    if len(kept) < len(stops):
        notices.append(Notice("stop", "an empty text stops nothing and is left out"))
    return kept
