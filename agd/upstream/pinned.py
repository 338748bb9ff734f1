"""Connecting to one address that was checked, whatever its name would say when asked again (H02)."""

from __future__ import annotations

from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint, wrapClientTLS
from twisted.internet.interfaces import IAddress, IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.web.client import URI
from twisted.web.iweb import IAgentEndpointFactory, IPolicyForHTTPS
from zope.interface import implementer

CONNECT_SECONDS = 5.0
"""How long one address may take to answer."""
HEAD_BYTES = 65_536
"""What an answer may have beside its body: status line, headers, framing."""


@implementer(IAgentEndpointFactory)
@frozen
class Pinned:
    """Leads every request to ``address``; the name in the URL serves for Host, SNI and the certificate only.

    A connection that brings more than ``max_bytes`` and a head is dropped: headers without end cannot fill memory.
    """

    _reactor: Any
    _policy: IPolicyForHTTPS
    _address: str
    _max_bytes: int

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        """Give the endpoint of the address, at the URL's port, with TLS for the URL's name."""
        kind = TCP6ClientEndpoint if ":" in self._address else TCP4ClientEndpoint
        plain = kind(self._reactor, self._address, uri.port, timeout=CONNECT_SECONDS)
        secure = wrapClientTLS(self._policy.creatorForNetloc(uri.host, uri.port), plain)
        return _Metered(secure, self._max_bytes + HEAD_BYTES)


@implementer(IStreamClientEndpoint)
@frozen
class _Metered:
    """An endpoint whose connections may bring so many bytes each."""

    _endpoint: IStreamClientEndpoint
    _limit: int

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        connected: Deferred[Any] = self._endpoint.connect(_metered(protocolFactory, self._limit))
        return connected.addCallback(lambda meter: meter.wrappedProtocol)


class _Meter(ProtocolWrapper):
    """Counts what comes, and drops the connection that brings too much."""

    left = 0

    def dataReceived(self, data: bytes) -> None:
        self.left -= len(data)
        wrapped: Any = self.wrappedProtocol
        transport: Any = self.transport
        if self.left < 0:
            transport.abortConnection()
        else:
            wrapped.dataReceived(data)


class _MeterFactory(WrappingFactory):
    protocol = _Meter
    noisy = False
    limit = 0

    def buildProtocol(self, addr: IAddress | None) -> Any:
        meter: Any = super().buildProtocol(addr)
        meter.left = self.limit
        return meter


def _metered(wrapped: Any, limit: int) -> IProtocolFactory:
    # Twisted writes two log lines for each connection of a factory that is noisy.
    wrapped.noisy = False
    make: Any = _MeterFactory
    factory: Any = make(wrapped)
    factory.limit = limit
    found: IProtocolFactory = factory
    return found
