"""What a failure means: whose fault it is, for how long, and whether another account should be tried.

The rule behind the table: an account is blamed only for what is the account's. A fault of the request, of the
network or of the provider's machines blames nobody; what fails on a way that only the account goes, its proxy or its
token endpoint, is the account's. Where one answer alone cannot tell the account's fault from the
request's, the verdict is *contestable*: a second account that answers the same shows that it is the request, and
nobody is blamed (PITFALLS G30, G33, G35).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, StrEnum
from types import MappingProxyType

from attrs import evolve, frozen

from agd.accounts.pacific import until_midnight
from agd.errors import Cause, UpstreamFailure

UNTOLD_COOLDOWN = 5.0
"""Seconds of the first rest after a 429 that does not say how long; doubled each time in a row."""
MINUTE = 60.0
"""Seconds in which a quota by the minute is over, whatever the provider forgot to say."""
MOST_UNTOLD = 300.0
"""Seconds of the longest rest that nobody told."""
LONGEST = 8 * 24 * 3600.0
"""Seconds; a longer rest is taken for this (G34)."""
SHORTEST = 1.0
BLOCK = 60.0
"""Seconds of the first block; doubled each time a trial fails, up to MAX_BLOCK."""
MAX_BLOCK = 3600.0
DETOUR = 60.0
"""Seconds of the longest rest of an account whose own way fails: one that works again costs nobody more than that."""
LONG_BLOCK = 900.0
"""Seconds of the first block for what only a person can put right."""


class Blame(Enum):
    """What is taken from an account after a failure."""

    NOBODY = "nobody"
    COOL = "cool"
    """Rest for the seconds of the verdict."""
    BLOCK = "block"
    """Out until a trial succeeds; a trial is made after a growing while."""
    DISABLE = "disable"
    """The credential is not valid; the account is out until the configuration is read again."""


class Scope(StrEnum):
    """What a failure is about."""

    REQUEST = "request"
    MODEL = "model"
    """One model of the account. Quotas are the project's: its other accounts share the rest."""
    ACCOUNT = "account"
    PROJECT = "project"
    """Every account of the project, for every model."""
    UPSTREAM = "upstream"
    """The provider's machines, or the way there: the circuit breaker's affair."""


class Phase(StrEnum):
    """How far an attempt had come when it failed."""

    OPENING = "opening"
    """Nothing has been given to the client: another account may be asked."""
    STREAMING = "streaming"
    """The answer had begun: the account may be blamed, but nobody else is asked."""


@frozen
class Verdict:
    """What follows from one failed attempt.

    ``seconds`` goes with ``COOL`` and ``BLOCK``; where ``most`` is not 0 the provider did not tell them, and each
    further time in a row doubles them up to that. ``hint`` is what an operator can do about it, empty: nothing.
    """

    rotate: bool
    blame: Blame = Blame.NOBODY
    seconds: float = 0.0
    contestable: bool = False
    scope: Scope = Scope.REQUEST
    most: float = 0.0
    cause: Cause = Cause.REQUEST
    reason: str = ""
    hint: str = ""


def judge(failure: UpstreamFailure, cause: Cause, wall: float, phase: Phase = Phase.OPENING) -> Verdict:
    """Decide what one failed attempt means for its account and for the request.

    ``cause`` is what the failure was found to be about; ``wall`` is the time in unix seconds, as the end of the
    provider's day is a time of the calendar.
    """
    verdict = ruling(cause)
    if verdict.blame is Blame.COOL:
        verdict = _with_time(verdict, failure, wall)
    if phase is Phase.STREAMING:
        return evolve(verdict, rotate=False, contestable=False)
    return verdict


def ruling(cause: Cause) -> Verdict:
    """Return what is always done about a cause; times that the provider tells come on top."""
    return evolve(_TABLE[cause], cause=cause)


def fingerprint(failure: UpstreamFailure) -> tuple[int | None, str, str]:
    """What makes two failures the same for the question whether the request is at fault."""
    return failure.status, failure.grpc, failure.reason


def _with_time(verdict: Verdict, failure: UpstreamFailure, wall: float) -> Verdict:
    """Set how long a rest is: what the provider told, or what is known of the quota."""
    told = failure.retry_after
    # With the quota's name the provider tells the end of the running minute even when it is the day that is used up;
    # with a reason alone, as Code Assist's QUOTA_EXHAUSTED, whose quotas end at any hour, it tells the quota's own end.
    tells_end = bool(failure.reason) and not failure.quota_ids
    if verdict.cause is Cause.DAY_QUOTA and (told is None or (told < MAX_BLOCK and not tells_end)):
        return evolve(verdict, seconds=max(until_midnight(wall), told or 0.0), most=0.0)
    if told is None:
        return verdict
    return evolve(verdict, seconds=min(max(told, SHORTEST), LONGEST), most=0.0, contestable=False)


def _nobody(scope: Scope, reason: str, hint: str = "") -> Verdict:
    return Verdict(rotate=True, scope=scope, reason=reason, hint=hint)


def _block(scope: Scope, reason: str, hint: str, *, seconds: float = LONG_BLOCK, contestable: bool = False) -> Verdict:
    return Verdict(True, Blame.BLOCK, seconds, contestable, scope, MAX_BLOCK, reason=reason, hint=hint)


def _disable(reason: str, hint: str) -> Verdict:
    return Verdict(True, Blame.DISABLE, scope=Scope.ACCOUNT, reason=reason, hint=hint)


def _cool(reason: str, most: float, *, contestable: bool = False) -> Verdict:
    return Verdict(True, Blame.COOL, UNTOLD_COOLDOWN, contestable, Scope.MODEL, most, reason=reason)


_NEW_KEY = "put a new key in its place, then reload (SIGHUP)"

_TABLE: Mapping[Cause, Verdict] = MappingProxyType({
    Cause.REQUEST: Verdict(rotate=False, reason="the request cannot be carried out as it is"),
    Cause.UNIMPLEMENTED: Verdict(rotate=False, reason="the provider does not offer this operation"),
    Cause.KEY_INVALID: _disable("the key is not valid", _NEW_KEY),
    Cause.KEY_EXPIRED: _disable("the key has expired", _NEW_KEY),
    Cause.KEY_LEAKED: _disable("the provider has shut the key off: it was found in public", _NEW_KEY),
    Cause.UNAUTHENTICATED: _disable("the credential was not accepted", "check the account's credential, then reload"),
    Cause.SUSPENDED: _disable(
        "the account or its project is suspended", "see the provider's console and mail; reload when it is lifted"
    ),
    Cause.KEY_RESTRICTED: _block(
        Scope.ACCOUNT, "the key may not be used from here", "allow this address and API in the key's restrictions"
    ),
    Cause.VALIDATION: _block(
        Scope.ACCOUNT, "the provider wants the account confirmed", "sign in to the account and confirm it"
    ),
    Cause.REGION: _block(
        Scope.ACCOUNT, "the provider does not serve this region", "give the account a way out in a region it serves"
    ),
    Cause.BILLING: _block(
        Scope.PROJECT, "the project's billing is off or in trouble", "see the project's billing in the console"
    ),
    Cause.SERVICE_DISABLED: _block(
        Scope.PROJECT, "the project has not switched the API on", "enable the API for the project in the console"
    ),
    Cause.PRECONDITION: _block(
        Scope.MODEL, "the account is not in a state for this", "see the provider's words", seconds=BLOCK,
        contestable=True,
    ),
    Cause.FORBIDDEN: _block(
        Scope.MODEL, "the account may not use this model", "see the account's permissions", seconds=BLOCK,
        contestable=True,
    ),
    Cause.MODEL_MISSING: _block(
        Scope.MODEL, "the account does not have this model", "leave the model out of the account's models",
        seconds=BLOCK, contestable=True,
    ),
    Cause.MINUTE_QUOTA: _cool("the quota of the minute is used up", MINUTE),
    Cause.DAY_QUOTA: _cool("the quota of the day is used up", 0.0),
    Cause.UNTOLD_QUOTA: _cool("a limit was met that is not named", MOST_UNTOLD, contestable=True),
    Cause.OVERLOADED: _nobody(Scope.UPSTREAM, "the provider is short of capacity for the model"),
    Cause.SERVER: _nobody(Scope.UPSTREAM, "the provider's machines had a fault"),
    Cause.TIMEOUT: _nobody(Scope.UPSTREAM, "the provider did not answer in time"),
    Cause.UNREACHABLE: _nobody(Scope.UPSTREAM, "the provider could not be reached", "check the way out"),
    Cause.OWN_WAY: Verdict(
        True, Blame.COOL, UNTOLD_COOLDOWN, False, Scope.ACCOUNT, DETOUR,
        reason="the account's own proxy, certificates or token endpoint failed",
        hint="see whether the account's proxy and token_url can be reached",
    ),
    Cause.BROKEN: _nobody(Scope.REQUEST, "the answer was empty, cut or garbled"),
})  # fmt: skip
