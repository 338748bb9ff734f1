"""Putting together the arguments of a call that the provider streams piece by piece.

Each ``PartialArg`` names a place by a JSONPath (RFC 9535; only names and indices occur, ``$.a.b[0]['c d']``) and gives
one scalar, or one more piece of a string, for it (Vertex AI v1beta1, ``FunctionCall.partialArgs``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from attrs import define, field

from agd.encoding import InvalidJSON, decode
from agd.errors import FailureKind, UpstreamFailure

_STEP = re.compile(r"""\.([^.\[\]]+)|\[(\d{1,6})\]|\[("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\]""")
_LONGEST_ARRAY = 100_000


@define
class PartialArgs:
    """The arguments of one call so far."""

    value: dict[str, Any] = field(factory=dict)
    _open: set[str] = field(factory=set)

    def add(self, piece: Mapping[str, Any]) -> None:
        """Take one ``PartialArg``. Raises ``UpstreamFailure`` (MALFORMED) for a path or value that cannot be read."""
        path = piece.get("jsonPath")
        if not isinstance(path, str):
            raise _malformed("has no jsonPath")
        holder, last = self._walk(list(_steps(path)))
        value = _scalar(piece)
        before = holder[last]
        if path in self._open and isinstance(before, str) and isinstance(value, str):
            value = before + value
        holder[last] = value
        if piece.get("willContinue") and isinstance(value, str):
            self._open.add(path)
        else:
            self._open.discard(path)

    def _walk(self, steps: list[str | int]) -> tuple[Any, str | int]:
        """Go to the object or array that holds the last step, making what is missing on the way."""
        here: Any = self.value
        for step, following in pairwise(steps):
            _room(here, step)
            if not isinstance(here[step], dict | list):
                here[step] = [] if isinstance(following, int) else {}
            here = here[step]
        if not steps:
            raise _malformed("names no argument")
        _room(here, steps[-1])
        return here, steps[-1]


def _steps(path: str) -> Iterator[str | int]:
    """Read a normalized or dotted path; the root ``$`` may be missing."""
    rest = path.removeprefix("$")
    rest = rest if rest.startswith((".", "[")) or not rest else "." + rest
    position = 0
    while position < len(rest):
        found = _STEP.match(rest, position)
        if found is None:
            raise _malformed(f"has a path that cannot be read at {position}")
        position = found.end()
        name, index, quoted = found.groups()
        yield name if name is not None else int(index) if index is not None else _unquoted(quoted)


def _unquoted(quoted: str) -> str:
    if quoted.startswith("'"):
        quoted = '"' + quoted[1:-1].replace("\\'", "'").replace('"', '\\"') + '"'
    try:
        return str(decode(quoted))
    except InvalidJSON:
        raise _malformed("has a path with a name that cannot be read") from None


def _room(holder: Any, step: str | int) -> None:
    """See that ``holder[step]`` exists; a missing value is null until its piece comes."""
    if isinstance(holder, dict) and isinstance(step, str):
        holder.setdefault(step, None)
    elif isinstance(holder, list) and isinstance(step, int) and step < _LONGEST_ARRAY:
        holder.extend([None] * (step + 1 - len(holder)))
    else:
        raise _malformed("has a path that does not fit the arguments before it")


def _scalar(piece: Mapping[str, Any]) -> Any:
    """Return the one value given; numbers are doubles on the wire, so a whole one is written without a fraction."""
    for key in ("stringValue", "boolValue"):
        if piece.get(key) is not None:
            return piece[key]
    number = piece.get("numberValue")
    if isinstance(number, float) and number.is_integer() and abs(number) < 2**53:
        return int(number)
    return number


def _malformed(what: str) -> UpstreamFailure:
    return UpstreamFailure(FailureKind.MALFORMED, f"a streamed function argument {what}")
