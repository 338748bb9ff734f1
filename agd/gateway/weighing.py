"""What a failure means for the request that met it, beyond what it means for the account. Pure."""

from __future__ import annotations

from attrs import evolve

from agd.accounts.verdict import Blame, Phase, Scope, Verdict, judge
from agd.errors import Cause, FailureKind, UpstreamFailure
from agd.gemini.causes import cause_of

ALONE = 60.0
"""Seconds without another lease after which a used up quota of tokens can only be this request's doing (G35)."""

PASSING = frozenset({Cause.SERVER, Cause.OVERLOADED, Cause.UNREACHABLE, Cause.BROKEN})
"""Troubles that are soon told and soon over: the same account may be asked again. What came too late is not of them."""


def weigh(failure: UpstreamFailure, wall: float, phase: Phase = Phase.OPENING, idle: float = 0.0) -> Verdict:
    """Judge a failure; ``wall`` is now in unix seconds, ``idle`` for how long nobody else had asked the account.

    A quota of tokens that nobody else can have used up may be too small for the request: a second account decides.
    """
    verdict = judge(failure, cause_of(failure), wall, phase)
    if verdict.cause is Cause.MINUTE_QUOTA and verdict.rotate and idle > ALONE and _of_tokens(failure):
        return evolve(verdict, contestable=True)
    return verdict


def of_count(verdict: Verdict) -> Verdict:
    """Weigh a failed count of tokens: its quota is not that of answers, so nobody rests for it; others are asked."""
    if verdict.blame is not Blame.COOL or verdict.scope is not Scope.MODEL:
        return verdict
    return evolve(verdict, blame=Blame.NOBODY, scope=Scope.REQUEST, seconds=0.0, contestable=False)


def is_out(verdict: Verdict) -> bool:
    """Tell whether the account alone was the cause and is out for long: that was no attempt at the request."""
    return verdict.blame is Blame.DISABLE or verdict.cause is Cause.DAY_QUOTA


def is_models(failure: UpstreamFailure) -> bool:
    """Tell whether the model itself ended an answer without any use in it, and said how (F05)."""
    return failure.kind is FailureKind.MALFORMED and failure.reason != ""


def _of_tokens(failure: UpstreamFailure) -> bool:
    """Tell whether the quotas that were used up all count tokens: one request alone may be more than they allow."""
    return bool(failure.quota_ids) and all("token" in quota.lower() for quota in failure.quota_ids)
