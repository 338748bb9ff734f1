"""What can be asked: routes, the questions they get, and the answers they give."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Literal, Protocol

from attrs import field, frozen

from agd.errors import BadRequest, GatewayError, StoreError


@frozen
class Question:
    """A request: the query's parameters (of several of one name the last) and the JSON object of its body."""

    query: Mapping[str, str] = field(factory=dict)
    body: Mapping[str, Any] = field(factory=dict)

    def text(self, key: str) -> str:
        """Return a text that must be given, in the body or in the query. Raises ``BadRequest``."""
        found = self.maybe(key)
        if not found:
            raise BadRequest(f"{key} is missing", key)
        return found

    def maybe(self, key: str) -> str | None:
        """Return a text that may be given, None where it is not. Raises ``BadRequest`` for anything but text."""
        found = self.body.get(key, self.query.get(key))
        if found is not None and not isinstance(found, str):
            raise BadRequest(f"{key} must be a string", key)
        return found


@frozen
class Plain:
    """An answer that is not JSON."""

    body: bytes
    content_type: str = "text/plain; charset=utf-8"


Answer = Callable[[Question], Awaitable[object] | object]
"""Answers with a value that JSON can carry, or a ``Plain``. May raise ``GatewayError``; is cancelled when the asker
leaves."""


@frozen
class Route:
    """One thing that can be asked. Names (of accounts, models, keys) stand in the question, not in the path."""

    method: Literal["GET", "POST"]
    path: str
    answer: Answer


class Part(Protocol):
    """What one room has to offer."""

    def routes(self) -> Iterable[Route]:
        """Return the routes; no two parts may have the same."""


def not_on_disk(what: str, error: StoreError) -> GatewayError:
    """Make the error of something that was done, and that a restart may undo."""
    return GatewayError(503, f"{what} is not on disk: {error}", type="server_error", code="store_unavailable")
