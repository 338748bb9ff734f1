"""What a client is told when nobody was asked for its request, and when it is worth asking again. Pure."""

from __future__ import annotations

from math import ceil

from agd.accounts.pool import Pool
from agd.accounts.search import Exhausted
from agd.errors import GatewayError

SOON = 1.0
"""Seconds told in Retry-After when an account is free that this request did not come to, or will be shortly."""
LATER = 30.0
"""Seconds told in Retry-After when nothing says how long: nobody is on hold, yet everybody failed."""


def resting(model: str, exhausted: Exhausted, cause: GatewayError) -> GatewayError:
    """Say that everybody rests, and until when (G36).

    Used up quotas are told as OpenAI would tell its own, so that clients wait; anything else is the gateway's state
    and has a code of its own. ``cause`` is what the account that is back first was told.
    """
    wait = None if exhausted.retry_after is None else float(max(1, ceil(exhausted.retry_after)))
    words = f"No account can be asked for {model} now{_until(wait)}: {cause.message}"
    if cause.status == 429:
        return GatewayError(429, words, type=cause.type, code=cause.code, retry_after=wait or cause.retry_after)
    if wait is None and not exhausted.is_busy:
        return cause  # nobody comes back by itself: the credentials are refused
    return GatewayError(503, words, type="server_error", code="accounts_resting", retry_after=wait or SOON)


def nobody(pool: Pool, model: str, exhausted: Exhausted) -> GatewayError:
    """Say that nobody is there, or that everybody is busy."""
    if not exhausted.is_served:
        message = f"No account of the pool may be asked for {model}: see their 'models'."
        return GatewayError(404, message, code="model_not_found", param="model")
    if exhausted.is_busy:
        message = f"All accounts that may be asked for {model} are busy; try again shortly."
        return GatewayError(503, message, type="server_error", code="accounts_busy", retry_after=SOON)
    reason = pool.unready() or "no account can serve this model now"
    return GatewayError(503, reason, type="server_error", code="no_usable_account")


def with_wait(error: GatewayError, pool: Pool, model: str, now: float) -> GatewayError:
    """Tell the client when it is worth asking again: as soon as some account may serve the model."""
    if error.status >= 500 or error.status == 429:
        wait = pool.wait(model, now)
        if wait == 0 and error.status == 429 and error.retry_after:
            error.retry_after = SOON  # that delay is one account's, and another is free
        else:
            error.retry_after = float(ceil(wait)) if wait else error.retry_after or LATER
    return error


def _until(wait: float | None) -> str:
    return "" if wait is None else f", the first again in {wait:.0f} s"
