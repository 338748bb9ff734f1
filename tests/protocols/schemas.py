"""Validation against OpenAI's published schema, Open Responses and the types of openai-python.

The documents lie beside the project.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it ships no types
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from agd.protocols.responses.resource import CODEX_CODES
from tests import shared_data

OPENAI = "openai-2.3.0-subset.openapi.json"
OPEN_RESPONSES = "open-responses-2026-04-24.openapi.json"
_EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
_OPEN_ITEMS = frozenset({"message", "function_call", "function_call_output", "reasoning", "compaction"})
"""The kinds of items that Open Responses knows; all others are extensions to it."""


def validate_event(event: dict[str, Any]) -> None:
    """Raise unless a streamed event is what every specification that knows its kind says of it."""
    whole = event.get("response")
    items = [event["item"]] if "item" in event else []
    if (name := _events(OPEN_RESPONSES).get(event["type"])) is not None and _is_open(items, whole):
        validate(name, event, OPEN_RESPONSES)
    if whole is None or not _codex(whole):
        validate(_events(OPENAI)[event["type"]], event)
        _EVENT.validate_python(event)


def validate_response(whole: dict[str, Any]) -> None:
    """Raise unless a Response is what every specification says of it, as far as that knows what is in it."""
    if _is_open([], whole):
        validate("ResponseResource", whole, OPEN_RESPONSES)
    if not _codex(whole):
        validate("Response", whole)
        Response.model_validate(whole)


def _is_open(items: list[dict[str, Any]], whole: dict[str, Any] | None) -> bool:
    """Tell whether all that an event holds is known to Open Responses."""
    known = {"tools": [], "tool_choice": "auto", "output": [], **(whole or {})}
    foreign = [item for item in (*items, *known["output"]) if item["type"] not in _OPEN_ITEMS]
    tools = [*known["tools"], *([known["tool_choice"]] if isinstance(known["tool_choice"], dict) else [])]
    return not foreign and all(tool["type"] in {"function", "allowed_tools"} for tool in tools)


def _codex(whole: dict[str, Any]) -> bool:
    """Tell whether a Response failed with a code that only Codex knows; Open Responses allows any."""
    return whole["error"] is not None and whole["error"]["code"] in CODEX_CODES


@cache
def _events(document: str) -> dict[str, str]:
    """Return the names of the schemas of events, by the type of the event."""
    schemas = _components(document)["schemas"]
    kinds = {
        name: schema.get("properties", {}).get("type", {}).get("enum", [""])[0] for name, schema in schemas.items()
    }
    return {kind: name for name, kind in kinds.items() if kind.startswith("response.")}


def validate(name: str, value: Any, document: str = OPENAI) -> None:
    """Raise ``jsonschema.ValidationError`` when a value does not fit the named schema; skip without the data."""
    _validator(name, document).validate(value)


@cache
def _components(document: str) -> Any:
    components = _plain(json.loads((shared_data.require("specs") / document).read_bytes())["components"])
    _allow_null(components["schemas"])
    return components


@cache
def _validator(name: str, document: str) -> Draft202012Validator:
    components = _components(document)
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": components})


def _allow_null(schemas: dict[str, Any]) -> None:
    """Allow the two nulls that OpenAI's own answers hold, that Open Responses asks for, and that its schema forgot.

    And allow a schema in an answer's format, where Open Responses' document has room for null alone.
    """
    if "TextResponseFormatJsonSchema" not in schemas:
        schemas["JsonSchemaResponseFormat"]["properties"]["schema"] = {}
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
