"""What is told of a key to whoever runs agd: never the key, nor its digest."""

from __future__ import annotations

from typing import Any

from agd.allowance import Allowance
from agd.keys.key import owner_of
from agd.keys.turnstile import Turnstile


def described(
    name: str | None, allowance: Allowance, turnstile: Turnstile, now: float, *, source: str, status: str
) -> dict[str, Any]:
    """Return a JSON object; times in unix seconds, null for what is not limited."""
    owner = "" if name is None else owner_of(name)
    return {
        "name": "default" if name is None else name,
        "source": source,
        "status": status,
        "created": None,
        "expires": allowance.expires,
        "revoked": None,
        "models": list(allowance.models),
        "rpm": allowance.rpm,
        "tpm": allowance.tpm,
        "concurrency": allowance.concurrency,
        "running": turnstile.running(owner),
        "budgets": [
            {"period": budget.period, "tokens": budget.tokens, "spent": turnstile.spent_of(owner, budget, now)}
            for budget in allowance.budgets
        ],
    }
