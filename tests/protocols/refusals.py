"""Asserting that a request is refused, and how."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from agd.conversation import Prompt
from agd.errors import BadRequest

Reader = Callable[[Mapping[str, Any]], Prompt]


def refusal_of(read: Callable[[], object]) -> BadRequest:
    """Return the error that a reading ends with; fails when it succeeds."""
    try:
        read()
    except BadRequest as error:
        assert error.status == 400
        assert error.message
        return error
    raise AssertionError("was read, but should have been refused")
