"""What ``countTokens`` answers, the same in every dialect (https://ai.google.dev/api/tokens#v1beta.models.countTokens)."""

from __future__ import annotations

from agd.encoding import InvalidJSON, decode
from agd.errors import FailureKind, UpstreamFailure


def read_count(body: bytes) -> int:
    """Return ``totalTokens``. Raises ``UpstreamFailure`` (MALFORMED) for anything that has none."""
    try:
        answer = decode(body)
    except InvalidJSON as error:
        raise _malformed(f"the count of tokens is not JSON: {error}") from None
    total = answer.get("totalTokens") if isinstance(answer, dict) else None
    if isinstance(total, bool) or not isinstance(total, int):
        raise _malformed("the count of tokens has another shape than documented")
    return total


def _malformed(message: str) -> UpstreamFailure:
    return UpstreamFailure(FailureKind.MALFORMED, message)
