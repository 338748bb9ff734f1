"""One exchange of a grant for an access token (RFC 6749, 5), by the account's own way out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define
from hyperlink import EncodedURL
from twisted.internet.defer import Deferred
from twisted.web.http_headers import Headers
from twisted.web.iweb import IResponse

from agd import __version__
from agd.accounts.account import Account
from agd.accounts.assertion import UnusableKey
from agd.accounts.credentials import Grant, GrantCredential, Token
from agd.accounts.redaction import redact, redact_text
from agd.encoding import InvalidJSON, decode
from agd.errors import FailureKind, UpstreamFailure
from agd.gemini.durations import parse_duration
from agd.gemini.failures import read_failure
from agd.transport.ways import Ways
from agd.upstream.bodies import collect
from agd.upstream.grants import DEAD, MAX_BYTES, USUAL_LIFETIME, dead
from agd.upstream.mishaps import NETWORK_ERRORS, translate


@define(eq=False)
class Exchange:
    """Gets tokens. ``wall`` is the time in seconds since the epoch, which signed claims tell.

    ``clock`` is a whole reactor where Google's library is to find credentials, for that takes a thread.
    """

    _ways: Ways
    _clock: Any
    _wall: Callable[[], float]

    async def fetch(self, account: Account) -> Token:
        """Get a token. Raises ``UpstreamFailure``; see ``grants.is_dead``."""
        credential = account.credential
        if not isinstance(credential, GrantCredential):
            # Not above: it needs the extra agd[google], and most daemons have no use for it.
            from agd.upstream.adc import fetch_default  # noqa: PLC0415

            return await fetch_default(account, self._ways, self._clock)
        asked = self._clock.seconds()
        try:
            grant = credential.grant(self._wall())
        except UnusableKey as error:
            raise dead("unusable_key", str(error)) from None
        response = await self._post(account, grant)
        said = await collect(response, MAX_BYTES)
        if response.code != 200:
            hidden = (*account.secrets, grant.secret)
            raise _refusal(redact(said, hidden), hidden, response)
        return read_token(said, asked)

    async def _post(self, account: Account, grant: Grant) -> IResponse:
        way = self._ways.of(account.way)
        headers = Headers({"User-Agent": [f"agd/{__version__}"], "Accept": ["application/json"]})
        headers.addRawHeader("Content-Type", "application/x-www-form-urlencoded")
        url = EncodedURL.from_text(grant.url)
        for again in (True, False):
            asked: Deferred[Any] = way.http.request(
                "POST", url, headers=headers, data=grant.form.encode(), unbuffered=True, allow_redirects=False,
                reactor=self._clock,
            )  # fmt: skip
            reused = way.pool.link.reused
            try:
                response: IResponse = await asked
            except NETWORK_ERRORS as error:
                failure = translate(error, reused=reused)
                if failure.stale and again:
                    way.pool.drop_idle()
                    continue
                raise UpstreamFailure(failure.kind, f"token endpoint: {failure.message}") from None
            return response
        raise AssertionError("the second time returns or raises")


def _refusal(said: bytes, hidden: tuple[str, ...], response: IResponse) -> UpstreamFailure:
    retry_after = response.headers.getRawHeaders("Retry-After", [None])[0]
    told = read_failure(response.code, said, retry_after)
    if told.reason in DEAD:
        return dead(told.reason, f"{told.reason}: {told.message}")
    message = f"token endpoint: {redact_text(told.message, hidden)}"
    # Its own trouble, or agd's with it: no fault of the account's, whatever the status.
    kind, wait = FailureKind.CONNECT, told.retry_after
    return UpstreamFailure(kind, f"{message} ({response.code})", reason=told.reason, retry_after=wait)


def read_token(said: bytes, asked: float) -> Token:
    """Read a token endpoint's good answer (RFC 6749, section 5.1) to what was asked at that time of the clock.

    Without a lifetime it is the usual one: that of an answer may be missing or be written as text.
    Raises ``UpstreamFailure``.
    """
    try:
        document = decode(said)
    except InvalidJSON:
        document = None
    secret = document.get("access_token") if isinstance(document, dict) else None
    if not isinstance(secret, str) or not secret or not secret.isascii() or not secret.isprintable():
        raise UpstreamFailure(FailureKind.MALFORMED, "token endpoint: its answer holds no access token")
    return Token(secret, asked, parse_duration(document.get("expires_in")) or USUAL_LIFETIME)
