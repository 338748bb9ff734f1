"""Checking an answer against its JSON Schema (2020-12) without giving schema or answer power over the daemon.

Loaded only where such checks are wanted. The schema is the client's: nothing is fetched for a reference, patterns are
not run (a regular expression may take for ever), and a schema whose references multiply is given up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any

# jsonschema has no type information of its own.
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from jsonschema.exceptions import SchemaError, UnknownType  # type: ignore[import-untyped]
from jsonschema.validators import extend  # type: ignore[import-untyped]
from referencing import Registry
from referencing.exceptions import Unresolvable

MAX_REFERENCES = 100_000
"""How many references one check may follow."""
MAX_UNIQUE = 1000
"""Longest array whose items are compared with one another."""

Keyword = Callable[[Any, Any, Any, Any], Iterator[Any]]


class _TooCostly(Exception):
    """The check follows more references than it may."""


def violation(schema: Mapping[str, Any], value: Any) -> str | None:
    """Return None when a value fits a schema, else the place and the violated keyword, or why nothing can be said."""
    try:
        Draft202012Validator.check_schema(schema, format_checker=None)
        validator = _checker()(schema, registry=Registry())
        error = next(validator.iter_errors(value), None)
    except (SchemaError, UnknownType):
        return "the schema is not valid"
    except Unresolvable:
        return "the schema refers to something outside itself"
    except (RecursionError, _TooCostly):
        return "the schema takes too long to apply"
    return None if error is None else f"the schema's {error.validator!r} is violated at {error.json_path}"


def _checker() -> Any:
    """Make the validator of one check: it counts the references that it follows."""
    keywords = Draft202012Validator.VALIDATORS
    followed = count(1)

    def counted(keyword: Keyword) -> Keyword:
        def follow(validator: Any, reference: Any, instance: Any, schema: Any) -> Iterator[Any]:
            if next(followed) > MAX_REFERENCES:
                raise _TooCostly
            return keyword(validator, reference, instance, schema)

        return follow

    return extend(
        Draft202012Validator,
        {
            "$ref": counted(keywords["$ref"]),
            "$dynamicRef": counted(keywords["$dynamicRef"]),
            "additionalProperties": _unless("patternProperties", keywords["additionalProperties"]),
            "uniqueItems": _unique(keywords["uniqueItems"]),
            # Both would run patterns, or walk the schema without being counted.
            **dict.fromkeys(("pattern", "patternProperties", "unevaluatedProperties", "unevaluatedItems"), _passes),
        },
    )


def _passes(_validator: Any, _value: Any, _instance: Any, _schema: Any) -> Iterator[Any]:
    return iter(())


def _unless(other: str, keyword: Keyword) -> Keyword:
    """Leave a keyword out where another stands beside it."""

    def check(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
        return iter(()) if other in schema else keyword(validator, value, instance, schema)

    return check


def _unique(keyword: Keyword) -> Keyword:
    """Leave long arrays out: their items may have to be compared each with each."""

    def check(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
        if isinstance(instance, list) and len(instance) > MAX_UNIQUE:
            return iter(())
        return keyword(validator, value, instance, schema)

    return check
