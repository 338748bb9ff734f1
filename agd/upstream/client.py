"""The only caller of the provider's endpoints: a request in, a relay with the first event in hand out."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode

from attrs import define, field, frozen
from hyperlink import EncodedURL
from treq.client import HTTPClient
from twisted.internet.defer import Deferred, TimeoutError
from twisted.web.http_headers import Headers
from twisted.web.iweb import IResponse

from agd import __version__
from agd.accounts.account import Account
from agd.errors import FailureKind, UpstreamFailure
from agd.gemini.answers import AnswerReader
from agd.gemini.counting import read_count, write_count
from agd.gemini.failures import read_failure
from agd.gemini.requests import Outgoing
from agd.transport.agent import Pool
from agd.upstream.bodies import collect
from agd.upstream.listing import read_page
from agd.upstream.mishaps import NETWORK_ERRORS, translate
from agd.upstream.relay import Relay

MAX_ERROR_BYTES = 65_536
"""How much of an error's body is read; the rest is not worth a byte."""
ERROR_SECONDS = 10.0
"""How long an error's body may take: its status alone is enough to ask another account."""
MAX_LIST_BYTES = 4_194_304
MAX_LIST_PAGES = 20
LIST_SECONDS = 30.0
MAX_COUNT_BYTES = 65_536
COUNT_SECONDS = 60.0


@frozen
class Limits:
    """How long an upstream may take, in seconds."""

    first_event: float = 300.0
    idle: float = 120.0
    client_stall: float = 300.0


@define(eq=False)
class UpstreamClient:
    """Calls Gemini's REST endpoints. ``mint_id`` makes ids for tool calls to which the provider gave none."""

    _http: HTTPClient
    _pool: Pool
    _clock: Any
    _mint_id: Callable[[], str]
    limits: Limits = field(factory=Limits)

    async def generate(self, account: Account, model: str, outgoing: Outgoing, *, stream: bool) -> Relay:
        """Ask a model; return as soon as the first event of its answer is in hand.

        Raises ``UpstreamFailure``. Cancelling aborts the call in whatever phase it is.
        """
        limits = self.limits
        call = Deferred.fromCoroutine(self._generate(account, model, outgoing, limits, stream=stream))
        call.addTimeout(limits.first_event, self._clock)
        try:
            return await call
        except TimeoutError:
            message = f"no first event within {limits.first_event:g} seconds"
            raise UpstreamFailure(FailureKind.TIMEOUT, message) from None

    async def count(self, account: Account, model: str, outgoing: Outgoing) -> int:
        """Ask how many tokens a request's prompt has. Raises ``UpstreamFailure``."""
        counting = Deferred.fromCoroutine(self._count(account, model, outgoing))
        counting.addTimeout(COUNT_SECONDS, self._clock)
        try:
            return await counting
        except TimeoutError:
            raise UpstreamFailure(FailureKind.TIMEOUT, "the count of tokens did not come in time") from None

    async def models(self, account: Account) -> list[str]:
        """List the names of the account's models that can generate. Raises ``UpstreamFailure``."""
        listing = Deferred.fromCoroutine(self._models(account))
        listing.addTimeout(LIST_SECONDS, self._clock)
        try:
            return await listing
        except TimeoutError:
            raise UpstreamFailure(FailureKind.TIMEOUT, "the list of models did not come in time") from None

    async def _generate(
        self, account: Account, model: str, outgoing: Outgoing, limits: Limits, *, stream: bool
    ) -> Relay:
        url = _generate_url(account.base_url, model, stream=stream)
        response = await self._send("POST", url, account, outgoing.body)
        relay = Relay(
            AnswerReader(self._mint_id, outgoing.names),
            self._clock,
            idle_seconds=limits.idle,
            stall_seconds=limits.client_stall,
        )
        for name, _ in list(response.headers.getAllRawHeaders()):
            response.headers.removeHeader(name)  # nobody reads them any more, and the answer may stream for long
        response.deliverBody(relay)
        await relay.first
        return relay

    async def _count(self, account: Account, model: str, outgoing: Outgoing) -> int:
        url = EncodedURL.from_text(f"{account.base_url}/v1beta/models/{quote(model, safe='')}:countTokens")
        response = await self._send("POST", url, account, write_count(outgoing.body, model))
        return read_count(await collect(response, MAX_COUNT_BYTES))

    async def _models(self, account: Account) -> list[str]:
        names: list[str] = []
        token = ""
        for _ in range(MAX_LIST_PAGES):
            query = urlencode({"pageSize": 1000} | ({"pageToken": token} if token else {}))
            url = EncodedURL.from_text(f"{account.base_url}/v1beta/models?{query}")
            response = await self._send("GET", url, account, None)
            page = read_page(await collect(response, MAX_LIST_BYTES))
            names += page.names
            token = page.token
            if not token:
                break
        return names

    async def _send(self, method: str, url: EncodedURL, account: Account, body: bytes | None) -> IResponse:
        """Send one request and wait for a good status. Raises ``UpstreamFailure`` for any other."""
        headers = Headers({"User-Agent": [f"agd/{__version__}"], "Accept": ["*/*"]})
        for name, value in account.credential.headers():
            headers.addRawHeader(name, value)
        if body is not None:
            headers.addRawHeader("Content-Type", "application/json")
        asked: Deferred[Any] = self._http.request(
            method, url, headers=headers, data=body, unbuffered=True, allow_redirects=False, reactor=self._clock
        )
        reused = self._pool.reused
        try:
            response: IResponse = await asked
        except NETWORK_ERRORS as error:
            failure = translate(error, reused=reused)
            if failure.stale:
                # Its neighbours are as old: the repeat must not meet another connection that is closed.
                self._pool.drop_idle()
            raise failure from None
        if response.code != 200:
            raise await self._refusal(response, account)
        return response

    async def _refusal(self, response: IResponse, account: Account) -> UpstreamFailure:
        """Read what an upstream that answers with an error status says about it."""
        body = collect(response, MAX_ERROR_BYTES)
        body.addTimeout(ERROR_SECONDS, self._clock, onTimeoutCancel=lambda *_: b"")
        retry_after = response.headers.getRawHeaders("Retry-After", [None])[0]
        said = account.credential.redact(await body)
        return read_failure(response.code, said, retry_after, _upstream_time(response.headers))


@lru_cache(maxsize=512)
def _generate_url(base_url: str, model: str, *, stream: bool) -> EncodedURL:
    operation = "streamGenerateContent?alt=sse" if stream else "generateContent"
    return EncodedURL.from_text(f"{base_url}/v1beta/models/{quote(model, safe='')}:{operation}")


def _upstream_time(headers: Headers) -> float | None:
    """Read the upstream's clock, in unix seconds: its time stamps are measured by it, however wrong agd's clock is."""
    date = headers.getRawHeaders("Date", [""])[0]
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return None
