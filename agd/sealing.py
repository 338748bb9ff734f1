"""State that clients carry: sealed, so that nobody reads or changes it, and bound to the one it was given to.

A sealed text is ``agd1.`` and base64url (RFC 4648, 5, without padding) of a nonce of 12 bytes and the AES-256-GCM
ciphertext (NIST SP 800-38D) of the value's JSON, compressed by zlib. Owner and purpose are the associated data: what
was sealed for one does not open for another. Nonces are random, so a key is good for 2**32 texts; keys are renewed
long before that.
"""

from __future__ import annotations

import hmac
import zlib
from base64 import urlsafe_b64encode
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Callable, Sequence
from typing import Any

from attrs import define, field, frozen
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from agd.encoding import InvalidJSON, decode, encode

KEY_BYTES = 32
MAX_BYTES = 32 * 2**20
"""The longest JSON that is sealed or opened."""

_PREFIX = "agd1."
_NONCE_BYTES = 12
_STATE = "state"
_STANDARD = str.maketrans("-_", "+/")
_COMPRESSION = 1  # what takes room here, signatures and pictures, hardly gets smaller by trying harder

RandomBytes = Callable[[int], bytes]
"""Gives that many random bytes: ``os.urandom``."""


class TooLarge(ValueError):
    """A value is too large to be sealed."""


@frozen
class Keys:
    """What a ring works with: keys that seal, the newest first, and one that never changes, for names of owners."""

    sealing: tuple[bytes, ...] = field(repr=False)
    naming: bytes = field(repr=False)

    @classmethod
    def fresh(cls, random: RandomBytes) -> Keys:
        """Make new ones."""
        return cls((random(KEY_BYTES),), random(KEY_BYTES))


@define(eq=False)
class KeyRing:
    """Seals with the newest key and opens with any. ``keys`` may be replaced at any time."""

    keys: Keys
    _random: RandomBytes = field(repr=False)

    @classmethod
    def fresh(cls, random: RandomBytes) -> KeyRing:
        """Make a ring whose keys end with it."""
        return cls(Keys.fresh(random), random)

    def seal(self, owner: str, value: Any, purpose: str = _STATE) -> str:
        """Seal a JSON value for an owner. Raises ``TooLarge``, and ``InvalidJSON`` for what is nested too deeply."""
        text = encode(value)
        if len(text) > MAX_BYTES:
            raise TooLarge(f"{len(text)} bytes; allowed: {MAX_BYTES}")
        nonce = self._random(_NONCE_BYTES)
        cipher = AESGCM(self.keys.sealing[0])
        sealed = nonce + cipher.encrypt(nonce, zlib.compress(text, _COMPRESSION), _bound(owner, purpose))
        return _PREFIX + urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def open(self, owner: str, text: object, purpose: str = _STATE) -> Any | None:
        """Return the value sealed in a text, None for whatever was not sealed here, for this owner and purpose.

        Never raises: what comes from outside may be anything.
        """
        sealed = _bytes_of(text)
        if sealed is None:
            return None
        packed = _decrypted(self.keys.sealing, sealed, _bound(owner, purpose))
        return None if packed is None else _unpacked(packed)

    def owner_mac(self, key: str) -> str:
        """Return a name for the owner of a client key without one: always the same, and no help to guess the key."""
        return hmac.digest(self.keys.naming, key.encode("utf-8", "surrogateescape"), "sha256").hex()


def _bound(owner: str, purpose: str) -> bytes:
    """Return the associated data, different for any two pairs."""
    return encode([purpose, owner])


def _bytes_of(text: object) -> bytes | None:
    if not isinstance(text, str) or not text.startswith(_PREFIX) or len(text) > 2 * MAX_BYTES:
        return None
    coded = text.removeprefix(_PREFIX).translate(_STANDARD)
    try:
        return a2b_base64(coded + "=" * (-len(coded) % 4), strict_mode=True)
    except (Base64Error, ValueError):  # the latter for what is not ASCII
        return None


def _decrypted(keys: Sequence[bytes], sealed: bytes, bound: bytes) -> bytes | None:
    nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    if len(nonce) < _NONCE_BYTES:
        return None
    for key in keys:
        try:
            return AESGCM(key).decrypt(nonce, ciphertext, bound)
        except InvalidTag:
            continue
    return None


def _unpacked(packed: bytes) -> Any | None:
    """Return the value. Only agd could pack it; all the same, no more is unpacked than would have been sealed."""
    inflating = zlib.decompressobj()
    try:
        text = inflating.decompress(packed, MAX_BYTES)
        return decode(text) if inflating.eof else None
    except (zlib.error, InvalidJSON):
        return None
