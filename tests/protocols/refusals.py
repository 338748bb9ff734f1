"""Asserting that a request is refused, and how."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec

from agd.errors import BadRequest

_P = ParamSpec("_P")


def refusal_of(read: Callable[_P, object], *args: _P.args, **kwargs: _P.kwargs) -> BadRequest:
    """Return the error that a reading ends with; fails when it succeeds."""
    try:
        read(*args, **kwargs)
    except BadRequest as error:
        assert error.status == 400
        assert error.message
        return error
    raise AssertionError("was read, but should have been refused")
