"""One client request: its body within limits and in memory, its path as it was meant, its trail."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Coroutine, Iterable
from io import BytesIO
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, unquote_to_bytes

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure
from twisted.web.http import datetimeToString
from twisted.web.server import Request as TwistedRequest

from agd.errors import GatewayError
from agd.gateway import Trail
from agd.web.browsers import is_preflight, permissions, preflight_permissions
from agd.web.errors import error_body, error_headers, error_reason, internal_error, reason_phrase, unknown_path
from agd.web.headers import last_text, request_id
from agd.web.paths import canonical, path_of

if TYPE_CHECKING:
    from agd.web.channel import Channel, Upgraded
    from agd.web.site import Site

T = TypeVar("T")

_PLAIN_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")


class Request(TwistedRequest):
    """A request whose answer is JSON or SSE, whatever happens. ``began`` is in the site's clock."""

    defaultContentType = b"application/json"
    channel: Channel
    site: Site
    content: BytesIO

    def __init__(self, channel: Channel, *args: object, **kwargs: object) -> None:
        super().__init__(channel, *args, **kwargs)
        self.site = channel.site
        self.began = self.site.clock.seconds()
        self.trail = Trail("", began=self.began)
        self._received = 0
        self._reported = False
        self._left = False
        self._upgraded = False
        self._work: Deferred[Any] | None = None
        self._cut_short: GatewayError | None = None
        self._concluding = False

    # ------------------------------------------------------------------ coming in

    def parseCookies(self) -> None:
        """Cookies mean nothing here."""

    def gotLength(self, length: int | None) -> None:
        """Keep the body in memory: it is limited, and Twisted would spool it to disk."""
        self.content = BytesIO()

    def handleContentChunk(self, data: bytes) -> None:
        """Take a piece of the body; one without a declared length is measured as it comes."""
        self._received += len(data)
        if self._received > self.site.max_body_bytes:
            self.channel.refuse(self.site.too_large())
            return
        self.content.write(data)

    def take_body(self) -> bytes:
        """Give the body away: it is read once, and an answer may stream for an hour behind it."""
        body = self.content.getvalue()
        self.content = BytesIO()
        return body

    def getRequestHostname(self) -> bytes:
        """Routing does not depend on the Host header, and a strange one must not break it."""
        return b"localhost"

    def process(self) -> None:
        """Give the request to the routes, with the path that is meant."""
        self.trail.request_id = request_id(self.requestHeaders, self.site.mint_id)
        self.trail.owner = self.site.owner(self.requestHeaders)
        self.setHeader(b"Server", b"agd")
        self.setHeader(b"Date", datetimeToString())
        self.setHeader("X-Request-Id", self.trail.request_id)
        self._tell(permissions(self.site.door, self.requestHeaders))
        if is_preflight(self.method, self.requestHeaders):
            self._preflight()
            return
        try:
            path = canonical(unquote_to_bytes(path_of(self.uri)).decode(), self.method.decode())
        except UnicodeDecodeError:
            self.fail(unknown_path(*self.summary(), self.base_url))
            return
        self.prepath = []
        self.path = quote(path).encode()
        self.postpath = [segment.encode() for segment in path[1:].split("/")]
        self.render(self.site.resource)

    def summary(self) -> tuple[str, str]:
        """Give method and path as the client wrote them, without the query, fit for a log or a message."""
        method = self.method.decode("ascii", "replace")
        return method, path_of(self.uri).decode("ascii", "replace")

    async def carry_out(self, work: Coroutine[Deferred[T], Any, T]) -> T:
        """Await what the answer needs. Raises the error of ``cut_short`` when that ends it."""
        self._work = running = Deferred.fromCoroutine(work)
        try:
            return await running
        except CancelledError:
            if self._cut_short is not None:
                raise self._cut_short from None
            raise
        finally:
            self._work = None

    async def conclude(self, end: Awaitable[None]) -> None:
        """Await the end of an answer that is all there: it is not cut short, so that its client gets one end of it."""
        self._concluding = True
        await end

    def cut_short(self, error: GatewayError) -> None:
        """End the answer with an error, as its last event if it is a stream that has begun."""
        if self._work is not None:
            self._cut_short = error
            self._work.cancel()
        elif not self._concluding:
            self.abandon(error.status)

    # ------------------------------------------------------------------ going out

    def fail(self, error: GatewayError) -> None:
        """Answer with an error, outside of any route."""
        self.write_error(error)
        self.finish()

    def write_error(self, error: GatewayError) -> None:
        """Write an error's status, headers and body."""
        body = error_body(error)
        self.trail.failures.append(error_reason(error))
        self.setResponseCode(error.status, reason_phrase(error.status).encode())
        self._tell(error_headers(error))
        self.setHeader("Content-Length", str(len(body)))
        self.write(body)

    def processingFailed(self, reason: Failure) -> Failure:
        """Answer a mistake of agd's that no route caught; the details go to the log."""
        self._log.failure("answering {id} failed", failure=reason, id=self.trail.request_id)
        if self.startedWriting:
            self.abandon(500)
        else:
            self.fail(internal_error())
        return reason

    def upgrade(self, protocol: Upgraded) -> None:
        """Answer 101 with the headers that are set, and give the connection away: the request ends here."""
        self._upgraded = True
        self.startedWriting = 1
        self._report(101)
        self.channel.writeHeaders(b"HTTP/1.1", b"101", b"Switching Protocols", self.responseHeaders)
        self.channel.upgrade(protocol)

    def finish(self) -> None:
        """End the answer and report it."""
        if self._upgraded:
            return
        self._report(self.code)
        super().finish()

    def abandon(self, status: int = 499) -> None:
        """Drop the connection: its client left or does not read, or the answer cannot be brought to a good end."""
        self._report(status)
        if self.channel is not None:
            self.channel.abort()

    def connectionLost(self, reason: Failure) -> None:
        """The client left before its answer was complete: 499, as others log it."""
        self._left = True
        super().connectionLost(reason)  # ends what is done for it, which the report then tells of
        self._report(499)

    @property
    def is_left(self) -> bool:
        """Whether its client has left, or was left."""
        return self._left or self._reported

    def _report(self, status: int) -> None:
        # A request that was refused at its head was reported then.
        if not self._reported and self.trail.request_id:
            self._reported = True
            self.site.answered(self, 499 if self._left else status)

    # ------------------------------------------------------------------ what the client is told of itself

    @property
    def base_url(self) -> str:
        """What this client should have as its base URL, by the address under which it found agd."""
        host = last_text(self.requestHeaders, "host") or ""
        scheme = "https" if self.isSecure() else "http"
        return f"{scheme}://{host if _PLAIN_HOST.fullmatch(host) else '127.0.0.1:8045'}/v1"

    def _tell(self, headers: Iterable[tuple[str, str]]) -> None:
        for name, value in headers:
            self.setHeader(name, value)

    def _preflight(self) -> None:
        self._tell(preflight_permissions(self.site.door, self.requestHeaders))
        self.setResponseCode(204)
        self.finish()
