"""Fetching a URL that a client named, without being led anywhere inside (H02).

Each hop is read, resolved once and checked whole; the connection goes to one of the very addresses that were checked.
No cookies, no credentials, no compression, no proxies; a limit on time, size and redirects.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin

from attrs import define, field
from hyperlink import URL
from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.error import ConnectError
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS, HostnameCachingHTTPSPolicy
from twisted.web.http_headers import Headers
from twisted.web.iweb import IPolicyForHTTPS, IResponse

from agd import __version__
from agd.errors import BadRequest
from agd.upstream.documents import Document, TooLargeError, discard, gather, readable_type
from agd.upstream.mishaps import NETWORK_ERRORS, translate
from agd.upstream.pinned import Pinned
from agd.upstream.reach import Reach
from agd.upstream.targets import Resolve, UnfetchableError, host_of, is_address, read_target, resolver

MAX_REDIRECTS = 3
MAX_ADDRESSES = 3
"""How many addresses of one host are tried."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@define(eq=False)
class Fetcher:
    """Fetches documents from the public internet.

    ``resolve`` gives the addresses of a name (by default the reactor's resolver), ``policy`` whose certificates are
    trusted (by default the platform's), ``reach`` which addresses may be connected to.
    """

    _reactor: Any
    _resolve: Resolve | None = None
    _policy: IPolicyForHTTPS | None = None
    _reach: Reach = field(factory=Reach)

    async def fetch(self, url: str, declared: str | None, max_bytes: int, seconds: float) -> Document:
        """Fetch one document within a size and a time, redirects included. Cancelling ends the connection.

        ``declared`` is the MIME type by the client's word, which counts for more than the server's. Raises
        ``BadRequest`` ``invalid_image_url``, which names the host and the cause.
        """
        work = Deferred.fromCoroutine(self._follow(url, declared, max_bytes))
        work.addTimeout(seconds, self._reactor)
        try:
            return await work
        except TimeoutError:
            raise refusal(url, f"was not there within {seconds:g} seconds") from None
        except TooLargeError:
            raise refusal(url, f"is larger than {max_bytes} bytes") from None
        except UnfetchableError as error:
            raise refusal(url, str(error)) from None

    async def _follow(self, url: str, declared: str | None, max_bytes: int) -> Document:
        target = read_target(url, self._reach)
        for _ in range(MAX_REDIRECTS + 1):
            response = await self._ask(target, max_bytes)
            if response.code not in _REDIRECTS:
                return await _document(response, declared, max_bytes)
            discard(response)
            target = self._next(target, response)
        raise UnfetchableError(f"redirects more than {MAX_REDIRECTS} times")

    def _next(self, target: URL, response: IResponse) -> URL:
        location = _header(response, b"location")
        if not location:
            raise UnfetchableError("redirects to nowhere")
        try:
            joined = urljoin(target.to_text(), location)
        except ValueError:
            raise UnfetchableError("redirects to something that is no URL") from None
        return read_target(joined, self._reach)

    async def _ask(self, target: URL, max_bytes: int) -> IResponse:
        """Ask the first address that can be reached."""
        for address in await self._addresses(target):
            try:
                return await self._request(target, address, max_bytes)
            except NETWORK_ERRORS as error:
                translate(error, reused=False)
                if not isinstance(error, ConnectError):
                    break
        raise UnfetchableError("could not be reached")

    async def _addresses(self, target: URL) -> list[str]:
        """Resolve a host once. One address that may not be reached closes the whole host."""
        found = [target.host] if is_address(target.host) else await self._lookup(target.host)
        if not found:
            raise UnfetchableError("has a host name that leads nowhere")
        if not all(self._reach.takes(address, target.port or 0) for address in found):
            raise UnfetchableError("is not at a public address")
        return list(dict.fromkeys(found))[:MAX_ADDRESSES]

    async def _lookup(self, host: str) -> list[str]:
        if self._resolve is None:
            self._resolve = resolver(self._reactor.nameResolver)
        return list(await self._resolve(host))

    def _request(self, target: URL, address: str, max_bytes: int) -> Deferred[IResponse]:
        if self._policy is None:
            self._policy = HostnameCachingHTTPSPolicy(BrowserLikePolicyForHTTPS())
        agent = Agent.usingEndpointFactory(self._reactor, Pinned(self._reactor, self._policy, address, max_bytes))
        # Twisted's own Host would lack the brackets around an IPv6 address.
        headers = Headers({"Host": [target.authority()], "User-Agent": [f"agd/{__version__}"], "Accept": ["*/*"]})
        asked: Deferred[IResponse] = agent.request(b"GET", target.to_text().encode("ascii"), headers)
        return asked


def refusal(url: str, why: str) -> BadRequest:
    """Make the error for a URL that is not fetched: it names the host, nothing else of the URL."""
    return BadRequest(f"The document at {host_of(url)!r} {why}.", param="messages", code="invalid_image_url")


async def _document(response: IResponse, declared: str | None, max_bytes: int) -> Document:
    unfit = _unfit(response)
    if unfit:
        discard(response)
        raise UnfetchableError(unfit)
    try:
        data = await gather(response, max_bytes)
    except NETWORK_ERRORS as error:
        translate(error, reused=False)
        raise UnfetchableError("broke off before its end") from None
    if not data:
        raise UnfetchableError("is empty")
    mime = readable_type(data, declared or _header(response, b"content-type"))
    if mime is None:
        raise UnfetchableError("is neither an image, sound, video, PDF nor text")
    return Document(mime, data)


def _unfit(response: IResponse) -> str:
    """Say why a response is of no use, "" for one that is."""
    if response.code != 200:
        return f"was answered with status {response.code}"
    if (_header(response, b"content-encoding") or "identity").lower() != "identity":
        return "was sent compressed, which was not asked for"
    return ""


def _header(response: IResponse, name: bytes) -> str | None:
    """Return a header's first value; it may hold any bytes."""
    values = response.headers.getRawHeaders(name)
    return values[0].decode("utf-8", "replace").strip() if values else None
