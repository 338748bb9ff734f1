"""Names of models with ``*`` for any characters, as the settings of accounts and client keys have them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import TypeVar

V = TypeVar("V")


def matches(pattern: str, model: str) -> bool:
    """Tell whether a model's name fits; without a star the pattern is the name itself."""
    return _compiled(pattern).fullmatch(model) is not None


def most_specific(rules: Iterable[tuple[str, V]], model: str) -> V | None:
    """Return what the rule with the most literal characters says of a model; among equals the first one."""
    fitting = [(len(pattern.replace("*", "")), value) for pattern, value in rules if matches(pattern, model)]
    return max(fitting, key=_literals)[1] if fitting else None


def _literals(found: tuple[int, object]) -> int:
    return found[0]


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)
