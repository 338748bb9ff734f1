"""Names of functions that the provider accepts, and the way back to those the client uses.

Allowed are letters, digits and ``_ . : -``, first a letter or ``_``, up to the family's length
(``FunctionDeclaration.name``). A name outside that becomes its own readable remains and a hash of the whole, so the
same name is sent as the same name in every request, and two names never become one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from hashlib import sha256

from attrs import frozen

_REFUSED = re.compile(r"[^A-Za-z0-9_.:-]")
_START = re.compile(r"[A-Za-z_]")


@frozen
class ToolNames:
    """Both directions for one request; only names that had to change are in it."""

    outward: Mapping[str, str]
    back: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        """Return the name to send upstream."""
        return self.outward.get(name, name)


def map_names(names: Iterable[str], longest: int) -> ToolNames:
    """Return the mapping for every name that occurs in a request, whether declared, called or chosen."""
    wanted = list(dict.fromkeys(names))
    taken = {name for name in wanted if _acceptable(name, longest)}
    outward: dict[str, str] = {}
    for name in wanted:
        if name not in taken and name not in outward:
            outward[name] = _rename(name, longest, taken | set(outward.values()))
    return ToolNames(outward, {sent: name for name, sent in outward.items()})


def _acceptable(name: str, longest: int) -> bool:
    return bool(_START.match(name)) and len(name) <= longest and not _REFUSED.search(name)


def _rename(name: str, longest: int, taken: set[str]) -> str:
    stem = _REFUSED.sub("_", name)
    if not _START.match(stem):
        stem = "_" + stem
    digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    longer = (f"{stem[: longest - length - 1]}_{digest[:length]}" for length in range(8, len(digest) + 1))
    return next(candidate for candidate in longer if candidate not in taken)
