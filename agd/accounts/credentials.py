"""What proves an account to the provider: values, whose secrets show in no repr.

A key is a header by itself. Everything else is a *grant*, something that a token endpoint exchanges for a short-lived
access token (RFC 6749; service accounts: RFC 7523). ``upstream.tokens`` does the exchanging and keeps the tokens.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from urllib.parse import urlencode

from attrs import field, frozen

from agd.accounts.assertion import sign

GOOGLE_TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
"""Google's token endpoint."""
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
"""What tokens are asked for: the scope that covers the Gemini API, Vertex AI and Code Assist."""
RENEW_AT = 0.8
"""The part of its lifetime after which a token is renewed."""

Headers = tuple[tuple[str, str], ...]

_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_ASSERTION_SECONDS = 3600
_SKEW = 10.0
"""Seconds for which clocks may differ, and a token may be under way."""


@frozen
class Token:
    """An access token. ``obtained`` is when it was asked for, ``lifetime`` how long it holds from then, in seconds.

    ``quota_project`` is the project that calls are counted for, where the credential itself names one.
    """

    secret: str = field(repr=False)
    obtained: float
    lifetime: float
    quota_project: str = ""

    @property
    def renew_at(self) -> float:
        """When it should be renewed, while it still holds."""
        return self.obtained + RENEW_AT * self.lifetime

    @property
    def ends_at(self) -> float:
        """When it must not be used any more: a little before it ends, for a request takes its time."""
        return self.obtained + max(self.lifetime - _SKEW, 0.9 * self.lifetime)


class Credential(ABC):
    """What proves an account."""

    __slots__ = ()

    @property
    @abstractmethod
    def secrets(self) -> tuple[str, ...]:
        """What must show nowhere."""

    @property
    def identity(self) -> str:
        """What tells this credential from any other; as secret as itself."""
        return "\0".join(self.secrets)

    @abstractmethod
    def headers(self, token: Token | None = None) -> Headers:
        """Give the headers that prove the account; ``token`` goes with a ``TokenCredential`` only."""


@frozen
class ApiKey(Credential):
    """A key of the Gemini Developer API, or of Vertex AI in express mode; a key never travels in a URL."""

    secret: str = field(repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The key."""
        return (self.secret,)

    def headers(self, token: Token | None = None) -> Headers:
        """Give Google's header for keys."""
        return (("x-goog-api-key", self.secret),)


class TokenCredential(Credential):
    """A credential that is shown to a token endpoint only; upstreams are shown the token."""

    __slots__ = ()

    def headers(self, token: Token | None = None) -> Headers:
        """Give the header that bears the token (RFC 6750, 2.1)."""
        if token is None:
            raise ValueError("a token is needed")
        quota = (("x-goog-user-project", token.quota_project),) if token.quota_project else ()
        return (("Authorization", f"Bearer {token.secret}"), *quota)


@frozen
class Grant:
    """A request to a token endpoint: where, and the body, a form; ``secret`` is what is made for it alone, "": nothing.

    Whoever has a signed claim can get a token with it for an hour.
    """

    url: str
    form: str = field(repr=False)
    secret: str = field(default="", repr=False)


class GrantCredential(TokenCredential):
    """A credential that agd exchanges itself."""

    __slots__ = ()

    @abstractmethod
    def grant(self, now: float) -> Grant:
        """Make the request that gets a token; ``now`` is in seconds since the epoch."""


@frozen
class ServiceAccount(GrantCredential):
    """A Google service account: it signs its own claim with its private key (RSA, PEM)."""

    client_email: str
    private_key: str = field(repr=False)
    key_id: str = ""
    token_url: str = GOOGLE_TOKEN_URL

    @property
    def secrets(self) -> tuple[str, ...]:
        """The private key."""
        return (self.private_key,)

    def grant(self, now: float) -> Grant:
        """Sign a claim of one hour, begun a little earlier so that a slow clock there does not refuse it.

        Raises ``assertion.UnusableKey``.
        """
        begun = int(now - _SKEW)
        claims = {"iss": self.client_email, "scope": SCOPE, "aud": self.token_url}
        times = {"iat": begun, "exp": begun + _ASSERTION_SECONDS}
        assertion = sign(claims | times, self.private_key, self.key_id)
        return Grant(self.token_url, urlencode({"grant_type": _JWT_GRANT, "assertion": assertion}), assertion)


@frozen
class RefreshToken(GrantCredential):
    """A Google account that has allowed the operator's own OAuth client to act for it. agd has no client of its own."""

    client_id: str
    client_secret: str = field(repr=False)
    refresh_token: str = field(repr=False)
    token_url: str = GOOGLE_TOKEN_URL

    @property
    def secrets(self) -> tuple[str, ...]:
        """The refresh token and the client's secret."""
        return (self.refresh_token, self.client_secret)

    def grant(self, now: float) -> Grant:
        """Make the refresh grant (RFC 6749, 6)."""
        form = {
            "grant_type": "refresh_token",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "refresh_token": self.refresh_token,
        }
        return Grant(self.token_url, urlencode(form))


@frozen
class DefaultCredentials(TokenCredential):
    """Whatever Google's library finds on this machine: Application Default Credentials, or the metadata server.

    agd never sees the credential, so it cannot make an account's id from it either.
    """

    @property
    def secrets(self) -> tuple[str, ...]:
        """None that agd knows."""
        return ()
