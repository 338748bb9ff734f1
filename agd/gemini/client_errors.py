"""What a client is told when the last upstream attempt has failed.

The client must never mistake the gateway's trouble with its own credentials for trouble with the client's key, so
nothing here is a 401, and a refused upstream account is a 503.
"""

from __future__ import annotations

from agd.errors import Cause, FailureKind, GatewayError, UpstreamFailure
from agd.gemini.causes import QuotaKind, account_refused, cause_of, context_exceeded, quota_kind

_FINAL = (("X-Should-Retry", "false"),)
"""Asking again is of no use; OpenAI's clients obey it (G38)."""

_OF_KIND = {
    FailureKind.CONNECT: (502, "upstream_unreachable"),
    FailureKind.TIMEOUT: (504, "upstream_timeout"),
    FailureKind.EMPTY: (502, "upstream_empty_response"),
    FailureKind.CUT: (502, "upstream_stream_interrupted"),
    FailureKind.MALFORMED: (502, "upstream_malformed_response"),
}

_OVERLOADED = (503, "upstream_overloaded")
_TIMEOUT = (504, "upstream_timeout")
_OF_STATUS = dict.fromkeys((408, 499, 504), _TIMEOUT)


def client_error(failure: UpstreamFailure) -> GatewayError:
    """Return the error, in OpenAI's terms, that tells ``failure`` to a client; ``retry_after`` is kept."""
    if failure.kind is not FailureKind.STATUS:
        return _server_error(*_OF_KIND[failure.kind], failure)
    status = failure.status or 500
    if account_refused(failure):
        return _unavailable("upstream_auth_error", "The provider refused the gateway's credentials.", failure)
    if cause_of(failure) is Cause.OVERLOADED:
        return _server_error(*_OVERLOADED, failure)  # also a 429 that speaks of capacity: it is nobody's quota
    if status == 429:
        return _rate_limited(failure)
    if status in _OF_STATUS:
        return _server_error(*_OF_STATUS[status], failure)
    if 400 <= status < 500:
        return _refused(status, failure)
    if status == 501:
        return _final(501, failure.message, type="server_error", code="upstream_unimplemented")
    return _server_error(502, "upstream_error", failure)


def _refused(status: int, failure: UpstreamFailure) -> GatewayError:
    """Return the errors for which the request itself is the cause, and the one that only looks so."""
    if failure.grpc == "FAILED_PRECONDITION":
        return _unavailable("upstream_precondition_failed", failure.message, failure)
    if context_exceeded(failure):
        return _final(400, failure.message, code="context_length_exceeded", param="messages")
    if status == 403:
        return _final(403, failure.message, type="permission_error", code="permission_denied")
    if status == 404:
        return _final(404, failure.message, code="model_not_found", param="model")
    if status == 413:
        return _final(413, failure.message, code="request_too_large")
    return _final(400, failure.message)


def _rate_limited(failure: UpstreamFailure) -> GatewayError:
    daily = quota_kind(failure) is QuotaKind.DAY
    return GatewayError(
        429,
        failure.message,
        type="insufficient_quota" if daily else "requests",
        code="insufficient_quota" if daily else "rate_limit_exceeded",
        retry_after=failure.retry_after,
    )


def _final(
    status: int,
    message: str,
    *,
    type: str = "invalid_request_error",
    code: str | None = None,
    param: str | None = None,
) -> GatewayError:
    return GatewayError(status, message, type=type, code=code, param=param, headers=_FINAL)


def _unavailable(code: str, message: str, failure: UpstreamFailure) -> GatewayError:
    return GatewayError(503, message, type="server_error", code=code, retry_after=failure.retry_after)


def _server_error(status: int, code: str, failure: UpstreamFailure) -> GatewayError:
    return GatewayError(status, failure.message, type="server_error", code=code, retry_after=failure.retry_after)
