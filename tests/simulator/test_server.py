from __future__ import annotations

import signal
import sys
from typing import Any

import treq
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from twisted.web.client import Agent, HTTPConnectionPool, ResponseFailed
from twisted.web.http_headers import Headers

from agd.encoding import encode
from agd.simulator.faults import Fault, FaultKind
from agd.simulator.server import Simulator, listen, make_site
from tests.simulator.bodies import asking
from tests.simulator.readers import Reader

PATH = "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"


class SocketTests(TestCase):
    """The simulator behind a real socket."""

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor

    async def serve(self, **settings: Any) -> None:
        self.simulator = Simulator(keys=("one",), first_chunk_seconds=0, chunk_seconds=0, **settings)
        port = await listen(self.reactor, make_site(self.simulator, self.reactor))
        host: Any = port.getHost()
        self.url = f"http://127.0.0.1:{host.port}{PATH}"
        self.addCleanup(port.stopListening)
        self.pool = HTTPConnectionPool(self.reactor)
        self.pool.retryAutomatically = False
        self.addCleanup(self.pool.closeCachedConnections)

    async def post(self, text: str = "hello") -> Any:
        headers = Headers({"x-goog-api-key": ["one"]})
        agent: Any = Agent(self.reactor, pool=self.pool)
        return await treq.post(self.url, headers=headers, data=encode(asking(text)), agent=agent, unbuffered=True)

    async def until_idle(self) -> None:
        while self.simulator.ledger.live:
            await deferLater(self.reactor, 0.01)

    async def standstill(self) -> int:
        """Wait until no more chunks are made, and give how many were."""
        before, made = -1, 0
        while made != before:
            await deferLater(self.reactor, 0.3)
            before, made = made, self.simulator.ledger.as_json()["calls"][-1]["chunks"]
        return made

    async def test_keep_alive(self) -> None:
        """Two requests go over one connection."""
        await self.serve()
        for _ in range(2):
            response = await self.post()
            self.assertIn(b"finishReason", await treq.content(response))
        self.assertEqual(self.simulator.ledger.total, 2)

    async def test_stale_connection(self) -> None:
        """After close_idle the next request on the connection gets no answer, the one after it does."""
        await self.serve()
        self.simulator.faults.put("one", [Fault(kind=FaultKind.CLOSE_IDLE, times=1)])
        self.assertIn(b"finishReason", await treq.content(await self.post()))
        with self.assertRaises(ResponseFailed):
            await self.post()
        self.assertIn(b"finishReason", await treq.content(await self.post()))
        outcomes = [call["outcome"] for call in self.simulator.ledger.as_json()["calls"]]
        self.assertEqual(outcomes, ["complete", "fault", "complete"])

    async def test_slow_reader(self) -> None:
        """A client that does not read stops the making of chunks; reading on completes the answer."""
        await self.serve()
        response = await self.post("[[words=100000 chunk=1]]")
        reader = Reader()
        response.deliverBody(reader)
        reader.pause()
        made = await self.standstill()
        self.assertLess(made, 100000)
        reader.resume()
        await reader.done
        self.assertEqual(self.simulator.ledger.as_json()["calls"][-1]["chunks"], 100000)

    async def test_client_leaves(self) -> None:
        """A client that goes away ends its call."""
        await self.serve()
        response = await self.post("[[words=1000 pause=0.1]]")
        reader = Reader()
        response.deliverBody(reader)
        reader.leave()
        await reader.done
        await self.until_idle()
        self.assertEqual(self.simulator.ledger.aborted, 1)


class CommandTests(TestCase):
    async def test_command(self) -> None:
        """The command says where it listens, serves there, and ends at SIGTERM."""
        from twisted.internet import reactor

        child = _Child()
        arguments = [sys.executable, "-m", "agd.simulator", "--accounts", "1", "--first-chunk-seconds", "0"]
        process: Any = reactor.spawnProcess(child, sys.executable, arguments, env=None)
        words = (await child.line).split()
        self.assertEqual(words[:3] + words[4:], ["simulator", "listening", "on", "keys", "sim-key-1"])
        headers = Headers({"x-goog-api-key": ["sim-key-1"]})
        pool = HTTPConnectionPool(reactor, persistent=False)
        response = await treq.get(f"{words[3]}/v1beta/models", headers=headers, agent=Agent(reactor, pool=pool))
        self.assertIn(b"gemini-2.5-flash", await treq.content(response))
        process.signalProcess(signal.SIGTERM)
        await child.ended
        self.assertEqual(child.status, 0)


class _Child(ProcessProtocol):
    """A process whose first line and end can be awaited."""

    def __init__(self) -> None:
        self.line: Deferred[str] = Deferred()
        self.ended: Deferred[None] = Deferred()
        self.status: int | None = None

    def outReceived(self, data: bytes) -> None:
        if not self.line.called:
            self.line.callback(data.decode())

    def processEnded(self, reason: Failure) -> None:
        self.status = 0 if reason.check(ProcessDone) else getattr(reason.value, "status", None)
        self.ended.callback(None)
