"""agd's HTTP face in memory: a site on a clock that is turned by hand, over a gateway that answers when told to."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IPushProducer
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from zope.interface import implementer

from agd.accounts.account import Account
from agd.accounts.catalogue import Catalogue
from agd.accounts.pool import Pool
from agd.conversation import Event, Prompt
from agd.encoding import encode
from agd.errors import ClientLostError, GatewayError
from agd.gateway import Trail
from agd.keys.turnstile import Turnstile
from agd.options import DEFAULT
from agd.responses.engine import Engine
from agd.routing import Router
from agd.sealing import KeyRing
from agd.store.database import open_database
from agd.store.responses import ResponseStore
from agd.store.worker import Worker
from agd.upstream.relay import Sink
from agd.web.answering import Answering, Policy
from agd.web.auth import Door
from agd.web.openai import OpenAI
from agd.web.responses import Responses
from agd.web.site import Site
from agd.web.websocket import Sockets
from tests.store.stage import LIMITS, NoThreads
from tests.web.replies import Reply, read_replies

ACCOUNT = Account.of_key("first@example.com", "http://127.0.0.1:1", "made-up-upstream-key")
KNOWN = ("gemini-2.5-flash", "gemini-2.5-pro", "tuned/one")
CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}
NOW = 1_700_000_000.0


@implementer(IPushProducer)
class FakeRelay:
    """An answer on its way, told event by event."""

    def __init__(self) -> None:
        self.paused = False
        self.stopped = False
        self.aborted = False
        self.sink: Sink | None = None
        self.done: Deferred[None] = Deferred(self._abort)

    def pour(self, sink: Sink) -> Deferred[None]:
        """Take the sink; nothing is held."""
        self.sink = sink
        return self.done

    def give(self, *events: Event) -> None:
        """Let events come, all in one read."""
        assert self.sink is not None, "nobody has asked for the events yet"
        self.sink.take(events)

    def end(self) -> None:
        """Let the answer be complete."""
        self.done.callback(None)

    def fail(self, error: Exception) -> None:
        """Let the answer break off."""
        self.done.errback(Failure(error))

    def pauseProducing(self) -> None:
        """The client does not keep up."""
        self.paused = True

    def resumeProducing(self) -> None:
        """The client reads on."""
        self.paused = False

    def stopProducing(self) -> None:
        """The client is gone: end as the real one does."""
        self.stopped = True
        if not self.done.called:
            self.fail(ClientLostError("the client left"))

    def _abort(self, _: Deferred[None]) -> None:
        self.aborted = True


@define(eq=False)
class Call:
    """One question to the gateway; its answer is awaited until ``answer`` or ``fail``."""

    prompt: Prompt
    trail: Trail
    answered: Deferred[Any] = field(factory=Deferred)
    cancelled: bool = False

    def answer(self, value: Any) -> None:
        """Answer with an Answer or a relay."""
        self.answered.callback(value)

    def relay(self) -> FakeRelay:
        """Answer with a relay whose first event is in hand, and give it."""
        relay = FakeRelay()
        self.answer(relay)
        return relay

    def fail(self, error: Exception) -> None:
        """Answer with an error."""
        self.answered.errback(Failure(error))


class FakeGateway:
    """A gateway's face: real routing and pool, answers by hand. ``account`` is who serves every call."""

    def __init__(self, accounts: Sequence[Account] = (ACCOUNT,)) -> None:
        self.options = DEFAULT
        self.pool = Pool.of(accounts)
        self.catalogue = Catalogue(frozenset(KNOWN), int(NOW))
        self.router = Router.build({"mine": "gemini-2.5-pro"})
        self.turnstile = Turnstile()
        self.account: Account | None = ACCOUNT
        self.calls: list[Call] = []
        self.over: list[tuple[str, str]] = []

    async def open(self, prompt: Prompt, trail: Trail) -> Any:
        """Wait for a relay."""
        return await self._ask(prompt, trail)

    async def complete(self, prompt: Prompt, trail: Trail) -> Any:
        """Wait for an Answer."""
        return await self._ask(prompt, trail)

    async def count(self, prompt: Prompt, trail: Trail) -> Any:
        """Wait for a number."""
        return await self._ask(prompt, trail)

    def reserve(self, prompt: Prompt, trail: Trail) -> None:
        """Let everything in."""

    def ended(self, response_id: str, status: str, trail: Trail) -> None:
        """Keep that a background response is over."""
        self.over.append((response_id, status))

    def offers(self, owner: str) -> list[str]:
        """Return every name."""
        return self.router.names(self.catalogue.known)

    async def _ask(self, prompt: Prompt, trail: Trail) -> Any:
        trail.wanted = prompt.model
        trail.model = self.router.resolve(prompt.model, self.catalogue.known)
        trail.note(prompt.notices)
        trail.account = self.account
        call = Call(prompt, trail)
        self.calls.append(call)
        try:
            return await call.answered
        except CancelledError:
            call.cancelled = True
            raise


class Wire(StringTransport):
    """A client's TCP connection. Like a real one it bears being resumed while it closes."""

    producer: Any

    def __init__(self) -> None:
        super().__init__(lenient=True)
        self.aborted = False
        self.producers = 0

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Count registrations."""
        self.producers += 1
        super().registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        """Bear a second time, as real transports do."""
        self.producer = self.streaming = None

    def write(self, data: bytes) -> None:
        """Send nothing after an abort."""
        if not self.aborted:
            super().write(data)

    def writeSequence(self, data: Any) -> None:
        """Send nothing after an abort."""
        if not self.aborted:
            super().writeSequence(data)

    def abortConnection(self) -> None:
        """Remember that nothing unsent is sent any more."""
        self.aborted = True
        super().abortConnection()


@define(eq=False)
class Connection:
    """A client at the other end of a wire."""

    channel: Any
    wire: Wire
    lost: bool = False

    def send(self, data: bytes) -> None:
        """Send bytes; after a close or abort by the server nothing arrives any more."""
        self.channel.dataReceived(data)

    def ask(self, method: str, target: str, body: Any = None, headers: Mapping[str, str] | None = None) -> None:
        """Send a request; a body that is no bytes goes as JSON."""
        self.send(request(method, target, body, headers))

    def hang_up(self) -> None:
        """Lose the connection, in the order in which TCP transports tell of it."""
        if not self.lost:
            self.lost = True
            self.wire.disconnected = True
            if self.wire.producer is not None:
                self.wire.producer.stopProducing()
            self.channel.connectionLost(Failure(ConnectionDone()))

    def settle(self) -> None:
        """Let a close or an abort that the server began come to its end."""
        if self.closing:
            self.hang_up()

    @property
    def received(self) -> bytes:
        """Every byte that the server sent."""
        value: bytes = self.wire.value()
        return value

    @property
    def replies(self) -> list[Reply]:
        """The answers so far; the last one may be incomplete."""
        return read_replies(self.received)

    @property
    def reply(self) -> Reply:
        """The only answer."""
        [only] = self.replies
        return only

    @property
    def closing(self) -> bool:
        """Whether the server closes the connection."""
        return bool(self.wire.disconnecting or self.wire.disconnected)


@define(eq=False)
class Observed:
    """What the observer was told."""

    answers: list[tuple[str, str, int, float, Trail]] = field(factory=list)

    def answered(self, method: str, path: str, status: int, seconds: float, trail: Trail) -> None:
        """Keep it."""
        self.answers.append((method, path, status, seconds, trail))

    @property
    def statuses(self) -> list[int]:
        """The status of every answer, in order."""
        return [status for _, _, status, _, _ in self.answers]


OPEN = Door.of("off", [])


class Front:
    """A site and everything around it."""

    def __init__(
        self,
        *,
        door: Door = OPEN,
        gateway: FakeGateway | None = None,
        expose: Any = "email",
        hold: float = 10.0,
        max_body_bytes: int = 1000,
    ) -> None:
        self.clock = Clock()
        self.gateway = gateway or FakeGateway()
        self.observed = Observed()
        self.policy = Policy(expose, hold)
        minted = itertools.count(1)
        asked: Any = self.gateway
        tokens = itertools.count(1)
        self.worker = Worker(NoThreads())
        self.worker.open(open_database(None))
        store = ResponseStore(self.worker, LIMITS)
        ring = KeyRing.fresh(os.urandom)
        self.engine = Engine(asked, store, ring, lambda: NOW, lambda: f"{next(tokens):032x}")
        answering = Answering(self.policy, self.clock)
        responses = Responses(self.engine, answering)
        self.sockets = Sockets(lambda: self.engine)
        self.api = OpenAI(asked, lambda: responses, answering, self.sockets, lambda: NOW, lambda: "ab" * 16)
        self.site = Site(
            self.api.app.resource(),
            door,
            clock=self.clock,
            mint_id=lambda: f"req_{next(minted)}",
            observer=self.observed,
            max_body_bytes=max_body_bytes,
        )

    def connect(self) -> Connection:
        """Open a connection."""
        channel: Any = self.site.buildProtocol(None)
        wire = Wire()
        channel.makeConnection(wire)
        return Connection(channel, wire)

    def ask(self, method: str, target: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Connection:
        """Open a connection and send a request."""
        connection = self.connect()
        connection.ask(method, target, body, headers)
        return connection

    def chat(self, headers: Mapping[str, str] | None = None, **more: Any) -> Connection:
        """Ask for a chat completion."""
        return self.ask("POST", "/v1/chat/completions", {**CHAT, **more}, headers)

    def begin(self, headers: Mapping[str, str] | None = None, **more: Any) -> tuple[Connection, Call]:
        """Ask for a chat completion, and give the call to the gateway that it leads to."""
        connection = self.chat(headers, **more)
        assert self.gateway.calls, connection.received
        return connection, self.gateway.calls[-1]

    @property
    def timers(self) -> int:
        """How many timers run."""
        return len(self.clock.getDelayedCalls())


def request(method: str, target: str, body: Any = None, headers: Mapping[str, str] | None = None) -> bytes:
    """Write an HTTP/1.1 request."""
    lines = {"Host": "127.0.0.1:8045"}
    data = b""
    if body is not None:
        data = body if isinstance(body, bytes) else encode(body)
        lines |= {"Content-Type": "application/json", "Content-Length": str(len(data))}
    lines |= headers or {}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + data


def busy() -> GatewayError:
    """Make the error of an exhausted pool."""
    return GatewayError(429, "all accounts rest", type="rate_limit_error", code="rate_limited", retry_after=7.2)
