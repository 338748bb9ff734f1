"""What only real sockets can show: refusals that arrive, clients that vanish, and full buffers."""

from __future__ import annotations

import socket
from typing import Any, cast

from twisted.internet.task import deferLater
from twisted.internet.tcp import Connection
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from agd.conversation import Finished, FinishReason, TextDelta
from agd.web.auth import Door
from tests.web.front import CHAT, Call, FakeRelay, Front, request
from tests.web.replies import Reply, read_replies

MEGABYTE = b"x" * 1_000_000
POST = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
FRAMED = POST + b"Content-Length: 30000000\r\n\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


class SocketTestCase(TestCase):
    """A front that listens on loopback."""

    timeout = 60

    def setUp(self) -> None:
        """Listen."""
        from twisted.internet import reactor

        self.reactor = cast(Any, reactor)
        self.front = Front(max_body_bytes=2_000_000)
        self.port = self.reactor.listenTCP(0, self.front.site, interface="127.0.0.1")
        self.address = ("127.0.0.1", self.port.getHost().port)
        self.addCleanup(self.strike)

    async def strike(self) -> None:
        """Stop listening, and let go of every connection."""
        await self.port.stopListening()
        drained = self.front.site.drain(0.0)
        self.front.clock.advance(10)
        await drained

    def connect(self) -> socket.socket:
        """Connect with a blocking socket."""
        client = socket.create_connection(self.address, timeout=30)
        self.addCleanup(client.close)
        return client

    async def until(self, look: Any) -> None:
        """Let the reactor turn until something is so; the test's own timeout ends it."""
        while not look():
            await deferLater(self.reactor, 0.005)

    async def began(self, client: socket.socket) -> tuple[Call, FakeRelay]:
        """Ask for a stream, and let it begin."""
        client.sendall(request("POST", "/v1/chat/completions", {**CHAT, "stream": True}))
        await self.until(lambda: self.front.gateway.calls)
        call = self.front.gateway.calls[-1]
        return call, call.relay()


def send_all_then_read(client: socket.socket, head: bytes, piece: bytes) -> Reply:
    """Do as simple clients do: send everything, however much it is, and only then look for an answer."""
    client.sendall(head)
    for _ in range(30):
        client.sendall(piece)
    return read_one(client)


def read_one(client: socket.socket) -> Reply:
    """Read until the server closes; there must be one answer."""
    [reply] = read_replies(read_off(client))
    return reply


def read_off(client: socket.socket) -> bytes:
    """Read until the server closes."""
    received = []
    while data := client.recv(65_536):
        received.append(data)
    return b"".join(received)


class RefusalTests(SocketTestCase):
    """Refusals reach a client that is still sending 30 MB."""

    async def refused(self, head: bytes, piece: bytes, status: int) -> None:
        """Check that such a client can read its refusal."""
        reply: Reply = await deferToThread(send_all_then_read, self.connect(), head, piece)
        self.assertEqual((reply.status, reply.complete), (status, True))
        self.assertIn(reply.error["code"], ("request_too_large", "invalid_api_key", "malformed_http"))
        self.assertEqual(self.front.observed.statuses, [status])
        self.assertEqual(self.front.gateway.calls, [])

    async def test_framed(self) -> None:
        """413 for a body of declared length."""
        await self.refused(FRAMED, MEGABYTE, 413)

    async def test_chunked(self) -> None:
        """413 for a body in chunks, in the middle of it."""
        await self.refused(CHUNKED, b"%x\r\n%s\r\n" % (len(MEGABYTE), MEGABYTE), 413)

    async def test_no_key(self) -> None:
        """401 for a client without a key."""
        self.front.site.door = Door.of("strict", [("one", "key-one")])
        await self.refused(FRAMED, MEGABYTE, 401)

    async def test_malformed(self) -> None:
        """400 for what is not HTTP."""
        await self.refused(POST + b"nonsense\r\n\r\n", MEGABYTE, 400)

    async def test_expect(self) -> None:
        """A client that asks first sends nothing of its body."""
        client = self.connect()
        client.sendall(POST + b"Content-Length: 30000000\r\nExpect: 100-continue\r\n\r\n")
        reply: Reply = await deferToThread(read_one, client)
        self.assertEqual(reply.status, 413)


class StreamTests(SocketTestCase):
    """Streams over real buffers."""

    async def test_vanished(self) -> None:
        """A client that vanishes midway stops the upstream, is reported once as 499, and leaves no error in the log."""
        client = self.connect()
        call, relay = await self.began(client)
        relay.give(TextDelta("Hel"))
        client.close()
        await self.until(lambda: relay.stopped)
        await self.until(lambda: not self.front.site._channels)
        self.assertEqual(self.front.observed.statuses, [499])
        self.assertEqual(call.trail.failures, ["the client left"])
        self.assertEqual(self.flushLoggedErrors(), [])

    async def test_vanished_early(self) -> None:
        """One that vanishes before the first event cancels the call."""
        client = self.connect()
        client.sendall(request("POST", "/v1/chat/completions", CHAT))
        await self.until(lambda: self.front.gateway.calls)
        client.close()
        await self.until(lambda: self.front.gateway.calls[-1].cancelled)
        self.assertEqual(self.front.observed.statuses, [499])

    async def test_vanished_while_ahead(self) -> None:
        """One that has sent much ahead of its stream and then vanishes is noticed all the same."""
        client = self.connect()
        _, relay = await self.began(client)
        client.sendall(request("POST", "/v1/chat/completions", b"x" * 40_000))
        await deferLater(self.reactor, 0.05)
        client.close()
        await self.until(lambda: relay.stopped)
        self.assertEqual(self.front.observed.statuses, [499])

    async def test_ahead(self) -> None:
        """One that never stops sending ahead gets its stream to the last byte, and an orderly end."""
        client = self.connect()
        _, relay = await self.began(client)
        for _ in range(10):
            await deferToThread(client.sendall, MEGABYTE)
        relay.give(TextDelta("Bye."), Finished(FinishReason.STOP, "STOP"))
        relay.end()
        await deferToThread(client.sendall, MEGABYTE)
        [reply] = read_replies(await deferToThread(read_off, client))
        self.assertEqual((reply.complete, reply.events[-1]), (True, "data: [DONE]"))

    async def test_cut_short(self) -> None:
        """A client that reads slowly when the drain is overdue can still read how its stream ended."""
        client = self.connect()
        _, relay = await self.began(client)
        await self.fill(relay)
        drained = self.front.site.drain(0.0)
        self.front.clock.advance(0)
        [reply] = read_replies(await deferToThread(read_off, client))
        await drained
        self.assertTrue(reply.complete)
        self.assertIn('"code":"shutting_down"', reply.events[-1])

    async def fill(self, relay: FakeRelay) -> int:
        """Give text until the client's slowness pauses the relay; return how many megabytes that took."""
        for megabytes in range(1, 100):
            relay.give(TextDelta(MEGABYTE.decode()))
            await deferLater(self.reactor, 0)
            if relay.paused:
                return megabytes
        raise AssertionError("never paused")

    async def test_G21_slow(self) -> None:
        """A client that does not read pauses the upstream after a few megabytes; once it reads, all goes on."""
        client = self.connect()
        _, relay = await self.began(client)
        self.assertLess(await self.fill(relay), 20)
        reading = deferToThread(read_off, client)
        await self.until(lambda: not relay.paused)
        relay.give(Finished(FinishReason.STOP, "STOP"))
        relay.end()
        self.front.site.drain(60.0)
        self.assertTrue((await reading).endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n"))

    async def test_G42_no_delay(self) -> None:
        """Every event leaves at once: Nagle's algorithm is off on the connection to the client."""
        client = self.connect()
        _, relay = await self.began(client)
        [ours] = [
            each
            for each in self.reactor.getReaders()
            if isinstance(each, Connection) and each.getPeer().port == client.getsockname()[1]
        ]
        self.assertTrue(ours.getTcpNoDelay())
        relay.give(TextDelta("x"))
        client.close()
        await self.until(lambda: relay.stopped)

    async def test_drain(self) -> None:
        """A drain ends only when a slow client has every byte, though its request was over long before."""
        client = self.connect()
        _, relay = await self.began(client)
        megabytes = await self.fill(relay)
        relay.give(Finished(FinishReason.STOP, "STOP"))
        relay.end()
        self.assertEqual(self.front.observed.statuses, [200])
        drained = self.front.site.drain(60.0)
        self.assertFalse(drained.called)
        [reply] = read_replies(await deferToThread(read_off, client))
        await drained
        self.assertTrue(reply.complete)
        self.assertGreater(len(reply.body), megabytes * len(MEGABYTE))
        self.assertEqual(reply.events[-1], "data: [DONE]")


class UnixTests(SocketTestCase):
    """Listening on a Unix socket, where there is no port to speak of."""

    async def test_served(self) -> None:
        """Requests are answered and refused as over TCP."""
        path = self.mktemp()
        port = self.reactor.listenUNIX(path, self.front.site)
        self.addCleanup(port.stopListening)
        replies = await deferToThread(self.ask, path)
        self.assertEqual([reply.status for reply in replies], [200, 404, 400])

    def ask(self, path: str) -> list[Reply]:
        """Ask for health, for nothing, and for nonsense."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(30)
            client.connect(path)
            client.sendall(request("GET", "/healthz") + request("GET", "/nowhere") + b"nonsense\r\n\r\n")
            return read_replies(read_off(client))
