"""Failures as the provider tells them, for tests."""

from __future__ import annotations

from agd.errors import FailureKind, UpstreamFailure


def status(
    code: int,
    message: str = "no",
    *,
    grpc: str = "",
    reason: str = "",
    retry_after: float | None = None,
    quota_ids: tuple[str, ...] = (),
) -> UpstreamFailure:
    """Make the failure of an answer with an error status."""
    return UpstreamFailure(
        FailureKind.STATUS,
        message,
        status=code,
        grpc=grpc,
        reason=reason,
        retry_after=retry_after,
        quota_ids=quota_ids,
    )
