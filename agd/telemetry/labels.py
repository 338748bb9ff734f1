"""What metrics tell requests apart by. Whatever clients send, there is a limited number of each."""

from __future__ import annotations

import re

from attrs import define, field

OTHER = "other"
LEFT = 499
"""The status of an answer whose client left, as others have it."""

_ENDS = (
    (r"chat/completions", "/v1/chat/completions"),
    (r"completions", "/v1/completions"),
    (r"responses/compact", "/v1/responses/compact"),
    (r"responses/input_tokens", "/v1/responses/input_tokens"),
    (r"responses", "/v1/responses"),
    (r"responses/[^/]+/cancel", "/v1/responses/{id}/cancel"),
    (r"responses/[^/]+/input_items", "/v1/responses/{id}/input_items"),
    (r"responses/[^/]+", "/v1/responses/{id}"),
    (r"models", "/v1/models"),
    (r"models/.+", "/v1/models/{name}"),
    (r"healthz", "/healthz"),
    (r"readyz", "/readyz"),
    (r"metrics", "/metrics"),
)
_SLASHES = re.compile("/{2,}")
_BEFORE = "(?:/(?:v1|chat|completions|responses|models))*?"
_ROUTE = re.compile(f"{_BEFORE}/(?:{'|'.join(f'({end})' for end, _ in _ENDS)})/?")


def route(method: str, path: str) -> str:
    """Return the route that a path means, as ``web.paths`` reads it for nearly all of them."""
    found = _ROUTE.fullmatch(_SLASHES.sub("/", path[:300]))
    if found is None or found.lastindex is None:
        return OTHER
    meant = _ENDS[found.lastindex - 1][1]
    return "WS /v1/responses" if method == "WS" else meant


def status_class(status: int) -> str:
    """Return ``2xx`` and the like; a client that left (499) is a class of its own."""
    return str(LEFT) if status == LEFT else f"{status // 100}xx"


@define
class Bounded:
    """The first so many names; all others are one."""

    most: int
    _known: set[str] = field(factory=set, init=False)

    def label(self, name: str) -> str:
        """Return the name, or ``other``."""
        if name in self._known:
            return name
        if len(self._known) >= self.most:
            return OTHER
        self._known.add(name)
        return name
