"""What a field of the configuration allows: plain values.

A kind says in words what it allows (``allowed``) and reads a raw TOML value (``read``): it returns the value the
program works with, or notes a problem and returns ``INVALID``.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from math import isfinite
from types import MappingProxyType
from typing import Any

from attrs import frozen

from agd.settings.overrides import Override
from agd.settings.reading import Reading, describe

ONE_DAY = 86400
"""The longest time a field in seconds allows."""

_INTEGER = re.compile(r"-?[0-9]{1,18}")
_NUMBER = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,9})?")
_BOOLEANS: Mapping[str, bool] = MappingProxyType(
    {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
)


@frozen
class Kind(ABC):
    """What a field allows."""

    @property
    @abstractmethod
    def allowed(self) -> str:
        """What is allowed, in words that end the sentence "allowed: ..."."""

    @abstractmethod
    def read(self, value: Any, path: str, reading: Reading) -> Any:
        """Return the value of the field at ``path``, or note a problem and return ``INVALID``."""

    def from_text(self, text: str) -> Any:
        """Return the raw value that an environment variable's text stands for, or the text if it is none."""
        return text

    def read_override(self, override: Override, reading: Reading) -> Any:
        """Read a text that replaces the file's value; a problem names where the text came from."""
        return self.read(self.from_text(override.text), override.origin, reading)


@frozen
class Plain(Kind):
    """A kind that looks at the value alone, without its surroundings."""

    @abstractmethod
    def fits(self, value: Any) -> bool:
        """Tell whether a raw value is allowed."""

    def convert(self, value: Any) -> Any:
        """Return what the program works with, given a raw value that fits."""
        return value

    def found(self, value: Any) -> str:
        """Return the words for a raw value that does not fit."""
        return describe(value)

    def read(self, value: Any, path: str, reading: Reading) -> Any:
        """Return the converted value where it fits."""
        if not self.fits(value):
            return reading.note(path, self.found(value), self.allowed)
        return self.convert(value)


@frozen
class Boolean(Plain):
    """``true`` or ``false``; in the environment also 1, 0, yes, no, on, off."""

    @property
    def allowed(self) -> str:
        """Words for what is allowed."""
        return "true or false"

    def fits(self, value: Any) -> bool:
        """Tell whether it is a boolean."""
        return isinstance(value, bool)

    def from_text(self, text: str) -> Any:
        """Return the boolean a text stands for."""
        return _BOOLEANS.get(text.strip().lower(), text)


@frozen
class Integer(Plain):
    """A whole number from ``least`` to ``most``, both included."""

    least: int
    most: int | None = None

    @property
    def allowed(self) -> str:
        """Words for what is allowed."""
        if self.most is None:
            return f"a whole number of at least {self.least}"
        return f"a whole number from {self.least} to {self.most}"

    def fits(self, value: Any) -> bool:
        """Tell whether it is an integer within the limits."""
        if not isinstance(value, int) or isinstance(value, bool):
            return False
        return self.least <= value and (self.most is None or value <= self.most)

    def from_text(self, text: str) -> Any:
        """Return the integer a decimal text stands for."""
        return int(text.strip()) if _INTEGER.fullmatch(text.strip()) else text


@frozen
class Seconds(Plain):
    """A length of time in seconds, whole or not, up to a day; ``zero`` tells whether 0 is allowed."""

    zero: bool = False

    @property
    def allowed(self) -> str:
        """Words for what is allowed."""
        return f"a number of seconds {'from' if self.zero else 'above'} 0 to {ONE_DAY}"

    def fits(self, value: Any) -> bool:
        """Tell whether it is a finite number within the limits."""
        if not isinstance(value, int | float) or isinstance(value, bool):
            return False
        if isinstance(value, float) and not isfinite(value):
            return False
        return (self.zero or value != 0) and 0 <= value <= ONE_DAY

    def convert(self, value: Any) -> float:
        """Return the seconds as a float."""
        return float(value)

    def from_text(self, text: str) -> Any:
        """Return the number a decimal text stands for."""
        return float(text.strip()) if _NUMBER.fullmatch(text.strip()) else text


@frozen
class Number(Plain):
    """A number above ``least``, or from it where ``closed``, up to ``most``; whole or not."""

    least: float
    most: float
    closed: bool = False

    @property
    def allowed(self) -> str:
        """Words for what is allowed."""
        return f"a number {'from' if self.closed else 'above'} {self.least:g} to {self.most:g}"

    def fits(self, value: Any) -> bool:
        """Tell whether it is a finite number within the limits."""
        if not isinstance(value, int | float) or isinstance(value, bool):
            return False
        return self.least < value <= self.most or (self.closed and value == self.least)

    def convert(self, value: Any) -> float:
        """Return the number as a float."""
        return float(value)


@frozen
class Text(Plain):
    """Text on one line: no control characters. ``empty`` allows none at all; ``ascii`` is for what becomes a header."""

    empty: bool = False
    ascii: bool = False

    @property
    def allowed(self) -> str:
        """Words for what is allowed."""
        script = "ASCII text" if self.ascii else "text"
        return f"{script} without control characters{'' if self.empty else ', not empty'}"

    def fits(self, value: Any) -> bool:
        """Tell whether it is printable text of the allowed script."""
        if not isinstance(value, str) or not value.isprintable():
            return False
        return (self.empty or bool(value.strip())) and (value.isascii() or not self.ascii)


@frozen
class Choice(Plain):
    """One of a few words, exactly as written."""

    words: tuple[str, ...]

    @property
    def allowed(self) -> str:
        """Words for what is allowed."""
        return "one of " + ", ".join(f'"{word}"' for word in self.words)

    def fits(self, value: Any) -> bool:
        """Tell whether it is one of the words."""
        return isinstance(value, str) and value in self.words
