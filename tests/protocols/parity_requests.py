"""Finding and cutting out parameters, by the paths of the parity table, in requests and in what is sent upstream."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

_STEP = re.compile(r"([^.\[]+)(?:\[([^\]]*)\])?")


def covers(row: str, path: str) -> bool:
    """Tell whether a row's path, in which tags may be several or any, is a path of OpenAI's types."""
    ours, theirs = _STEP.findall(row), _STEP.findall(path)
    return len(ours) == len(theirs) and all(
        name == other and _fits(tags, tag) for (name, tags), (other, tag) in zip(ours, theirs, strict=True)
    )


def ancestors(path: str) -> Iterator[str]:
    """Yield every path above a path, the nearest first; a tagged value lies beneath the same without its tag."""
    while path:
        path = path[: path.rindex("[")] if path.endswith("]") else path.rpartition(".")[0]
        if path:
            yield path


def without(body: dict[str, Any], path: str) -> dict[str, Any]:
    """Return a request without the parameter at ``path``."""
    cut = deepcopy(body)
    _cut(cut, _STEP.findall(path))
    return cut


def bare(path: str) -> str:
    """Return a path without tags and without places in arrays, to compare it with what ``param`` names."""
    return re.sub(r"\[[^\]]*\]", "", path)


def values_at(body: Any, path: str) -> list[Any]:
    """Return all that stands at a path of what is sent, in which ``[]`` goes through an array."""
    found = [body]
    for key in path.split("."):
        name = key.removesuffix("[]")
        found = [each[name] for each in found if isinstance(each, dict) and name in each]
        if key.endswith("[]"):
            found = [item for each in found for item in each]
    return found


def _cut(place: dict[str, Any], steps: list[tuple[str, str]]) -> None:
    (name, tags), *rest = steps
    value = place.get(name)
    values = value if isinstance(value, list) else [value]
    if rest:
        for each in values:
            if isinstance(each, dict) and _is_tagged(each, tags):
                _cut(each, rest)
    elif tags and isinstance(value, list):
        place[name] = [each for each in value if not _is_tagged(each, tags)]
    else:
        place.pop(name, None)


def _is_tagged(value: Any, tags: str) -> bool:
    if not tags:
        return True
    return isinstance(value, dict) and any(_fits(tags, str(value.get(key))) for key in ("role", "type"))


def _fits(tags: str, tag: str) -> bool:
    return tags == tag or (bool(tag) and (tags == "*" or tag in tags.split("|")))
