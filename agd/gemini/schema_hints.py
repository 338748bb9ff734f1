"""What the provider's schema language cannot say, said in words behind the description.

Hints are plain ASCII and bounded, so that no schema can blow up a description or smuggle anything into it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from agd.encoding import encode_text

_LONGEST_VALUE = 160
_LONGEST = 600

WORTH_SAYING = frozenset(
    {
        "additionalProperties",
        "anyOf",
        "const",
        "contains",
        "contentEncoding",
        "contentMediaType",
        "dependencies",
        "dependentRequired",
        "dependentSchemas",
        "else",
        "enum",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "format",
        "if",
        "items",
        "maxContains",
        "minContains",
        "multipleOf",
        "not",
        "oneOf",
        "patternProperties",
        "prefixItems",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
        "uniqueItems",
    }
)
"""Keywords that restrict a value; all others may be left out without a word."""


def hint(keyword: str, value: Any) -> str:
    """Write one keyword with its value as ASCII of bounded length."""
    text = ""
    for piece in _pieces(value):
        text += piece
        if len(text) > _LONGEST_VALUE:
            return f"{keyword}: {text[:_LONGEST_VALUE]}..."
    return f"{keyword}: {text}"


def described(description: str | None, hints: Iterable[str]) -> str | None:
    """Return the description, unchanged, with the hints behind it in parentheses; None when there is neither."""
    said = "; ".join(dict.fromkeys(hints))
    if not said:
        return description
    if len(said) > _LONGEST:
        said = said[:_LONGEST] + "..."
    return f"{description} ({said})" if description else said


def _pieces(value: Any) -> Iterator[str]:
    """Yield JSON piece by piece, so that a long value is not written to its end."""
    if isinstance(value, dict):
        members = (chain((_scalar(key) + ": ",), _pieces(member)) for key, member in value.items())
        yield from _listed("{", members, "}")
    elif isinstance(value, list):
        yield from _listed("[", map(_pieces, value), "]")
    else:
        yield _scalar(value)


def _listed(opening: str, members: Iterable[Iterable[str]], closing: str) -> Iterator[str]:
    yield opening
    for index, member in enumerate(members):
        if index:
            yield ", "
        yield from member
    yield closing


def _scalar(value: Any) -> str:
    short = value[:_LONGEST_VALUE] if isinstance(value, str) else value
    return encode_text(short).encode("ascii", "backslashreplace").decode("ascii")
