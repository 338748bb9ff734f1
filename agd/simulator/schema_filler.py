"""Plausible values that fit a JSON Schema (or Gemini's OpenAPI subset), made from the words of a request.

Understood: type (also several, also in capitals), enum, const, default, properties, required, items, prefixItems,
anyOf, oneOf, allOf, ``$ref`` inside the document, bounds of numbers, lengths and counts, the common formats.
Not understood: pattern, not, if/then, uniqueItems; a value is made as if they were absent.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Mapping
from typing import Any

from attrs import define, field

_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?")
_QUOTED = re.compile(r"[\"'\u201c\u00ab]([^\"'\u201d\u00bb]{1,80})[\"'\u201d\u00bb]")
_NAME = re.compile(r"(?<=[^.!?\s]\s)[A-Z][\w-]+")
_OPTIONAL_DEPTH = 4
_DEEPEST = 32
_FORMATS = {
    "date-time": "2026-01-15T09:30:00Z",
    "date": "2026-01-15",
    "time": "09:30:00Z",
    "email": "someone@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "192.0.2.1",
    "hostname": "example.com",
}


@define
class Material:
    """What a text offers to fill in, each used once: numbers in order, quoted words, then capitalised names."""

    numbers: deque[int | float] = field(factory=deque)
    names: deque[str] = field(factory=deque)

    @classmethod
    def of(cls, text: str) -> Material:
        """Collect the material of a text."""
        numbers = (float(one) if "." in one else int(one) for one in _NUMBER.findall(text))
        return cls(deque(numbers), deque(_QUOTED.findall(text) or _NAME.findall(text)))


def fill(schema: Mapping[str, Any], material: Material) -> Any:
    """Give a value that fits ``schema``, deterministic for a given schema and material.

    Required properties are filled; where a schema names none as required, all of them are.
    """
    return _Filler(schema, material).value(schema, "value", 0)


@define
class _Filler:
    root: Mapping[str, Any]
    material: Material

    def value(self, schema: Any, name: str, depth: int) -> Any:
        schema = self._resolved(schema, depth)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return schema["enum"][0]
        kind = _kind(schema)
        if "default" in schema and kind not in {"integer", "number"}:
            return schema["default"]
        return self._typed(kind, schema, name, depth)

    def _typed(self, kind: str, schema: Mapping[str, Any], name: str, depth: int) -> Any:
        match kind:
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, name, depth)
            case "integer" | "number":
                return self._number(schema, kind)
            case "boolean":
                return True
            case "null":
                return None
            case _:
                return self._string(schema, name)

    def _resolved(self, schema: Any, depth: int) -> Mapping[str, Any]:
        """Follow references and pick branches until a plain schema is left."""
        seen = dict(schema) if isinstance(schema, Mapping) else {}
        for _ in range(_DEEPEST):
            if "$ref" in seen:
                seen = {**self._pointed(seen.pop("$ref")), **seen}
            elif branches := seen.pop("anyOf", None) or seen.pop("oneOf", None):
                seen = _merged(seen, self._branch(branches, depth))
            elif parts := seen.pop("allOf", None):
                for part in parts:
                    seen = _merged(seen, self._resolved(part, depth))
            else:
                break
        return seen

    def _pointed(self, reference: str) -> Mapping[str, Any]:
        """Follow a JSON pointer fragment (RFC 6901); what cannot be found is a schema without conditions."""
        here: Any = self.root
        for step in reference.lstrip("#").split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            here = here.get(key, {}) if isinstance(here, Mapping) else {}
        return here if isinstance(here, Mapping) else {}

    def _branch(self, branches: list[Any], depth: int) -> Mapping[str, Any]:
        """Pick the first branch, or deep down the first that ends a recursion."""
        usable = [one for one in branches if isinstance(one, Mapping) and one.get("type") not in ("null", "NULL")]
        if depth > _OPTIONAL_DEPTH:
            usable = [one for one in branches if isinstance(one, Mapping) and "$ref" not in one] or usable
        return usable[0] if usable else {"type": "null"}

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties") or {}
        required = schema.get("required")
        if depth > _DEEPEST:
            return {}
        wanted = list(properties) if required is None and depth <= _OPTIONAL_DEPTH else required or []
        names = [name for name in properties if name in wanted] + [name for name in wanted if name not in properties]
        return {name: self.value(properties.get(name, {}), name, depth + 1) for name in names}

    def _array(self, schema: Mapping[str, Any], name: str, depth: int) -> list[Any]:
        first = [self.value(one, name, depth + 1) for one in schema.get("prefixItems") or []]
        least = int(schema.get("minItems", 0))
        usual = 1 if depth <= _OPTIONAL_DEPTH and "items" in schema else 0
        count = min(max(least - len(first), usual), int(schema.get("maxItems", 1000)) - len(first))
        return first + [self.value(schema.get("items", {}), name, depth + 1) for _ in range(count)]

    def _number(self, schema: Mapping[str, Any], kind: str) -> int | float:
        low, high = _bounds(schema, kind)
        taken = self.material.numbers.popleft() if self.material.numbers else schema.get("default", 1)
        inside = min(max(taken, low), high)
        step = schema.get("multipleOf") or (1 if kind == "integer" else None)
        if step:
            steps = math.floor(inside / step)
            inside = (steps if steps * step >= low else steps + 1) * step
        return int(inside) if kind == "integer" else inside

    def _string(self, schema: Mapping[str, Any], name: str) -> str:
        shape = schema.get("format")
        if shape in _FORMATS:
            return _FORMATS[shape]
        text = self.material.names.popleft() if self.material.names else f"example {name.replace('_', ' ')}"
        text = text.ljust(int(schema.get("minLength", 0)), "x")
        return text[: int(schema.get("maxLength", len(text)))]


def _kind(schema: Mapping[str, Any]) -> str:
    """Give the JSON type to make: as declared, else as the other words suggest."""
    declared = schema.get("type")
    if isinstance(declared, list):
        declared = next((one for one in declared if one.lower() != "null"), "null")
    if declared:
        return str(declared).lower()
    if "properties" in schema or "required" in schema:
        return "object"
    return "array" if "items" in schema or "prefixItems" in schema else "string"


def _bounds(schema: Mapping[str, Any], kind: str) -> tuple[float, float]:
    """Give the lowest and highest allowed number; an exclusive bound moves by one, or by a hair for a real number."""
    step = 1 if kind == "integer" else 1e-9
    low = max(schema.get("minimum", -math.inf), schema.get("exclusiveMinimum", -math.inf) + step)
    high = min(schema.get("maximum", math.inf), schema.get("exclusiveMaximum", math.inf) - step)
    return low, high


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Join two schemas that both hold: properties and required are united, else the second wins."""
    both = {**one, **other}
    if "properties" in one and "properties" in other:
        both["properties"] = {**one["properties"], **other["properties"]}
    if "required" in one and "required" in other:
        both["required"] = [*one["required"], *(name for name in other["required"] if name not in one["required"])]
    return both
