"""Taking secrets out of what others say: some upstreams repeat them in their errors, which go to logs and clients."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from agd.encoding import encode_text

MASK = b"***"

_LINE = 32
"""A line of a secret that is at least so long is a secret by itself: keys in PEM are quoted piece by piece."""


def redact(said: bytes, secrets: Iterable[str]) -> bytes:
    """Put a mask in the place of every secret, as it is, as it stands in a URL or a form, and as it stands in JSON."""
    for form in sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True):
        said = said.replace(form, MASK)
    return said


def redact_text(said: str, secrets: Iterable[str]) -> str:
    """Do the same to text."""
    return redact(said.encode("utf-8", "surrogatepass"), secrets).decode("utf-8", "surrogatepass")


def _forms(secret: str) -> Iterator[bytes]:
    for piece in (secret, *_lines(secret)):
        if piece:
            for form in (piece, quote(piece, safe=""), quote_plus(piece), encode_text(piece)[1:-1]):
                yield form.encode()


def _lines(secret: str) -> list[str]:
    lines = secret.splitlines()
    return [line for line in lines if len(line) >= _LINE] if len(lines) > 1 else []
