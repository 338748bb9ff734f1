"""Reading the provider's errors: ``google.rpc.Status`` as JSON (AIP-193), or whatever a proxy put in its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from agd.encoding import InvalidJSON, decode
from agd.errors import FailureKind, UpstreamFailure
from agd.gemini.durations import duration_within, parse_duration
from agd.gemini.messages import clean_message

_HTTP_OF_GRPC = {
    "CANCELLED": 499, "UNKNOWN": 500, "INVALID_ARGUMENT": 400, "DEADLINE_EXCEEDED": 504, "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409, "PERMISSION_DENIED": 403, "RESOURCE_EXHAUSTED": 429, "FAILED_PRECONDITION": 400,
    "ABORTED": 409, "OUT_OF_RANGE": 400, "UNIMPLEMENTED": 501, "INTERNAL": 500, "UNAVAILABLE": 503,
    "DATA_LOSS": 500, "UNAUTHENTICATED": 401,
}  # fmt: skip


def read_failure(status: int, body: bytes, retry_after: str | None = None, now: float | None = None) -> UpstreamFailure:
    """Read an answer whose HTTP status is an error. Never raises, whatever the body holds.

    ``retry_after`` is the header's value, seconds or a date; ``now``, in seconds since the epoch, makes dates readable.
    """
    try:
        document = decode(body)
    except InvalidJSON:
        return _failure(status, {"message": body.decode("utf-8", "replace")}, retry_after, now)
    return _failure(status, _error_of(document) or {}, retry_after, now)


def failure_within(document: Mapping[str, Any], now: float | None = None) -> UpstreamFailure | None:
    """Return the failure that a payload of a 200 answer tells, or None when it holds no ``error``."""
    if document.get("error") is None:
        return None
    error = _error_of(document) or {}
    code = error.get("code")
    if not isinstance(code, int) or not 400 <= code <= 599:
        code = _HTTP_OF_GRPC.get(str(error.get("status")), 500)
    return _failure(code, error, None, now)


def _error_of(document: Any) -> Mapping[str, Any] | None:
    """Find the error object: inside an object, inside the first element of a list, or (OAuth) as two plain texts."""
    if isinstance(document, list) and document:
        return _error_of(document[0])
    if not isinstance(document, dict):
        return None
    error = document.get("error")
    if isinstance(error, str):
        return {"message": document.get("error_description") or error, "reason": error}
    return error if isinstance(error, dict) else document


def _failure(status: int, error: Mapping[str, Any], retry_after: str | None, now: float | None) -> UpstreamFailure:
    message = error.get("message")
    words = clean_message(message) if isinstance(message, str) else ""
    details = [detail for detail in _list(error.get("details")) if isinstance(detail, dict)]
    return UpstreamFailure(
        FailureKind.STATUS,
        words or f"the provider answered {status} without a readable message",
        status=status,
        grpc=_text(error.get("status")),
        reason=_reason(error, details),
        retry_after=_delay(details, retry_after, words, now),
        quota_ids=tuple(_quota_ids(details)),
    )


def _reason(error: Mapping[str, Any], details: list[dict[str, Any]]) -> str:
    """Return what ErrorInfo says. Sentences are not read for it: they can repeat what a client wrote."""
    for detail in _of_type(details, "ErrorInfo"):
        if reason := _text(detail.get("reason")):
            return reason
    return _text(error.get("reason"))


def _delay(details: list[dict[str, Any]], retry_after: str | None, words: str, now: float | None) -> float | None:
    """Return the first delay told, in order of precision: details, header, then the sentence meant for people."""
    candidates: list[object] = [detail.get("retryDelay") for detail in _of_type(details, "RetryInfo")]
    for detail in _of_type(details, "ErrorInfo"):
        metadata = detail.get("metadata")
        if isinstance(metadata, dict):
            candidates += [metadata.get("quotaResetDelay"), metadata.get("quotaResetTimeStamp")]
    delays = (parse_duration(candidate, now) for candidate in [*candidates, retry_after])
    return next((delay for delay in delays if delay is not None), duration_within(words))


def _quota_ids(details: list[dict[str, Any]]) -> Iterator[str]:
    for detail in _of_type(details, "QuotaFailure"):
        for violation in _list(detail.get("violations")):
            if isinstance(violation, dict) and (quota := _text(violation.get("quotaId"))):
                yield quota


def _of_type(details: list[dict[str, Any]], name: str) -> Iterator[dict[str, Any]]:
    return (detail for detail in details if _text(detail.get("@type")).endswith(f"google.rpc.{name}"))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
