"""How the tests of schemas write one and read what comes of it through either door."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from agd.gemini.models import Family
from agd.gemini.schema import SchemaWriter
from agd.gemini.schema_source import Budget


def through(schema: dict[str, Any], *, json_schema: bool, limit: int = 10_000, **traits: Any) -> Any:
    """Return the answer's schema as a family of this door gets it."""
    writer = SchemaWriter(Family(json_schema=json_schema, **traits), Budget(limit))
    (written,) = writer.answer(schema, "response_format").values()
    return written


def parameters(schema: dict[str, Any], *, json_schema: bool) -> dict[str, Any]:
    """Return the fields of a declaration."""
    return SchemaWriter(Family(json_schema=json_schema), Budget(10_000)).parameters(schema, "tools[0]")


def lost(schema: dict[str, Any], *, json_schema: bool) -> list[str]:
    """Return the messages of the notices."""
    writer = SchemaWriter(Family(json_schema=json_schema), Budget(10_000))
    writer.answer(schema, "response_format")
    return [notice.message for notice in writer.notices]


_REFS = st.sampled_from(["#", "#/$defs/a", "#/$defs/b", "#/definitions/c", "#/properties/x", "#anchor", "#/no", "x:y"])
_SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "a", "b", 0.5])
_TYPES = st.sampled_from(["object", "array", "string", "number", "integer", "boolean", "null", "STRING"])


def _nodes(schemas: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    few = st.lists(schemas, max_size=3)
    optional: dict[str, st.SearchStrategy[Any]] = {
        "type": _TYPES | st.lists(_TYPES, max_size=3),
        "properties": st.dictionaries(st.sampled_from(["x", "y", "type", "$ref"]), schemas, max_size=3),
        "required": st.lists(st.sampled_from(["x", "y", "z"]), max_size=2),
        "items": schemas | few,
        "prefixItems": few,
        "anyOf": few,
        "oneOf": few,
        "allOf": few,
        "not": schemas,
        "$ref": _REFS,
        "$defs": st.dictionaries(st.sampled_from(["a", "b"]), schemas, max_size=2),
        "definitions": st.fixed_dictionaries({"c": schemas}),
        "$anchor": st.just("anchor"),
        "enum": st.lists(_SCALARS, max_size=3),
        "const": _SCALARS,
        "additionalProperties": schemas,
        "description": st.sampled_from(["d", "é"]),
        "format": st.sampled_from(["uri", "date-time"]),
        "minimum": st.integers(-3, 3),
        "exclusiveMinimum": st.booleans() | st.integers(),
        "nullable": st.booleans(),
        "default": _SCALARS,
    }
    return st.fixed_dictionaries({}, optional=optional)


SCHEMAS = _nodes(st.recursive(st.booleans() | st.fixed_dictionaries({"type": _TYPES}), _nodes, max_leaves=12))
"""Schemas of every kind, senseless ones, contradictions and cycles among them."""
