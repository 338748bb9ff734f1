"""Rules of JSON Schema that both doors of the provider need said in another way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import ceil, floor, isfinite
from typing import Any

from agd.gemini.schema_hints import WORTH_SAYING, hint

_IMPLIED_BY = (
    ("object", ("properties", "required", "additionalProperties", "minProperties", "maxProperties")),
    ("array", ("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains")),
    ("number", ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")),
    ("string", ("pattern", "minLength", "maxLength", "format")),
)

_ABOUT = {
    **dict.fromkeys(("items", "prefixItems", "uniqueItems", "contains", "minContains", "maxContains"), "array"),
    **dict.fromkeys(("patternProperties", "propertyNames", "dependentRequired", "dependentSchemas"), "object"),
    **dict.fromkeys(("contentEncoding", "contentMediaType"), "string"),
}


def implied_type(node: Mapping[str, Any]) -> str | None:
    """Return the type that the rules of a node without one are about, None when they tell nothing."""
    return next((name for name, keys in _IMPLIED_BY if any(key in node for key in keys)), None)


def with_plain_bounds(node: Mapping[str, Any], *, whole: bool) -> dict[str, Any]:
    """Return a node whose exclusive bounds are plain ones.

    For whole numbers that is exact. Otherwise the bound is widened to itself and the exclusive one stays, to become a
    hint. Draft 4's boolean form is understood.
    """
    node = dict(node)
    if (low := _exclusive(node, "exclusiveMinimum", "minimum")) is not None:
        low = floor(low) + 1 if whole else low
        node["minimum"] = max(low, node.get("minimum", low))
    if (high := _exclusive(node, "exclusiveMaximum", "maximum")) is not None:
        high = ceil(high) - 1 if whole else high
        node["maximum"] = min(high, node.get("maximum", high))
    if whole:
        node = {key: value for key, value in node.items() if not key.startswith("exclusive")}
    return node


def _exclusive(node: dict[str, Any], key: str, plain: str) -> float | None:
    """Return an exclusive bound, and write it as a number where it was said by a flag beside the plain one."""
    bound = node.get(key)
    if isinstance(bound, bool):
        del node[key]
        bound = node.get(plain) if bound else None
        if bound is not None:
            node[key] = bound
    return None if bound is None or (isinstance(bound, float) and not isfinite(bound)) else bound


def with_tuple_items(node: Mapping[str, Any]) -> dict[str, Any]:
    """Return a node whose tuple is ``prefixItems`` (2020-12), also when written as a list of ``items`` (draft 4)."""
    node = dict(node)
    if isinstance(items := node.get("items"), list):
        node["prefixItems"] = items
        node["items"] = node.pop("additionalItems", True)
    return node


def unsaid(node: Mapping[str, Any], said: frozenset[str] | set[str], type_: str | None) -> Iterator[tuple[str, str]]:
    """Yield keyword and hint for every rule about a type (None: any) of a node that is not among those said."""
    for key, value in node.items():
        if key in WORTH_SAYING and key not in said and value is not False and type_ in {None, _ABOUT.get(key, type_)}:
            yield key, hint(key, value)
