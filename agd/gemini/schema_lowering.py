"""JSON Schema as the subset of OpenAPI 3.0 that the provider's ``Schema`` is (``parameters``, ``responseSchema``).

It is for models without the other door. References are written out, types are in capitals, ``null`` is ``nullable``,
what must hold at once is merged, and a union stands alone in its node with everything beside it in every branch.
Specified at https://ai.google.dev/api/caching#Schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import define

from agd.encoding import encode_text
from agd.gemini.schema_hints import described, hint
from agd.gemini.schema_merge import expand
from agd.gemini.schema_rules import implied_type, unsaid, with_plain_bounds, with_tuple_items
from agd.gemini.schema_source import Source, type_of_value, types_of

_FORMATS = {
    "string": {"date-time", "enum"},
    "number": {"float", "double"},
    "integer": {"int32", "int64"},
}
_KEPT = {
    "object": ("minProperties", "maxProperties"),
    "array": ("minItems", "maxItems"),
    "string": ("minLength", "maxLength", "pattern"),
    "number": ("minimum", "maximum"),
    "integer": ("minimum", "maximum"),
}
Chain = frozenset[str]


@define
class Lowering:
    """Lowers the nodes of one schema."""

    _source: Source

    def lower(self, value: Any, chain: Chain = frozenset(), depth: int = 0) -> dict[str, Any] | None:
        """Return a schema in the subset; None for one that nothing fits.

        Raises ``BadRequest`` for what is no schema, and at the limits of depth and size.
        """
        expanded = expand(self._source, value, chain, depth)
        if expanded is None:
            return None
        node = with_tuple_items(expanded.node)
        if "const" in node:
            node["enum"] = [node["const"]]
        for union in ("anyOf", "oneOf"):
            if branches := node.pop(union, None):
                return self._union(branches, node, expanded.chain, depth)
        return self._by_type(node, expanded.chain, depth)

    def _union(self, branches: list[Any], rest: Mapping[str, Any], chain: Chain, depth: int) -> dict[str, Any] | None:
        """Lower every branch together with what stands beside the union, which the provider refuses there."""
        beside = {key: value for key, value in rest.items() if not key.startswith("$")}
        every = [
            self.lower({"allOf": [branch], **beside} if beside else branch, chain, depth + 1) for branch in branches
        ]
        return _alternatives([branch for branch in every if branch is not None])

    def _by_type(self, node: dict[str, Any], chain: Chain, depth: int) -> dict[str, Any] | None:
        types = self._types(node)
        null = "null" in types or node.get("nullable") is True
        names = [name for name in types if name != "null"]
        if not names and types:
            return {"type": "NULL"}
        if not names:
            lowered: dict[str, Any] | None = self._anything(node)
        elif len(names) == 1:
            lowered = self._typed(names[0], node, chain, depth)
        else:
            lowered = _alternatives([self._typed(name, node, chain, depth) for name in names])
        return _alternatives([lowered, {"type": "NULL"}]) if null and lowered else lowered

    def _types(self, node: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the types of a node; of its values, or those its rules are about, where it names none."""
        named = types_of(node, self._source)
        if values := node.get("enum"):
            of_values = dict.fromkeys(type_of_value(value) for value in values)
            if not named:
                return tuple(of_values)
            return tuple(name for name in named if name != "null" or "null" in of_values)
        if named:
            return named
        implied = implied_type(node)
        return () if implied is None else (implied,)

    def _anything(self, node: Mapping[str, Any]) -> dict[str, Any]:
        """A value of any kind, which the subset does not know, is a string."""
        self._source.lost.add("type")
        return _with_description({"type": "STRING"}, node, ["any JSON value, as JSON text"])

    def _typed(self, name: str, node: Mapping[str, Any], chain: Chain, depth: int) -> dict[str, Any]:
        node = with_plain_bounds(node, whole=name == "integer")
        lowered: dict[str, Any] = {"type": name.upper()}
        hints: list[str] = []
        said = {"type", "const", "additionalProperties", *_KEPT.get(name, ())}
        if name == "object":
            self._object(lowered, node, hints, chain, depth)
        elif name == "array":
            said |= {"items", "prefixItems"}
            self._array(lowered, node, chain, depth)
        if self._enumerated(name, lowered, node, hints):
            said.add("enum")
        if node.get("format") in _FORMATS.get(name, ()):
            lowered["format"] = node["format"]
            said.add("format")
        lowered |= {key: node[key] for key in _KEPT.get(name, ()) if key in node}
        for key, words in unsaid(node, said, name):
            self._source.lost.add(key)
            hints.append(words)
        return _with_description(lowered, node, hints)

    def _enumerated(self, name: str, lowered: dict[str, Any], node: Mapping[str, Any], hints: list[str]) -> bool:
        """Enumerate strings, the one type whose values the subset can list; tell whether the values are told."""
        if name != "string" or "enum" not in node:
            return False
        values = [value for value in node["enum"] if isinstance(value, str)]
        if not all(values):
            self._source.lost.add("enum")
            hints.append("may be empty")
        if named := list(dict.fromkeys(value for value in values if value)):
            lowered["enum"] = named
        return bool(values)

    def _object(
        self, lowered: dict[str, Any], node: Mapping[str, Any], hints: list[str], chain: Chain, depth: int
    ) -> None:
        members = {name: self.lower(each, chain, depth + 1) for name, each in node.get("properties", {}).items()}
        if properties := {name: each for name, each in members.items() if each is not None}:
            lowered["properties"] = properties
            lowered["propertyOrdering"] = list(properties)
        if required := [name for name in node.get("required", ()) if name in properties]:
            lowered["required"] = required
        if further := node.get("additionalProperties"):
            self._source.lost.add("additionalProperties")
            hints.append("further properties are allowed" if further is True else hint("further properties", further))

    def _array(self, lowered: dict[str, Any], node: dict[str, Any], chain: Chain, depth: int) -> None:
        prefix, rest = node.get("prefixItems", []), node.get("items", not node.get("prefixItems"))
        if not prefix:
            lowered["items"] = self.lower(rest, chain, depth + 1) or self._anything({})
            return
        every = [self.lower(each, chain, depth + 1) for each in [*prefix, rest]]
        lowered["items"] = _alternatives([each for each in every if each is not None]) or self._anything({})
        node.setdefault("minItems", len(prefix))
        if every[-1] is None:
            node.setdefault("maxItems", len(prefix))


def _with_description(lowered: dict[str, Any], node: Mapping[str, Any], hints: list[str]) -> dict[str, Any]:
    description = described(node.get("description"), hints)
    return {**lowered, "description": description} if description else lowered


def _alternatives(branches: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return one schema for all branches: no doubles, no unions in unions, ``null`` as the subset has it."""
    flat = [each for branch in branches for each in branch.get("anyOf", [branch])]
    schemas = _distinct([each for each in flat if each.get("type") != "NULL"])
    null = any(each.get("type") == "NULL" for each in flat)
    if not schemas:
        return {"type": "NULL"} if null else None
    if len(schemas) == 1:
        return {**schemas[0], "nullable": True} if null else schemas[0]
    return {"anyOf": [*schemas, {"type": "NULL"}] if null else schemas}


def _distinct(schemas: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return schemas if len(schemas) < 2 else list({encode_text(each): each for each in schemas}.values())
