"""What a failure means: whose fault it is, for how long, and whether another account should be tried.

The rule behind the table: an account is blamed only for what is the account's. A fault of the request, of the
network or of the provider's machines blames nobody. Where one answer alone cannot tell the account's fault from the
request's (403, 404, a 429 that names no quota), the verdict is *contestable*: a second account that answers the same
shows that it is the request, and nobody is blamed.
"""

from __future__ import annotations

from enum import Enum

from attrs import frozen

from agd.errors import FailureKind, UpstreamFailure

UNTOLD_COOLDOWN = 5.0
"""Seconds an account rests for a model after a 429 that does not say how long."""
DAY_QUOTA_COOLDOWN = 900.0
"""Seconds between two looks at an account whose daily quota is used up and that does not say until when."""

_CANCELLED = frozenset({408, 499})
_UNIMPLEMENTED = 501


class Blame(Enum):
    """What is taken from an account after a failure."""

    NOBODY = "nobody"
    COOL = "cool"
    """The account rests for this model, for the seconds of the verdict."""
    BLOCK = "block"
    """The account does not serve this model; it is tried again after a growing while."""
    DISABLE = "disable"
    """The credential is not valid; the account is out until the configuration is read again."""


@frozen
class Verdict:
    """What follows from one failed attempt. ``seconds`` goes with ``COOL`` only."""

    rotate: bool
    blame: Blame = Blame.NOBODY
    seconds: float = 0.0
    contestable: bool = False


def judge(failure: UpstreamFailure, *, of_account: bool = False) -> Verdict:
    """Decide what one failed attempt means for its account and for the request.

    ``of_account``: the provider says that it is the account that it refuses (its project, its billing), so a second
    account that is refused in the same way does not make it the request's fault.
    """
    if failure.kind is not FailureKind.STATUS or _is_transient(failure.status):
        return Verdict(rotate=True)
    if credential_refused(failure):
        return Verdict(rotate=True, blame=Blame.DISABLE)
    if failure.status == 429:
        return _judge_quota(failure)
    if failure.status == 403 or (failure.status == 404 and "model" in failure.message.lower()):
        return Verdict(rotate=True, blame=Blame.BLOCK, contestable=not of_account)
    return Verdict(rotate=False)


def credential_refused(failure: UpstreamFailure) -> bool:
    """Tell whether the provider says that the credential itself is not valid: 401, or 400 with API_KEY_INVALID."""
    return failure.status == 401 or (failure.status == 400 and failure.reason == "API_KEY_INVALID")


def fingerprint(failure: UpstreamFailure) -> tuple[int | None, str, str]:
    """What makes two failures the same for the question whether the request is at fault."""
    return failure.status, failure.grpc, failure.reason


def _is_transient(status: int | None) -> bool:
    """Tell whether a status is the provider's own trouble, which other accounts may be spared.

    So is a good status other than 200: what the provider never answers with, something in between did.
    """
    if status is None or status in _CANCELLED:
        return status is not None
    return status < 400 or (status >= 500 and status != _UNIMPLEMENTED)


def _judge_quota(failure: UpstreamFailure) -> Verdict:
    if failure.retry_after is not None:
        return Verdict(rotate=True, blame=Blame.COOL, seconds=failure.retry_after)
    if any("PerDay" in quota for quota in failure.quota_ids):
        return Verdict(rotate=True, blame=Blame.COOL, seconds=DAY_QUOTA_COOLDOWN)
    return Verdict(rotate=True, blame=Blame.COOL, seconds=UNTOLD_COOLDOWN, contestable=not failure.quota_ids)
