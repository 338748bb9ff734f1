"""Schemas through the door that takes a subset of OpenAPI."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from twisted.trial.unittest import SynchronousTestCase

from agd.encoding import encode
from agd.errors import BadRequest
from agd.simulator.tools import check_subset
from tests.gemini.schemas import SCHEMAS, lost, parameters, through

STRING = {"type": "STRING"}
ANYTHING = {"type": "STRING", "description": "any JSON value, as JSON text"}


def lowered(schema: dict[str, Any], limit: int = 10_000) -> Any:
    """Return a schema as it is lowered."""
    return through(schema, json_schema=False, limit=limit)


class KeywordTests(SynchronousTestCase):
    """Keywords, one by one."""

    def check(self, *pairs: tuple[dict[str, Any], dict[str, Any]]) -> None:
        """Compare what goes in and out, as the schema of a property and at the root."""
        for schema, written in pairs:
            self.assertEqual(lowered(schema), written)
            nested = lowered({"type": "object", "properties": {"p": schema}})
            self.assertEqual(nested["properties"]["p"], written)

    def test_D01_D15_unknown_keywords(self) -> None:
        """What restricts nothing is left out without a word, defaults too."""
        schema = {"$schema": "s", "$id": "i", "title": "T", "default": "a", "x-y": 1, "examples": [1], "type": "string"}
        self.check((schema, STRING))
        self.assertEqual(lost(schema, json_schema=False), [])

    def test_D02_D17_D18_D19_D22_objects(self) -> None:
        """Properties of any name keep their order, which is said; what is required is there; types are told."""
        schema = {"properties": {"title": {"type": "string"}, "$ref": True, "no": False}, "required": ["no", "title"]}
        written = {
            "type": "OBJECT",
            "properties": {"title": STRING, "$ref": ANYTHING},
            "propertyOrdering": ["title", "$ref"],
            "required": ["title"],
        }
        self.check((schema, written))

    def test_D03_additional_properties(self) -> None:
        """Rules for further properties become hints; that there are none is what the subset means anyway."""
        for value, words in (
            (True, "further properties are allowed"),
            ({"type": "integer"}, 'further properties: {"type": "integer"}'),
        ):
            schema = {"type": "object", "additionalProperties": value, "description": "d"}
            self.check((schema, {"type": "OBJECT", "description": f"d ({words})"}))
        self.check(({"type": "object", "additionalProperties": False}, {"type": "OBJECT"}))

    def test_D06_D07_null(self) -> None:
        """Null beside one type is ``nullable``, beside several a branch, and alone a type."""
        integer = {"type": "INTEGER"}
        self.check(
            ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": "STRING", "nullable": True}),
            ({"type": ["integer", "null"]}, {"type": "INTEGER", "nullable": True}),
            ({"type": "string", "nullable": True}, {"type": "STRING", "nullable": True}),
            ({"type": ["integer", "string", "integer"]}, {"anyOf": [integer, STRING]}),
            ({"type": ["integer", "string", "null"]}, {"anyOf": [integer, STRING, {"type": "NULL"}]}),
            ({"type": ["null"]}, {"type": "NULL"}),
            ({"const": None}, {"type": "NULL"}),
            ({"anyOf": [{"type": "null"}]}, {"type": "NULL"}),
        )

    def test_D08_unions(self) -> None:
        """A union stands alone: what is beside it is in every branch, and unions inside are opened."""
        schema = {
            "type": "object",
            "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
            "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
            "description": "d",
        }
        both = {"properties": {"a": STRING, "b": STRING}, "propertyOrdering": ["a", "b"]}
        branches = [{"type": "OBJECT", **both, "required": [name], "description": "d"} for name in "ab"]
        self.check((schema, {"anyOf": branches}))
        nested = {"anyOf": [{"anyOf": [{"type": "string"}, {"type": "boolean"}]}, {"type": "string"}, False]}
        self.check((nested, {"anyOf": [STRING, {"type": "BOOLEAN"}]}))

    def test_D09_all_of(self) -> None:
        """What must hold at once becomes one node."""
        schema = {"allOf": [{"type": "number", "minimum": 1}, {"type": "integer", "maximum": 5}, {"minimum": 2}]}
        self.check((schema, {"type": "INTEGER", "minimum": 2, "maximum": 5}))
        arrays = [{"type": "array", "items": {"type": kind}} for kind in ("number", "integer")]
        self.check(({"allOf": arrays}, {"type": "ARRAY", "items": {"type": "INTEGER"}}))
        tuples = [{"type": "array", "items": [True]}, {"items": {"type": "string"}}]
        self.check(({"allOf": tuples}, {"type": "ARRAY", "items": STRING}))

    def test_D09_nothing_fits(self) -> None:
        """What nothing can fit is no property, and no schema of an answer."""
        self.assertEqual(lowered({"properties": {"a": {"allOf": [True, False]}}}), {"type": "OBJECT"})
        with_ref = {"properties": {"a": {"$ref": "#/$defs/n"}}, "$defs": {"n": False}}
        self.assertEqual(lowered(with_ref), {"type": "OBJECT"})
        self.assertRaises(BadRequest, lowered, {"allOf": [False]})

    def test_D10_D11_D12_values(self) -> None:
        """Strings are enumerated; other values are told in words, since the subset would make strings of them."""
        self.check(
            ({"const": "a"}, {"type": "STRING", "enum": ["a"]}),
            ({"const": True}, {"type": "BOOLEAN", "description": "enum: [true]"}),
            ({"enum": [1, 2]}, {"type": "INTEGER", "description": "enum: [1, 2]"}),
            (
                {"type": "string", "enum": ["a", "", "a"]},
                {"type": "STRING", "enum": ["a"], "description": "may be empty"},
            ),
            ({"type": "string", "enum": [""]}, {"type": "STRING", "description": "may be empty"}),
            ({"enum": ["a", None]}, {"type": "STRING", "enum": ["a"], "nullable": True}),
            ({"type": "string", "enum": [1]}, {"type": "STRING", "description": "enum: [1]"}),
        )

    def test_D13_exclusive_bounds(self) -> None:
        """An exclusive bound is the next whole number, or itself with a hint."""
        self.check(
            ({"type": "integer", "exclusiveMinimum": 0}, {"type": "INTEGER", "minimum": 1}),
            (
                {"type": "number", "exclusiveMaximum": 1},
                {"type": "NUMBER", "maximum": 1, "description": "exclusiveMaximum: 1"},
            ),
        )

    def test_D14_formats(self) -> None:
        """Formats go by type; others become hints."""
        self.check(
            ({"type": "string", "format": "date-time"}, {"type": "STRING", "format": "date-time"}),
            ({"type": "integer", "format": "int64"}, {"type": "INTEGER", "format": "int64"}),
            ({"type": "string", "format": "uri"}, {"type": "STRING", "description": 'format: "uri"'}),
        )

    def test_D16_arrays(self) -> None:
        """An array has items, strings where nothing is said; a tuple is an array of its kinds and its length."""
        pair = [{"type": "string"}, {"type": "integer"}]
        kinds = {"anyOf": [STRING, {"type": "INTEGER"}]}
        written = {"type": "ARRAY", "items": kinds, "minItems": 2, "maxItems": 2}
        self.check(
            ({"type": "array"}, {"type": "ARRAY", "items": ANYTHING}),
            ({"type": "array", "items": {}}, {"type": "ARRAY", "items": ANYTHING}),
            ({"prefixItems": pair}, written),
            ({"prefixItems": pair, "items": False, "minItems": 1}, {**written, "minItems": 1}),
            ({"items": pair, "additionalItems": {"type": "string"}}, {"type": "ARRAY", "items": kinds, "minItems": 2}),
        )

    def test_D20_types(self) -> None:
        """Types are in capitals, however the client writes them, and told where it does not."""
        for name in ("string", "STRING", "String"):
            self.check(({"type": name, "minLength": 1}, {"type": "STRING", "minLength": 1}))
        self.check(
            ({"pattern": "a"}, {"type": "STRING", "pattern": "a"}), ({"minimum": 1}, {"type": "NUMBER", "minimum": 1})
        )

    def test_D28_rules_without_words(self) -> None:
        """A rule that the subset lacks is a hint where it is about the type."""
        schema = {"type": ["integer", "array"], "items": {"type": "string"}, "uniqueItems": True, "multipleOf": 5}
        integer = {"type": "INTEGER", "description": "multipleOf: 5"}
        array = {"type": "ARRAY", "items": STRING, "description": "uniqueItems: true; multipleOf: 5"}
        self.check((schema, {"anyOf": [integer, array]}))


class ReferenceTests(SynchronousTestCase):
    """References."""

    def test_D04_written_out(self) -> None:
        """References of every form are written out, with what stands beside them."""
        schema = {
            "properties": {
                "a": {"$ref": "#/$defs/X", "description": "mine"},
                "b": {"$ref": "#/definitions/a~1b%20c"},
                "c": {"$ref": "#/properties/b"},
                "d": {"$ref": "#named"},
            },
            "$defs": {"X": {"type": "string", "description": "its"}, "Z": {"$anchor": "named", "type": "number"}},
            "definitions": {"a/b c": {"type": "integer"}},
        }
        self.assertEqual(
            lowered(schema)["properties"],
            {
                "a": {"type": "STRING", "description": "its\nmine"},
                "b": {"type": "INTEGER"},
                "c": {"type": "INTEGER"},
                "d": {"type": "NUMBER"},
            },
        )

    def test_D05_recursion(self) -> None:
        """A schema inside itself is cut to an object that says so, and that is noticed."""
        tree = {"type": "object", "properties": {"v": {"type": "string"}, "next": {"$ref": "#"}}}
        written = lowered(tree)
        inner = written["properties"]["next"]["properties"]["next"]["properties"]["next"]
        self.assertEqual(inner, {"type": "OBJECT", "description": "nested further in the same way: #"})
        self.assertIn("$ref", lost(tree, json_schema=False)[0])

    def test_D04_shared_is_not_recursive(self) -> None:
        """What is used twice, also inside what extends it, is written out twice."""
        schema = {
            "allOf": [{"$ref": "#/$defs/base"}],
            "properties": {"child": {"$ref": "#/$defs/base"}},
            "$defs": {"base": {"type": "object", "properties": {"id": {"type": "string"}}}},
        }
        self.assertEqual(lowered(schema)["properties"]["child"]["properties"], {"id": STRING})
        self.assertEqual(lost(schema, json_schema=False), [])

    def test_D05_D21_bombs(self) -> None:
        """Definitions that double at every step end in a refusal."""
        steps: dict[str, Any] = {
            f"d{n}": {"properties": {k: {"$ref": f"#/$defs/d{n + 1}"} for k in "ab"}} for n in range(40)
        }
        bomb = {"$ref": "#/$defs/d0", "$defs": {**steps, "d40": {}}}
        self.assertEqual(self.assertRaises(BadRequest, lowered, bomb).code, "schema_too_large")
        circle = {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}
        self.assertEqual(lowered(circle)["type"], "OBJECT")


class ParameterTests(SynchronousTestCase):
    """Parameters of functions."""

    def test_D08_union_at_the_root(self) -> None:
        """A union of objects is one object with room for all, which requires what all require."""
        branches = [
            {"type": "object", "properties": {"a": {"type": "string"}, "id": {"type": "string"}}, "required": ["id"]},
            {"type": "object", "properties": {"id": {"type": "string"}, "b": {}}, "required": ["id", "b"]},
        ]
        written = parameters({"anyOf": branches, "description": "d"}, json_schema=False)["parameters"]
        self.assertEqual((written["type"], list(written["properties"])), ("OBJECT", ["a", "id", "b"]))
        self.assertEqual(written["required"], ["id"])
        self.assertEqual(written["description"], 'd (one of these sets of properties: [["a", "id"], ["id", "b"]])')

    def test_D08_not_an_object(self) -> None:
        """A nullable object is an object; a union without one is refused."""
        schema = {"type": ["object", "null"], "properties": {"a": {"type": "string"}}}
        self.assertNotIn("nullable", parameters(schema, json_schema=False)["parameters"])
        for wrong in ({"anyOf": [{"type": "string"}]}, {"allOf": [False]}):
            self.assertEqual(self.assertRaises(BadRequest, parameters, wrong, json_schema=False).param, "tools[0]")


class EverySchemaTests(SynchronousTestCase):
    """What holds for every schema."""

    @given(SCHEMAS)
    def test_D05_D21_every_schema_ends(self, schema: dict[str, Any]) -> None:
        """Every schema is refused, or lowered to what the provider takes; the client's stays as it was."""
        before = json.dumps(schema)
        for lower in (lowered, lambda each: parameters(each, json_schema=False).get("parameters", STRING)):
            try:
                written = lower(schema)
            except BadRequest:
                continue
            check_subset(json.loads(encode(written)), "schema")
            self.check(written)
        self.assertEqual(json.dumps(schema), before)

    def check(self, node: dict[str, Any]) -> None:
        """Check what the provider is known to demand beyond the names of fields."""
        self.assertTrue(set(node) == {"anyOf"} or node["type"].isupper(), node)
        self.assertEqual("items" in node, node.get("type") == "ARRAY")
        self.assertLessEqual(set(node.get("required", ())), set(node.get("properties", ())))
        self.assertTrue(all(isinstance(value, str) and value for value in node.get("enum", ())))
        for each in [*node.get("properties", {}).values(), *node.get("anyOf", ())]:
            self.check(each)
        if "items" in node:
            self.check(node["items"])
