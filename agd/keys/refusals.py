"""Refusals of requests that go beyond what their key allows, in OpenAI's words, types and codes.

Statuses, types, codes and headers are those of OpenAI's guide to rate limits and of its guide to error codes.
"""

from __future__ import annotations

from agd.allowance import Budget
from agd.errors import GatewayError

Headers = tuple[tuple[str, str], ...]

FINAL = ("X-Should-Retry", "false")
"""OpenAI's clients repeat a 429 unless they are told that it is of no use."""

SOON = 1.0
"""Seconds after which to try again where nobody knows when a running request will end."""


def told(seconds: float) -> str:
    """Write a length of time as OpenAI's headers have it: ``120ms``, ``1.5s``, ``6m0s``, ``26h0m0s``."""
    milliseconds = round(seconds * 1000)
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    shown = f"{rest / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{hours}h{minutes}m{shown}"
    return f"{minutes}m{shown}" if minutes else shown


def too_many_requests(limit: int, wait: float, headers: Headers) -> GatewayError:
    """Answer to one request more in a minute than there may be."""
    what = f"requests per min (RPM): Limit {limit}, Used {limit}, Requested 1"
    return _limited(what, "requests", f"Please try again in {told(wait)}.", wait, headers)


def too_many_at_once(limit: int, headers: Headers) -> GatewayError:
    """Answer to one request more at a time than there may be."""
    what = f"concurrent requests: Limit {limit}, Used {limit}, Requested 1"
    return _limited(what, "requests", "Please try again when one of them has ended.", SOON, headers)


def too_many_tokens(limit: int, used: int, wanted: int, wait: float, headers: Headers) -> GatewayError:
    """Answer to a request for whose tokens there is no room in this minute."""
    what = f"tokens per min (TPM): Limit {limit}, Used {used}, Requested {wanted}"
    return _limited(what, "tokens", f"Please try again in {told(wait)}.", wait, headers)


def too_large(limit: int, wanted: int, headers: Headers) -> GatewayError:
    """Answer to a request that alone takes more tokens than a minute has."""
    message = (
        f"Request too large for this API key on tokens per min (TPM): Limit {limit}, Requested {wanted}. The input or "
        f"the output tokens must be reduced in order to run successfully."
    )
    return GatewayError(429, message, type="tokens", code="rate_limit_exceeded", headers=(*headers, FINAL))


def used_up(budget: Budget, left: int, wanted: int, wait: float | None, headers: Headers) -> GatewayError:
    """Answer to a request that the key's budget does not cover; trying again before it is renewed is of no use."""
    whose = {"day": "today's", "month": "this month's", "total": "its"}[budget.period]
    message = (
        f"You exceeded your current quota: this API key has {max(0, left)} of {whose} {budget.tokens} tokens left, and "
        f"the request may take {wanted}."
    )
    code = "insufficient_quota"
    return GatewayError(429, message, type=code, code=code, retry_after=wait, headers=(*headers, FINAL))


def no_such_model(name: str) -> GatewayError:
    """Answer to a request for a model that the key may not ask for: whether it exists is not told."""
    message = f"The model '{name[:200]}' does not exist or you do not have access to it."
    return GatewayError(404, message, code="model_not_found", param="model")


def expired() -> GatewayError:
    """Answer to a key whose time is over."""
    return GatewayError(401, "This API key has expired.", code="invalid_api_key", headers=CHALLENGE)


def unknown() -> GatewayError:
    """Answer where a key was valid when its request came, and is not any more."""
    return GatewayError(401, "Incorrect API key provided.", code="invalid_api_key", headers=CHALLENGE)


CHALLENGE: Headers = (("WWW-Authenticate", 'Bearer realm="agd"'),)
"""RFC 9110, section 11.6.1: what goes with every 401."""


def _limited(what: str, type_: str, hint: str, wait: float, headers: Headers) -> GatewayError:
    message = f"Rate limit reached for this API key on {what}. {hint}"
    return GatewayError(429, message, type=type_, code="rate_limit_exceeded", retry_after=wait, headers=headers)
