"""An upstream whose network is a memory: every byte and every end of a connection is the test's to decide."""

from __future__ import annotations

import json
from collections.abc import Coroutine
from itertools import count
from typing import Any, TypeVar

from attrs import asdict, define, field
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure

from agd.accounts.account import Account
from agd.accounts.way import STRAIGHT
from agd.gemini.requests import Outgoing
from agd.transport.agent import Pool
from agd.transport.ways import Ways
from agd.upstream.client import UpstreamClient
from agd.upstream.exchange import Exchange
from agd.upstream.limits import Limits, Patience
from agd.upstream.relay import Relay
from agd.upstream.tokens import Tokens

T = TypeVar("T")

BASE_URL = "http://127.0.0.1:9"
OUTGOING = Outgoing(b'{"contents":[]}', (), {})


def account(name: str = "one", base_url: str = BASE_URL) -> Account:
    """Make an account whose key is ``key-NAME``."""
    return Account.of_key(f"{name}@example.com", base_url, f"key-{name}")


def chunk(text: str = "", finish: str | None = None, **more: Any) -> dict[str, Any]:
    """Make one ``GenerateContentResponse``."""
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": [{"text": text}] if text else []}}
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], **more}


def sse(*payloads: Any) -> bytes:
    """Write payloads as server-sent events."""
    return b"".join(b"data: " + json.dumps(payload).encode() + b"\r\n\r\n" for payload in payloads)


def chunked(data: bytes) -> bytes:
    """Write bytes as one chunk of a chunked body; empty bytes are its end."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def error(status: int, grpc: str = "", message: str = "no", details: Any = ()) -> bytes:
    """Write the body of an error as Google does (AIP-193)."""
    body = {"error": {"code": status, "status": grpc, "message": message, "details": list(details)}}
    return json.dumps(body).encode()


def response(body: bytes, status: int = 200, *headers: str) -> bytes:
    """Write a whole response whose length is told."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
"""The head of a streamed answer."""


@define(eq=False)
class Connection:
    """One connection as the upstream sees it."""

    protocol: Any
    transport: StringTransport = field(factory=lambda: StringTransport(lenient=True))

    @property
    def asked(self) -> bytes:
        """All that agd has written on it."""
        written: bytes = self.transport.value()
        return written

    @property
    def headers(self) -> dict[str, list[str]]:
        """The headers of the last request on it, names in lower case."""
        head = self.asked.rpartition(b"HTTP/1.1\r\n")[2].partition(b"\r\n\r\n")[0].decode()
        found: dict[str, list[str]] = {}
        for line in head.split("\r\n"):
            name, _, value = line.partition(":")
            found.setdefault(name.lower(), []).append(value.strip())
        return found

    @property
    def ended(self) -> bool:
        """Whether agd has closed or aborted it."""
        return self.transport.disconnecting or self.transport.producerState == "stopped"

    @property
    def paused(self) -> bool:
        """Whether agd has stopped reading from it."""
        return self.transport.producerState == "paused"

    def send(self, data: bytes) -> None:
        """Let agd read these bytes."""
        self.protocol.dataReceived(data)

    def close(self) -> None:
        """End it in good order."""
        self.protocol.connectionLost(Failure(ConnectionDone()))

    def reset(self) -> None:
        """Break it."""
        self.protocol.connectionLost(Failure(ConnectionLost()))


@define(eq=False)
class Wire:
    """A client of agd's over a memory network. A connection is made at once, unless ``connecting`` is turned off."""

    reactor: MemoryReactorClock = field(factory=MemoryReactorClock)
    limits: Limits = field(factory=Limits)
    connections: list[Connection] = field(factory=list)
    ways: Ways = field(init=False)
    client: UpstreamClient = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.ways = Ways(self.reactor)
        ids = count(1)
        tokens = Tokens(Exchange(self.ways, self.reactor, lambda: 1_000_000.0).fetch, self.reactor, lambda: 0.5)
        self.client = UpstreamClient(
            self.ways, tokens, self.reactor, lambda: f"call_{next(ids)}", patience_of(self.limits)
        )

    @property
    def pool(self) -> Pool:
        """The connections of accounts without a way of their own."""
        return self.ways.of(STRAIGHT).pool

    def connect(self) -> Connection:
        """Let the pending attempt to connect succeed; its request is then written."""
        _, _, factory, *_ = self.reactor.tcpClients.pop(0)
        connection = Connection(factory.buildProtocol(None))
        self.connections.append(connection)
        connection.protocol.makeConnection(connection.transport)
        return connection

    def fail_to_connect(self, reason: Exception) -> None:
        """Let the pending attempt to connect fail."""
        _, _, factory, *_ = self.reactor.tcpClients.pop(0)
        connector: Any = None
        factory.clientConnectionFailed(connector, Failure(reason))

    def generate(self, of: Account | None = None, model: str = "gemini-x", *, stream: bool = True) -> Deferred[Relay]:
        """Ask for an answer."""
        return start(self.client.generate(of or account(), model, OUTGOING, stream=stream))


def patience_of(limits: Limits) -> Patience:
    """Make limits that are the same for all models."""
    given = asdict(limits)
    return Patience({}, {"*": given})


def start(coroutine: Coroutine[Deferred[Any], Any, T]) -> Deferred[T]:
    """Run a coroutine as far as it goes."""
    return Deferred.fromCoroutine(coroutine)
