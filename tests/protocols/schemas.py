"""Validation against OpenAI's published schema, which lies beside the project."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it ships no types

from tests import shared_data


def validate(name: str, value: Any, document: str = "openai-2.3.0-subset.openapi.json") -> None:
    """Raise ``jsonschema.ValidationError`` when a value does not fit the named schema; skip without the data."""
    _validator(name, document).validate(value)


@cache
def _validator(name: str, document: str) -> Draft202012Validator:
    components = _plain(json.loads((shared_data.require("specs") / document).read_bytes())["components"])
    _allow_null(components["schemas"])
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": components})


def _allow_null(schemas: dict[str, Any]) -> None:
    """Allow the two nulls that OpenAI's own answers hold, that Open Responses asks for, and that its schema forgot."""
    if "TextResponseFormatJsonSchema" not in schemas:
        return
    for properties, key in (
        (schemas["Response"]["allOf"][2]["properties"], "usage"),
        (schemas["TextResponseFormatJsonSchema"]["properties"], "description"),
    ):
        properties[key] = {"anyOf": [properties[key], {"type": "null"}]}


def _plain(schema: Any) -> Any:
    """Say OpenAPI 3.0's ``nullable`` in JSON Schema's words."""
    if isinstance(schema, list):
        return [_plain(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: _plain(value) for key, value in schema.items()}
    if plain.pop("nullable", False) is True:
        return {"anyOf": [plain, {"type": "null"}]}
    return plain
