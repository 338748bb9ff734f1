"""Who is asked: an upstream account, the credential it is asked with, and how it is reached."""

from __future__ import annotations

import hashlib
import hmac
from typing import Literal

from attrs import frozen

from agd.accounts.credentials import ApiKey, Credential, Token
from agd.accounts.redaction import redact
from agd.accounts.terms import DEFAULT, Terms
from agd.accounts.way import STRAIGHT, WayOut

__all__ = ["Account", "ApiKey", "Kind", "opaque_id"]

Kind = Literal["gemini", "vertex", "code-assist"]
"""Which of the provider's dialects an account is spoken to in: see ``gemini.dialects``."""


@frozen
class Account:
    """One upstream account. ``id`` is stable and opaque; ``email`` is a label for people and may be empty.

    ``project`` and ``location`` are Google Cloud's; accounts of one project share its quota. ``project`` is empty
    where the credential is enough, and for a Code Assist account whose project is to be looked up.
    """

    id: str
    email: str
    base_url: str
    credential: Credential
    kind: Kind = "gemini"
    project: str = ""
    location: str = ""
    way: WayOut = STRAIGHT
    terms: Terms = DEFAULT

    @classmethod
    def of_key(cls, email: str, base_url: str, secret: str, terms: Terms = DEFAULT) -> Account:
        """Make the account of an API key. Its id stays the same as long as key, email and upstream do."""
        return cls(opaque_id(email, base_url, secret), email, base_url, ApiKey(secret), terms=terms)

    @property
    def secrets(self) -> tuple[str, ...]:
        """All that must show nowhere: of its credential and of its proxy."""
        return (*self.credential.secrets, *self.way.secrets)

    def redact(self, said: bytes, token: Token | None = None) -> bytes:
        """Take this account's secrets, and a token of it, out of what anybody says."""
        return redact(said, (*self.secrets, *((token.secret,) if token is not None else ())))


def opaque_id(email: str, base_url: str, secret: str, *more: str) -> str:
    """Give ``acct_`` and 12 hex digits that cannot be tried out against guessed addresses: the key is part of it.

    ``more`` tells accounts apart that are the same otherwise, such as one credential in two regions.
    """
    message = "\0".join(("agd-account", email, base_url, *(more if any(more) else ())))
    return "acct_" + hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()[:12]
