"""Twisted's exceptions become agd's: the one place that knows which of them a call can meet.

The table was checked against Twisted 26.10: what ``treq`` raises for a refused, timed out, reset, garbled or cut
exchange. A cancellation is never a mishap: it means that whoever asked no longer wants the answer.
"""

from __future__ import annotations

from typing import Any

from OpenSSL import SSL
from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectError, ConnectingCancelledError, ConnectionClosed, DNSLookupError
from twisted.python.failure import Failure
from twisted.web._newclient import RequestNotSent
from twisted.web.client import (
    RequestGenerationFailed,
    RequestTransmissionFailed,
    ResponseFailed,
    ResponseNeverReceived,
)

from agd.errors import FailureKind, UpstreamFailure

NETWORK_ERRORS = (
    ConnectError,
    ConnectingCancelledError,
    ConnectionClosed,
    DNSLookupError,
    RequestGenerationFailed,
    RequestNotSent,
    RequestTransmissionFailed,
    ResponseFailed,
    SSL.Error,
)
"""What an upstream request can fail with. Anything else is a mistake of agd's and is not caught."""

_UNANSWERED = (ResponseNeverReceived, RequestTransmissionFailed, RequestNotSent)


def translate(error: BaseException, *, reused: bool) -> UpstreamFailure:
    """Tell one of ``NETWORK_ERRORS`` in agd's terms; ``reused``: the connection had carried a request before.

    Raises ``CancelledError`` when the error is a cancellation in disguise.
    """
    causes = _causes(error)
    if isinstance(error, ConnectingCancelledError) or any(cause.check(CancelledError) for cause in causes):
        raise CancelledError
    closed = isinstance(error, RequestNotSent) or any(cause.check(ConnectionClosed) for cause in causes)
    stale = reused and isinstance(error, _UNANSWERED) and closed
    if isinstance(error, ResponseFailed) and not isinstance(error, ResponseNeverReceived):
        return UpstreamFailure(FailureKind.MALFORMED, "the upstream's answer is not HTTP: " + _describe(error))
    return UpstreamFailure(FailureKind.CONNECT, "no answer from the upstream: " + _describe(error), stale=stale)


def _causes(error: BaseException) -> list[Failure]:
    return list(getattr(error, "reasons", ()))


def _describe(error: BaseException) -> str:
    """Name the innermost cause without addresses or anything that was sent."""
    innermost: Any = error
    while causes := _causes(innermost):
        innermost = causes[-1].value
    if isinstance(innermost, DNSLookupError):
        return "DNS lookup failed"  # Twisted's words go on with the name of the host
    words = str(innermost) if isinstance(innermost, ConnectError | ConnectionClosed) else ""
    return words.strip().rstrip(".") or type(innermost).__name__
