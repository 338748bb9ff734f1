"""RFC 6455 as the server reads it: fragments, limits, violations."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage

from agd.web.websocket.wire import Binary, Broken, Closed, Heard, Pinged, Text, TooBig, Wire


def sent(*events: Event) -> bytes:
    """Write frames as a client does."""
    peer = Connection(ConnectionType.CLIENT)
    return b"".join(bytes(peer.send(event)) for event in events)


def hear(*pieces: bytes, limit: int = 1000) -> list[Heard]:
    """Read pieces."""
    wire = Wire(lambda: limit)
    return [heard for piece in pieces for heard in wire.hear(piece)]


def frame(first: int, payload: bytes, mask: bytes | None = b"abcd") -> bytes:
    """Write a frame by hand, right or wrong."""
    if mask is None:
        return bytes([first, len(payload)]) + payload
    masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))
    return bytes([first, 0x80 | len(payload)]) + mask + masked


def answered(data: bytes) -> list[Event]:
    """Read what the server said, as a client does."""
    peer = Connection(ConnectionType.CLIENT)
    peer.receive_data(data)
    return list(peer.events())


class WireTests(SynchronousTestCase):
    """``Wire.hear``."""

    def test_message(self) -> None:
        """A text frame is a message; so is an empty one."""
        self.assertEqual(hear(sent(TextMessage("añ"), TextMessage(""))), [Text("añ".encode()), Text(b"")])

    @given(st.text(max_size=40), st.lists(st.integers(0, 40)), st.integers(1, 7))
    def test_fragments(self, text: str, cuts: list[int], step: int) -> None:
        """A message is the same however it is cut into frames and reads, with control frames in between."""
        places = sorted({min(cut, len(text)) for cut in cuts})
        parts = [text[begin:end] for begin, end in zip([0, *places], [*places, len(text)], strict=True)]
        events: list[Event] = []
        for number, part in enumerate(parts):
            events += [TextMessage(part, message_finished=number == len(parts) - 1), Pong(), Ping(b"?")]
        data = sent(*events)
        heard = hear(*[data[start : start + step] for start in range(0, len(data), step)])
        self.assertEqual([item for item in heard if isinstance(item, Text)], [Text(text.encode())])
        self.assertEqual(len(heard), 1 + len(parts))

    def test_ping(self) -> None:
        """A ping is answered with its own payload."""
        [heard] = hear(sent(Ping(b"you?")))
        assert isinstance(heard, Pinged)
        self.assertEqual(answered(heard.answer), [Pong(b"you?")])

    def test_binary(self) -> None:
        """A binary message is told when it is whole."""
        self.assertEqual(hear(sent(BytesMessage(b"a", message_finished=False))), [])
        self.assertEqual(hear(sent(BytesMessage(b"a", message_finished=False), BytesMessage(b"b"))), [Binary()])

    def test_limit(self) -> None:
        """A message may have so many bytes, not characters, over all its frames."""
        self.assertEqual(hear(sent(TextMessage("é" * 5)), limit=10), [Text("é".encode() * 5)])
        self.assertEqual(hear(sent(TextMessage("é" * 5 + "x")), limit=10), [TooBig()])
        parts = [TextMessage("x" * 6, message_finished=False), TextMessage("x" * 6), TextMessage("y")]
        self.assertEqual(hear(sent(*parts), limit=10), [TooBig()])

    def test_limit_before_the_end(self) -> None:
        """It is noticed as soon as so much has come, and what follows is not kept."""
        data = sent(TextMessage("x" * 1000))
        wire = Wire(lambda: 10)
        self.assertEqual(list(wire.hear(data[:30])), [TooBig()])
        self.assertEqual(list(wire.hear(data[30:])), [])

    def test_limit_changes(self) -> None:
        """The limit is the one of the moment."""
        limits = [10, 5]
        wire = Wire(lambda: limits.pop(0))
        self.assertEqual(list(wire.hear(sent(TextMessage("x" * 6), TextMessage("x" * 6)))), [Text(b"x" * 6), TooBig()])

    def test_close(self) -> None:
        """A close is answered with its own code, and nothing is read after it."""
        data = sent(TextMessage("x"), CloseConnection(1000, "done"))
        wire = Wire(lambda: 10)
        text, closed = wire.hear(data)
        assert isinstance(closed, Closed)
        self.assertEqual((text, answered(closed.answer)), (Text(b"x"), [CloseConnection(1000, "done")]))
        self.assertEqual(list(wire.hear(sent(TextMessage("x")))), [])
        self.assertEqual((wire.say(b"x"), wire.ping(), wire.close(1000, ""), wire.is_open), (b"", b"", b"", False))

    def test_answer_to_a_close(self) -> None:
        """After a close of this side the peer's one needs no answer; messages before it are still read."""
        wire = Wire(lambda: 10)
        self.assertEqual(answered(wire.close(1001, "bye")), [CloseConnection(1001, "bye")])
        self.assertEqual(list(wire.hear(sent(TextMessage("x"), CloseConnection(1001)))), [Text(b"x"), Closed(b"")])

    def test_violations(self) -> None:
        """Each violation has its code, and nothing is read after it."""
        violations = (
            (1002, "not masked", frame(0x81, b"x", None)),
            (1002, "reserved bit", frame(0xC1, b"x")),
            (1002, "unknown opcode", frame(0x83, b"x")),
            (1002, "continuation of nothing", frame(0x80, b"x")),
            (1002, "new message within another", frame(0x01, b"x") + frame(0x81, b"x")),
            (1002, "fragmented ping", frame(0x09, b"x")),
            (1002, "close of one byte", frame(0x88, b"x")),
            (1002, "close with a code that is not sent", frame(0x88, b"\x03\xed")),
            (1007, "not UTF-8", frame(0x81, b"\xff")),
            (1007, "half a character", frame(0x81, b"\xc3")),
            (1007, "a close that is not UTF-8", frame(0x88, b"\x03\xe8\xff")),
        )
        for code, what, data in violations:
            heard = hear(data + frame(0x81, b"x"), frame(0x81, b"x"))
            broken = [item for item in heard if isinstance(item, Broken)]
            self.assertEqual([item.code for item in broken], [code], what)
            self.assertIsInstance(heard[-1], Broken)

    def test_nothing_kept(self) -> None:
        """What comes after a violation, or a message that is too large, is not even kept."""
        for data in (frame(0x83, b"x"), sent(TextMessage("x" * 100))):
            wire = Wire(lambda: 10)
            list(wire.hear(data))
            list(wire.hear(b"x" * 10_000))
            self.assertLess(len(wire._connection._proto._frame_decoder.buffer), 200)

    @given(st.lists(st.binary(max_size=60), max_size=6))
    def test_anything(self, pieces: list[bytes]) -> None:
        """Whatever comes, nothing is raised, and nothing is read after an end."""
        heard = hear(*pieces, limit=50)
        ends = [place for place, item in enumerate(heard) if isinstance(item, Broken | Closed | TooBig)]
        self.assertIn(ends, ([], [len(heard) - 1]))

    @given(st.integers(0, 255), st.binary(max_size=100), st.integers(0, 255), st.binary(max_size=100))
    def test_any_frames(self, one: int, first: bytes, other: int, second: bytes) -> None:
        """The same for any two frames that are masked as they should be."""
        heard = hear(frame(one, first) + frame(other, second), limit=50)
        ends = [place for place, item in enumerate(heard) if isinstance(item, Broken | Closed | TooBig)]
        self.assertIn(ends, ([], [len(heard) - 1]))
