"""Counting a prompt's tokens: the body of ``models.countTokens`` (v1beta) and what it answers.

The Developer API counts instructions and tools only within ``generateContentRequest``, which names its model once more,
and overlooks what stands beside that (https://ai.google.dev/api/tokens#v1beta.models.countTokens).
"""

from __future__ import annotations

from agd.encoding import InvalidJSON, decode, encode
from agd.errors import FailureKind, UpstreamFailure


def write_count(body: bytes, model: str) -> bytes:
    """Wrap the body of a generate request, which holds something, into one that asks for its tokens."""
    named = encode({"model": f"models/{model}"})
    return b'{"generateContentRequest":' + named[:-1] + b"," + body[1:] + b"}"


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
