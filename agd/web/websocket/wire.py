"""RFC 6455 on one connection, without the connection: bytes in, what they mean out. wsproto does the framing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attrs import define, field, frozen
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Message, Ping, Pong, TextMessage


@frozen
class Text:
    """A whole message, in UTF-8."""

    data: bytes


@frozen
class Binary:
    """A whole message that is not text; what it said is not kept."""


@frozen
class Pinged:
    """The peer wants a sign of life; ``answer`` is it."""

    answer: bytes


@frozen
class Closed:
    """The peer closes. ``answer`` is what the closing handshake still wants from this side, maybe nothing."""

    answer: bytes


@frozen
class TooBig:
    """A message goes beyond the limit. Nothing that follows is read any more."""


@frozen
class Broken:
    """The peer violates the protocol; ``code`` says how (section 7.4.1). Nothing that follows can be read."""

    code: int
    reason: str


Heard = Text | Binary | Pinged | Closed | TooBig | Broken


@define(eq=False)
class Wire:
    """One server side. ``limit`` gives the most bytes of a message, and may change at any time."""

    _limit: Callable[[], int]
    _connection: Connection = field(factory=lambda: Connection(ConnectionType.SERVER))
    _message: bytearray = field(factory=bytearray)
    _deaf: bool = False

    def hear(self, data: bytes) -> Iterator[Heard]:
        """Read on. Text must be UTF-8 at every moment, not only at a message's end (section 8.1)."""
        if self._deaf or self._connection.state not in (ConnectionState.OPEN, ConnectionState.LOCAL_CLOSING):
            return
        self._connection.receive_data(data)
        for event in self._connection.events():
            heard = self._understand(event)
            if heard is not None:
                yield heard
            if self._deaf:
                return

    def say(self, data: bytes) -> bytes:
        """Frame one text message. Nothing once either side has closed."""
        return self._send(TextMessage(data.decode()))

    def ping(self) -> bytes:
        """Ask for a sign of life."""
        return self._send(Ping())

    def close(self, code: int, reason: str) -> bytes:
        """Begin to close. Nothing when that has been done."""
        return self._send(CloseConnection(code, reason))

    @property
    def is_open(self) -> bool:
        """Whether neither side has closed."""
        return self._connection.state is ConnectionState.OPEN

    def _send(self, event: Event) -> bytes:
        return bytes(self._connection.send(event)) if self.is_open else b""

    def _understand(self, event: Event) -> Heard | None:
        match event:
            case TextMessage() | BytesMessage():
                return self._gather(event)
            case Ping():
                return Pinged(self._send(event.response()))
            case CloseConnection():
                return self._end(event)
            case Pong():
                return None
        raise AssertionError(f"wsproto tells of {event!r}, which a server is never told")

    def _gather(self, event: Message[str] | Message[bytes | bytearray]) -> Heard | None:
        """Put a message together, piece by piece."""
        piece = event.data.encode() if isinstance(event.data, str) else event.data
        if len(self._message) + len(piece) > self._limit():
            self._deaf = True
            self._message.clear()
            return TooBig()
        self._message += piece
        if not event.message_finished:
            return None
        data = bytes(self._message)
        self._message.clear()
        return Text(data) if isinstance(event, TextMessage) else Binary()

    def _end(self, event: CloseConnection) -> Heard:
        """Tell a close frame from a violation, for which wsproto has the same event but changes no state."""
        if self._connection.state in (ConnectionState.OPEN, ConnectionState.LOCAL_CLOSING):
            self._deaf = True
            return Broken(int(event.code), event.reason or "")
        if self._connection.state is ConnectionState.REMOTE_CLOSING:
            return Closed(bytes(self._connection.send(event.response())))
        return Closed(b"")
