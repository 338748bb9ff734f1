"""A client key: how one is made, and what is kept of it.

Only the SHA-256 digest of a key is kept and looked up. For a password that would be far too fast a hash; a key of 256
random bits cannot be guessed however fast one tries, so a slow hash would protect nothing and delay every request.
Looking a digest up in a table may take longer or shorter; that tells at most something of a digest, from which no
key can be found.
"""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable

from attrs import field, frozen

from agd.allowance import UNLIMITED, Allowance
from agd.keys.turnstile import NAMED

PREFIX = "agd-"
KEY_BYTES = 32

ALLOWED_NAMES = "1 to 64 letters, digits and . _ @ + -, the first of them a letter or a digit"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")


@frozen
class StoredKey:
    """What is kept of a key that was created while agd ran. Times in unix seconds."""

    name: str
    digest: bytes = field(repr=False)
    created: int
    revoked: int | None = None
    allowance: Allowance = UNLIMITED

    @property
    def owner(self) -> str:
        """Whose requests are those with this key."""
        return owner_of(self.name)

    def status(self, now: float) -> str:
        """Say in a word whether it opens the door."""
        if self.revoked is not None:
            return "revoked"
        return "expired" if self.allowance.has_ended(now) else "active"


@frozen
class Guest:
    """Who comes with a key: the name of its owner, None for a key without one, and until when it is good."""

    name: str | None
    expires: float | None = None


def mint(random: Callable[[int], bytes]) -> str:
    """Make a key of 256 random bits: ``agd-`` and 43 characters that need no quoting anywhere."""
    return PREFIX + urlsafe_b64encode(random(KEY_BYTES)).rstrip(b"=").decode()


def digest_of(key: str) -> bytes:
    """Return what a key is known by: its SHA-256 digest."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def owner_of(name: str) -> str:
    """Return the owner that the name of a key stands for."""
    return NAMED + name


def is_name(text: str) -> bool:
    """Tell whether a key may be created by this name: see ``ALLOWED_NAMES``."""
    return _NAME.fullmatch(text) is not None
