"""References, limits and notices of schemas that stay JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Tool
from agd.encoding import encode
from agd.errors import BadRequest
from agd.gemini.schema_hints import hint
from agd.options import Options
from agd.simulator.tools import check_subset
from tests.gemini.asking import noticed, sent, user
from tests.gemini.schemas import SCHEMAS, parameters, through
from tests.shared_data import recordings, require


def door(schema: dict[str, Any], **traits: Any) -> Any:
    """Return a schema as it goes through."""
    return through(schema, json_schema=True, **traits)


class ReferenceTests(SynchronousTestCase):
    """References."""

    def test_D04_definitions(self) -> None:
        """References of every form lead into the root's definitions, each written once, unused ones not at all."""
        schema = {
            "type": "object",
            "properties": {
                "a": {"$ref": "#/$defs/X"},
                "b": {"$ref": "#/definitions/a~1b%20c"},
                "c": {"$ref": "#/properties/a", "description": "same"},
                "d": {"$ref": "#named"},
                "e": {"allOf": [{"$ref": "#/$defs/X"}], "default": "x"},
            },
            "$defs": {"X": {"type": "string"}, "Y": {"type": "null"}, "Z": {"$anchor": "named", "type": "number"}},
            "definitions": {"a/b c": {"type": "integer"}},
        }
        written = door(schema)
        first = {"$ref": "#/$defs/X"}
        self.assertEqual(
            written["properties"],
            {
                "a": first,
                "b": {"$ref": "#/$defs/a_1b_20c"},
                "c": {"description": "same", "anyOf": [first]},
                "d": {"$ref": "#/$defs/named"},
                "e": {"default": "x", "anyOf": [first]},
            },
        )
        self.assertEqual(
            written["$defs"], {"X": {"type": "string"}, "a_1b_20c": {"type": "integer"}, "named": {"type": "number"}}
        )

    def test_D04_names_do_not_collide(self) -> None:
        """Two definitions of one name in two places stay two."""
        schema = {
            "properties": {"a": {"$ref": "#/$defs/X"}, "b": {"$ref": "#/definitions/X"}},
            "$defs": {"X": {"type": "string"}},
            "definitions": {"X": {"type": "integer"}},
        }
        written = door(schema)
        self.assertEqual(sorted(each["type"] for each in written["$defs"].values()), ["integer", "string"])
        self.assertNotEqual(*(each["$ref"] for each in written["properties"].values()))

    def test_D04_rules_beside(self) -> None:
        """Rules beside a reference, which nothing may stand beside, are merged with what it leads to."""
        schema = {
            "properties": {"a": {"$ref": "#/$defs/X", "minimum": 3}},
            "$defs": {"X": {"type": "integer", "minimum": 1}},
        }
        self.assertEqual(door(schema)["properties"]["a"], {"type": "integer", "minimum": 3})

    def test_D04_root(self) -> None:
        """A root that is a reference is what it leads to."""
        schema = {"$ref": "#/$defs/N", "$defs": {"N": {"type": "object", "properties": {"n": {"$ref": "#/$defs/N"}}}}}
        written = door(schema)
        self.assertEqual(written["type"], "object")
        self.assertEqual(written["properties"], {"n": {"$ref": "#/$defs/N"}})

    def test_D05_recursion(self) -> None:
        """A schema may refer to itself: that stays a reference."""
        tree = {"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#"}}}}
        self.assertEqual(door(tree), tree)
        merged = {"type": "object", "properties": {"next": {"allOf": [{"$ref": "#"}, {"description": "d"}]}}}
        self.assertIn("nested further", json.dumps(door(merged)))

    def test_D04_nowhere(self) -> None:
        """A reference that leads nowhere, outside or in a circle is refused."""
        for ref in (
            "#/$defs/none",
            "https://x/y",
            "other.json",
            "#none",
            "#/properties/a/5",
            "#/$defs/A",
            "#/$defs/L/7",
        ):
            schema = {
                "properties": {"a": {"$ref": ref}},
                "$defs": {"A": {"$ref": "#/$defs/B"}, "B": {"$ref": "#/$defs/A"}, "L": []},
            }
            error = self.assertRaises(BadRequest, door, schema)
            self.assertEqual((error.param, error.code), ("response_format", "invalid_schema"))
        self.assertEqual(
            door({"prefixItems": [{"type": "null"}], "items": {"$ref": "#/prefixItems/0"}})["$defs"],
            {"0": {"type": "null"}},
        )


class RequestTests(SynchronousTestCase):
    """Schemas in a request."""

    def test_D21_limits(self) -> None:
        """Schemas that are too large all together, or too deep, are refused by the place they stand at."""
        schema = {"type": "object", "properties": {f"p{index}": {"type": "string"} for index in range(30)}}
        tools = (Tool("f", None, schema), Tool("g", None, schema))
        self.assertIn("tools", sent(user("q"), tools=tools, options=Options(schema_limit=200)))
        error = self.assertRaises(BadRequest, sent, user("q"), tools=tools, options=Options(schema_limit=100))
        self.assertEqual((error.param, error.code), ("tools[1].function.parameters", "schema_too_large"))
        deep: dict[str, Any] = {}
        for _ in range(100):
            deep = {"type": "object", "properties": {"a": deep}}
        error = self.assertRaises(BadRequest, sent, user("q"), tools=(Tool("f", None, deep),))
        self.assertIn("deep", error.message)

    def test_no_schema(self) -> None:
        """What is no schema is refused."""
        cases: list[dict[str, Any]] = [
            {"type": "text"},
            {"type": ["string", 5]},
            {"type": 5},
            {"properties": []},
            {"properties": {"a": "string"}},
            {"required": [1]},
            {"required": True},
            {"minimum": "1"},
            {"anyOf": {"a": 1}},
            {"allOf": [False]},
        ]
        for wrong in cases:
            self.assertEqual(self.assertRaises(BadRequest, door, wrong).code, "invalid_schema")
        self.assertEqual(door({"type": "string", "format": None, "enum": None}), {"type": "string"})

    def test_parameters_are_an_object(self) -> None:
        """Parameters of another type are refused; without a type they are an object."""
        for json_schema in (True, False):
            wrong: list[dict[str, Any]] = [{"type": 5}, {"type": True}, {"type": {}}, {"type": [5]}]
            for schema in wrong:
                self.assertRaises(BadRequest, parameters, schema, json_schema=json_schema)
            error = self.assertRaises(BadRequest, parameters, {"type": "string"}, json_schema=json_schema)
            self.assertEqual(error.param, "tools[0]")
        self.assertEqual(parameters({"title": "T"}, json_schema=True), {"parametersJsonSchema": {"type": "object"}})

    def test_notices(self) -> None:
        """What became a hint is said once for all tools."""
        schema = {"type": "object", "properties": {"a": {"type": "string", "format": "uri"}}}
        tools = (Tool("f", None, schema), Tool("g", None, schema))
        self.assertEqual(noticed(user("q"), tools=tools), ["tools"])

    @given(SCHEMAS)
    def test_D05_D21_every_schema_ends(self, schema: dict[str, Any]) -> None:
        """Every schema is written or refused, is not changed, and what is written refers to what is there."""
        before = json.dumps(schema)
        try:
            written = door(schema, limit=3000)
        except BadRequest:
            written = {}
        self.assertEqual(json.dumps(schema), before)
        for place in references(json.loads(encode(written))):
            self.assertTrue(place == "#" or place.removeprefix("#/$defs/") in written["$defs"], place)

    @given(st.sampled_from(["a", "é", "\n", "\ud7ff"]))
    def test_D28_any_text(self, text: str) -> None:
        """A hint of any text is ASCII."""
        self.assertTrue(hint("pattern", text).isascii())


class RecordedTests(SynchronousTestCase):
    """Schemas that real clients send."""

    def test_D01_D04_real_schemas(self) -> None:
        """Every schema of every captured client and recorded request goes through both doors."""
        seen = 0
        for schema in recorded_schemas():
            self.assertTrue(door(schema))
            check_subset(json.loads(encode(through(schema, json_schema=False))), "schema")
            seen += 1
        self.assertGreater(seen, 20)


def recorded_schemas() -> Iterator[dict[str, Any]]:
    """Yield whatever stands in a captured request where a schema stands."""
    paths = sorted(require("clients").glob("*.json"))
    places: list[Any] = [
        *(json.loads(path.read_bytes()) for path in paths),
        *(each["request"] for each in recordings()),
    ]
    while places:
        place = places.pop()
        if isinstance(place, list):
            places.extend(place)
        elif isinstance(place, dict):
            for key, value in place.items():
                if key in {"parameters", "parametersJsonSchema", "schema", "responseJsonSchema"}:
                    yield value or {"type": "object"}
                else:
                    places.append(value)


def references(schema: dict[str, Any]) -> list[str]:
    """Return every reference in a schema that was written, by position."""
    inner = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values()]
    inner += [each for key in ("anyOf", "oneOf", "prefixItems") for each in schema.get(key, [])]
    inner += [schema[key] for key in ("items", "additionalProperties") if isinstance(schema.get(key), dict)]
    found = [schema["$ref"]] if "$ref" in schema else []
    return found + [reference for each in inner for reference in references(each)]
