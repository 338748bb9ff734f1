"""One client request: its body within limits and in memory, its path as it was meant, its trail."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_to_bytes

from twisted.python.failure import Failure
from twisted.web.http import datetimeToString
from twisted.web.server import Request as TwistedRequest

from agd.errors import GatewayError
from agd.gateway import Trail
from agd.web.errors import error_body, error_headers, internal_error, unknown_path
from agd.web.paths import canonical

if TYPE_CHECKING:
    from agd.web.channel import Channel
    from agd.web.site import Site

EXPOSED = "X-Request-Id, X-Mapped-Model, X-Account-Email, X-Agd-Notices, Retry-After"
_PREFLIGHT_SECONDS = "600"
_ID_LENGTH = 128


class Request(TwistedRequest):
    """A request whose answer is JSON or SSE, whatever happens. ``began`` is in the site's clock."""

    defaultContentType = b"application/json"
    channel: Channel
    site: Site
    content: BytesIO

    def __init__(self, channel: Channel, *args: object, **kwargs: object) -> None:
        super().__init__(channel, *args, **kwargs)
        self.site = channel.site
        self.trail = Trail("")
        self.began = self.site.clock.seconds()
        self._received = 0
        self._reported = False

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

    def getRequestHostname(self) -> bytes:
        """Routing does not depend on the Host header, and a strange one must not break it."""
        return b"localhost"

    def process(self) -> None:
        """Give the request to the routes, with the path that is meant."""
        self.trail.request_id = self._request_id()
        self.setHeader(b"Server", b"agd")
        self.setHeader(b"Date", datetimeToString())
        self.setHeader("X-Request-Id", self.trail.request_id)
        self._allow_origin()
        if self.method == b"OPTIONS":
            self._preflight()
            return
        try:
            path = canonical(unquote_to_bytes(self.path).decode())
            self.method.decode("ascii")
        except UnicodeDecodeError:
            self.fail(unknown_path(*self.summary()))
            return
        self.prepath = []
        self.path = quote(path).encode()
        self.postpath = [segment.encode() for segment in path[1:].split("/")]
        self.render(self.site.resource)

    def summary(self) -> tuple[str, str]:
        """Give method and path as the client wrote them, without the query, fit for a log or a message."""
        method = self.method.decode("ascii", "replace")
        return method, self.uri.partition(b"?")[0].decode("ascii", "replace")

    # ------------------------------------------------------------------ going out

    def fail(self, error: GatewayError) -> None:
        """Answer with an error, outside of any route."""
        self.write_error(error)
        self.finish()

    def write_error(self, error: GatewayError) -> None:
        """Write an error's status, headers and body."""
        body = error_body(error)
        self.setResponseCode(error.status)
        for name, value in error_headers(error):
            self.setHeader(name, value)
        self.setHeader("Content-Length", str(len(body)))
        self.write(body)

    def processingFailed(self, reason: Failure) -> Failure:
        """Answer a mistake of agd's that no route caught; the details go to the log."""
        self._log.failure("answering {id} failed", failure=reason, id=self.trail.request_id)
        if self.startedWriting:
            self.channel.abort()
        else:
            self.fail(internal_error())
        return reason

    def finish(self) -> None:
        """End the answer and report it."""
        self._report(self.code)
        super().finish()

    def abandon(self) -> None:
        """Drop the connection: its client left, or does not read."""
        self._report(499)
        if self.channel is not None:
            self.channel.abort()

    def connectionLost(self, reason: Failure) -> None:
        """The client left before its answer was complete: 499, as others log it."""
        self._report(499)
        super().connectionLost(reason)

    def _report(self, status: int) -> None:
        # A request that was refused at its head was reported then.
        if not self._reported and self.trail.request_id:
            self._reported = True
            self.site.answered(self, status)

    # ------------------------------------------------------------------ browsers

    def _request_id(self) -> str:
        given = self.getHeader("x-request-id") or ""
        if given and len(given) <= _ID_LENGTH and given.isascii() and given.isprintable():
            return given
        return self.site.mint_id()

    def _allow_origin(self) -> None:
        origin = self.getHeader("origin")
        if origin is not None and self.site.door.allows_origin(origin):
            self.setHeader("Access-Control-Allow-Origin", origin)
            self.setHeader("Access-Control-Expose-Headers", EXPOSED)
            self.setHeader("Vary", "Origin")

    def _preflight(self) -> None:
        """Answer a browser's question before the request; without an allowed origin it holds no permission."""
        if self.responseHeaders.hasHeader("Access-Control-Allow-Origin"):
            self.setHeader("Access-Control-Allow-Methods", "GET, HEAD, POST, DELETE, OPTIONS")
            wanted = self.getHeader("access-control-request-headers") or "authorization, content-type"
            self.setHeader("Access-Control-Allow-Headers", wanted)
            self.setHeader("Access-Control-Max-Age", _PREFLIGHT_SECONDS)
        self.setResponseCode(204)
        self.finish()
