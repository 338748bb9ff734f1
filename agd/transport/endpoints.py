"""How an upstream host is reached: straight or through a proxy, with TLS, and all of that within a time."""

from __future__ import annotations

from typing import Any, NoReturn, Protocol

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, TCP4ClientEndpoint, wrapClientTLS
from twisted.internet.error import TimeoutError as ConnectTimeout
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.web.client import URI
from twisted.web.iweb import IAgentEndpointFactory, IPolicyForHTTPS
from zope.interface import implementer

from agd.accounts.way import Proxy, WayOut
from agd.transport.tls import make_policy

ATTEMPT_DELAY = 0.05
"""Seconds between the addresses of a host; Twisted's 0.3 also delays the final refusal by as much."""


class Patient(Protocol):
    """What knows how long a connection may take, in seconds, at the moment when it is begun."""

    connect_seconds: float


@implementer(IAgentEndpointFactory)
@define(eq=False)
class Endpoints:
    """The endpoints of one way out: the TLS policy is made at the first need and cached per host."""

    _reactor: Any
    _patience: Patient
    _way: WayOut = field(factory=WayOut)
    _policy: IPolicyForHTTPS | None = None

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        """Give an endpoint for the host and port of a URI."""
        seconds = self._patience.connect_seconds
        host = uri.host.decode("ascii").strip("[]")
        proxy = self._way.proxy
        plain = self._tcp(host, uri.port, seconds) if proxy is None else self._through(proxy, host, uri.port, seconds)
        secure = self._secured(plain, uri.host, uri.port) if uri.scheme == b"https" else None
        if secure is None and proxy is None:
            return plain  # the system's own limit is all there is to wait for
        return Timely(secure or plain, self._reactor, seconds, is_secure=secure is not None)

    def _tcp(self, host: str, port: int, seconds: float) -> IStreamClientEndpoint:
        if _is_ipv4(host):
            return TCP4ClientEndpoint(self._reactor, host, port, timeout=seconds)
        return HostnameEndpoint(self._reactor, host, port, timeout=seconds, attemptDelay=ATTEMPT_DELAY)

    def _through(self, proxy: Proxy, host: str, port: int, seconds: float) -> IStreamClientEndpoint:
        # Most accounts are reached without a proxy, and idle memory is counted.
        from agd.transport.connect import Connect  # noqa: PLC0415
        from agd.transport.socks import Socks5  # noqa: PLC0415
        from agd.transport.tunnels import Negotiation, TunnelEndpoint  # noqa: PLC0415

        reached = self._tcp(proxy.host, proxy.port, seconds)
        if proxy.scheme == "https":
            reached = self._secured(reached, proxy.host.encode("ascii"), proxy.port)

        def negotiation() -> Negotiation:
            if proxy.scheme == "socks5":
                return Socks5(host, port, proxy.username, proxy.password)
            return Connect(host, port, proxy.basic)

        return TunnelEndpoint(reached, negotiation)

    def _secured(self, plain: IStreamClientEndpoint, host: bytes, port: int) -> IStreamClientEndpoint:
        if self._policy is None:
            self._policy = make_policy(self._way.ca)
        return wrapClientTLS(self._policy.creatorForNetloc(host, port), plain)


@implementer(IStreamClientEndpoint)
@define(eq=False)
class Timely:
    """An endpoint whose connections are there, TLS agreed upon, within ``seconds`` or not at all."""

    _endpoint: IStreamClientEndpoint
    _clock: Any
    _seconds: float
    _is_secure: bool

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect. Fails with Twisted's ``TimeoutError``, which is a ``ConnectError``, when it takes too long."""
        connecting: Deferred[Any] = self._endpoint.connect(protocolFactory)
        if self._is_secure:
            connecting.addCallback(_when_secure)
        return connecting.addTimeout(self._seconds, self._clock, onTimeoutCancel=_too_late)


def _when_secure(protocol: Any) -> Deferred[Any]:
    secured: Deferred[Any] = protocol.secured()
    return secured.addCallback(lambda _: protocol)


def _too_late(_result: object, _seconds: float) -> NoReturn:
    raise ConnectTimeout


def _is_ipv4(host: str) -> bool:
    parts = host.split(".")
    return len(parts) == 4 and all(part.isdigit() for part in parts)
