"""What ways of getting a token have in common: how much is read, how long tokens hold, which failures are for good."""

from __future__ import annotations

from agd.errors import FailureKind, UpstreamFailure

MAX_BYTES = 65_536
"""Of the answer of a token endpoint."""
USUAL_LIFETIME = 3600.0
"""Seconds that a token holds whose lifetime is not told: what Google's hold."""

DEAD_GRANT = "invalid_grant"
"""The error that no repetition mends: the grant was revoked, has expired, or was never one (RFC 6749, 5.2)."""
DEAD = frozenset({DEAD_GRANT, "invalid_client", "unauthorized_client", "deleted_client", "invalid_scope"})
_HINTS = {
    DEAD_GRANT: "it was revoked or has expired, or this machine's clock is wrong: get a new one and reload",
    "invalid_client": "client_id and client_secret do not belong together",
    "unauthorized_client": "the OAuth client may not use this grant, or the refresh token is another client's",
    "deleted_client": "the OAuth client was deleted",
    "invalid_scope": "the account does not allow the scope cloud-platform",
}


def dead(code: str, words: str) -> UpstreamFailure:
    """Make the failure of a credential that will never be good again as it is: it counts as refused (401)."""
    hint = _HINTS.get(code)
    message = f"no access token: {words}" + (f" ({hint})" if hint else "")
    return UpstreamFailure(FailureKind.STATUS, message, status=401, grpc="UNAUTHENTICATED", reason=code)


def is_dead(failure: UpstreamFailure) -> bool:
    """Tell whether a failure to get a token is the credential's, so that asking again is of no use."""
    return failure.status == 401
