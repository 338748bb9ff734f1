"""Typed reading of a request's JSON objects, with errors as OpenAI words them.

Every error names the full path of the field (``messages[2].content[0].image_url.url``), what was expected and what
was found. ``null`` counts as absent. A ``Fields`` remembers which keys were asked for, so that a reader can tell the
client about every key that nobody asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from attrs import define, field

from agd.errors import BadRequest

_SHOWN = 80


def json_type(value: Any) -> str:
    """Name a decoded JSON value's type with its article, as error messages do."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int():
            return "an integer"
        case float():
            return "a decimal"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"


def shown(value: Any) -> str:
    """Quote a client's value for an error message: short, in one line."""
    text = str(value)
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")


def wrong_type(path: str, expected: str, value: Any) -> BadRequest:
    """The error for a value of the wrong type."""
    return BadRequest(
        f"Invalid type for '{path}': expected {expected}, but got {json_type(value)} instead.",
        param=path,
        code="invalid_type",
    )


def missing(path: str) -> BadRequest:
    """The error for a required field that is absent or null."""
    return BadRequest(f"Missing required parameter: '{path}'.", param=path, code="missing_required_parameter")


def unsupported(path: str, why: str) -> BadRequest:
    """The error for something that OpenAI knows and agd cannot carry out."""
    return BadRequest(f"Unsupported parameter: '{path}': {why}", param=path, code="unsupported_parameter")


def invalid(path: str, why: str) -> BadRequest:
    """The error for a value of the right type that is not allowed."""
    return BadRequest(f"Invalid value for '{path}': {why}", param=path, code="invalid_value")


@define
class Fields:
    """One JSON object of a request, standing at ``path`` (empty for the body itself)."""

    values: Mapping[str, Any]
    path: str = ""
    _seen: set[str] = field(factory=set)

    @classmethod
    def of(cls, value: Any, path: str) -> Fields:
        """Wrap a value that must be an object; raises ``BadRequest``."""
        if not isinstance(value, dict):
            raise wrong_type(path, "an object", value)
        return cls(value, path)

    def at(self, key: str) -> str:
        """Return the full path of a key, as ``param`` shows it."""
        return f"{self.path}.{key}" if self.path else key

    def get(self, key: str) -> Any:
        """Return a value as it stands, None when absent."""
        self._seen.add(key)
        return self.values.get(key)

    def unread(self) -> Iterator[tuple[str, Any]]:
        """Yield the keys that hold something and that nobody has asked for."""
        for key, value in self.values.items():
            if key not in self._seen and value is not None:
                yield key, value

    def text(self, key: str) -> str | None:
        """Read a string."""
        value = self.get(key)
        if value is None or isinstance(value, str):
            return value
        raise wrong_type(self.at(key), "a string", value)

    def required_text(self, key: str) -> str:
        """Read a string that must be there and not be empty."""
        value = self.text(key)
        if not value:
            raise missing(self.at(key)) if value is None else invalid(self.at(key), "it must not be empty.")
        return value

    def one_of(self, key: str, allowed: Collection[str]) -> str | None:
        """Read a string that must be one of a few."""
        value = self.text(key)
        if value is None or value in allowed:
            return value
        choices = ", ".join(f"'{choice}'" for choice in allowed)
        raise invalid(self.at(key), f"{shown(value)} is not one of {choices}.")

    def flag(self, key: str) -> bool | None:
        """Read a boolean; strings and numbers are refused."""
        value = self.get(key)
        if value is None or isinstance(value, bool):
            return value
        raise wrong_type(self.at(key), "a boolean", value)

    def integer(self, key: str, low: int | None = None, high: int | None = None) -> int | None:
        """Read an integer between two bounds, both included; ``true`` and ``1.0`` are not integers."""
        value = self.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            raise wrong_type(self.at(key), "an integer", value)
        self._bound(key, "integer", value, low, high)
        return value

    def number(self, key: str, low: float | None = None, high: float | None = None) -> float | None:
        """Read a number between two bounds, both included, exactly as written (1 stays 1)."""
        value = self.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise wrong_type(self.at(key), "a number", value)
        self._bound(key, "decimal", value, low, high)
        return value

    def object(self, key: str) -> Fields | None:
        """Read an object to be read further."""
        value = self.get(key)
        return None if value is None else Fields.of(value, self.at(key))

    def required_object(self, key: str) -> Fields:
        """Read an object that must be there."""
        value = self.object(key)
        if value is None:
            raise missing(self.at(key))
        return value

    def mapping(self, key: str) -> Mapping[str, Any] | None:
        """Read an object that is carried on untouched, such as a JSON Schema."""
        found = self.object(key)
        return None if found is None else found.values

    def array(self, key: str) -> list[Any] | None:
        """Read an array."""
        value = self.get(key)
        if value is None or isinstance(value, list):
            return value
        raise wrong_type(self.at(key), "an array", value)

    def objects(self, key: str) -> list[Fields]:
        """Read an array of objects; empty when absent."""
        values = self.array(key) or []
        return [Fields.of(value, f"{self.at(key)}[{index}]") for index, value in enumerate(values)]

    def texts(self, key: str) -> tuple[str, ...]:
        """Read a string or an array of strings; empty when absent."""
        value = self.get(key)
        if value is None:
            return ()
        if isinstance(value, str):
            return (value,)
        if not isinstance(value, list):
            raise wrong_type(self.at(key), "a string or an array of strings", value)
        for index, entry in enumerate(value):
            if not isinstance(entry, str):
                raise wrong_type(f"{self.at(key)}[{index}]", "a string", entry)
        return tuple(value)

    def _bound(self, key: str, kind: str, value: float, low: float | None, high: float | None) -> None:
        path = self.at(key)
        if low is not None and value < low:
            raise BadRequest(
                f"Invalid '{path}': {kind} below minimum value. Expected a value >= {low}, but got {value} instead.",
                param=path,
                code=f"{kind}_below_min_value",
            )
        if high is not None and value > high:
            raise BadRequest(
                f"Invalid '{path}': {kind} above maximum value. Expected a value <= {high}, but got {value} instead.",
                param=path,
                code=f"{kind}_above_max_value",
            )
