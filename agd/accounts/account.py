"""Who is asked: an upstream account and the credential it is asked with."""

from __future__ import annotations

import hashlib
import hmac

from attrs import field, frozen

from agd.accounts.terms import DEFAULT, Terms


@frozen
class ApiKey:
    """A Gemini Developer API key; its text never shows in a repr."""

    secret: str = field(repr=False)

    def headers(self) -> tuple[tuple[str, str], ...]:
        """Headers that prove the account to the upstream. A key never travels in a URL."""
        return (("x-goog-api-key", self.secret),)

    def redact(self, said: bytes) -> bytes:
        """Take the key out of what an upstream says: some repeat it in their errors, which go to logs and clients."""
        return said.replace(self.secret.encode(), b"***")


@frozen
class Account:
    """One upstream account. ``id`` is stable and opaque; ``email`` is a label for people and may be empty.

    Accounts of one ``project`` at one upstream share its quotas; empty: the account's are its own.
    """

    id: str
    email: str
    base_url: str
    credential: ApiKey
    project: str = ""
    terms: Terms = DEFAULT

    @classmethod
    def of_key(cls, email: str, base_url: str, secret: str, terms: Terms = DEFAULT) -> Account:
        """Make the account of an API key. Its id stays the same as long as key, email and upstream do."""
        return cls(opaque_id(email, base_url, secret), email, base_url, ApiKey(secret), terms=terms)


def opaque_id(email: str, base_url: str, secret: str) -> str:
    """Give ``acct_`` and 12 hex digits that cannot be tried out against guessed addresses: the key is part of it."""
    digest = hmac.new(secret.encode(), f"agd-account\0{email}\0{base_url}".encode(), hashlib.sha256)
    return "acct_" + digest.hexdigest()[:12]
