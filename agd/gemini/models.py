"""What is known of the provider's models, read once from ``models.toml`` beside this file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Literal

from attrs import field, frozen


@frozen
class Family:
    """What the models of one family accept. The defaults describe a model of which nothing is known.

    ``thinking``: how effort is told; None: it cannot be. ``budgets``: tokens per effort. ``levels``: what there is,
    from the lowest up. ``can_rest``: thinking can be off. ``function_ids``: calls and results may carry their id.
    ``function_response_parts``: media may stand inside a result. ``name_length``: longest function name.
    ``signature_bypass``: unsigned calls are refused unless they carry Google's bypass value. ``validated_mode``: the
    function calling mode VALIDATED exists. ``penalties``: both penalties are accepted. ``max_output``: highest
    ``maxOutputTokens``, None when not known. ``known``: the model's name is of a family in the table.
    """

    thinking: Literal["budget", "level"] | None = None
    levels: tuple[str, ...] = field(default=(), converter=tuple)
    budgets: Mapping[str, int] = field(factory=dict)
    can_rest: bool = False
    function_ids: bool = False
    function_response_parts: bool = False
    name_length: int = 64
    signature_bypass: bool = False
    validated_mode: bool = False
    penalties: bool = True
    max_output: int | None = None
    known: bool = False


def bundled_models() -> tuple[str, ...]:
    """Return the names of the models that are served and can ``generateContent``, without ``models/`` before them."""
    return tuple(_table()["served"])


@lru_cache(maxsize=256)
def family(model: str) -> Family:
    """Return what is known of a model by its upstream name, with or without a path such as ``models/`` before it."""
    name = model.rpartition("/")[2]
    best = max((prefix for prefix in _families() if _of_prefix(name, prefix)), key=len, default=None)
    return Family() if best is None else _families()[best]


def _of_prefix(name: str, prefix: str) -> bool:
    """A prefix ends where a word of the name ends: ``gemini-3`` begins ``gemini-3.1-pro`` but not ``gemini-30``."""
    return name.startswith(prefix) and name[len(prefix) : len(prefix) + 1] in {"", "-", "."}


@cache
def _families() -> dict[str, Family]:
    families: dict[str, Family] = {}
    for entry in _table()["family"]:
        traits = {key: value for key, value in entry.items() if key != "names"}
        families.update(dict.fromkeys(entry["names"], Family(**traits, known=True)))
    return families


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(files("agd.gemini").joinpath("models.toml").read_text("utf-8"))
