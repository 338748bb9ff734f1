"""The agent under treq: persistent connections to upstreams, nothing shared between accounts.

treq keeps one cookie jar per client and offers gzip on every request. Both are wrong here: a cookie set for one
account must not be sent with another's request, and compressed SSE comes in lumps. ``PlainAgent`` takes both headers
off again, below treq.
"""

from __future__ import annotations

from typing import Any

from attrs import define
from twisted.internet.defer import Deferred, succeed
from twisted.internet.endpoints import HostnameEndpoint, TCP4ClientEndpoint, wrapClientTLS
from twisted.internet.interfaces import IConsumer, IStreamClientEndpoint
from twisted.web.client import (
    URI,
    Agent,
    BrowserLikePolicyForHTTPS,
    HostnameCachingHTTPSPolicy,
    HTTPConnectionPool,
)
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IAgentEndpointFactory, IBodyProducer, IPolicyForHTTPS, IResponse
from zope.interface import implementer

IDLE_CONNECTIONS = 64
"""How many idle connections are kept per upstream host; open ones are not limited by this."""
IDLE_SECONDS = 50
"""How long an idle connection is kept: less than upstreams keep theirs, so that few die under a request."""
ATTEMPT_DELAY = 0.05
"""Seconds between the addresses of a host; Twisted's 0.3 also delays the final refusal by as much."""


# Twisted writes two log lines for each connection and has no public way to say otherwise.
_QuietFactory: Any = type("_QuietFactory", (HTTPConnectionPool._factory,), {"noisy": False})  # noqa: SLF001


class Pool(HTTPConnectionPool):
    """A connection pool that tells whether the connection it gave last had been used before.

    ``connect_seconds`` is how long a new connection may take; it may be changed at any time.
    """

    reused = False
    _factory = _QuietFactory

    def __init__(self, reactor: Any, connect_seconds: float) -> None:
        HTTPConnectionPool.__init__(self, reactor, persistent=True)
        self.connect_seconds = connect_seconds
        self.maxPersistentPerHost = IDLE_CONNECTIONS
        self.cachedConnectionTimeout = IDLE_SECONDS
        # Twisted repeats only requests without a body; the one repeat that is right here is made by the gateway.
        self.retryAutomatically = False

    def getConnection(self, key: Any, endpoint: IStreamClientEndpoint) -> Deferred[Any]:
        """Give a connection; ``reused`` holds for the caller until the next call, which is synchronous."""
        connection = super().getConnection(key, endpoint)
        # Only a kept connection is there at once: a new one has to be made by the network first.
        self.reused = connection.called
        return connection

    def drop_idle(self) -> None:
        """Close every connection that is kept without being used; those that carry an answer are left alone."""
        self.closeCachedConnections()


@implementer(IAgentEndpointFactory)
@define
class Endpoints:
    """How to reach an upstream host: the TLS policy is made at the first https request and cached per host."""

    _reactor: Any
    _pool: Pool
    _policy: IPolicyForHTTPS | None = None

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        """Give an endpoint for the host and port of a URI."""
        host = uri.host.decode("ascii")
        timeout = self._pool.connect_seconds
        if _is_ipv4(host):
            plain: IStreamClientEndpoint = TCP4ClientEndpoint(self._reactor, host, uri.port, timeout=timeout)
        else:
            plain = HostnameEndpoint(self._reactor, host, uri.port, timeout=timeout, attemptDelay=ATTEMPT_DELAY)
        if uri.scheme == b"https":
            if self._policy is None:
                self._policy = HostnameCachingHTTPSPolicy(BrowserLikePolicyForHTTPS())
            return wrapClientTLS(self._policy.creatorForNetloc(uri.host, uri.port), plain)
        return plain


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


def make_agent(reactor: Any, pool: Pool) -> IAgent:
    """Make the agent that treq stands on."""
    return PlainAgent(Agent.usingEndpointFactory(reactor, Endpoints(reactor, pool), pool))


def _is_ipv4(host: str) -> bool:
    parts = host.split(".")
    return len(parts) == 4 and all(part.isdigit() for part in parts)
