"""One client connection: refusals that a client can read, and what must be known to drain.

Twisted answers malformed HTTP with an empty 400 and knows no refusal before the body. Here every refusal is OpenAI's
error JSON, and the connection is closed in the order that lets the client read it: write, half-close, read off what
the client is still sending, close. Closing with unread input would reset the connection and destroy the answer.

Twisted also stops reading when a client sends much ahead of a running request, and then does not see it leave. Here
reading never stops for that: what was sent ahead is given up instead, and the connection closes after the answer.

A connection that is upgraded speaks another protocol from then on; it stays the same connection of the site's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from twisted.internet.interfaces import IDelayedCall, IHalfCloseableDescriptor
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.http_headers import Headers

from agd.errors import GatewayError

if TYPE_CHECKING:
    from agd.web.request import Request
    from agd.web.site import Site

LINGER_SECONDS = 5.0
"""How long a client may take to read its refusal, or the end of its answer, while it is still sending."""


class Upgraded(Protocol):
    """What a connection is upgraded to: it is also the push producer of the connection."""

    def dataReceived(self, data: bytes) -> None:
        """Take what came."""

    def connectionLost(self, reason: Failure | None = None) -> None:
        """The connection is gone."""

    def close_when_idle(self) -> None:
        """Take nothing new, and close the connection when what runs has ended."""

    def cut_short(self, error: GatewayError) -> None:
        """End what runs with an error that the client can read, and close the connection."""

    def pauseProducing(self) -> None:
        """The client does not keep up."""

    def resumeProducing(self) -> None:
        """The client reads again."""

    def stopProducing(self) -> None:
        """The connection is being lost."""


class Channel(HTTPChannel):
    """An HTTP/1.1 server connection."""

    site: Site
    _upgraded: Upgraded | None = None
    _refused = False
    _overflowing = False
    _lingering: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """Be counted: the site drains connections, because a finished request may still have unsent bytes."""
        super().connectionMade()
        self.site.opened(self)

    def connectionLost(self, reason: Failure | None = None) -> None:
        """Be counted out."""
        if self._lingering is not None and self._lingering.active():
            self._lingering.cancel()
        if self._upgraded is not None:
            self._upgraded.connectionLost(reason)
        super().connectionLost(reason)
        self.site.closed(self)

    @property
    def is_upgraded(self) -> bool:
        """Whether the connection speaks another protocol by now."""
        return self._upgraded is not None

    def upgrade(self, protocol: Upgraded) -> None:
        """Give the connection to another protocol, once the running request has answered 101.

        Whatever came behind the request's head is given to it at once. HTTP's time limit, which is off while a request
        runs, never comes back.
        """
        self._upgraded = protocol
        self.requests = []
        ahead, self._dataBuffer = b"".join(self._dataBuffer), []
        self.registerProducer(protocol, True)
        if self._waitingForTransport:
            protocol.pauseProducing()
        if ahead:
            protocol.dataReceived(ahead)

    def allHeadersReceived(self) -> None:
        """Refuse what can be judged from the headers alone, before a byte of the body is kept."""
        try:
            check_host(self._version, self._headers)
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
        """Take a piece of a body, or what is sent ahead of a running request; what is given up is read off."""
        if self._upgraded is not None:
            self._upgraded.dataReceived(data)
            return
        if self._refused or self._overflowing:
            return
        if self._handlingRequest and len(data) + sum(map(len, self._dataBuffer)) > self._optimisticEagerReadSize:
            self._give_up_what_is_ahead()
        else:
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
        began = self.requests[-1].began if self.requests else self.site.clock.seconds()
        self._connection.write(self.site.refusal(error, self._method, self._target, self._headers, began))
        self._linger(self.abort)

    def loseConnection(self) -> None:
        """Close when everything is written; while the client is still sending, so that it can read that."""
        if self._overflowing:
            self._linger(super().loseConnection)
        else:
            super().loseConnection()

    def close_when_idle(self) -> None:
        """Take no further request: close now when none is running, else after its answer."""
        if self._upgraded is not None:
            self._upgraded.close_when_idle()
            return
        self.persistent = False
        for request in self.requests:
            announce_close(request)
        if not self.requests and not self._refused:
            self.loseConnection()

    def cut_short(self, error: GatewayError) -> None:
        """End what is under way with an error that the client can read; whatever else there is closes by itself."""
        if self._upgraded is not None:
            self._upgraded.cut_short(error)
        elif self.requests and self._handlingRequest:
            self.requests[0].cut_short(error)
        elif self.requests:
            self.refuse(error)

    def close_unread(self) -> None:
        """Close after what was written, so that a client can read it that is still sending what nobody reads."""
        self._linger(self.abort)

    def hold_reading(self) -> None:
        """Read nothing until ``resume_reading``. A client that leaves is noticed while it has unread input."""
        self._networkProducer.pauseProducing()

    def resume_reading(self) -> None:
        """Read on."""
        self._networkProducer.resumeProducing()

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

    def _give_up_what_is_ahead(self) -> None:
        self._overflowing = True
        self._dataBuffer = []
        self.persistent = False
        announce_close(self.requests[0])

    def _linger(self, then: Callable[[], None]) -> None:
        """Half-close once all is written and read on for a while; ``then`` ends it if the client does not."""
        if self._lingering is not None:
            return
        self._lingering = self.callLater(LINGER_SECONDS, then)
        if IHalfCloseableDescriptor.providedBy(self.transport):
            self._connection.unregisterProducer()
            self._connection.loseWriteConnection()
        else:
            super().loseConnection()

    def _respondToBadRequestAndDisconnect(self) -> None:
        """Twisted's single way to refuse malformed HTTP; the base class calls it from its parser."""
        if self._receivedHeaderSize > self.totalHeadersSize or self._receivedHeaderCount > self.maxHeaders:
            self.refuse(GatewayError(431, "The request's headers are too large", code="headers_too_large"))
        else:
            self.refuse(GatewayError(400, "The request is not well-formed HTTP/1.1", code="malformed_http"))


def check_host(version: bytes, headers: Headers) -> None:
    """Raise ``GatewayError`` 400 unless there is one Host, or none in HTTP/1.0 (RFC 9112, section 3.2)."""
    hosts = len(headers.getRawHeaders(b"host", []))
    if hosts > 1 or (hosts == 0 and version != b"HTTP/1.0"):
        raise GatewayError(400, "An HTTP/1.1 request needs exactly one Host header", code="malformed_http")


def announce_close(request: Request) -> None:
    """Tell the client in the answer's head that the connection closes after it, while there is still time for it."""
    if not request.startedWriting:
        request.responseHeaders.setRawHeaders(b"Connection", [b"close"])
