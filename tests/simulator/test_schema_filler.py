from __future__ import annotations

from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it ships no types
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.simulator.schema_filler import Material, fill

_SCALARS = st.one_of(
    st.just({"type": "string"}),
    st.just({"type": "boolean"}),
    st.just({"type": ["null", "number"]}),
    st.builds(
        lambda low, room: {"type": "integer", "minimum": low, "maximum": low + room},
        st.integers(-50, 50),
        st.integers(0, 9),
    ),
    st.builds(
        lambda low, room: {"type": "string", "minLength": low, "maxLength": low + room},
        st.integers(0, 30),
        st.integers(0, 9),
    ),
    st.builds(lambda values: {"enum": values}, st.lists(st.integers() | st.text(), min_size=1, max_size=3)),
    st.builds(lambda step: {"type": "integer", "exclusiveMinimum": 3, "multipleOf": step}, st.integers(1, 9)),
)


def _nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    names = st.sampled_from("abc")
    return st.one_of(
        st.builds(
            lambda p: {"type": "object", "properties": p, "required": list(p)[:1]}, st.dictionaries(names, inner)
        ),
        st.builds(lambda one, low: {"type": "array", "items": one, "minItems": low}, inner, st.integers(0, 3)),
        st.builds(lambda one: {"anyOf": [{"type": "null"}, one]}, inner),
    )


class FillerTests(SynchronousTestCase):
    @settings(max_examples=200)
    @given(st.recursive(_SCALARS, _nested, max_leaves=8), st.lists(st.integers(-1000, 1000), max_size=4))
    def test_value_fits(self, schema: dict[str, Any], numbers: list[int]) -> None:
        """Whatever the numbers of the text, the value fits the schema."""
        jsonschema.validate(fill(schema, Material.of(" ".join(map(str, numbers)))), schema)

    def test_numbers_in_order(self) -> None:
        """Number properties take the numbers of the text in order, and optional properties are left out."""
        schema = {
            "type": "object",
            "properties": {"a": {"type": "integer"}, "b": {"type": "number"}, "c": {"type": "integer"}},
            "required": ["a", "b"],
        }
        self.assertEqual(fill(schema, Material.of("add 17 and 2.5, not x9")), {"a": 17, "b": 2.5})

    def test_nothing_required(self) -> None:
        """Where a schema requires nothing by name, every property is filled."""
        schema = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}
        self.assertEqual(fill(schema, Material.of("The weather in Paris for 3 days")), {"city": "Paris", "days": 3})

    def test_references(self) -> None:
        """References into the document are followed, recursive ones end."""
        schema = {
            "$ref": "#/$defs/node",
            "$defs": {
                "node": {
                    "type": "object",
                    "properties": {
                        "name": {"type": "string"},
                        "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                    },
                    "required": ["name", "next"],
                }
            },
        }
        jsonschema.validate(fill(schema, Material()), schema)

    def test_all_of(self) -> None:
        """Every part of allOf is kept to."""
        schema = {
            "allOf": [
                {"type": "object", "properties": {"a": {"const": 1}}, "required": ["a"]},
                {"properties": {"b": {"type": "string", "format": "date"}}, "required": ["b"]},
            ]
        }
        self.assertEqual(fill(schema, Material()), {"a": 1, "b": "2026-01-15"})

    def test_capital_types(self) -> None:
        """Types of the OpenAPI subset are understood."""
        self.assertEqual(fill({"type": "ARRAY", "items": {"type": "INTEGER"}}, Material.of("7")), [7])
