"""Thought signatures: opaque to everyone else, checked when they come back.

Specified at https://ai.google.dev/gemini-api/docs/thought-signatures.
"""

from __future__ import annotations

import base64
import hashlib

_MARK = b"agd-simulator:"
_CHECK_BYTES = 8

BYPASSES = frozenset({"skip_thought_signature_validator", "context_engineering_is_the_way_to_go"})
"""Values that Google documents for calls which no Gemini model signed; they are taken bare and in base64."""


def sign(seed: str) -> str:
    """Give the signature of what ``seed`` names: base64, the same for the same seed."""
    body = _MARK + hashlib.sha512(seed.encode()).digest()
    return base64.b64encode(body + _check(body)).decode()


def is_accepted(signature: bytes) -> bool:
    """Tell whether these octets are a bypass, or a signature made here without a bit changed."""
    body, check = signature[:-_CHECK_BYTES], signature[-_CHECK_BYTES:]
    return (body.startswith(_MARK) and _check(body) == check) or signature.decode("latin-1") in BYPASSES


def _check(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()[:_CHECK_BYTES]
