"""The token endpoint as it decides: which grants are good, which tokens it has given out, how often it was asked.

RFC 6749 (refresh, errors), RFC 7523 (signed claims), and what Google's endpoint answers in words.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from collections import deque
from collections.abc import Mapping
from typing import Any

from attrs import define, field, frozen

from agd.encoding import InvalidJSON, decode

_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
GOOGLE = "https://oauth2.googleapis.com/token"
"""What Google's own library names as the audience, whatever endpoint it asks."""
_SKEW = 300
_LONGEST = 3600 + _SKEW


@frozen
class Client:
    """An OAuth client, the refresh token that somebody gave it, and the account key that its tokens stand for."""

    client_id: str
    client_secret: str
    refresh_token: str
    key: str


@frozen
class Signer:
    """A service account: its public key in PEM, and the account key that its tokens stand for."""

    public_key: str
    key: str


@frozen
class Verdict:
    """What a grant is answered with."""

    status: int
    document: dict[str, Any]


class BadGrant(Exception):
    """A grant is refused: an OAuth error code, and words."""

    def __init__(self, error: str, words: str) -> None:
        super().__init__(words)
        self.error = error
        self.words = words


@define
class Office:
    """One token endpoint. ``lifetime`` and ``seconds`` (how long it takes to answer) are in seconds.

    ``failures`` are answered with first, in order: pairs of a status and an error.
    """

    signers: dict[str, Signer] = field(factory=dict)
    clients: list[Client] = field(factory=list)
    lifetime: float = 3600.0
    seconds: float = 0.0
    failures: deque[tuple[int, str]] = field(factory=deque)
    asked: int = field(default=0, init=False)
    granted: int = field(default=0, init=False)
    _tokens: dict[str, tuple[str, float]] = field(factory=dict, init=False)

    def decide(self, form: Mapping[str, str], url: str, now: float) -> Verdict:
        """Answer a grant that came to ``url``; ``now`` is in seconds since the epoch."""
        self.asked += 1
        if self.failures:
            status, error = self.failures.popleft()
            return Verdict(status, {"error": error, "error_description": "The simulator was told to fail."})
        try:
            key = self._key_for(form, url, now)
        except BadGrant as bad:
            status = 401 if bad.error == "invalid_client" else 400
            return Verdict(status, {"error": bad.error, "error_description": bad.words})
        self.granted += 1
        token = f"ya29.simulated-{self.granted}-{key}"
        self._tokens[token] = (key, now + self.lifetime)
        return Verdict(200, {"access_token": token, "expires_in": int(self.lifetime), "token_type": "Bearer"})

    def key_of(self, token: str, now: float) -> str | None:
        """Give the account key that a token stands for, None when it is none or has ended."""
        key, ends = self._tokens.get(token, ("", 0.0))
        return key if key and now < ends else None

    def revoke(self) -> None:
        """Let every token that was given out be none any more."""
        self._tokens.clear()

    def _key_for(self, form: Mapping[str, str], url: str, now: float) -> str:
        kind = form.get("grant_type")
        if kind == "refresh_token":
            return self._refreshed(form)
        if kind == _JWT_GRANT:
            return self._claimed(form.get("assertion", ""), url, now)
        raise BadGrant("unsupported_grant_type", f"Invalid grant_type: {kind}")

    def _refreshed(self, form: Mapping[str, str]) -> str:
        known = [client for client in self.clients if client.client_id == form.get("client_id")]
        if not any(client.client_secret == form.get("client_secret") for client in known):
            raise BadGrant("invalid_client", "Unauthorized")
        for client in known:
            if client.refresh_token == form.get("refresh_token"):
                return client.key
        # Google does not repeat the token; the simulator does, to see what becomes of it.
        raise BadGrant("invalid_grant", f"Token {form.get('refresh_token')} has been expired or revoked.")

    def _claimed(self, assertion: str, url: str, now: float) -> str:
        parts = assertion.split(".")
        if len(parts) != 3:
            raise BadGrant("invalid_request", "Bad Request")
        claims = _json(parts[1])
        signer = self.signers.get(str(claims.get("iss")))
        if signer is None:
            raise BadGrant("invalid_grant", "Invalid grant: account not found")
        if _json(parts[0]).get("alg") != "RS256" or not _verifies(parts, signer.public_key):
            raise BadGrant("invalid_grant", "Invalid JWT Signature.")
        if claims.get("aud") not in {url, GOOGLE} or not claims.get("scope"):
            raise BadGrant("invalid_grant", "Invalid JWT: aud and scope must be those of this endpoint.")
        issued, ends = claims.get("iat", 0), claims.get("exp", 0)
        if not (now - _LONGEST < issued <= now + _SKEW and now < ends <= issued + _LONGEST):
            words = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."
            raise BadGrant("invalid_grant", words)
        return signer.key


def _json(part: str) -> dict[str, Any]:
    try:
        found = decode(_bytes(part))
    except (InvalidJSON, ValueError):
        raise BadGrant("invalid_request", "Bad Request") from None
    return found if isinstance(found, dict) else {}


def _bytes(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _verifies(parts: list[str], public_key: str) -> bool:
    # Not above: a simulator whose accounts have keys alone does without.
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415

    key: Any = load_pem_public_key(public_key.encode())
    try:
        key.verify(_bytes(parts[2]), f"{parts[0]}.{parts[1]}".encode(), PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True
