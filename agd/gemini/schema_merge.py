"""Several schemas that must hold at once, as one: ``allOf``, and what stands beside a ``$ref``.

What can be said in one node is: properties are united, requirements added up, enumerations intersected, bounds
narrowed. Two rules that cannot be joined leave the later one, and the other's keyword in ``lost``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import define, field, frozen

from agd.encoding import encode_text
from agd.gemini.schema_source import Source

_NO_RULES = frozenset({"title", "default", "examples", "example", "deprecated", "readOnly", "writeOnly"})


@frozen
class Expanded:
    """A node without ``$ref`` and ``allOf``; ``chain`` holds the references that are open in it and below."""

    node: dict[str, Any]
    chain: frozenset[str]


def expand(source: Source, value: Any, chain: frozenset[str], depth: int) -> Expanded | None:
    """Resolve what a schema refers to and merge what must hold at once; None for a schema that nothing fits.

    A reference that is open twice already is cut to an object of any shape.
    """
    node = source.node(value, depth)
    if isinstance(node, bool):
        return Expanded({}, chain) if node else None
    ref, members = node.pop("$ref", None), node.pop("allOf", ())
    if ref is None and not members:
        return Expanded(node, chain)
    parts: list[Mapping[str, Any]] = []
    opened = set(chain)
    if ref is not None:
        target = _follow(source, ref, chain, depth)
        if target is None:
            return None
        parts.append(target.node)
        opened.update(target.chain)
    for member in members:
        part = expand(source, member, chain, depth + 1)
        if part is None:
            return None
        parts.append(part.node)
        opened.update(part.chain)
    return Expanded(merge([*parts, node], source), frozenset(opened))


def _follow(source: Source, ref: str, chain: frozenset[str], depth: int) -> Expanded | None:
    once_more = f"{ref} again"  # no reference has a blank: a schema that only shares a part is not recursive
    if once_more in chain:
        source.lost.add("$ref")
        name = ref.rpartition("/")[2][:60]
        return Expanded({"type": "object", "description": f"nested further in the same way: {name}"}, chain)
    return expand(source, source.target(ref), chain | {once_more if ref in chain else ref}, depth + 1)


def merge(nodes: Iterable[Mapping[str, Any]], source: Source) -> dict[str, Any]:
    """Return one node that says what all say."""
    merger = _Merger(source)
    for node in nodes:
        merger.add(node)
    return merger.merged


@define
class _Merger:
    _source: Source
    merged: dict[str, Any] = field(factory=dict)
    _united: dict[str, Any] | None = None
    """The properties of all, once there is more than one node with some: a copy, so that it can grow."""

    def add(self, node: Mapping[str, Any]) -> None:
        for key, value in node.items():
            if key not in self.merged or self.merged[key] is value or self.merged[key] == value:
                self.merged[key] = value
            elif key == "type":
                self._type(node)
            elif key == "properties":
                self._properties(value)
            elif key in _JOINING:
                self.merged[key] = _JOINING[key](self.merged[key], value)
            else:
                self._collide(key, value)

    def _type(self, node: Mapping[str, Any]) -> None:
        one, other = _names(self.merged["type"]), _names(node["type"])
        common = [name for name in one if name in other or (name == "integer" and "number" in other)]
        if "integer" in other and "integer" not in common and "number" in one:
            common.append("integer")
        if common:
            self.merged["type"] = common if len(common) > 1 else common[0]
        else:
            self._source.lost.add("allOf")

    def _properties(self, others: dict[str, Any]) -> None:
        """Unite two maps of schemas; a property of both must be what both say."""
        if self._united is None:
            self._united = self.merged["properties"] = dict(self.merged["properties"])
        for name, schema in others.items():
            same = name not in self._united or self._united[name] == schema
            self._united[name] = schema if same else {"allOf": [self._united[name], schema]}

    def _collide(self, key: str, value: Any) -> None:
        """Two unions hold at once when one of them is written as ``oneOf``; other rules give way to the later."""
        spare = {"anyOf": "oneOf", "oneOf": "anyOf"}.get(key)
        if spare is not None and spare not in self.merged:
            self.merged[spare] = value
            return
        if key not in _NO_RULES:
            self._source.lost.add(key)
        self.merged[key] = value


def _names(types: Any) -> list[str]:
    return [str(name).lower() for name in ([types] if isinstance(types, str) else types)]


def _union(one: list[str], other: list[str]) -> list[str]:
    return list(dict.fromkeys([*one, *other]))


def _intersection(one: list[Any], other: list[Any]) -> list[Any]:
    """Return the common values; JSON's ``true`` is not its ``1``."""
    known = {encode_text(value) for value in other}
    return [value for value in one if encode_text(value) in known] or other


def _both(one: Any, other: Any) -> Any:
    """Demand two schemas of every item; a list of them, as old drafts have it, cannot be joined with another."""
    return other if isinstance(one, list) or isinstance(other, list) else {"allOf": [one, other]}


_JOINING: Mapping[str, Callable[[Any, Any], Any]] = {
    "required": _union,
    "enum": _intersection,
    "items": _both,
    "description": "{}\n{}".format,
    "minimum": max,
    "exclusiveMinimum": max,
    "minLength": max,
    "minItems": max,
    "minProperties": max,
    "maximum": min,
    "exclusiveMaximum": min,
    "maxLength": min,
    "maxItems": min,
    "maxProperties": min,
    "nullable": bool.__and__,
}
