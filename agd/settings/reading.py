"""One reading of one configuration: where secrets may come from, and everything found wrong so far."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import date, time
from typing import Any, Final

from attrs import Factory, define

from agd.errors import ConfigurationProblem
from agd.settings.exposure import is_exposed, told

INVALID: Final[Any] = object()
"""What a kind returns in place of a value it has noted a problem about."""

_SHOWN = 80
_BARE_KEY = re.compile(r"[A-Za-z0-9_]+")
_TYPES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "a boolean"),  # before int: a bool is an int
    (int, "an integer"),
    (float, "a float"),
    (str, "a string"),
    (Mapping, "a table"),
    (list, "an array"),
    ((date, time), "a date or time"),
)


@define
class Reading:
    """Collects the problems of one configuration, so that all are told in one go.

    ``source`` is the path of the configuration; ``read_file`` returns a file's text and raises ``OSError``.
    ``mode_of`` gives a file's mode as ``stat`` does; without it nobody asks who else can read a secret. ``literals``
    are the keys under which secrets stand in the configuration itself.
    """

    source: str
    environ: Mapping[str, str]
    read_file: Callable[[str], str]
    mode_of: Callable[[str], int] | None = None
    problems: list[ConfigurationProblem] = Factory(list)
    literals: list[str] = Factory(list)

    def exposure_of(self, path: str) -> str | None:
        """Tell, in words that follow a file's name, that others can read the secret in it; None if they cannot.

        Raises ``OSError``.
        """
        if self.mode_of is None:
            return None
        mode = self.mode_of(path)
        return told(mode) if is_exposed(path, mode, self.environ) else None

    def note(self, path: str, found: str, allowed: str) -> Any:
        """Remember a problem; returns ``INVALID``, to be returned in place of the value."""
        self.problems.append(ConfigurationProblem(path, found, allowed))
        return INVALID


def type_name(value: object) -> str:
    """Return a value's type in TOML's words, with its article: ``an integer``."""
    return next(words for types, words in _TYPES if isinstance(value, types))


def describe(value: object) -> str:
    """Return a value and its type for a problem's ``found``; of containers only the type. Never for secrets."""
    if isinstance(value, bool):
        return f"{str(value).lower()} (a boolean)"
    if isinstance(value, str):
        return f"{quoted(value)} (a string)"
    if isinstance(value, Mapping | list):
        return type_name(value)
    return f"{shortened(str(value))} ({type_name(value)})"


def quoted(text: str) -> str:
    """Return text in double quotes on one line, shortened, with what cannot be printed escaped."""
    return json.dumps(shortened(text), ensure_ascii=not text.isprintable())


def shortened(text: str) -> str:
    """Return at most the first 80 characters, marked where cut."""
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def key_path(parent: str, key: str) -> str:
    """Return the path of a key in the table at ``parent``, quoted where it is not a plain word."""
    shown = key if _BARE_KEY.fullmatch(key) else quoted(key)
    return f"{parent}.{shown}" if parent else shown


def item_path(parent: str, index: int) -> str:
    """Return the path of an element of the array at ``parent``, counted from 0."""
    return f"{parent}[{index}]"
