"""One client connection: refusals that a client can read, and what must be known to drain.

Twisted answers malformed HTTP with an empty 400 and knows no refusal before the body. Here every refusal is OpenAI's
error JSON, and the connection is closed in the order that lets the client read it: write, half-close, read off what
the client is still sending, close. Closing with unread input would reset the connection and destroy the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IDelayedCall, IHalfCloseableDescriptor
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.http_headers import Headers

from agd.errors import GatewayError

if TYPE_CHECKING:
    from agd.web.request import Request
    from agd.web.site import Site

LINGER_SECONDS = 5.0
"""How long a refused client may take to read its refusal."""


class Channel(HTTPChannel):
    """An HTTP/1.1 server connection."""

    site: Site
    _refused = False
    _lingering: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """Be counted: the site drains connections, because a finished request may still have unsent bytes."""
        super().connectionMade()
        self.site.opened(self)

    def connectionLost(self, reason: Failure | None = None) -> None:
        """Be counted out."""
        if self._lingering is not None and self._lingering.active():
            self._lingering.cancel()
        super().connectionLost(reason)
        self.site.closed(self)

    def allHeadersReceived(self) -> None:
        """Refuse what can be judged from the headers alone, before a byte of the body is kept."""
        try:
            self.site.check_head(self._command, self._path, self._headers, self.length)
        except GatewayError as error:
            self.refuse(error)
            return
        super().allHeadersReceived()

    def allContentReceived(self) -> None:
        """Run the request, unless its body turned out too large in the very read that completed it."""
        if not self._refused:
            super().allContentReceived()

    def headerReceived(self, line: bytes) -> bool:
        """Take a header. A Content-Length with thousands of digits is more than Python reads as a number."""
        try:
            taken: bool = super().headerReceived(line)
        except ValueError:
            self._respondToBadRequestAndDisconnect()
            return False
        return taken

    def checkPersistence(self, request: Request, version: bytes) -> bool:
        """Tell whether the connection may carry a further request: none while draining, whatever the client wants."""
        persistent: bool = super().checkPersistence(request, version)
        if persistent and self.site.draining:
            announce_close(request)
            return False
        return persistent

    def lineReceived(self, line: bytes) -> None:
        """Take a line of the head; nothing after a refusal."""
        if not self._refused:
            super().lineReceived(line)

    def rawDataReceived(self, data: bytes) -> None:
        """Take a piece of a body; after a refusal it is read off and forgotten."""
        if not self._refused:
            super().rawDataReceived(data)

    def lineLengthExceeded(self, line: bytes) -> None:
        """Refuse a request line or header without end."""
        self.clearLineBuffer()
        self.refuse(GatewayError(431, "The request line or a header is too long", code="headers_too_large"))

    def refuse(self, error: GatewayError) -> None:
        """Answer with an error and close, in the order that lets the client read it."""
        if self._refused:
            return
        self._refused = True
        # Raw mode and no known length: whatever still comes is body, and rawDataReceived drops it.
        self.length = None
        self.setTimeout(None)
        self._connection.write(self.site.refusal(error, self._method, self._target, self._headers))
        self._lingering = self.callLater(LINGER_SECONDS, self._give_up)
        if IHalfCloseableDescriptor.providedBy(self.transport):
            self._connection.unregisterProducer()
            self._connection.loseWriteConnection()
        else:
            self.loseConnection()

    def close_when_idle(self) -> None:
        """Take no further request: close now when none is running, else after its answer."""
        self.persistent = False
        for request in self.requests:
            announce_close(request)
        if not self.requests and not self._refused:
            self.loseConnection()

    def abort(self) -> None:
        """Drop the connection with whatever is unsent."""
        self._connection.abortConnection()

    @property
    def _headers(self) -> Headers:
        """What has come of the head of the request that is being received."""
        headers: Headers = self.requests[-1].requestHeaders if self.requests else Headers()
        return headers

    @property
    def _method(self) -> bytes:
        """The method of the request that is being received; Twisted keeps none for a malformed request line."""
        return getattr(self, "_command", b"-")

    @property
    def _target(self) -> bytes:
        return getattr(self, "_path", b"-")

    @property
    def _connection(self) -> Any:
        """The transport, which Twisted annotates with less than it offers."""
        return self.transport

    def _give_up(self) -> None:
        self._lingering = None
        self.abort()

    def _respondToBadRequestAndDisconnect(self) -> None:
        """Twisted's single way to refuse malformed HTTP; the base class calls it from its parser."""
        if self._receivedHeaderSize > self.totalHeadersSize or self._receivedHeaderCount > self.maxHeaders:
            self.refuse(GatewayError(431, "The request's headers are too large", code="headers_too_large"))
        else:
            self.refuse(GatewayError(400, "The request is not well-formed HTTP/1.1", code="malformed_http"))


def announce_close(request: Request) -> None:
    """Tell the client in the answer's head that the connection closes after it, while there is still time for it."""
    if not request.startedWriting:
        request.responseHeaders.setRawHeaders(b"Connection", [b"close"])
