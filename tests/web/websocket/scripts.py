"""A Responses engine that answers when told to, and a client at the other end of an upgraded connection."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from attrs import define, field, frozen
from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from wsproto.connection import Connection as Peer
from wsproto.connection import ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage

from agd.conversation import Event as AnswerEvent
from agd.conversation import TextDelta
from agd.encoding import decode, encode
from agd.errors import GatewayError
from agd.gateway import Trail
from agd.web.auth import Door
from agd.web.websocket.engine import Frame
from tests.web.front import OPEN, Connection, FakeRelay, Front

KEY = b64encode(b"sixteen bytes ok").decode()
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": KEY,
}


@frozen
class Kept:
    """A response as the engine hands it out to be remembered."""

    id: str
    previous: str | None = None


class Told:
    """A narration of the fewest events that are one."""

    def __init__(self, response_id: str) -> None:
        self.id = response_id
        self.status = "in_progress"
        self._number = 0

    def event(self, kind: str, **more: Any) -> Frame:
        """Make one event."""
        frame = (kind, encode({"type": kind, "sequence_number": self._number, **more}))
        self._number += 1
        return frame

    def lifecycle(self, status: str) -> Frame:
        """Make an event with the whole response."""
        self.status = status
        return self.event(f"response.{status}", response={"id": self.id, "status": status})

    def begin(self) -> list[Frame]:
        """Tell that it began, once."""
        if self._number:
            return []
        created = self.event("response.created", response={"id": self.id, "status": self.status})
        return [created, self.lifecycle("in_progress")]

    def write(self, events: Sequence[AnswerEvent]) -> list[Frame]:
        """Tell text."""
        texts = [event.text for event in events if isinstance(event, TextDelta)]
        return self.begin() + [self.event("response.output_text.delta", delta=text) for text in texts]


@define(eq=False)
class Script:
    """One turn. ``opened`` is awaited by ``open``, ``stored`` by ``conclude``."""

    body: Mapping[str, Any]
    owner: str
    trail: Trail
    local: Mapping[str, Any]
    id: str
    narration: Told
    record: Kept | None = None
    stored: bool = False
    opened: Deferred[Any] = field(factory=Deferred)
    storing: Deferred[None] | None = None
    ended: list[str] = field(factory=list)
    cancelled: bool = False

    @property
    def generate(self) -> bool:
        """Whether it is no warm-up."""
        return self.body.get("generate") is not False

    async def open(self) -> Any:
        """Wait for a relay."""
        try:
            return await self.opened
        except CancelledError:
            self.cancelled = True
            raise

    async def conclude(self) -> list[Frame]:
        """Wait for the store, and end well unless the narration already failed."""
        self.ended.append("concluded")
        if self.storing is not None:
            await self.storing
        self._keep()
        return [self.narration.lifecycle("failed" if self.narration.status == "failed" else "completed")]

    async def fail(self, error: GatewayError) -> list[Frame]:
        """End badly."""
        self.ended.append("failed")
        told = {"id": self.id, "status": "failed", "error": {"code": error.code, "message": error.message}}
        return [self.narration.event("response.failed", response=told)]

    async def cancel(self) -> list[Frame]:
        """End as called off."""
        self.ended.append("cancelled")
        return [self.narration.event("response.incomplete", response={"id": self.id, "status": "cancelled"})]

    async def warm_up(self) -> list[Frame]:
        """Say nothing."""
        self.ended.append("warmed up")
        self._keep()
        return [*self.narration.begin(), self.narration.lifecycle("completed")]

    def relay(self) -> FakeRelay:
        """Have the first event in hand, and give the relay."""
        relay = FakeRelay()
        self.opened.callback(relay)
        return relay

    def refuse(self, error: Exception) -> None:
        """Get no answer."""
        self.opened.errback(Failure(error))

    def answer(self, *texts: str) -> None:
        """Answer, all of it."""
        relay = self.relay()
        relay.give(*(TextDelta(text) for text in texts))
        relay.end()

    def _keep(self) -> None:
        self.stored = self.body.get("store") is not False
        self.record = Kept(self.id, self.body.get("previous_response_id"))


class ScriptedEngine:
    """Hands out turns; like the real one it knows what a connection remembers, and nothing else."""

    def __init__(self) -> None:
        self.turns: list[Script] = []
        self.refusal: Exception | None = None

    async def begin(
        self, body: Mapping[str, Any], owner: str, trail: Trail, local: Mapping[str, Any] | None = None
    ) -> Script:
        """Begin a turn, or raise the refusal."""
        trail.model = "gemini-2.5-flash"
        if self.refusal is not None:
            raise self.refusal
        previous = body.get("previous_response_id")
        if previous is not None and previous not in (local or {}):
            message = f"Previous response with id '{previous}' not found."
            raise GatewayError(400, message, code="previous_response_not_found", param="previous_response_id")
        response_id = f"resp_{len(self.turns) + 1}"
        turn = Script(body, owner, trail, dict(local or {}), response_id, Told(response_id))
        self.turns.append(turn)
        return turn


@define(eq=False)
class Client:
    """A WebSocket client: real frames, by wsproto, over a connection in memory."""

    connection: Connection
    peer: Peer = field(factory=lambda: Peer(ConnectionType.CLIENT))
    seen: list[Event] = field(factory=list)
    _read: int = 0
    _parts: list[str] = field(factory=list)

    def send(self, event: Event) -> None:
        """Send a frame."""
        self.connection.send(self.peer.send(event))

    def say(self, message: Any) -> None:
        """Send a text message; what is no text goes as JSON."""
        self.send(TextMessage(message if isinstance(message, str) else encode(message).decode()))

    def create(self, **body: Any) -> None:
        """Ask for a response."""
        self.say({"type": "response.create", "model": "gpt-5", "input": "hello", **body})

    def close(self, code: int = 1000) -> None:
        """Begin to close."""
        self.send(CloseConnection(code))

    def look(self) -> list[Event]:
        """Read what has come, and give all that ever came."""
        received = self.connection.received
        start = self._read or received.index(b"\r\n\r\n") + 4
        self._read = len(received)
        if received[start:]:
            self.peer.receive_data(received[start:])
            self.seen += self.peer.events()
        return self.seen

    @property
    def messages(self) -> list[dict[str, Any]]:
        """Every message so far: one text frame each, one JSON object each."""
        told = []
        for event in self.look():
            assert not isinstance(event, BytesMessage), event
            if isinstance(event, TextMessage):
                assert event.message_finished, event
                told.append(decode(event.data))
        return told

    @property
    def types(self) -> list[str]:
        """The type of every message so far."""
        return [message["type"] for message in self.messages]

    @property
    def pings(self) -> int:
        """How often a sign of life was asked for."""
        return sum(isinstance(event, Ping) for event in self.look())

    @property
    def pongs(self) -> list[bytes]:
        """The signs of life that came."""
        return [bytes(event.payload) for event in self.look() if isinstance(event, Pong)]

    @property
    def closed(self) -> int | None:
        """The code with which the server closed."""
        codes = [int(event.code) for event in self.look() if isinstance(event, CloseConnection)]
        return codes[0] if codes else None


class WebSocketTestCase(SynchronousTestCase):
    """A front with an engine by hand, and a client on a socket."""

    door: Door = OPEN
    headers: Mapping[str, str] = {}
    path = "/v1/responses"

    def setUp(self) -> None:
        """Open a socket."""
        self.engine = ScriptedEngine()
        self.front = Front(door=self.door, max_body_bytes=10_000)
        self.front.api.sockets.engine = lambda: cast(Any, self.engine)
        self.client = self.open()

    def tearDown(self) -> None:
        """Nothing was logged as a mistake."""
        self.assertEqual(self.flushLoggedErrors(), [])

    def open(self, headers: Mapping[str, str] | None = None) -> Client:
        """Open another socket."""
        connection = self.front.ask("GET", self.path, headers={**UPGRADE, **self.headers, **(headers or {})})
        assert connection.received.startswith(b"HTTP/1.1 101 "), connection.received
        return Client(connection)

    @property
    def turn(self) -> Script:
        """The newest turn."""
        return self.engine.turns[-1]

    def error(self, client: Client | None = None) -> dict[str, Any]:
        """Give the newest message, which must be an error's."""
        message = (client or self.client).messages[-1]
        assert message["type"] == "error", message
        return message

    def codes(self, messages: Iterable[dict[str, Any]] | None = None) -> list[str]:
        """Give the codes of all errors."""
        told = self.client.messages if messages is None else messages
        return [message["error"]["code"] for message in told if message["type"] == "error"]

    def assert_gone(self, client: Client | None = None) -> None:
        """Check that nothing is left once the connection is closed."""
        connection = (client or self.client).connection
        self.assertTrue(connection.closing)
        connection.settle()
        self.assertEqual(self.front.timers, 0)
        self.assertTrue(self.front.site.drain(1.0).called)
