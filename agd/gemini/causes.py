"""What a failed attempt was about, as far as the provider's own words and names tell.

The words are those that have been seen (Developer API, Vertex AI, Code Assist, August 2026); names of reasons are
``google.api.ErrorReason`` and those of Code Assist.
"""

from __future__ import annotations

import re
from enum import StrEnum

from agd.errors import Cause, FailureKind, UpstreamFailure

KEY_INVALID = "API_KEY_INVALID"
"""The ``ErrorInfo.reason`` of a key that is wrong, deleted or expired; it comes with status 400."""

_TOO_LONG = re.compile(
    r"""token\ count\b.{0,80}?\b(?:exceeds|only\ supports\ up\ to|is\ greater\ than\ the\ max)
      | exceeds?\ the\ max(?:imum)?\ (?:allowed\ )?(?:number\ of\ )?(?:input\ )?tokens?\b
      | (?:prompt|input|context|request)\ is\ too\ long
      | exceeds?\b.{0,60}\bcontext\ (?:length|window|limit|size)
      | longer\ than\ the\ model'?s?\b.{0,20}\bcontext
      | maximum\ context\ (?:length|window)\b
      | input\ tokens?\ exceeds?\b""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
_SIGNATURE = re.compile(r"\bthought[ _]?signature", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\w.,])\d{1,3}(?:,\d{3})+(?![\w,])|(?<![\w.,])\d{4,}(?![\w,])")
_UNKNOWN_FIELD = re.compile(r"\bunknown name\b", re.IGNORECASE)
_MISSING_SIGNATURE = "MISSING_THOUGHT_SIGNATURE"

_ACCOUNT_REASONS = frozenset({
    KEY_INVALID, "API_KEY_SERVICE_BLOCKED", "API_KEY_HTTP_REFERRER_BLOCKED", "API_KEY_IP_ADDRESS_BLOCKED",
    "API_KEY_ANDROID_APP_BLOCKED", "API_KEY_IOS_APP_BLOCKED", "ACCESS_TOKEN_EXPIRED",
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT", "ACCESS_TOKEN_TYPE_UNSUPPORTED", "ACCOUNT_STATE_INVALID", "BILLING_DISABLED",
    "CONSUMER_INVALID", "CONSUMER_SUSPENDED", "CREDENTIALS_MISSING", "GCP_SUSPENDED", "SERVICE_DISABLED",
    "TOS_VIOLATION", "USER_BLOCKED_BY_ADMIN", "USER_PROJECT_DENIED", "VALIDATION_REQUIRED",
})  # fmt: skip
_ACCOUNT_WORDS = re.compile(
    r"reported as leaked|has been suspended|violat\w+ (?:of )?.{0,40}terms of service|requires billing"
    r"|billing (?:is |has been )?(?:not enabled|disabled)|has not been used in project|project has been denied access",
    re.IGNORECASE,
)

_BILLING_WORDS = re.compile(r"billing|payment|free tier is not available", re.IGNORECASE)
_REGION_WORDS = re.compile(
    r"location is not supported|not available in your (?:country|region|location)", re.IGNORECASE
)
_MISSING_WORDS = re.compile(r"model|requested entity was not found", re.IGNORECASE)
"""Code Assist names no model where it has none; what else it could mean a second account tells."""
_EXPIRED_WORDS = re.compile(r"\bkey (?:has )?expired\b", re.IGNORECASE)
_LEAKED_WORDS = re.compile(r"reported as leaked", re.IGNORECASE)
_SERVICE_WORDS = re.compile(r"has not been used in project", re.IGNORECASE)
_CAPACITY_WORDS = re.compile(r"\bno capacity\b|\boverloaded\b", re.IGNORECASE)

_OF_REASON = {
    "SERVICE_DISABLED": Cause.SERVICE_DISABLED,
    "BILLING_DISABLED": Cause.BILLING,
    "VALIDATION_REQUIRED": Cause.VALIDATION,
    "CREDENTIALS_MISSING": Cause.UNAUTHENTICATED,
    **dict.fromkeys(
        ("API_KEY_SERVICE_BLOCKED", "API_KEY_HTTP_REFERRER_BLOCKED", "API_KEY_IP_ADDRESS_BLOCKED",
         "API_KEY_ANDROID_APP_BLOCKED", "API_KEY_IOS_APP_BLOCKED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
        Cause.KEY_RESTRICTED,
    ),
}  # fmt: skip
_SPENT_WORDS = re.compile(r"credits? (?:are|is|have been) depleted|\bspend(?:ing)? (?:cap|limit)\b", re.IGNORECASE)
_FILE_WORDS = re.compile(r"\bthe File \S+ (?:or it may not exist|is not in an ACTIVE state)")
"""A file that the request names is another account's, or not ready: the request's fault, whoever is asked."""
_CAPACITY_REASON = "MODEL_CAPACITY_EXHAUSTED"
_CANCELLED = frozenset({408, 499, 504})
_UNIMPLEMENTED = 501
_OVERLOADED = frozenset({502, 503, 529, *range(520, 525)})

_DAY = re.compile(r"per[-_ ]?day|\bdaily\b", re.IGNORECASE)
_MINUTE = re.compile(r"per[-_ ]?(?:minute|second|hour)", re.IGNORECASE)


class QuotaKind(StrEnum):
    """Which quota a 429 is about (G33)."""

    MINUTE = "minute"
    """A rate: it is over in a minute or so."""
    DAY = "day"
    """A budget: it is over when the day is, or when the provider says."""
    UNTOLD = "untold"
    """No quota is named: the provider is short of capacity, or the request itself is too much (G35)."""


def quota_kind(failure: UpstreamFailure) -> QuotaKind | None:
    """Return which quota a failure is about, None when it is no 429. A day's quota wins where both are used up."""
    if failure.status != 429:
        return None
    told = " ".join(failure.quota_ids) or failure.message
    if failure.reason == "QUOTA_EXHAUSTED" or _DAY.search(told):
        return QuotaKind.DAY
    if failure.reason == "RATE_LIMIT_EXCEEDED" or _MINUTE.search(told) or failure.quota_ids:
        return QuotaKind.MINUTE
    return QuotaKind.UNTOLD


def context_exceeded(failure: UpstreamFailure) -> bool:
    """Tell whether the prompt has more tokens than the model takes."""
    return failure.status in {400, 413} and _TOO_LONG.search(failure.message) is not None


def fitting_share(message: str) -> float:
    """Return which share of a prompt that is too long would fit, going by the provider's words for it.

    It tells how many tokens there were and how many it takes; a tenth is kept free, because tokens are not spread
    evenly over a prompt. Half is returned where it tells no such numbers.
    """
    numbers = [int(number.replace(",", "")) for number in _NUMBER.findall(message)]
    most, found = min(numbers, default=0), max(numbers, default=0)
    return 0.9 * most / found if 0 < most < found else 0.5


def signature_refused(failure: UpstreamFailure) -> bool:
    """Tell whether the provider refused a thought signature, or missed one (C10).

    The same request with bypass values in place of signatures may pass; the account is not to blame.
    """
    if failure.reason == _MISSING_SIGNATURE:
        return True
    told = failure.status == 400 and _SIGNATURE.search(failure.message) is not None
    return told and _UNKNOWN_FIELD.search(failure.message) is None


def account_refused(failure: UpstreamFailure) -> bool:
    """Tell whether the account as a whole was refused: its key, its project, its billing, not one model (G30)."""
    if failure.status == 401 or failure.reason == KEY_INVALID:
        return True
    return failure.status == 403 and (
        failure.reason in _ACCOUNT_REASONS or _ACCOUNT_WORDS.search(failure.message) is not None
    )


def cause_of(failure: UpstreamFailure) -> Cause:
    """Return what a failure is about: the one place where status, names and words of the provider are weighed."""
    if failure.own and failure.kind is not FailureKind.STATUS:
        return Cause.OWN_WAY
    match failure.kind:
        case FailureKind.CONNECT:
            return Cause.UNREACHABLE
        case FailureKind.TIMEOUT:
            return Cause.TIMEOUT
        case FailureKind.STATUS if failure.status is not None:
            return _of_status(failure.status, failure)
        case FailureKind.STATUS:
            return Cause.REQUEST
        case _:
            return Cause.BROKEN


def _of_status(status: int, failure: UpstreamFailure) -> Cause:
    if status == 429 and _SPENT_WORDS.search(failure.message):
        return Cause.BILLING
    if status == 429:
        return _of_quota(failure)
    if status == 401 or failure.reason == KEY_INVALID:
        return _of_credential(status, failure)
    if status in {400, 403} and _FILE_WORDS.search(failure.message):
        return Cause.REQUEST
    if failure.grpc == "FAILED_PRECONDITION":
        return _of_precondition(failure)
    if status == 403:
        return _of_refusal(failure)
    if status == 404 and _MISSING_WORDS.search(failure.message):
        return Cause.MODEL_MISSING
    if status in _CANCELLED:
        return Cause.TIMEOUT
    if status in _OVERLOADED:
        return Cause.OVERLOADED
    if status == _UNIMPLEMENTED:
        return Cause.UNIMPLEMENTED
    # A good status that the provider never answers with, or a redirect, comes from something in between.
    return Cause.SERVER if status < 400 or status >= 500 else Cause.REQUEST


def _of_quota(failure: UpstreamFailure) -> Cause:
    kind = quota_kind(failure)
    if failure.reason == _CAPACITY_REASON or (kind is QuotaKind.UNTOLD and _CAPACITY_WORDS.search(failure.message)):
        return Cause.OVERLOADED
    if kind is QuotaKind.DAY:
        return Cause.DAY_QUOTA
    return Cause.MINUTE_QUOTA if kind is QuotaKind.MINUTE else Cause.UNTOLD_QUOTA


def _of_credential(status: int, failure: UpstreamFailure) -> Cause:
    if failure.reason == KEY_INVALID and status in {400, 401}:
        return Cause.KEY_EXPIRED if _EXPIRED_WORDS.search(failure.message) else Cause.KEY_INVALID
    return Cause.UNAUTHENTICATED if status == 401 else Cause.FORBIDDEN


def _of_precondition(failure: UpstreamFailure) -> Cause:
    if _BILLING_WORDS.search(failure.message):
        return Cause.BILLING  # also where the place is what makes it necessary: "enable billing"
    return Cause.REGION if _REGION_WORDS.search(failure.message) else Cause.PRECONDITION


def _of_refusal(failure: UpstreamFailure) -> Cause:
    if _LEAKED_WORDS.search(failure.message):
        return Cause.KEY_LEAKED
    if failure.reason in _OF_REASON:
        return _OF_REASON[failure.reason]
    if not account_refused(failure):
        return Cause.FORBIDDEN
    if _SERVICE_WORDS.search(failure.message):
        return Cause.SERVICE_DISABLED
    return Cause.BILLING if _BILLING_WORDS.search(failure.message) else Cause.SUSPENDED
