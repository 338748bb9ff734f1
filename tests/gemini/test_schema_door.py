"""Schemas through the door that takes JSON Schema."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from agd.gemini.schema_hints import described, hint
from tests.gemini.schemas import lost, through


def door(schema: dict[str, Any], **traits: Any) -> Any:
    """Return a schema as it goes through."""
    return through(schema, json_schema=True, **traits)


class KeywordTests(SynchronousTestCase):
    """Keywords, one by one."""

    def check(self, *pairs: tuple[dict[str, Any], dict[str, Any]]) -> None:
        """Compare what goes in and out, as the schema of a property and at the root."""
        for schema, written in pairs:
            self.assertEqual(door(schema), written)
            nested = door({"type": "object", "properties": {"p": schema}})
            self.assertEqual(nested["properties"]["p"], written)

    def test_D01_D15_unknown_keywords(self) -> None:
        """What restricts nothing and is not on the list is left out without a word; defaults stay."""
        schema = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": "urn:x",
            "$comment": "c",
            "title": "T",
            "examples": ["a"],
            "readOnly": True,
            "deprecated": True,
            "enumDescriptions": ["e"],
            "x-order": 1,
            "discriminator": {"propertyName": "p"},
            "type": "string",
            "default": "a",
        }
        self.check((schema, {"type": "string", "default": "a"}))
        self.assertEqual(lost(schema, json_schema=True), [])

    def test_D02_properties_named_like_keywords(self) -> None:
        """A property may have any name."""
        names = ["title", "format", "default", "$ref", "$schema", "type", "properties", "const", "x-y"]
        schema = {"type": "object", "properties": {name: {"type": "string"} for name in names}, "required": names}
        self.check((schema, schema))

    def test_D03_additional_properties(self) -> None:
        """Rules for further properties pass, and are filtered like all others."""
        for value in (True, False, {"type": "integer"}):
            self.check(*[({"type": "object", "additionalProperties": value},) * 2])
        inner = {"type": "object", "additionalProperties": {"title": "T", "type": "string"}}
        self.check((inner, {"type": "object", "additionalProperties": {"type": "string"}}))

    def test_D07_D20_types(self) -> None:
        """Types are in lower case, alone or several; ``nullable`` is a type here."""
        self.check(
            ({"type": "STRING"}, {"type": "string"}),
            ({"type": ["Integer", "null"]}, {"type": ["integer", "null"]}),
            ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
            ({"type": "string", "nullable": False}, {"type": "string"}),
        )

    def test_D08_unions(self) -> None:
        """Unions keep all their branches; one that allows everything, as far as it can be said, becomes a hint."""
        string, integer, null = {"type": "string"}, {"type": "integer"}, {"type": "null"}
        self.check(
            ({"anyOf": [{"title": "S", **string}, null]}, {"anyOf": [string, null]}),
            ({"oneOf": [string, integer]}, {"oneOf": [string, integer]}),
            ({"anyOf": [string, False]}, {"anyOf": [string]}),
            ({"anyOf": [string, {}], "default": 1}, {"default": 1, "description": 'anyOf: [{"type": "string"}, {}]'}),
        )
        needed = {"type": "object", "properties": {"a": {}}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}
        hints = 'anyOf: [{"required": ["a"]}, {"required": ["b"]}]'
        self.check((needed, {"type": "object", "properties": {"a": {}}, "description": hints}))

    def test_D09_all_of(self) -> None:
        """What must hold at once becomes one node: properties united, requirements added, enumerations intersected."""
        schema = {
            "allOf": [
                {
                    "type": "object",
                    "properties": {"a": {"type": "number"}, "b": {"enum": ["x", "y"]}},
                    "required": ["a"],
                },
                {
                    "properties": {"a": {"type": "integer", "minimum": 1}, "b": {"enum": ["y", "z"]}},
                    "required": ["b", "a"],
                },
            ],
            "description": "both",
        }
        written = {
            "type": "object",
            "properties": {"a": {"type": "integer", "minimum": 1}, "b": {"type": "string", "enum": ["y"]}},
            "description": "both",
            "required": ["a", "b"],
        }
        self.check((schema, written))

    def test_D09_collisions(self) -> None:
        """Rules that cannot be joined leave the later one, and that is said; two unions both stay."""
        collision = {"allOf": [{"type": "string", "pattern": "a"}, {"type": "integer", "pattern": "b"}]}
        self.assertEqual(door(collision)["type"], "string")
        self.assertIn("allOf, pattern", lost(collision, json_schema=True)[0])
        unions = [{"anyOf": [{"type": kind}]} for kind in ("string", "integer")]
        self.assertEqual(set(door({"allOf": unions})), {"anyOf", "oneOf"})
        self.assertEqual(set(door({"allOf": [*unions, {"anyOf": [{"type": "null"}]}]})), {"anyOf", "oneOf"})
        for types in ((["integer", "string"], "number"), ("number", ["integer", "null"])):
            self.assertEqual(door({"allOf": [{"type": kind} for kind in types]}), {"type": "integer"})

    def test_D10_const(self) -> None:
        """A constant is an enumeration of one, with its type; booleans are no numbers."""
        self.check(
            ({"const": "a"}, {"type": "string", "enum": ["a"]}),
            ({"const": True}, {"type": "boolean", "enum": [True]}),
            ({"const": 1}, {"type": "integer", "enum": [1]}),
            ({"const": 1.5}, {"type": "number", "enum": [1.5]}),
            ({"const": None}, {"type": "null"}),
            ({"const": {"a": 1}}, {"description": 'const: {"a": 1}'}),
        )

    def test_D11_enumerations(self) -> None:
        """Numbers stay numbers; null, which cannot be listed, is a type beside."""
        self.check(
            ({"type": "integer", "enum": [1, 2]}, {"type": "integer", "enum": [1, 2]}),
            ({"enum": ["a", 1]}, {"type": ["string", "integer"], "enum": ["a", 1]}),
            ({"enum": ["a", None]}, {"anyOf": [{"type": "string", "enum": ["a"]}, {"type": "null"}]}),
            (
                {"type": ["string", "null"], "enum": [None, "a"]},
                {"anyOf": [{"type": "string", "enum": ["a"]}, {"type": "null"}]},
            ),
        )

    def test_D13_exclusive_bounds(self) -> None:
        """An exclusive bound is the next whole number, or itself with a hint; draft 4's form is understood."""
        self.check(
            ({"type": "integer", "exclusiveMinimum": 0}, {"type": "integer", "minimum": 1}),
            ({"type": "integer", "exclusiveMaximum": 9.5, "maximum": 20}, {"type": "integer", "maximum": 9}),
            ({"type": "integer", "minimum": 3, "exclusiveMinimum": True}, {"type": "integer", "minimum": 4}),
            ({"type": "integer", "minimum": 3, "exclusiveMinimum": False}, {"type": "integer", "minimum": 3}),
            ({"type": "integer", "exclusiveMinimum": 10**400}, {"type": "integer", "minimum": 10**400 + 1}),
            (
                {"type": "number", "exclusiveMinimum": 0},
                {"type": "number", "minimum": 0, "description": "exclusiveMinimum: 0"},
            ),
            (
                {"type": "number", "maximum": 3, "exclusiveMaximum": True},
                {"type": "number", "maximum": 3, "description": "exclusiveMaximum: 3"},
            ),
        )

    def test_D14_formats(self) -> None:
        """Formats that are known pass; others become hints behind the description."""
        self.check(
            ({"type": "string", "format": "date-time"}, {"type": "string", "format": "date-time"}),
            (
                {"type": "string", "format": "uri", "description": "where"},
                {"type": "string", "description": 'where (format: "uri")'},
            ),
        )
        self.assertIn("format", lost({"type": "string", "format": "uri"}, json_schema=True)[0])

    def test_D16_arrays(self) -> None:
        """An array has items; a tuple is one, as old drafts write it too."""
        string, integer = {"type": "string"}, {"type": "integer"}
        self.check(
            ({"type": "array"}, {"type": "array", "items": {}}),
            (
                {"type": "array", "prefixItems": [string, integer], "items": False},
                {"type": "array", "prefixItems": [string, integer], "items": {}, "maxItems": 2},
            ),
            (
                {"type": "array", "items": [string], "additionalItems": integer},
                {"type": "array", "prefixItems": [string], "items": integer},
            ),
        )

    def test_D17_D18_D19_objects(self) -> None:
        """What is required is there; a boolean is a schema; properties make an object."""
        self.check(
            (
                {"properties": {"a": True, "b": False, "c": {}}, "required": ["a", "b", "gone"]},
                {"type": "object", "properties": {"a": {}, "c": {}}, "required": ["a"]},
            ),
        )

    def test_D22_order(self) -> None:
        """Where the family needs it, the order of properties is said."""
        schema = {"type": "object", "properties": {"z": {"type": "string"}, "a": {"type": "string"}}}
        self.assertEqual(door(schema, property_ordering=True)["propertyOrdering"], ["z", "a"])
        self.assertNotIn("propertyOrdering", door(schema))

    def test_D28_hints(self) -> None:
        """Hints are bounded ASCII; the description before them is not touched."""
        text = hint("not", {"enum": ["é" * 5000, *range(10**5)]})
        self.assertTrue(text.isascii())
        self.assertLess(len(text), 200)
        self.assertEqual(hint("not", [{"a": 1}, "b"]), 'not: [{"a": 1}, "b"]')
        self.assertEqual(described("ü", []), "ü")
        self.assertIsNone(described(None, []))
        self.assertLess(len(described("ü", [f"{index}: {'x' * 99}" for index in range(99)]) or ""), 700)
        schema = {"type": "array", "items": {}, "uniqueItems": True, "description": "d"}
        self.assertEqual(door(schema)["description"], "d (uniqueItems: true)")
