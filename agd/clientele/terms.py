"""What a key is to be good for, as a JSON object says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agd.allowance import ALLOWED_BUDGETS, Allowance, Budget, read_budgets
from agd.errors import BadRequest

MOST: Mapping[str, int] = {"rpm": 100_000, "tpm": 10**12, "concurrency": 10**6}
"""The largest limits. Each request of the last minute is remembered, so ``rpm`` costs memory."""

LATEST = 253_402_300_799
"""The last second of the year 9999 (UTC): later moments have no date."""


def read_allowance(body: Mapping[str, Any]) -> Allowance:
    """Read ``expires`` (unix seconds), ``models``, ``rpm``, ``tpm``, ``concurrency``, ``budget``; all may be absent.

    Raises ``BadRequest``.
    """
    limits = {name: _limit(body, name) for name in MOST}
    return Allowance(_expires(body), _models(body), budgets=_budgets(body), **limits)


def _limit(body: Mapping[str, Any], name: str) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST[name]:
        raise BadRequest(f"{name} must be a whole number from 1 to {MOST[name]}", name)
    return value


def _expires(body: Mapping[str, Any]) -> float | None:
    value = body.get("expires")
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= LATEST:
        raise BadRequest("expires must be a moment in unix seconds, before the year 10000", "expires")
    return float(value)


def _models(body: Mapping[str, Any]) -> tuple[str, ...]:
    value = body.get("models") or []
    if not isinstance(value, list) or not all(isinstance(each, str) and each.strip() for each in value):
        raise BadRequest("models must be an array of names and patterns", "models")
    return tuple(value)


def _budgets(body: Mapping[str, Any]) -> tuple[Budget, ...]:
    value = body.get("budget")
    if value is None:
        return ()
    try:
        return read_budgets(value if isinstance(value, str) else "")
    except ValueError:
        raise BadRequest(f"budget must be {ALLOWED_BUDGETS}", "budget") from None
