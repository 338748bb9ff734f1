"""Connections through a proxy: what is said to the proxy first, and the connection then handed to who wanted it.

Both kinds of proxy are told the name of the host and look it up themselves, so no name of an upstream is asked for
here. A proxy that cannot be reached or refuses is the end of the attempt: nothing here knows another way.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from attrs import define
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.python.failure import Failure
from zope.interface import implementer


class ProxyError(ConnectError):
    """A proxy did not make the connection; the words name neither it nor what it was told."""

    def __init__(self, words: str) -> None:
        ConnectError.__init__(self, None, words)
        self._words = words

    def __str__(self) -> str:
        return f"proxy: {self._words}"


class Negotiation(ABC):
    """What is said with a proxy before it lets bytes through."""

    @abstractmethod
    def greeting(self) -> bytes:
        """Return what is sent first."""

    @abstractmethod
    def feed(self, data: bytes) -> tuple[bytes, bytes | None]:
        """Take what the proxy says; return what is to be sent, and once it has agreed what it sent beyond that.

        Raises ``ProxyError``.
        """


class _Tunnel(Protocol):
    """Negotiates, then passes everything on to the protocol that the connection is for."""

    def __init__(self, negotiation: Negotiation, factory: IProtocolFactory, opened: Deferred[Any]) -> None:
        self._negotiation = negotiation
        self._factory = factory
        self._opened = opened
        self._inner: Any = None
        self._over = False

    def connectionMade(self) -> None:
        self._send(self._negotiation.greeting())

    def dataReceived(self, data: bytes) -> None:
        if self._inner is not None:
            self._inner.dataReceived(data)
        elif not self._over:
            self._negotiate(data)

    def connectionLost(self, reason: Failure | None = None) -> None:
        if self._inner is not None:
            self._inner.connectionLost(reason)
        elif not self._over:
            self._fail(ProxyError("it closed the connection"))

    def give_up(self) -> None:
        """Nobody wants the connection any more."""
        self._over = True
        transport: Any = self.transport
        transport.abortConnection()

    def _negotiate(self, data: bytes) -> None:
        try:
            answer, beyond = self._negotiation.feed(data)
        except ProxyError as error:
            self._fail(error)
            return
        self._send(answer)
        if beyond is not None:
            self._open(beyond)

    def _open(self, beyond: bytes) -> None:
        transport: Any = self.transport
        inner: Any = self._factory.buildProtocol(transport.getPeer())
        self._inner = inner
        inner.makeConnection(transport)
        self._opened.callback(inner)
        if beyond:
            inner.dataReceived(beyond)

    def _send(self, data: bytes) -> None:
        if data:
            transport: Any = self.transport
            transport.write(data)

    def _fail(self, error: ProxyError) -> None:
        self.give_up()
        self._opened.errback(error)


@implementer(IStreamClientEndpoint)
@define(eq=False)
class TunnelEndpoint:
    """An endpoint beyond a proxy. ``negotiate`` makes the words for one connection."""

    _proxy: IStreamClientEndpoint
    _negotiate: Callable[[], Negotiation]

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect to the proxy, then through it. Fails with ``ProxyError`` or as the way to the proxy does."""
        state: list[Any] = []
        opened: Deferred[IProtocol] = Deferred(lambda _: _cancel(state))

        def build(_: object) -> _Tunnel:
            state.append(_Tunnel(self._negotiate(), protocolFactory, opened))
            tunnel: _Tunnel = state[-1]
            return tunnel

        factory: Any = _TunnelFactory()
        factory.build = build
        reached = self._proxy.connect(factory)
        state.append(reached)
        reached.addErrback(_unreached, opened)
        return opened


class _TunnelFactory(Factory):
    noisy = False
    build: Callable[[object], _Tunnel]

    def buildProtocol(self, addr: object) -> Any:
        return self.build(addr)


def _unreached(failure: Failure, opened: Deferred[IProtocol]) -> None:
    """Tell whoever waits; one that gave up has its answer already."""
    if not opened.called:
        opened.errback(failure)


def _cancel(state: list[Any]) -> None:
    for part in state:
        if isinstance(part, _Tunnel):
            part.give_up()
        else:
            part.cancel()
