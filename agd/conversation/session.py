"""What a client says of the conversation that a request belongs to: ``KIND:VALUE``, as ``Prompt.session`` has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CHAIN = "chain"
"""The first of a chain of Responses: its id."""
KEY = "key"
"""``prompt_cache_key``."""
HEADER = "header"
"""``session-id`` or ``x-session-id``."""
USER = "user"

KINDS = (CHAIN, KEY, HEADER, USER)
"""The weightiest first."""


def said(kind: str, value: object) -> str | None:
    """Return what is said, None when that is nothing."""
    return f"{kind}:{value}" if isinstance(value, str) and value else None


def session_of(body: Mapping[str, Any]) -> str | None:
    """Return what the fields of a request say, which all of OpenAI's protocols share."""
    return said(KEY, body.get("prompt_cache_key")) or said(USER, body.get("user"))


def weightier(first: str | None, second: str | None) -> str | None:
    """Of two things that are said of one request, return the one that tells its conversation more closely."""
    if first is None or second is None:
        return first or second
    return min(first, second, key=_weight)


def _weight(session: str) -> int:
    return KINDS.index(session.partition(":")[0])
