"""What a client is told when the last upstream attempt has failed.

The client must never mistake the gateway's trouble with its own credentials for trouble with the client's key, so
nothing here is a 401, and a refused upstream key is a 503.
"""

from __future__ import annotations

import re

from agd.errors import FailureKind, GatewayError, UpstreamFailure
from agd.gemini.failures import KEY_INVALID

_TOO_LONG = re.compile(r"input token count\b.*\bexceeds", re.IGNORECASE | re.DOTALL)

_OF_KIND = {
    FailureKind.CONNECT: (502, "upstream_unreachable"),
    FailureKind.TIMEOUT: (504, "upstream_timeout"),
    FailureKind.EMPTY: (502, "upstream_empty_response"),
    FailureKind.CUT: (502, "upstream_stream_interrupted"),
    FailureKind.MALFORMED: (502, "upstream_malformed_response"),
}

_OVERLOADED = (503, "upstream_overloaded")
_TIMEOUT = (504, "upstream_timeout")
_OF_STATUS = {
    408: _TIMEOUT,
    499: _TIMEOUT,
    504: _TIMEOUT,
    501: (501, "upstream_unimplemented"),
    503: _OVERLOADED,
    529: _OVERLOADED,
    **dict.fromkeys(range(520, 525), _OVERLOADED),
}


def client_error(failure: UpstreamFailure) -> GatewayError:
    """Return the error, in OpenAI's terms, that tells ``failure`` to a client; ``retry_after`` is kept."""
    if failure.kind is not FailureKind.STATUS:
        return _server_error(*_OF_KIND[failure.kind], failure)
    status = failure.status or 502
    if status == 401 or failure.reason == KEY_INVALID:
        return _unavailable("upstream_auth_error", "The provider refused the gateway's credentials.", failure)
    if status == 429:
        return _rate_limited(failure)
    if status in _OF_STATUS:
        return _server_error(*_OF_STATUS[status], failure)
    if 400 <= status < 500:
        return _refused(status, failure)
    return _server_error(502, "upstream_error", failure)


def _refused(status: int, failure: UpstreamFailure) -> GatewayError:
    """Return the errors for which the request itself is the cause, and the one that only looks so."""
    if failure.grpc == "FAILED_PRECONDITION":
        return _unavailable("upstream_precondition_failed", failure.message, failure)
    if status == 403:
        return GatewayError(403, failure.message, type="permission_error", code="permission_denied")
    if status == 404:
        return GatewayError(404, failure.message, code="model_not_found", param="model")
    if status == 413:
        return GatewayError(413, failure.message, code="request_too_large")
    if _TOO_LONG.search(failure.message):
        return GatewayError(400, failure.message, code="context_length_exceeded", param="messages")
    return GatewayError(400, failure.message)


def _rate_limited(failure: UpstreamFailure) -> GatewayError:
    daily = any("PerDay" in quota for quota in failure.quota_ids)
    return GatewayError(
        429,
        failure.message,
        type="insufficient_quota" if daily else "requests",
        code="insufficient_quota" if daily else "rate_limit_exceeded",
        retry_after=failure.retry_after,
    )


def _unavailable(code: str, message: str, failure: UpstreamFailure) -> GatewayError:
    return GatewayError(503, message, type="server_error", code=code, retry_after=failure.retry_after)


def _server_error(status: int, code: str, failure: UpstreamFailure) -> GatewayError:
    return GatewayError(status, failure.message, type="server_error", code=code, retry_after=failure.retry_after)
