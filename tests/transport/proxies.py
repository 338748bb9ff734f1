"""Real proxies on the loopback: CONNECT and SOCKS 5, which remember whom they were asked for.

They take every name for 127.0.0.1, so a name that only they know proves that it was they who looked it up.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.internet.defer import maybeDeferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Factory, Protocol

from tests.upstream.secure_host import identity

Reached = Callable[[Any], None]


class _Far(Protocol):
    """The proxy's connection to the other side."""

    def __init__(self, near: _Near) -> None:
        self.near: Any = near

    def dataReceived(self, data: bytes) -> None:
        self.near.transport.write(data)

    def connectionLost(self, reason: Any = None) -> None:
        self.near.transport.loseConnection()


class _Near(Protocol):
    """The proxy's connection to the client."""

    proxy: Proxy

    def connectionMade(self) -> None:
        self.heard = b""
        self.far: Any = None
        self.proxy.connections += 1
        self.proxy.open.add(self)

    def dataReceived(self, data: bytes) -> None:
        if self.far is not None:
            self.far.transport.write(data)
            return
        self.heard += data
        self.negotiate()

    def connectionLost(self, reason: Any = None) -> None:
        self.proxy.open.discard(self)
        if self.far is not None:
            self.far.transport.abortConnection()

    def negotiate(self) -> None:
        """Read what has been heard."""
        raise NotImplementedError

    def reach(self, host: str, port: int, yes: bytes) -> None:
        """Connect to the other side and say yes."""
        from twisted.internet import reactor

        self.proxy.targets.append((host, port))
        transport: Any = self.transport

        def reached(far: Any) -> None:
            self.far = far
            transport.write(yes)

        connecting = connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", port), _Far(self))
        connecting.addCallbacks(reached, lambda _: transport.loseConnection())


class _Connect(_Near):
    def negotiate(self) -> None:
        if b"\r\n\r\n" not in self.heard:
            return
        head, self.heard = self.heard.decode("latin-1"), b""
        transport: Any = self.transport
        wanted = b64encode(":".join(self.proxy.login).encode()).decode() if self.proxy.login else None
        if wanted is not None and f"Proxy-Authorization: Basic {wanted}\r\n" not in head:
            transport.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            transport.loseConnection()
            return
        host, _, port = head.split()[1].rpartition(":")
        self.reach(host, int(port), b"HTTP/1.1 200 Connection established\r\n\r\n")


class _Socks(_Near):
    step = 0

    def negotiate(self) -> None:
        transport: Any = self.transport
        if self.step == 0 and len(self.heard) >= 2 + self.heard[1]:
            method = 2 if self.proxy.login else 0
            offered = self.heard[2 : 2 + self.heard[1]]
            self.heard = b""
            self.step = 1 if method else 2
            transport.write(bytes([5, method if method in offered else 255]))
        elif self.step == 1 and self.heard:
            user = self.heard[2 : 2 + self.heard[1]].decode()
            password = self.heard[3 + self.heard[1] :].decode()
            self.heard, self.step = b"", 2
            transport.write(bytes([1, 0 if (user, password) == self.proxy.login else 1]))
        elif self.step == 2 and len(self.heard) > 4:
            length = self.heard[4]
            name = self.heard[5 : 5 + length].decode() if self.heard[3] == 3 else "an address"
            port = int.from_bytes(self.heard[-2:], "big")
            self.heard = b""
            self.reach(name, port, b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")


@define(eq=False)
class Proxy:
    """A proxy of one kind: ``http``, ``https`` or ``socks5``. ``login`` is the user and password that it wants."""

    kind: str
    login: tuple[str, str] | None = None
    targets: list[tuple[str, int]] = field(factory=list)
    connections: int = 0
    open: set[_Near] = field(factory=set)
    _port: Any = None

    def start(self) -> None:
        """Listen on any free port of the loopback."""
        from twisted.internet import reactor as installed

        reactor: Any = installed
        factory = Factory.forProtocol(type("_Bound", (_Socks if self.kind == "socks5" else _Connect,), {"proxy": self}))
        factory.noisy = False
        if self.kind == "https":
            self._port = reactor.listenSSL(0, factory, identity().options(), interface="127.0.0.1")
        else:
            self._port = reactor.listenTCP(0, factory, interface="127.0.0.1")

    @property
    def url(self) -> str:
        """What stands in a configuration."""
        login = f"{self.login[0]}:{self.login[1]}@" if self.login else ""
        return f"{self.kind}://{login}127.0.0.1:{self._port.getHost().port}"

    async def stop(self) -> None:
        """Stop listening and close what is open."""
        await maybeDeferred(self._port.stopListening)
        for near in list(self.open):
            transport: Any = near.transport
            transport.abortConnection()
