"""One JSON Schema as its client wrote it: its nodes checked and counted, its references followed.

Every node that a translation looks at is asked for here, once per look, so that the limits hold whatever a schema
does: a chain of definitions that doubles at every step ends in a clear refusal, never in a long walk.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from attrs import define, field

from agd.errors import BadRequest

DEEPEST = 60
"""How many schemas may stand inside one another, references that are inlined counted as if written out."""

TYPES = frozenset({"object", "array", "string", "number", "integer", "boolean", "null"})

_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "$ref": str,
    "type": (str, list),
    "description": str,
    "format": str,
    "pattern": str,
    "properties": dict,
    "required": list,
    "enum": list,
    "items": (dict, bool, list),
    "prefixItems": list,
    "additionalProperties": (dict, bool),
    "anyOf": list,
    "oneOf": list,
    "allOf": list,
    "nullable": bool,
    "minimum": (int, float),
    "maximum": (int, float),
    "exclusiveMinimum": (int, float),
    "exclusiveMaximum": (int, float),
    "minLength": (int, float),
    "maxLength": (int, float),
    "minItems": (int, float),
    "maxItems": (int, float),
    "minProperties": (int, float),
    "maxProperties": (int, float),
}
_COUNTED = ("enum", "required", "properties")
_NULL_MEANS_NULL = frozenset({"const", "default"})


@define
class Budget:
    """How much more the schemas of one request may say, all together: nodes, properties, names and listed values."""

    left: int

    def spend(self, nodes: int, param: str) -> None:
        """Count nodes. Raises ``BadRequest`` when there are more than the limit."""
        self.left -= nodes
        if self.left < 0:
            raise BadRequest("The JSON Schema is too large.", param, "schema_too_large")


@define
class Source:
    """One schema of a request. ``param`` names where it stands; ``lost`` collects keywords that became hints."""

    root: Mapping[str, Any]
    param: str
    budget: Budget
    lost: set[str] = field(factory=set)
    _anchors: dict[str, Any] | None = None

    def node(self, value: Any, depth: int) -> dict[str, Any] | bool:
        """Return a schema with its keywords checked, nulls taken for absent. ``true`` and ``false`` are schemas too.

        Raises ``BadRequest`` for what is no schema, and at the limits of depth and size.
        """
        if isinstance(value, bool):
            return value
        if not isinstance(value, dict):
            raise self.refuse(f"a schema must be an object or a boolean, not {type(value).__name__}")
        if depth > DEEPEST:
            raise self.refuse(f"schemas are nested more than {DEEPEST} deep")
        node = {key: entry for key, entry in value.items() if entry is not None or key in _NULL_MEANS_NULL}
        for key in node.keys() & _KINDS.keys():
            if not isinstance(node[key], _KINDS[key]):
                raise self.refuse(f"{key!r} cannot be {type(node[key]).__name__}")
        self.budget.spend(1 + sum(len(node[key]) for key in _COUNTED if key in node), self.param)
        if not all(isinstance(name, str) for name in node.get("required", ())):
            raise self.refuse("'required' must name properties")
        return node

    def target(self, ref: str) -> Any:
        """Return what a reference leads to: a JSON Pointer (RFC 6901, also percent-encoded) or a ``$anchor``.

        Raises ``BadRequest`` for one that leads nowhere, or out of the schema.
        """
        if not ref.startswith("#"):
            raise self.refuse(f"the reference {ref!r} leads out of the schema")
        pointer = unquote(ref[1:])
        if pointer and not pointer.startswith("/"):
            return self._anchored(pointer)
        found: Any = self.root
        for step in pointer.split("/")[1:]:
            found = self._step(found, step.replace("~1", "/").replace("~0", "~"), ref)
        return found

    def refuse(self, why: str) -> BadRequest:
        """Return the error for a schema that cannot be used."""
        return BadRequest(f"Invalid JSON Schema: {why[:300]}.", self.param, "invalid_schema")

    def _step(self, place: Any, step: str, ref: str) -> Any:
        if isinstance(place, dict) and step in place:
            return place[step]
        if isinstance(place, list) and step.isascii() and step.isdigit() and int(step[:9]) < len(place):
            return place[int(step[:9])]
        raise self.refuse(f"the reference {ref!r} leads nowhere")

    def _anchored(self, name: str) -> Any:
        if self._anchors is None:
            self._anchors = self._find_anchors()
        if name not in self._anchors:
            raise self.refuse(f"there is no anchor {name!r}")
        return self._anchors[name]

    def _find_anchors(self) -> dict[str, Any]:
        anchors: dict[str, Any] = {}
        places: list[Any] = [self.root]
        while places:
            place = places.pop()
            if isinstance(place, dict):
                self.budget.spend(1, self.param)
                if isinstance(name := place.get("$anchor"), str):
                    anchors.setdefault(name, place)
                places.extend(place.values())
            elif isinstance(place, list):
                places.extend(place)
        return anchors


def types_of(node: Mapping[str, Any], source: Source) -> tuple[str, ...]:
    """Return the types that a node names, in lower case and once each; none when it names none.

    Raises ``BadRequest`` for a type that does not exist.
    """
    named = node.get("type")
    names = named if isinstance(named, list) else [] if named is None else [named]
    types: dict[str, None] = {}
    for name in names:
        if not isinstance(name, str) or name.lower() not in TYPES:
            raise source.refuse(f"{str(name)[:40]!r} is not a type")
        types[name.lower()] = None
    return tuple(types)


def type_of_value(value: Any) -> str:
    """Return the type of a JSON value, as JSON Schema names it."""
    match value:
        case None:
            return "null"
        case bool():  # before int, which it is as well
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
    return "object"
