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
class _OpenString:
    """A string whose end has not come: where it stands, and its pieces."""

    holder: Any
    last: str | int
    pieces: list[str]

    def close(self) -> None:
        """Put the string together."""
        self.holder[self.last] = "".join(self.pieces)


@define
class PartialArgs:
    """The arguments of one call so far."""

    _value: dict[str, Any] = field(factory=dict)
    _open: dict[str, _OpenString] = field(factory=dict)

    def update(self, whole: Mapping[str, Any]) -> None:
        """Take arguments that came whole; they replace what came in pieces under the same names."""
        self._value = {**self.close(), **whole}

    def add(self, piece: Mapping[str, Any]) -> None:
        """Take one ``PartialArg``. Raises ``UpstreamFailure`` (MALFORMED) for a path or value that cannot be read."""
        path = piece.get("jsonPath")
        if not isinstance(path, str):
            raise _malformed("has no jsonPath")
        opened = self._open.pop(path, None)
        value = _scalar(piece)
        if opened is not None and (isinstance(value, str) or _says_nothing(piece)):
            opened.pieces.append(value or "")
        else:
            holder, last = self._walk(list(_steps(path)))
            holder[last] = value
            opened = _OpenString(holder, last, [value]) if isinstance(value, str) else None
        if opened is None:
            return
        if piece.get("willContinue"):
            self._open[path] = opened
        else:
            opened.close()

    def close(self) -> dict[str, Any]:
        """Return the arguments; a string whose end never came is as long as it got."""
        for opened in self._open.values():
            opened.close()
        self._open.clear()
        return self._value

    def _walk(self, steps: list[str | int]) -> tuple[Any, str | int]:
        """Go to the object or array that holds the last step, making what is missing on the way."""
        here: Any = self._value
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


def _says_nothing(piece: Mapping[str, Any]) -> bool:
    """Tell whether a piece holds no value at all: it only ends the string of its path."""
    return not {"stringValue", "boolValue", "numberValue", "nullValue"} & piece.keys()


def _malformed(what: str) -> UpstreamFailure:
    return UpstreamFailure(FailureKind.MALFORMED, f"a streamed function argument {what}")
