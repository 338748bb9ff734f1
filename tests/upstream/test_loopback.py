"""What only a real kernel shows: refused, reset and stale connections, TLS, and that giving up closes sockets.

The server is a dozen lines of Twisted on a loopback port; every wait is for an event, never for a time.
"""

from __future__ import annotations

from typing import Any

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.protocol import Protocol, ServerFactory, connectionDone
from twisted.internet.tcp import Connection
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from agd.errors import ClientLostError, FailureKind, UpstreamFailure
from agd.transport.ways import Ways
from agd.upstream.client import UpstreamClient
from agd.upstream.exchange import Exchange
from agd.upstream.limits import Limits
from agd.upstream.tokens import Tokens
from tests.upstream.sinks import Recorder
from tests.upstream.wire import HEAD, OUTGOING, account, chunk, chunked, patience_of, response, sse

GOOD = response(sse(chunk("hi", "STOP")))


class Peer(Protocol):
    """One connection at the server. ``asked`` fires at each request, ``lost`` when agd's side is gone."""

    def __init__(self) -> None:
        self.lost: Deferred[None] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        """Take a request, which comes in one read, and tell the server."""
        self.factory.asked(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell whoever waits for the end."""
        self.lost.callback(None)

    factory: Server


@define(eq=False)
class Server(ServerFactory):
    """Gives each request's connection to whoever waits for it, in order."""

    peers: list[Peer] = field(factory=list)
    _requests: list[Peer] = field(factory=list)
    _waiting: list[Deferred[Peer]] = field(factory=list)
    noisy = False

    def buildProtocol(self, addr: Any) -> Any:
        """Make the connection's end."""
        peer = Peer()
        peer.factory = self
        self.peers.append(peer)
        return peer

    def asked(self, peer: Peer) -> None:
        """A request has come."""
        if self._waiting:
            self._waiting.pop(0).callback(peer)
        else:
            self._requests.append(peer)

    def request(self) -> Deferred[Peer]:
        """Wait for the next request."""
        waiting: Deferred[Peer] = Deferred()
        self._waiting.append(waiting)
        if self._requests:
            self._waiting.pop(0).callback(self._requests.pop(0))
        return waiting


class LoopbackTests(TestCase):
    """A client and a server over the loopback interface."""

    timeout = 20

    def setUp(self) -> None:
        from twisted.internet import reactor as installed

        reactor: Any = installed
        self.server = Server()
        self.port: Any = reactor.listenTCP(0, self.server, interface="127.0.0.1")
        self.ways = Ways(reactor)
        tokens = Tokens(Exchange(self.ways, reactor, lambda: 0.0).fetch, reactor, lambda: 0.0)
        limits = Limits(connect=5.0, first_byte=15.0, first_event=15.0, idle=15.0, client_stall=15.0)
        self.client = UpstreamClient(self.ways, tokens, reactor, lambda: "call_1", patience_of(limits))
        self.base_url = f"http://127.0.0.1:{self.port.getHost().port}"

        self.addCleanup(lambda: Deferred.fromCoroutine(self.close()))

    async def close(self) -> None:
        """Close every connection on both sides, then the port."""
        await self.ways.close()
        for peer in self.server.peers:
            if peer.transport is not None and not peer.lost.called:
                peer.transport.loseConnection()
                await peer.lost
        await maybeDeferred(self.port.stopListening)

    def ask(self, *, stream: bool = True) -> Deferred[Any]:
        """Begin a call."""
        of = account("one", self.base_url)
        return Deferred.fromCoroutine(self.client.generate(of, "gemini-x", OUTGOING, stream=stream))

    def sockets_to(self, peer: Peer) -> list[Any]:
        """Return agd's end of a connection, found among all that the reactor watches."""
        from twisted.internet import reactor as installed

        reactor: Any = installed
        assert peer.transport is not None
        there: Any = peer.transport.getPeer()
        return [each for each in reactor.getReaders() if isinstance(each, Connection) and each.getHost() == there]

    async def failure_of(self, asked: Deferred[Any], kind: FailureKind) -> UpstreamFailure:
        """Wait for the failure of a call, which is of this kind."""
        failure = await self.assertFailure(asked, UpstreamFailure)
        assert isinstance(failure, UpstreamFailure)
        self.assertIs(failure.kind, kind, failure)
        return failure

    async def keep_alive(self) -> Peer:
        """Have one answer; return the connection that is kept after it."""
        asked = self.ask()
        peer = await self.server.request()
        self.write(peer, GOOD)
        await (await asked).pour(Recorder())
        return peer

    def write(self, peer: Peer, data: bytes) -> None:
        """Send from the server."""
        assert peer.transport is not None
        peer.transport.write(data)

    def reset(self, peer: Peer) -> None:
        """Send a RST from the server."""
        transport: Any = peer.transport
        transport.abortConnection()

    async def test_refused(self) -> None:
        """A port where nobody listens is an upstream that cannot be reached."""
        await self.port.stopListening()
        failure = await self.failure_of(self.ask(), FailureKind.CONNECT)
        self.assertIn("refused", failure.message)

    async def test_unknown_host(self) -> None:
        """A name that does not exist is an upstream that cannot be reached."""
        self.base_url = "http://nowhere.invalid:9"
        await self.failure_of(self.ask(), FailureKind.CONNECT)

    async def test_reset_without_an_answer(self) -> None:
        """A new connection that is reset is broken, not stale."""
        asked = self.ask()
        self.reset(await self.server.request())
        self.assertFalse((await self.failure_of(asked, FailureKind.CONNECT)).stale)

    async def test_kept_connection_serves_again(self) -> None:
        """The second request goes over the first one's connection."""
        first, second = await self.keep_alive(), await self.keep_alive()
        self.assertIs(first, second)

    async def test_G42_no_delay(self) -> None:
        """A request leaves at once: Nagle's algorithm is off on the connection to the upstream."""
        asked = self.ask()
        peer = await self.server.request()
        self.write(peer, HEAD + chunked(sse(chunk("hi"))))
        relay = await asked
        writing: Any = self.sockets_to(peer)
        self.assertEqual([each.getTcpNoDelay() for each in writing], [True])
        done = relay.pour(Recorder())
        relay.stopProducing()
        await self.assertFailure(done, ClientLostError)
        await peer.lost

    async def test_stale_keep_alive(self) -> None:
        """A kept connection that the upstream resets under the next request is stale; the next try is on a new one."""
        kept = await self.keep_alive()
        asked = self.ask()
        self.assertIs(await self.server.request(), kept)
        self.reset(kept)
        self.assertTrue((await self.failure_of(asked, FailureKind.CONNECT)).stale)
        self.assertIsNot(await self.keep_alive(), kept)

    async def test_plain_server_on_https(self) -> None:
        """A server that does not speak TLS cannot be reached by https, and nothing else is made of it."""
        self.base_url = self.base_url.replace("http:", "https:")
        asked = self.ask()
        self.write(await self.server.request(), b"HTTP/1.1 400 Bad Request\r\n\r\n")
        self.assertFalse((await self.failure_of(asked, FailureKind.CONNECT)).stale)

    async def test_garbage(self) -> None:
        """An answer that is not HTTP is malformed."""
        asked = self.ask()
        peer = await self.server.request()
        self.write(peer, b"SSH-2.0-OpenSSH_9.2\r\n")
        await self.failure_of(asked, FailureKind.MALFORMED)
        await peer.lost

    async def test_cut(self) -> None:
        """A stream that is reset after its first event is cut; what came before has been given on."""
        asked = self.ask()
        peer = await self.server.request()
        self.write(peer, HEAD + chunked(sse(chunk("a"))))
        sink = Recorder()
        done = (await asked).pour(sink)
        self.reset(peer)
        await self.failure_of(done, FailureKind.CUT)
        self.assertEqual(sink.text, "a")

    async def test_body_without_length(self) -> None:
        """A body that ends with its connection is whole when the model has finished, and cut when not."""
        for finish in ("STOP", None):
            asked = self.ask()
            peer = await self.server.request()
            self.write(peer, b"HTTP/1.1 200 OK\r\n\r\n" + sse(chunk("a", finish)))
            done = (await asked).pour(Recorder())
            assert peer.transport is not None
            peer.transport.loseConnection()
            if finish:
                await done
            else:
                await self.failure_of(done, FailureKind.CUT)

    async def test_leaving_closes_the_socket(self) -> None:
        """Whether before a head, before an event or in the midst of a stream: the upstream sees the end at once."""
        for sent in (b"", HEAD, HEAD + chunked(b": thinking\n\n")):
            asked = self.ask()
            peer = await self.server.request()
            self.write(peer, sent)
            asked.cancel()
            await self.assertFailure(asked, CancelledError)
            await peer.lost

    async def test_leaving_while_connecting(self) -> None:
        """Giving up before there is a connection is a cancellation and leaves nothing behind."""
        asked = self.ask()
        asked.cancel()
        await self.assertFailure(asked, CancelledError)

    async def test_leaving_amid_a_stream(self) -> None:
        """A client that leaves, also one that had stopped reading, closes the upstream's connection."""
        for paused in (False, True):
            asked = self.ask()
            peer = await self.server.request()
            self.write(peer, HEAD + chunked(sse(chunk("a"))))
            relay = await asked
            done = relay.pour(Recorder())
            if paused:
                relay.pauseProducing()
            relay.stopProducing()
            await self.assertFailure(done, ClientLostError)
            await peer.lost

    async def test_endless_error_body(self) -> None:
        """An error's body is read up to its limit; then the connection is closed, however much is still to come."""
        asked = self.ask()
        peer = await self.server.request()
        self.write(peer, b"HTTP/1.1 500 X\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 200_000)
        self.assertEqual((await self.failure_of(asked, FailureKind.STATUS)).status, 500)
        await peer.lost
