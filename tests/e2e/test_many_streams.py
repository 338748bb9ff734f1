"""Hundreds of streams at once, a slow reader and deserters among them: nobody else notices, and memory stays flat."""

from __future__ import annotations

import asyncio
import json
import socket
import struct

from attrs import define, field

from tests.e2e.exchange import ask, chat
from tests.e2e.processes import until
from tests.e2e.stage import StagedTestCase

STREAMS = 300
VANISHING = 20
BYTES_PER_STREAM = 40_000
PATH = "/v1/chat/completions"
ORDINARY = "hello [[words=80 chunk=4 pause=0.15 first=0.5]]"
ENDLESS = "hello [[words=200000 chunk=1 pause=0 first=0]]"
"""Far more than all the buffers on the way hold."""


@define
class Crowd:
    """The clients, all in one event loop, and what became of them."""

    port: int
    whole: int = 0
    begun: int = 0
    everybody: asyncio.Event = field(factory=asyncio.Event)
    broken: list[bytes] = field(factory=list)

    async def connect(self, text: str, buffer: int = 0) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Ask for a stream; ``buffer`` limits what the kernel takes in for a client that does not read."""
        connected = socket.socket()
        if buffer:
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        connected.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connected, ("127.0.0.1", self.port))
        reader, writer = await asyncio.open_connection(sock=connected, limit=4096)
        body = json.dumps(chat(text, stream=True)).encode()
        head = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        return reader, writer

    async def begin(self, reader: asyncio.StreamReader) -> bytes:
        """Read the beginning, then wait until everybody has one: only then all streams are open at once."""
        received = await reader.readuntil(b"hello")
        self.begun += 1
        if self.begun == STREAMS:
            self.everybody.set()
        return received

    async def stay(self, text: str) -> None:
        """Read a stream to its end."""
        reader, writer = await self.connect(text)
        received = await self.begin(reader)
        while data := await reader.read(65536):
            received += data
        writer.close()
        if received.startswith(b"HTTP/1.1 200") and b"data: [DONE]\n\n" in received:
            self.whole += 1
        else:
            self.broken.append(received)

    async def vanish(self, text: str) -> None:
        """Leave without a word in the middle of a stream."""
        reader, writer = await self.connect(text)
        await self.begin(reader)
        await self.everybody.wait()
        linger: socket.socket = writer.get_extra_info("socket")
        linger.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async def crawl(self, text: str, over: asyncio.Event) -> None:
        """Read 1 kB a second until everybody else is done, then leave."""
        reader, writer = await self.connect(text, buffer=4096)
        await self.begin(reader)
        while not over.is_set():
            await reader.readexactly(256)
            await asyncio.sleep(0.25)
        writer.close()


class ManyStreamsTests(StagedTestCase):
    """The figures of the requirements."""

    def test_three_hundred(self) -> None:
        """300 streams at once, one read at 1 kB/s, 20 vanishing: the others complete, in less than 40 kB each."""
        for _ in range(10):
            self.assertTrue(ask(self.port, PATH, chat("hello", stream=True)).is_done)
        self.simulator.forget()
        idle = self.stage.daemon.memory()
        crowd, peak, slow_chunks = asyncio.run(self.play())
        growth = (peak - idle) / STREAMS
        self.assertEqual((crowd.whole, crowd.broken), (STREAMS - VANISHING - 1, []))
        self.assertLess(slow_chunks, 200_000, "the slow reader did not pause its upstream")
        self.assertLess(
            growth,
            BYTES_PER_STREAM,
            f"{growth / 1000:.1f} kB a stream: {idle / 1e6:.1f} MB idle, {peak / 1e6:.1f} MB at the peak",
        )
        until("the upstream calls to be gone", lambda: self.simulator.record["live"] == 0 or None, seconds=5)
        record = self.simulator.record
        self.assertEqual((record["total"], record["aborted"]), (STREAMS, VANISHING + 1))

    async def play(self) -> tuple[Crowd, int, int]:
        """Let the crowd in; return it with the daemon's memory at its peak and how far the slow stream came."""
        crowd, over = Crowd(self.port), asyncio.Event()
        slow = asyncio.create_task(crowd.crawl(ENDLESS, over))
        vanishing = [asyncio.create_task(crowd.vanish(ORDINARY)) for _ in range(VANISHING)]
        staying = [asyncio.create_task(crowd.stay(ORDINARY)) for _ in range(STREAMS - VANISHING - 1)]
        measured = asyncio.create_task(self.watch_memory(over))
        async with asyncio.timeout(60):
            await asyncio.gather(*vanishing, *staying)
            chunks = max(call["chunks"] for call in self.simulator.record["calls"])
            over.set()
            await slow
        return crowd, await measured, chunks

    async def watch_memory(self, over: asyncio.Event) -> int:
        """Return the most memory that was seen until it was over."""
        peak = 0
        while not over.is_set():
            peak = max(peak, self.stage.daemon.memory())
            await asyncio.sleep(0.05)
        return peak
