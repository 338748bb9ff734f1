"""Every path a request parameter can have, by OpenAI's Python types and by published OpenAPI documents.

A path names keys with dots; a value that has several shapes is told apart by its ``type`` or ``role`` in brackets,
whether it stands alone or in an array: ``messages[user].content[image_url].image_url.detail``.
"""

from __future__ import annotations

import json
import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, NotRequired, Required, Union, get_args, get_origin

from openai.types import completion_create_params as completions
from openai.types.chat import completion_create_params as chat
from openai.types.responses import response_create_params as responses
from typing_extensions import get_type_hints, is_typeddict

from tests import shared_data

SDK: Mapping[str, Any] = {
    "chat": chat.CompletionCreateParamsStreaming,
    "completions": completions.CompletionCreateParamsStreaming,
    "responses": responses.ResponseCreateParamsStreaming,
}
"""The request types of openai-python, by endpoint."""

DOCUMENTS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "chat": (("openai-2.3.0-subset.openapi.json", "CreateChatCompletionRequest"),),
    "completions": (("openai-2.3.0-subset.openapi.json", "CreateCompletionRequest"),),
    "responses": (
        ("openai-2.3.0-subset.openapi.json", "CreateResponse"),
        ("open-responses-2026-04-24.openapi.json", "CreateResponseBody"),
    ),
}
"""The request schemas of the shared documents, by endpoint."""

_TAGS = ("role", "type")


def sdk_paths(endpoint: str) -> set[str]:
    """Return the paths in the SDK's types."""
    return set(_of_type(SDK[endpoint], "", ()))


def document_paths(endpoint: str) -> set[str]:
    """Return the paths in the shared documents; skips the test where they are missing."""
    found: set[str] = set()
    for name, schema in DOCUMENTS[endpoint]:
        document = json.loads((shared_data.require("specs") / name).read_bytes())
        schemas = document["components"]["schemas"]
        found.update(_of_schema({"$ref": f"#/components/schemas/{schema}"}, "", schemas, ()))
    return found


def _of_type(table: Any, path: str, seen: tuple[Any, ...]) -> Iterator[str]:
    """Yield the paths of a TypedDict at ``path``."""
    if table in seen:
        return
    fields = get_type_hints(table)
    key, tags = _tag_of_type(fields) if path else ("", ())
    for base in _tagged(path, tags):
        if tags:
            yield base
        for name, hint in fields.items():
            if name != key:
                yield _below(base, name)
                for inner in _tables(hint):
                    yield from _of_type(inner, _below(base, name), (*seen, table))


def _tag_of_type(fields: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    for key in _TAGS:
        if get_origin(fields.get(key)) is Literal:
            return key, get_args(fields[key])
    return "", ()


def _tables(hint: Any) -> Iterator[Any]:
    """Yield the TypedDicts that a value of this type can be, or hold in an array."""
    origin = get_origin(hint)
    if is_typeddict(hint):
        yield hint
    elif origin is Annotated:
        yield from _tables(get_args(hint)[0])
    elif origin in {Union, types.UnionType, Required, NotRequired, list} or _is_iterable(origin):
        for inner in get_args(hint):
            yield from _tables(inner)


def _is_iterable(origin: Any) -> bool:
    return getattr(origin, "__name__", "") in {"Iterable", "Sequence"}


def _of_schema(schema: Any, path: str, schemas: Mapping[str, Any], seen: tuple[str, ...]) -> Iterator[str]:
    """Yield the paths of a schema at ``path``."""
    for inner, trail in _objects(schema, schemas, seen):
        fields = inner["properties"]
        key, tags = _tag_of_schema(fields, schemas) if path else ("", ())
        for base in _tagged(path, tags):
            if tags:
                yield base
            for name, value in fields.items():
                if name != key:
                    yield _below(base, name)
                    yield from _of_schema(value, _below(base, name), schemas, trail)


def _tag_of_schema(fields: Mapping[str, Any], schemas: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    for key in _TAGS:
        value = fields.get(key, {})
        if "$ref" in value:
            value = schemas[value["$ref"].rpartition("/")[2]]
        tags = [each for each in value.get("enum", [value.get("const")]) if isinstance(each, str)]
        if tags:
            return key, tuple(tags)
    return "", ()


def _objects(
    schema: Any, schemas: Mapping[str, Any], seen: tuple[str, ...]
) -> Iterator[tuple[dict[str, Any], tuple[str, ...]]]:
    """Yield the objects that a value of this schema can be, or hold in an array; parts of ``allOf`` as one."""
    if "$ref" in schema:
        if schema["$ref"] not in seen:
            name = schema["$ref"].rpartition("/")[2]
            yield from _objects(schemas[name], schemas, (*seen, schema["$ref"]))
        return
    if "allOf" in schema:
        parts = [found for part in schema["allOf"] for found in _objects(part, schemas, seen)]
        fields = {key: value for part, _ in parts for key, value in part["properties"].items()}
        yield {"properties": {**fields, **schema.get("properties", {})}}, parts[0][1] if parts else seen
    elif schema.get("properties"):
        yield schema, seen
    for inner in (*schema.get("oneOf", ()), *schema.get("anyOf", ()), *_items(schema)):
        yield from _objects(inner, schemas, seen)


def _tagged(path: str, tags: tuple[str, ...]) -> list[str]:
    return [f"{path}[{tag}]" for tag in tags] if tags else [path]


def _below(base: str, name: str) -> str:
    return f"{base}.{name}" if base else name


def _items(schema: Mapping[str, Any]) -> list[Any]:
    return [schema["items"]] if schema.get("items") else []
