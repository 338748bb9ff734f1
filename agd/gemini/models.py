"""What is known of the provider's models, read once from ``models.toml`` beside this file.

The configuration may say otherwise of any model: its table of overrides leads from the beginning of a model's name to
the traits that are different.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal

from attrs import Attribute, evolve, field, fields_dict, frozen
from attrs.validators import deep_iterable, deep_mapping, in_, instance_of, optional

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""Reasoning efforts as OpenAI names them, from the least to the most."""

Overrides = Mapping[str, Mapping[str, Any]]
"""From the beginning of a model's name to the fields of ``Family`` that are different."""

NO_OVERRIDES: Overrides = MappingProxyType({})


def _count(_: object, attribute: Attribute[Any], value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{attribute.name} must be a whole number from 0 up")


_flag = instance_of(bool)
_words = deep_iterable(instance_of(str), instance_of(tuple))
_efforts = deep_iterable(in_(EFFORTS), instance_of(tuple))
_budgets = deep_mapping(in_(EFFORTS), instance_of(int), instance_of(dict))


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


@frozen
class Family:
    """What the models of one family accept. The defaults describe a model of which nothing is known."""

    thinking: Literal["budget", "level"] | None = field(default=None, validator=optional(in_(("budget", "level"))))
    """How effort is told; None: it cannot be."""
    levels: tuple[str, ...] = field(default=(), converter=_as_tuple, validator=_efforts)
    """What ``thinkingLevel`` may be, from the lowest up."""
    budgets: Mapping[str, int] = field(factory=dict, validator=_budgets)
    """Tokens for each effort."""
    can_rest: bool = field(default=False, validator=_flag)
    """Thinking can be turned off."""
    function_ids: bool = field(default=False, validator=_flag)
    """Calls and results may carry their id."""
    function_response_parts: bool = field(default=False, validator=_flag)
    """Media may stand inside a result."""
    name_length: int = field(default=64, validator=_count)
    """Longest name of a function."""
    signature_bypass: bool = field(default=False, validator=_flag)
    """Unsigned calls are refused unless they carry Google's bypass value."""
    validated_mode: bool = field(default=False, validator=_flag)
    """The function calling mode VALIDATED exists."""
    penalties: bool = field(default=True, validator=_flag)
    """Both penalties are accepted."""
    max_output: int | None = field(default=None, validator=optional(_count))
    """Highest ``maxOutputTokens``; None: not known."""
    json_schema: bool = field(default=True, validator=_flag)
    """Schemas may be JSON Schema; else they must be of the OpenAPI subset."""
    property_ordering: bool = field(default=False, validator=_flag)
    """JSON Schema needs ``propertyOrdering`` for the order of an answer's keys."""
    tool_combination: bool = field(default=True, validator=_flag)
    """Provider tools may stand beside functions."""
    server_tool_calls: bool = field(default=False, validator=_flag)
    """``includeServerSideToolInvocations`` must be said for that: Gemini 3 at the Developer API, not at Vertex AI."""
    json_with_tools: bool = field(default=True, validator=_flag)
    """JSON output may be asked for beside tools."""
    candidate_count: int = field(default=1, validator=_count)
    """Most candidates of one call; 1: ``candidateCount`` is not sent."""
    logprobs: int = field(default=20, validator=_count)
    """Most ``logprobs``; 0: the model gives none."""
    stops: int = field(default=5, validator=_count)
    """Most ``stopSequences``."""
    media: tuple[str, ...] = field(
        default=("image", "audio", "video", "application", "text"), converter=_as_tuple, validator=_words
    )
    """Kinds of media that are read: the part of a MIME type before the slash."""
    media_resolution: Literal["part", "request"] | None = field(
        default=None, validator=optional(in_(("part", "request")))
    )
    """Where ``mediaResolution`` may be said; None: nowhere."""
    inline_limit: int = field(default=20_000_000, validator=_count)
    """Most bytes of base64 in one request."""
    modalities: tuple[str, ...] | None = field(default=None, converter=_as_tuple, validator=optional(_words))
    """What answers can be made of: ``text``, ``image``, ``audio``; None: not known."""
    text_with_media: bool = field(default=False, validator=_flag)
    """A turn of media alone is refused."""
    prefill: bool = field(default=True, validator=_flag)
    """The last turn may be the model's."""
    service_tier: bool = field(default=True, validator=_flag)
    """``serviceTier`` may be said."""
    known: bool = field(default=False, validator=_flag)
    """The model's name is of a family in the table."""

    def __attrs_post_init__(self) -> None:
        if self.thinking == "level" and not self.levels:
            raise ValueError("thinking by level needs levels")
        if self.thinking == "budget" and set(self.budgets) != set(EFFORTS):
            raise ValueError(f"thinking by budget needs budgets for {', '.join(EFFORTS)}")


def bundled_models() -> tuple[str, ...]:
    """Return the names of the models that are served and can ``generateContent``, without ``models/`` before them."""
    return tuple(_table()["served"])


def family(model: str, overrides: Overrides = NO_OVERRIDES, dialect: str = "gemini") -> Family:
    """Return what is known of a model by its upstream name, with or without a path such as ``models/`` before it.

    ``dialect`` is the one it is asked in. Overrides are applied from the shortest matching name to the longest; they
    must have passed ``check_overrides``.
    """
    name = model.rpartition("/")[2]
    traits = _spoken(name, dialect)
    for prefix in sorted((prefix for prefix in overrides if _of_prefix(name, prefix)), key=len):
        traits = evolve(traits, **overrides[prefix])
    return traits


def check_overrides(overrides: Overrides) -> list[str]:
    """Return what is wrong with a table of overrides, a line for each problem; nothing when it can be used."""
    problems: list[str] = []
    for prefix, traits in overrides.items():
        names = fields_dict(Family).keys() - {"known"}
        unknown = sorted(set(traits) - names)
        problems += [
            f"{prefix}.{name}: there is no such trait; there are {', '.join(sorted(names))}" for name in unknown
        ]
        if unknown:
            continue
        try:
            family(prefix, {prefix: traits})
        except (TypeError, ValueError) as error:
            problems.append(f"{prefix}: {error.args[0]}")
    return problems


@lru_cache(maxsize=256)
def _spoken(name: str, dialect: str) -> Family:
    return evolve(_bundled(name), **_table()["dialect"].get(dialect, {}))


@lru_cache(maxsize=256)
def _bundled(name: str) -> Family:
    best = max((prefix for prefix in _families() if _of_prefix(name, prefix)), key=len, default=None)
    return Family() if best is None else _families()[best]


def _of_prefix(name: str, prefix: str) -> bool:
    """A prefix ends where a word of the name ends: ``gemini-3`` begins ``gemini-3.1-pro`` but not ``gemini-30``."""
    return name.startswith(prefix) and name[len(prefix) : len(prefix) + 1] in {"", "-", "."}


@cache
def _families() -> dict[str, Family]:
    """Return all families by name. An entry that is ``like`` another, which stands before it, tells the difference."""
    families: dict[str, Family] = {}
    for entry in _table()["family"]:
        traits = {key: value for key, value in entry.items() if key not in {"names", "like"}}
        base = families[entry["like"]] if "like" in entry else Family(known=True)
        families.update(dict.fromkeys(entry["names"], evolve(base, **traits)))
    return families


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(files("agd.gemini").joinpath("models.toml").read_text("utf-8"))
