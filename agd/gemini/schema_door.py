"""JSON Schema as the provider takes it itself (``parametersJsonSchema``, ``responseJsonSchema``).

That is JSON Schema with some keywords only, so this is a filter by allow-list that walks by position: a property may
be named like a keyword. References stay references, all into ``$defs`` of the root; what the door does not know is
said otherwise where that is exact, and as a hint in the description where it is not. Specified at
https://ai.google.dev/api/generate-content#GenerationConfig (``responseJsonSchema``).
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from typing import Any

from attrs import define, field

from agd.gemini.schema_hints import described
from agd.gemini.schema_merge import expand
from agd.gemini.schema_rules import implied_type, unsaid, with_plain_bounds, with_tuple_items
from agd.gemini.schema_source import Source, type_of_value, types_of

_PLAIN = frozenset(
    {
        "default",
        "minItems",
        "maxItems",
        "minimum",
        "maximum",
        "minLength",
        "maxLength",
        "pattern",
        "minProperties",
        "maxProperties",
    }
)
_FORMATS = frozenset({"date-time", "date", "time", "float", "double", "int32", "int64"})
_ANNOTATIONS = frozenset({"$ref", "description", "default", "title", "examples", "example", "deprecated", "$comment"})
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")
Chain = frozenset[str]


@define
class Door:
    """Filters one schema. ``ordered``: the order of properties has to be said (``propertyOrdering``)."""

    _source: Source
    _ordered: bool = False
    _names: dict[str, str] = field(factory=dict)
    _taken: set[str] = field(factory=set)
    _waiting: deque[tuple[str, Any]] = field(factory=deque)

    def write(self) -> dict[str, Any]:
        """Return the whole schema, with the definitions that it refers to.

        Raises ``BadRequest`` for what is no schema, and at the limits of depth and size.
        """
        root = self._schema(self._source.root, frozenset(), 0)
        if root is None:
            raise self._source.refuse("nothing fits it")
        definitions: dict[str, Any] = {}
        while self._waiting:
            name, target = self._waiting.popleft()
            definitions[name] = self._schema(target, frozenset(), 1) or {}
        return {**root, "$defs": definitions} if definitions else root

    def _schema(self, value: Any, chain: Chain, depth: int) -> dict[str, Any] | None:
        """Return one schema; None for one that nothing fits."""
        node = self._source.node(value, depth)
        if isinstance(node, bool):
            return {} if node else None
        node = _without_lone_all_of(node)
        if "$ref" in node and "allOf" not in node and not node.keys() - _ANNOTATIONS:
            return self._reference(node)
        if "$ref" in node or node.get("allOf"):
            expanded = expand(self._source, node, chain, depth)
            if expanded is None:
                return None
            node, chain = expanded.node, expanded.chain
        return self._plain(with_tuple_items(node), chain, depth)

    def _reference(self, node: Mapping[str, Any]) -> dict[str, Any]:
        """Nothing may stand beside a reference, so what describes it stands around it."""
        reference = {"$ref": self._pointer(node["$ref"])}
        around = {key: node[key] for key in ("description", "default") if key in node}
        return {**around, "anyOf": [reference]} if around else reference

    def _pointer(self, ref: str) -> str:
        target, seen = self._source.target(ref), {ref}
        while isinstance(target, dict) and target.keys() == {"$ref"} and isinstance(target["$ref"], str):
            ref = target["$ref"]
            if ref in seen:
                raise self._source.refuse(f"the reference {ref!r} leads in a circle")
            seen.add(ref)
            target = self._source.target(ref)
        if target is self._source.root:
            return "#"
        if ref not in self._names:
            self._names[ref] = self._new_name(ref)
            self._taken.add(self._names[ref])
            self._waiting.append((self._names[ref], target))
        return f"#/$defs/{self._names[ref]}"

    def _new_name(self, ref: str) -> str:
        stem = _UNSAFE.sub("_", ref.rpartition("/")[2].removeprefix("#"))[:60] or "schema"
        while stem in self._taken:
            stem = f"{stem}_{len(self._taken)}"
        return stem

    def _plain(self, node: dict[str, Any], chain: Chain, depth: int) -> dict[str, Any]:
        """Filter a node without references: the keywords one by one, in the client's order."""
        types = self._types(node)
        names = [name for name in types if name != "null"]
        node = with_plain_bounds(node, whole=names == ["integer"])
        written: dict[str, Any] = {"type": types[0] if len(types) == 1 else list(types)} if types else {}
        said = {"type", *self._values(node, written)}
        for key, value in node.items():
            if self._keyword(key, value, written, chain, depth):
                said.add(key)
        hints = []
        for key, words in unsaid(node, said, names[0] if len(names) == 1 else None):
            self._source.lost.add(key)
            hints.append(words)
        if description := described(node.get("description"), hints):
            written["description"] = description
        self._complete(written, node, names)
        return written

    def _types(self, node: Mapping[str, Any]) -> tuple[str, ...]:
        types = types_of(node, self._source)
        if not types and "enum" not in node and "const" not in node and "anyOf" not in node and "oneOf" not in node:
            implied = implied_type(node)
            types = (implied,) if implied in {"object", "array"} else ()
        if types and node.get("nullable") is True and "null" not in types:
            types = (*types, "null")
        return types

    def _values(self, node: Mapping[str, Any], written: dict[str, Any]) -> set[str]:
        """Write ``const`` and ``enum``, which may list scalars only; return the keywords that are said by it."""
        if "const" not in node and not node.get("enum"):
            return set()
        values = [node["const"]] if "const" in node else node["enum"]
        if not all(isinstance(value, str | int | float) or value is None for value in values):
            return set()
        kinds = tuple(dict.fromkeys(type_of_value(value) for value in values))
        if "type" not in written:
            written["type"] = kinds[0] if len(kinds) == 1 else list(kinds)
        if listed := [value for value in values if value is not None]:
            written["enum"] = listed
            if None in values:
                _let_null_through(written)
        return {"const", "enum"}

    def _keyword(self, key: str, value: Any, written: dict[str, Any], chain: Chain, depth: int) -> bool:
        """Write one keyword; tell whether it was said."""
        if key in _PLAIN or (key == "format" and value in _FORMATS):
            written[key] = value
        elif key == "properties":
            members = {name: self._schema(each, chain, depth + 1) for name, each in value.items()}
            written[key] = {name: each for name, each in members.items() if each is not None}
        elif key in {"items", "additionalProperties"}:
            return self._inner(key, value, written, chain, depth)
        elif key == "prefixItems":
            written[key] = [self._schema(each, chain, depth + 1) or {} for each in value]
        elif key in {"anyOf", "oneOf"}:
            return self._union(key, value, written, chain, depth)
        else:
            return False
        return True

    def _inner(self, key: str, value: Any, written: dict[str, Any], chain: Chain, depth: int) -> bool:
        if isinstance(value, bool) and key == "additionalProperties":
            written[key] = value
        elif (schema := self._schema(value, chain, depth + 1)) is not None:
            written[key] = schema
        else:
            return False
        return True

    def _union(self, key: str, value: list[Any], written: dict[str, Any], chain: Chain, depth: int) -> bool:
        """Write a union, unless a branch says nothing: such a union allows everything, and its rest is a hint."""
        every = [(branch, self._schema(branch, chain, depth + 1)) for branch in value]
        branches = [schema for _, schema in every if schema is not None]
        if not branches or any(_says_nothing(branch, schema) for branch, schema in every):
            return False
        written[key] = branches
        return True

    def _complete(self, written: dict[str, Any], node: Mapping[str, Any], names: list[str]) -> None:
        """Write what depends on the rest of the node: what is required, and the order where it must be told."""
        properties = written.get("properties", {})
        if required := [name for name in node.get("required", ()) if name in properties]:
            written["required"] = required
        if self._ordered and len(properties) > 1:
            written["propertyOrdering"] = list(properties)
        if "array" in names:
            written.setdefault("items", {})
            if written.get("prefixItems") and node.get("items") is False:
                written.setdefault("maxItems", len(written["prefixItems"]))


def _says_nothing(branch: Any, written: dict[str, Any] | None) -> bool:
    """Tell whether nothing is left of a branch, such as of one that only requires properties of the node above it."""
    return written == {} or (written == {"type": "object"} and "type" not in branch)


def _without_lone_all_of(node: dict[str, Any]) -> dict[str, Any]:
    """``allOf`` of a single reference, as OpenAPI 3.0 demands it beside a description, is that reference."""
    match node.get("allOf"):
        case [{"$ref": str(ref), **rest}] if not rest and "$ref" not in node:
            return {**{key: value for key, value in node.items() if key != "allOf"}, "$ref": ref}
    return node


def _let_null_through(written: dict[str, Any]) -> None:
    """Say that null is one of the values, which an ``enum`` here cannot list."""
    listed = {key: written.pop(key) for key in ("type", "enum")}
    types = [listed["type"]] if isinstance(listed["type"], str) else listed["type"]
    names = [name for name in types if name != "null"]
    branch = {"type": names[0] if len(names) == 1 else names, "enum": listed["enum"]}
    written["anyOf"] = [branch, {"type": "null"}]
