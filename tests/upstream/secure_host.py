"""A real https server on the loopback, with its own authority, whose every answer is the test's to write."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import IPv4Address
from typing import Any

from attrs import define, field
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL.crypto import FILETYPE_PEM, dump_certificate
from twisted.internet.defer import Deferred, succeed
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import PrivateCertificate, trustRootFromCertificates
from twisted.web.client import BrowserLikePolicyForHTTPS

LOOPBACK = IPv4Address("127.0.0.1")
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 8


@cache
def identity() -> PrivateCertificate:
    """Make a certificate for every name under ``agd.test`` and the loopback address, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "agd tests")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    hosts = [x509.DNSName("*.agd.test"), x509.DNSName("xn--bcher-kva.agd.test"), x509.IPAddress(LOOPBACK)]
    names = x509.SubjectAlternativeName(hosts)
    made = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    pem = made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    loaded: PrivateCertificate = PrivateCertificate.loadPEM(pem)
    return loaded


def certificate() -> str:
    """Give that certificate in PEM, without its key."""
    pem = dump_certificate(FILETYPE_PEM, identity().original)
    return pem.decode()


def trusting() -> BrowserLikePolicyForHTTPS:
    """Make the policy that trusts these servers and nobody else."""
    return BrowserLikePolicyForHTTPS(trustRootFromCertificates([identity()]))


def answer(body: bytes = PNG, status: int = 200, *headers: str, length: int | None = None) -> bytes:
    """Write a whole answer; ``length`` may lie."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def redirect(location: str, status: int = 302) -> bytes:
    """Write a redirect."""
    return answer(b"moved", status, f"Location: {location}")


class _Connection(Protocol):
    """One connection; its request is answered as soon as its head is there."""

    host: SecureHost

    def connectionMade(self) -> None:
        self.asked = b""
        self.host.open.add(self)

    def dataReceived(self, data: bytes) -> None:
        self.asked += data
        if b"\r\n\r\n" in self.asked:
            transport: Any = self.transport
            self.host.requests.append(self.asked.decode("latin-1"))
            self.host.names.append(transport.getHandle().get_servername())
            transport.write(self.host.answers(self.asked.split()[1].decode()))
            if self.host.hangs_up:
                transport.loseConnection()

    def connectionLost(self, reason: Any = None) -> None:
        self.host.open.discard(self)
        if self.host.closing is not None and not self.host.open:
            self.host.closing.callback(None)
            self.host.closing = None


@define(eq=False)
class SecureHost:
    """The server. ``answers`` makes the bytes of an answer to a path; behind it the connection stays open, or ends."""

    answers: Callable[[str], bytes]
    requests: list[str] = field(factory=list)
    names: list[bytes | None] = field(factory=list)
    """The names that clients gave in the TLS handshake (SNI)."""
    hangs_up: bool = False
    open: set[_Connection] = field(factory=set)
    closing: Deferred[None] | None = None
    _port: Any = None

    @property
    def port(self) -> int:
        """The number of the port."""
        number: int = self._port.getHost().port
        return number

    def start(self) -> None:
        """Listen on any free port of the loopback."""
        from twisted.internet import reactor

        factory = Factory.forProtocol(type("_Bound", (_Connection,), {"host": self}))
        factory.noisy = False
        listening: Any = reactor
        self._port = listening.listenSSL(0, factory, identity().options(), interface="127.0.0.1")

    def emptied(self) -> Deferred[None]:
        """Wait until no connection is open."""
        if not self.open:
            return succeed(None)
        self.closing = Deferred()
        return self.closing

    async def stop(self) -> None:
        """Stop listening; connections that a test left open make it fail by its time limit."""
        await self._port.stopListening()
        await self.emptied()
