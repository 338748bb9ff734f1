"""What lies under treq: connections that are kept, headers that are not, endpoints for every kind of host."""

from __future__ import annotations

from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, TCP4ClientEndpoint
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import URI
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IBodyProducer, IResponse
from zope.interface import implementer
from zope.interface.verify import verifyObject

from agd.transport.agent import IDLE_CONNECTIONS, IDLE_SECONDS, Body, PlainAgent, Pool, make_agent
from agd.transport.endpoints import Endpoints

KEY = (b"http", b"127.0.0.1", 9)


@implementer(IAgent)
@define
class Witness:
    """An agent that keeps what it is asked."""

    headers: list[Headers | None] = field(factory=list)

    def request(
        self, method: bytes, uri: bytes, headers: Headers | None = None, bodyProducer: IBodyProducer | None = None
    ) -> Deferred[IResponse]:
        """Keep the headers; never answer."""
        self.headers.append(headers)
        return Deferred()


class PlainAgentTests(SynchronousTestCase):
    """Headers that treq adds on its own."""

    def test_G12_takes_off_cookies_and_compression(self) -> None:
        """Neither cookies nor an offer to compress go out; all else does."""
        witness = Witness()
        agent = PlainAgent(witness)
        verifyObject(IAgent, agent)
        headers = Headers({"Cookie": ["a=1", "b=2"], "Accept-Encoding": ["gzip"], "X-Goog-Api-Key": ["k"]})
        agent.request(b"GET", b"http://127.0.0.1/", headers)
        assert witness.headers[0] is not None
        self.assertEqual(list(witness.headers[0].getAllRawHeaders()), [(b"X-Goog-Api-Key", [b"k"])])

    def test_without_headers(self) -> None:
        """A request without headers passes as it is."""
        witness = Witness()
        PlainAgent(witness).request(b"GET", b"http://127.0.0.1/")
        self.assertEqual(witness.headers, [None])


class PoolTests(SynchronousTestCase):
    """Connections that are kept."""

    def setUp(self) -> None:
        self.reactor = MemoryReactorClock()
        self.pool = Pool(self.reactor, connect_seconds=10.0)
        self.agent = make_agent(self.reactor, self.pool)

    def ask(self) -> Deferred[IResponse]:
        """Send a request."""
        return self.agent.request(b"GET", b"http://127.0.0.1:9/", Headers({}))

    def connect(self) -> tuple[Any, StringTransport]:
        """Let the pending attempt to connect succeed."""
        protocol: Any = self.reactor.tcpClients.pop(0)[2].buildProtocol(None)
        transport = StringTransport(lenient=True)
        protocol.makeConnection(transport)
        return protocol, transport

    def answer(self, protocol: Any) -> None:
        """Answer a request so that its connection is kept."""
        protocol.dataReceived(b"HTTP/1.1 204 No Content\r\n\r\n")

    def test_tells_whether_a_connection_was_kept(self) -> None:
        """``link`` tells of the connection given last: whether it was kept, and else how long it took."""
        self.ask()
        link = self.pool.link
        self.assertEqual((link.reused, link.seconds), (False, None))
        self.reactor.advance(1.5)
        self.answer(self.connect()[0])
        self.assertEqual((link.reused, link.seconds), (False, 1.5))
        self.ask()
        self.assertEqual((self.pool.link.reused, self.pool.link.seconds), (True, 0.0))
        self.ask()
        self.assertFalse(self.pool.link.reused)

    def test_never_repeats_by_itself(self) -> None:
        """A bodiless request on a kept connection that breaks is not repeated behind the gateway's back."""
        self.ask()
        protocol, _ = self.connect()
        self.answer(protocol)
        asked = self.ask()
        protocol.connectionLost(Failure(ConnectionDone()))
        self.failureResultOf(asked)
        self.assertEqual(self.reactor.tcpClients, [])

    def test_idle_connection_is_closed_in_time(self) -> None:
        """A connection is kept for less than upstreams keep theirs."""
        self.ask()
        protocol, transport = self.connect()
        self.answer(protocol)
        self.reactor.advance(IDLE_SECONDS - 1)
        self.assertFalse(transport.disconnecting)
        self.reactor.advance(1)
        self.assertTrue(transport.disconnecting)

    def test_many_idle_connections(self) -> None:
        """As many connections are kept as a burst of requests leaves behind, up to the limit."""
        for _ in range(IDLE_CONNECTIONS + 3):
            self.ask()
        connections = [self.connect() for _ in range(IDLE_CONNECTIONS + 3)]
        for protocol, _ in connections:
            self.answer(protocol)
        self.assertEqual(sum(transport.disconnecting for _, transport in connections), 3)

    def test_drop_idle(self) -> None:
        """Kept connections are closed, one that carries a request is not, and no timer is left."""
        self.ask()
        self.ask()
        (kept, idle), (_, busy) = self.connect(), self.connect()
        self.answer(kept)
        self.pool.drop_idle()
        self.assertEqual((idle.disconnecting, busy.disconnecting), (True, False))
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_says_nothing_in_the_log(self) -> None:
        """Neither the beginning nor the end of a connection is an event worth a line."""
        self.ask()
        factory = self.reactor.tcpClients[0][2]
        with capturedLogs() as lines:
            factory.doStart()
            factory.doStop()
        self.assertEqual(lines, [])


class EndpointsTests(SynchronousTestCase):
    """The way to a host."""

    def setUp(self) -> None:
        self.reactor = MemoryReactorClock()
        self.pool = Pool(self.reactor, connect_seconds=7.0)
        self.endpoints = Endpoints(self.reactor, self.pool)

    def endpoint(self, url: bytes) -> Any:
        """Make the endpoint of a URL."""
        return self.endpoints.endpointForURI(URI.fromBytes(url))

    def test_address_and_name(self) -> None:
        """An IPv4 address is connected to at once; all else is looked up."""
        self.assertIsInstance(self.endpoint(b"http://127.0.0.1:9"), TCP4ClientEndpoint)
        for url in (b"http://localhost:9", b"http://[::1]:9", b"http://1.2.3.example:9"):
            self.assertIsInstance(self.endpoint(url), HostnameEndpoint)

    def test_patience_may_change(self) -> None:
        """A changed connect_seconds holds for the next connection."""
        self.endpoint(b"http://127.0.0.1:9").connect(object())
        self.pool.connect_seconds = 3.0
        self.endpoint(b"http://127.0.0.1:9").connect(object())
        self.assertEqual([client[3] for client in self.reactor.tcpClients], [7.0, 3.0])

    def test_tls(self) -> None:
        """https is wrapped; its policy, which is dear, is made at the first need and once for each host."""
        self.assertIsNone(self.endpoints._policy)
        self.assertNotIsInstance(self.endpoint(b"https://a.example"), HostnameEndpoint)
        policy = self.endpoints._policy
        assert policy is not None
        creator = policy.creatorForNetloc(b"a.example", 443)
        self.endpoint(b"https://a.example")
        self.assertIs(self.endpoints._policy, policy)
        self.assertIs(policy.creatorForNetloc(b"a.example", 443), creator)


class BodyTests(SynchronousTestCase):
    """A request body that is ready."""

    def test_is_written_at_once(self) -> None:
        """All of it is with the transport before the call returns."""
        body = Body(b"abc")
        verifyObject(IBodyProducer, body)
        transport = StringTransport()
        self.successResultOf(body.startProducing(transport))
        self.assertEqual((transport.value(), body.length), (b"abc", 3))
        body.pauseProducing()
        body.resumeProducing()
        body.stopProducing()
