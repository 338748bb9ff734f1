"""Connections through proxies, over a network in memory: what is said to the proxy, and what becomes of its answer."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectError, ConnectionDone
from twisted.internet.error import TimeoutError as ConnectTimeout
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers

from agd.accounts.way import Proxy, WayOut
from agd.transport.agent import Pool, make_agent
from agd.transport.connect import Connect
from agd.transport.socks import Socks5
from agd.transport.tunnels import ProxyError

USER, PASSWORD = "user", "made-up-pass"


class ConnectTests(SynchronousTestCase):
    """CONNECT."""

    def test_said(self) -> None:
        """The host is named as it is, so the proxy looks it up; credentials go where the proxy alone reads them."""
        said = Connect("host.example", 443, Proxy("http", "p", 1, USER, PASSWORD).basic).greeting()
        self.assertTrue(said.startswith(b"CONNECT host.example:443 HTTP/1.1\r\nHost: host.example:443\r\n"))
        self.assertIn(b"\r\nProxy-Authorization: Basic dXNlcjptYWRlLXVwLXBhc3M=\r\n", said)
        self.assertTrue(said.endswith(b"\r\n\r\n"))
        self.assertNotIn(b"Proxy-Authorization", Connect("h", 1).greeting())
        self.assertTrue(Connect("::1", 1).greeting().startswith(b"CONNECT [::1]:1 "))

    def test_agreed(self) -> None:
        """Any 2xx is a yes, however its head is cut; what follows the head belongs to the other side."""
        talk = Connect("h", 1)
        for byte in b"HTTP/1.1 200 Connection established\r\nX: y\r\n\r":
            self.assertEqual(talk.feed(bytes([byte])), (b"", None))
        self.assertEqual(talk.feed(b"\nhello"), (b"", b"hello"))

    def test_refused(self) -> None:
        """Anything else is a no, in words that hold nothing of what was said."""
        for said, words in (
            (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "407"),
            (b"HTTP/1.0 503 x\r\n\r\n", "503"),
            (b"SSH-2.0\r\n\r\n", "not speak HTTP"),
            (b"x" * 20_000, "without end"),
        ):
            error = self.assertRaises(ProxyError, Connect("h", 1, "Basic hush").feed, said)
            self.assertIn(words, str(error))
            self.assertNotIn("hush", str(error))


class SocksTests(SynchronousTestCase):
    """SOCKS 5."""

    NAME = b"\x05\x01\x00\x03\x0chost.example\x01\xbb"

    def test_without_password(self) -> None:
        """Without credentials none are offered; the name goes to the proxy."""
        talk = Socks5("host.example", 443)
        self.assertEqual(talk.greeting(), b"\x05\x01\x00")
        self.assertEqual(talk.feed(b"\x05\x00"), (self.NAME, None))
        self.assertEqual(talk.feed(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50hello"), (b"", b"hello"))

    def test_with_password(self) -> None:
        """The password is told to a proxy that wants it, and only to such a one."""
        talk = Socks5("host.example", 443, USER, PASSWORD)
        self.assertEqual(talk.greeting(), b"\x05\x02\x00\x02")
        self.assertEqual(talk.feed(b"\x05\x02"), (b"\x01\x04user\x0cmade-up-pass", None))
        self.assertEqual(talk.feed(b"\x01\x00"), (self.NAME, None))
        other = Socks5("host.example", 443, USER, PASSWORD)
        self.assertEqual(other.feed(b"\x05\x00"), (self.NAME, None))

    def test_cut_anywhere(self) -> None:
        """Answers may come byte by byte, and name what they are bound to in any form."""
        for bound in (b"\x01\x7f\x00\x00\x01", b"\x04" + bytes(16), b"\x03\x05a.b.c"):
            talk, said, beyond = Socks5("host.example", 443), b"", None
            for byte in b"\x05\x00" + b"\x05\x00\x00" + bound + b"\x00\x50":
                self.assertIsNone(beyond)
                answer, beyond = talk.feed(bytes([byte]))
                said += answer
            self.assertEqual((said, beyond), (self.NAME, b""))

    def test_addresses(self) -> None:
        """A host that is an address goes as one."""
        for host, sent in (("127.0.0.1", b"\x01\x7f\x00\x00\x01"), ("::1", b"\x04" + bytes(15) + b"\x01")):
            self.assertIn(sent, Socks5(host, 1).feed(b"\x05\x00")[0])

    def test_refused(self) -> None:
        """A proxy that refuses is told in its own terms, without the password."""
        for said, words in (
            (b"\x05\xff", "ways to log in"),
            (b"\x04\x00", "not speak SOCKS"),
            (b"\x05\x02\x01\x01", "user or the password"),
            (b"\x05\x00\x05\x05", "was refused"),
            (b"\x05\x00\x05\x63", "99"),
            (b"\x05\x00\x05\x00\x00\x09\x00", "not speak SOCKS"),
        ):
            error = self.assertRaises(ProxyError, Socks5("h", 1, USER, PASSWORD).feed, said)
            self.assertIn(words, str(error))
            self.assertNotIn(PASSWORD, str(error))


class AnythingTests(SynchronousTestCase):
    """Proxies that say anything at all."""

    @given(st.lists(st.binary(max_size=40), max_size=8), st.booleans())
    def test_any_answer(self, said: list[bytes], socks: bool) -> None:
        """Whatever comes, in whatever pieces, is a yes, a wait or a refusal: never another error."""
        talk = Socks5("host.example", 443, USER, PASSWORD) if socks else Connect("host.example", 443)
        try:
            for piece in said:
                if talk.feed(piece)[1] is not None:
                    return
        except ProxyError as error:
            self.assertNotIn(PASSWORD, str(error))

    def test_name_without_end(self) -> None:
        """A name that SOCKS cannot say is refused before anything is asked."""
        self.assertRaises(ProxyError, Socks5("a" * 256, 1).feed, b"\x05\x00")


class TunnelTests(SynchronousTestCase):
    """A request by way of a proxy."""

    def setUp(self) -> None:
        self.reactor = MemoryReactorClock()

    def ask(self, proxy: str, url: bytes = b"http://host.example:81/x") -> Deferred[Any]:
        """Send a request."""
        pool = Pool(self.reactor, connect_seconds=5.0)
        agent = make_agent(self.reactor, pool, WayOut(Proxy.read(proxy)))
        return agent.request(b"GET", url, Headers({}))

    def connect(self) -> tuple[Any, StringTransport]:
        """Let the pending attempt to reach the proxy succeed."""
        _, _, factory, *_ = self.reactor.tcpClients.pop(0)
        protocol: Any = factory.buildProtocol(None)
        transport = StringTransport(lenient=True)
        protocol.makeConnection(transport)
        return protocol, transport

    def test_through(self) -> None:
        """Only the proxy is connected to; the request goes once it has agreed, and the answer comes back that way."""
        asked = self.ask("http://127.0.0.1:3128")
        self.assertEqual([client[:2] for client in self.reactor.tcpClients], [("127.0.0.1", 3128)])
        protocol, transport = self.connect()
        self.assertEqual(transport.value(), Connect("host.example", 81).greeting())
        transport.clear()
        protocol.dataReceived(b"HTTP/1.1 200 OK\r\n\r\n")
        self.assertTrue(transport.value().startswith(b"GET /x HTTP/1.1\r\n"))
        protocol.dataReceived(b"HTTP/1.1 204 No Content\r\n\r\n")
        self.assertEqual(self.successResultOf(asked).code, 204)
        self.assertEqual(self.reactor.tcpClients, [])

    def test_refused(self) -> None:
        """A proxy that refuses ends the attempt: nothing else is connected to."""
        asked = self.ask("socks5://user:made-up-pass@127.0.0.1:1080")
        protocol, transport = self.connect()
        protocol.dataReceived(b"\x05\xff")
        self.assertIn("log in", str(self.failureResultOf(asked, ProxyError).value))
        self.assertEqual((self.reactor.tcpClients, transport.disconnected or transport.disconnecting), ([], True))

    def test_dead_proxy(self) -> None:
        """So does a proxy that is not there, and one that hangs up."""
        asked = self.ask("http://127.0.0.1:3128")
        connector: Any = None
        self.reactor.tcpClients.pop(0)[2].clientConnectionFailed(connector, Failure(ConnectError()))
        self.failureResultOf(asked, ConnectError)
        asked = self.ask("http://127.0.0.1:3128")
        protocol, _ = self.connect()
        protocol.connectionLost(Failure(ConnectionDone()))
        self.assertIn("closed the connection", str(self.failureResultOf(asked, ProxyError).value))
        self.assertEqual(self.reactor.tcpClients, [])

    def test_silent_proxy(self) -> None:
        """A proxy that says nothing is given up within the time that a connection may take."""
        asked = self.ask("http://127.0.0.1:3128")
        _, transport = self.connect()
        self.reactor.advance(4.9)
        self.assertNoResult(asked)
        self.reactor.advance(0.2)
        self.failureResultOf(asked, ConnectTimeout)
        self.assertTrue(transport.disconnected or transport.disconnecting)

    def test_given_up(self) -> None:
        """Whoever gives up while the proxy is asked ends its connection."""
        asked = self.ask("http://127.0.0.1:3128")
        _, transport = self.connect()
        asked.cancel()
        self.failureResultOf(asked)
        self.assertTrue(transport.disconnected or transport.disconnecting)
