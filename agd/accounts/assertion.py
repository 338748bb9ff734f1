"""Signing what a service account claims: a JWT (RFC 7519) by RS256 (RFC 7518, 3.3)."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from agd.encoding import encode


class UnusableKey(ValueError):
    """A private key that cannot sign; the words hold nothing of it."""


def sign(claims: Mapping[str, Any], private_key: str, key_id: str) -> str:
    """Return the compact form of a JWT with these claims. ``private_key`` is RSA in PEM. Raises ``UnusableKey``."""
    # Not above: no daemon needs it but one with a service account.
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415 - see above
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415 - see above

    header = {"alg": "RS256", "typ": "JWT"} | ({"kid": key_id} if key_id else {})
    signed = b".".join(map(_base64, (encode(header), encode(dict(claims)))))
    signature = _load(private_key).sign(signed, PKCS1v15(), SHA256())
    return b".".join((signed, _base64(signature))).decode()


def check_key(private_key: str) -> None:
    """Raise ``UnusableKey`` for what is no RSA key in PEM."""
    _load(private_key)


def _load(private_key: str) -> Any:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - see above
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415 - see above
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - see above

    try:
        # Not examined for being sound, which takes milliseconds: what it signs would be refused, and that is told.
        key = load_pem_private_key(private_key.encode(), password=None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # their messages can quote the key
        raise UnusableKey("a private key that is not one in PEM") from None
    if not isinstance(key, RSAPrivateKey):
        raise UnusableKey("a private key that is not RSA")
    return key


def _base64(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")
