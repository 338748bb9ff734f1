"""The agent under treq: persistent connections to upstreams, no cookies, nothing compressed.

treq keeps one cookie jar per client and offers gzip on every request. Both are wrong here: a cookie set for one
account must not be sent with another's request, and compressed SSE comes in lumps. ``PlainAgent`` takes both headers
off again, below treq.
"""

from __future__ import annotations

from typing import Any

from attrs import define
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IConsumer, IHandshakeListener, IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure
from twisted.web._newclient import HTTP11ClientProtocol
from twisted.web.client import Agent, HTTPConnectionPool
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IBodyProducer, IResponse
from zope.interface import implementer

from agd.accounts.way import STRAIGHT, WayOut
from agd.transport.endpoints import Endpoints

IDLE_CONNECTIONS = 64
"""How many idle connections are kept per upstream host; open ones are not limited by this."""
IDLE_SECONDS = 50
"""How long an idle connection is kept: less than upstreams keep theirs, so that few die under a request."""


@implementer(IHandshakeListener)
class _Client(HTTP11ClientProtocol):
    """Twisted's side of one connection, which also tells when TLS is agreed upon."""

    # Not set in each: there are many, and most of them are plain or agreed upon.
    _is_secure = False
    _lost: Failure | None = None
    _waiting: Deferred[None] | None = None

    def secured(self) -> Deferred[None]:
        """Fire when TLS is agreed upon; fail with the reason when the connection is lost before."""
        if self._is_secure:
            return succeed(None)
        if self._lost is not None:
            return fail(self._lost)
        self._waiting = Deferred(lambda _: self._abandon())
        return self._waiting

    def handshakeCompleted(self) -> None:
        """Note that it is."""
        self._is_secure = True
        self._tell(None)

    def connectionLost(self, reason: Any = None) -> None:
        """Note that it will not be."""
        self._lost = reason
        HTTP11ClientProtocol.connectionLost(self, reason)
        self._tell(reason)

    def _abandon(self) -> None:
        self._waiting = None
        transport: Any = self.transport
        transport.abortConnection()

    def _tell(self, result: Any) -> None:
        waiting = self._waiting
        if waiting is not None:
            self._waiting = None
            waiting.callback(result)


class _ClientFactory(Factory):
    """Makes ``_Client``; Twisted's own writes two log lines for each connection."""

    noisy = False

    def __init__(self, quiescent: Any, metadata: str) -> None:
        self._quiescent = quiescent
        self._metadata = metadata

    def __repr__(self) -> str:
        return f"_ClientFactory({self._metadata})"

    def buildProtocol(self, addr: object) -> _Client:
        return _Client(self._quiescent)


@define(eq=False)
class Link:
    """A connection that was asked for. ``seconds``: how long it took to be there, 0 for a kept one, None: it is not."""

    reused: bool
    seconds: float | None = None


class Pool(HTTPConnectionPool):
    """A connection pool that tells whether the connection it gave last had been used before, else how long it took.

    ``connect_seconds`` is how long a new connection may take; it may be changed at any time.
    """

    link = Link(reused=False)
    """The one that was given last."""
    _factory: Any = _ClientFactory

    def __init__(self, reactor: Any, connect_seconds: float) -> None:
        HTTPConnectionPool.__init__(self, reactor, persistent=True)
        self.connect_seconds = connect_seconds
        self._seconds = reactor.seconds
        self.maxPersistentPerHost = IDLE_CONNECTIONS
        self.cachedConnectionTimeout = IDLE_SECONDS
        # Twisted repeats only requests without a body; the one repeat that is right here is made by the gateway.
        self.retryAutomatically = False

    def getConnection(self, key: Any, endpoint: IStreamClientEndpoint) -> Deferred[Any]:
        """Give a connection; ``link`` is the caller's until the next call, which is synchronous."""
        began = self._seconds()
        connection = super().getConnection(key, endpoint)
        # Only a kept connection is there at once: a new one has to be made by the network first.
        if connection.called:
            self.link = Link(reused=True, seconds=0.0)
        else:
            self.link = Link(reused=False)
            connection.addCallback(self._connected, self.link, began)
        return connection

    def _connected(self, connection: Any, link: Link, began: float) -> Any:
        link.seconds = self._seconds() - began
        return connection

    def retire(self) -> Deferred[None]:
        """Keep nothing any more; fires when what was kept is closed. Answers that run go on to their end."""
        self.cachedConnectionTimeout = 0
        closed: Deferred[None] = self.closeCachedConnections()
        return closed

    def drop_idle(self) -> None:
        """Close every connection that is kept without being used; those that carry an answer are left alone."""
        self.closeCachedConnections()


@implementer(IAgent)
@define
class PlainAgent:
    """An agent that sends neither cookies nor an offer to compress."""

    _agent: IAgent

    def request(
        self,
        method: bytes,
        uri: bytes,
        headers: Headers | None = None,
        bodyProducer: IBodyProducer | None = None,
    ) -> Deferred[IResponse]:
        """Issue the request without what treq adds on its own."""
        if headers is not None:
            headers.removeHeader(b"cookie")
            headers.removeHeader(b"accept-encoding")
        return self._agent.request(method, uri, headers, bodyProducer)


@implementer(IBodyProducer)
class Body:
    """A request body that is ready: written at once, so that it costs no reactor turn."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.length = len(data)

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        """Write all of it, and keep none: the request object lives as long as the answer streams."""
        data, self._data = self._data, b""
        consumer.write(data)
        return succeed(None)

    def pauseProducing(self) -> None:
        """Nothing to pause: the body is already with the transport."""

    def resumeProducing(self) -> None:
        """Nothing to resume."""

    def stopProducing(self) -> None:
        """Nothing to stop."""


def make_agent(reactor: Any, pool: Pool, way: WayOut = STRAIGHT) -> IAgent:
    """Make the agent that treq stands on, for one way out."""
    return PlainAgent(Agent.usingEndpointFactory(reactor, Endpoints(reactor, pool, way), pool))
