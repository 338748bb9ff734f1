"""What only real sockets can show of WebSockets: full buffers, clients that vanish, and refusals that arrive."""

from __future__ import annotations

import socket
from typing import Any, cast

from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from wsproto.connection import Connection, ConnectionType
from wsproto.events import CloseConnection, Event, Ping, TextMessage

from agd.conversation import TextDelta
from agd.encoding import decode, encode
from tests.web.front import FakeRelay, request
from tests.web.test_sockets import MEGABYTE, SocketTestCase
from tests.web.websocket.scripts import UPGRADE, Script, ScriptedEngine


class BlockingClient:
    """A simple client over a blocking socket; its methods are for threads, but for ``send`` of little."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.peer = Connection(ConnectionType.CLIENT)
        connection.sendall(request("GET", "/v1/responses", headers=UPGRADE))

    def shake_hands(self) -> None:
        """Read the head of the 101."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.connection.recv(1)
        assert head.startswith(b"HTTP/1.1 101 "), head

    def send(self, *events: Event) -> None:
        """Send frames."""
        self.connection.sendall(b"".join(bytes(self.peer.send(event)) for event in events))

    def create(self, stream_id: str, text: str = "hello") -> None:
        """Ask for a response."""
        body = {"type": "response.create", "stream_id": stream_id, "model": "gpt-5", "input": text}
        self.send(TextMessage(encode(body).decode()))

    def read_off(self) -> tuple[list[dict[str, Any]], int | None]:
        """Read until the server closes, answering its close: messages, and the code."""
        messages, parts, code = [], list[str](), None
        while data := self.connection.recv(65_536):
            self.peer.receive_data(data)
            for event in self.peer.events():
                if isinstance(event, TextMessage):
                    parts.append(event.data)
                    if event.message_finished:
                        messages.append(decode("".join(parts)))
                        parts.clear()
                elif isinstance(event, CloseConnection):
                    code = int(event.code)
                    self.send(event.response())
        return messages, code


class WebSocketTests(SocketTestCase):
    """A front with an engine by hand, listening on loopback."""

    def setUp(self) -> None:
        """Listen."""
        super().setUp()
        self.engine = ScriptedEngine()
        self.front.api.sockets.engine = lambda: cast(Any, self.engine)

    async def client(self) -> BlockingClient:
        """Open a socket."""
        client = BlockingClient(self.connect())
        await deferToThread(client.shake_hands)
        return client

    async def answering(self, client: BlockingClient, stream_id: str) -> tuple[Script, FakeRelay]:
        """Let a response begin."""
        before = len(self.engine.turns)
        client.create(stream_id)
        await self.until(lambda: len(self.engine.turns) > before)
        return self.engine.turns[-1], self.engine.turns[-1].relay()

    async def fill(self, relay: FakeRelay) -> None:
        """Give text until the client's slowness pauses the relay."""
        for _ in range(100):
            relay.give(TextDelta(MEGABYTE.decode()))
            await deferLater(self.reactor, 0)
            if relay.paused:
                return
        raise AssertionError("never paused")

    async def test_G21_slow(self) -> None:
        """A client that does not read pauses all its answers; once it reads, all goes on and nothing is missing."""
        client = await self.client()
        _, first = await self.answering(client, "a")
        _, second = await self.answering(client, "b")
        await self.fill(first)
        self.assertTrue(second.paused)
        reading = deferToThread(client.read_off)
        await self.until(lambda: not (first.paused or second.paused))
        first.end()
        second.end()
        self.front.site.drain(60.0)
        messages, code = await reading
        self.assertEqual([m["stream_id"] for m in messages if m["type"] == "response.completed"], ["a", "b"])
        numbers = [m["sequence_number"] for m in messages if m["stream_id"] == "a"]
        self.assertEqual((numbers, code), (list(range(len(numbers))), 1001))

    async def test_slow_end(self) -> None:
        """A drain does not take from a slow client what was said before it."""
        client = await self.client()
        _, relay = await self.answering(client, "a")
        await self.fill(relay)
        relay.end()
        drained = self.front.site.drain(60.0)
        self.front.clock.advance(50)
        messages, code = await deferToThread(client.read_off)
        await drained
        self.assertEqual((messages[-1]["type"], code), ("response.completed", 1001))

    async def test_large_while_slow(self) -> None:
        """A client that sends a large request before it reads on is not waited for in vain: the request is read."""
        client = await self.client()
        _, relay = await self.answering(client, "a")
        await self.fill(relay)
        await deferToThread(client.create, "b", "x" * 1_500_000)
        await self.until(lambda: len(self.engine.turns) == 2)

    async def test_G20_vanished(self) -> None:
        """One that vanishes while it does not read, and while it is not read from, is noticed all the same."""
        client = await self.client()
        turn, relay = await self.answering(client, "a")
        await self.fill(relay)
        client.send(Ping(b"x"))
        await deferLater(self.reactor, 0.05)
        client.connection.close()
        await self.until(lambda: relay.aborted)
        await self.until(lambda: not self.front.site._channels)
        self.assertEqual((self.front.observed.statuses, turn.trail.failures), ([101, 499], ["the client left"]))
        self.assertEqual(self.flushLoggedErrors(), [])

    async def test_I52_too_big(self) -> None:
        """A client that is still sending 30 MB can read why nobody wants them."""
        client = await self.client()
        messages, code = await deferToThread(self.send_too_much, client)
        self.assertEqual(([m["error"]["code"] for m in messages], code), (["message_too_big"], 1009))

    def send_too_much(self, client: BlockingClient) -> tuple[list[dict[str, Any]], int | None]:
        """Send everything, and only then look for an answer."""
        for _ in range(30):
            client.send(TextMessage(MEGABYTE.decode(), message_finished=False))
        return client.read_off()

    async def test_I52_drain(self) -> None:
        """A drain closes idle sockets in good order, and is over when they are closed."""
        client = await self.client()
        drained = self.front.site.drain(60.0)
        self.assertEqual(await deferToThread(client.read_off), ([], 1001))
        await drained
