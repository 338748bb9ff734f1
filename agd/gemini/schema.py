"""Schemas of a request: parameters of functions and the form of the answer, through the door the model has.

There are two doors that exclude each other, JSON Schema and a subset of OpenAPI; the table of models says which.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import define, field

from agd.conversation import Notice
from agd.gemini.models import Family
from agd.gemini.schema_hints import described, hint
from agd.gemini.schema_source import Budget, Source, types_of


@define
class SchemaWriter:
    """Writes the schemas of one request within one limit; ``notices`` tells what became hints only."""

    _family: Family
    _budget: Budget
    _lost: dict[str, set[str]] = field(factory=dict)

    def parameters(self, schema: Mapping[str, Any] | None, param: str) -> dict[str, Any]:
        """Return the field of a declaration for a function's parameters; none for a function without any.

        Raises ``BadRequest`` (``param``) for a schema that is none, is not about an object, or is too large.
        """
        if not schema:
            return {}
        source = self._source(schema, param, "tools")
        types = types_of(schema, source)
        if types and "object" not in types:
            raise source.refuse(f"parameters must be an object, not {types[0]}")
        if "type" not in schema and not schema.keys() & {"$ref", "anyOf", "oneOf", "allOf"}:
            schema = source.root = {"type": "object", **schema}
        if self._family.json_schema:
            written = self._through_the_door(source)
            return {"parametersJsonSchema": written} if written else {}
        lowered = _one_object(_lowered(source, schema), source)
        return {"parameters": lowered} if lowered.get("properties") else {}

    def answer(self, schema: Mapping[str, Any], param: str) -> dict[str, Any]:
        """Return the field of ``generationConfig`` for the form of the answer; raises as ``parameters`` does."""
        source = self._source(schema, param, "response_format")
        if self._family.json_schema:
            return {"responseJsonSchema": self._through_the_door(source)}
        lowered = _lowered(source, schema)
        if lowered is None:
            raise source.refuse("nothing fits it")
        return {"responseSchema": lowered}

    @property
    def notices(self) -> list[Notice]:
        """What was said in words instead of rules."""
        return [
            Notice(
                place, f"became hints in descriptions, since the model takes no such rule: {', '.join(sorted(lost))}"
            )
            for place, lost in self._lost.items()
            if lost
        ]

    def _through_the_door(self, source: Source) -> dict[str, Any]:
        from agd.gemini.schema_door import Door  # noqa: PLC0415 - loaded with the first schema, to keep idle memory low

        return Door(source, self._family.property_ordering).write()

    def _source(self, schema: Mapping[str, Any], param: str, place: str) -> Source:
        return Source(schema, param, self._budget, self._lost.setdefault(place, set()))


def _lowered(source: Source, schema: Mapping[str, Any]) -> dict[str, Any] | None:
    from agd.gemini.schema_lowering import Lowering  # noqa: PLC0415 - loaded with the first model that needs it

    return Lowering(source).lower(schema)


def _one_object(lowered: dict[str, Any] | None, source: Source) -> dict[str, Any]:
    """Return parameters as the one object that they must be: a union of objects becomes one that has room for all."""
    branches = [] if lowered is None else lowered.get("anyOf", [lowered])
    objects = [branch for branch in branches if branch["type"] == "OBJECT"]
    if not objects:
        raise source.refuse("parameters must be an object")
    if len(objects) == 1:
        return {key: value for key, value in objects[0].items() if key != "nullable"}
    source.lost.add("anyOf")
    return _united(objects)


def _united(objects: list[dict[str, Any]]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for branch in objects:
        for name, schema in branch.get("properties", {}).items():
            properties.setdefault(name, schema)
    united: dict[str, Any] = {"type": "OBJECT", "properties": properties, "propertyOrdering": list(properties)}
    if required := [name for name in properties if all(name in branch.get("required", ()) for branch in objects)]:
        united["required"] = required
    united["description"] = described(_first_description(objects), [_sets(objects)])
    return united


def _sets(objects: list[dict[str, Any]]) -> str:
    return hint("one of these sets of properties", [list(branch.get("properties", {})) for branch in objects])


def _first_description(objects: Iterable[dict[str, Any]]) -> str | None:
    return next((branch["description"] for branch in objects if "description" in branch), None)
