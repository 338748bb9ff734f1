"""Cutting bodies into payloads."""

from __future__ import annotations

import json
import time

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.errors import FailureKind, UpstreamFailure
from agd.gemini.framing import Framer


def frame(*pieces: bytes, limit: int = 1 << 20) -> list[bytes]:
    """Feed the pieces one by one and close."""
    framer = Framer(limit)
    payloads = [payload for piece in pieces for payload in framer.feed(piece)]
    return payloads + framer.close()


def single_bytes(body: bytes) -> list[bytes]:
    """Cut a body between all its bytes."""
    return [body[i : i + 1] for i in range(len(body))]


VALUES = st.dictionaries(
    st.text(max_size=4),
    st.recursive(
        st.one_of(st.text(max_size=12), st.integers(), st.none(), st.sampled_from(['{"[', "\\", '\\"', "é😀\u2028"])),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
        max_leaves=6,
    ),
    max_size=4,
)


class EventTests(SynchronousTestCase):
    """Server-sent events."""

    def test_G02_line_endings(self) -> None:
        """LF, CRLF, CR and all of them mixed end lines alike."""
        for body in (
            b'data: {"a":1}\n\ndata: {"b":2}\n\n',
            b'data: {"a":1}\r\n\r\ndata: {"b":2}\r\n\r\n',
            b'data: {"a":1}\r\rdata: {"b":2}\r\r',
            b'data: {"a":1}\r\n\ndata: {"b":2}\n\r\n',
            b'data: {"a":1}\r\r\ndata: {"b":2}\r\r\n',
        ):
            for pieces in ([body], single_bytes(body)):
                self.assertEqual(frame(*pieces), [b'{"a":1}', b'{"b":2}'], body)

    def test_payload_leaves_with_the_cr_that_ends_it(self) -> None:
        """An event whose blank line ends in CRLF does not wait for the LF."""
        framer = Framer()
        self.assertEqual(framer.feed(b'data: {"a":1}\r\n\r'), [b'{"a":1}'])
        self.assertEqual(framer.feed(b'\ndata: {"b":2}\r\n\r\n'), [b'{"b":2}'])

    def test_G03_data_without_space(self) -> None:
        """The space behind the colon is optional, and only one is taken."""
        self.assertEqual(frame(b'data:{"a":" "}\n\n'), [b'{"a":" "}'])

    def test_G04_multi_line_data(self) -> None:
        """Data lines of one event are joined with LF."""
        for end in (b"\n", b"\r\n", b"\r"):
            body = b'data: {"a":' + end + b"data: 1}" + end + end
            self.assertEqual(frame(body), [b'{"a":\n1}'])
            self.assertEqual(frame(*single_bytes(body)), [b'{"a":\n1}'])

    def test_G05_other_fields(self) -> None:
        """Comments, other fields, empty events, and the end marker give nothing."""
        body = b': ping\nevent: x\nid: 1\nretry: 5\ndata\n\ndatax: {}\n\ndata: {"a":1}\n\ndata: [DONE]\n\n'
        self.assertEqual(frame(body), [b'{"a":1}'])

    def test_byte_order_mark(self) -> None:
        """A byte order mark, however cut, and blank lines in front are read over."""
        body = b'\xef\xbb\xbf\r\ndata: {"a":1}\n\n'
        self.assertEqual(frame(*single_bytes(body)), [b'{"a":1}'])
        self.assertEqual(frame(b'\xef\xbb\xbf{"a":1}'), [b'{"a":1}'])

    def test_G06_last_event_without_blank_line(self) -> None:
        """An event that the end of the body ends is given by close."""
        for tail in (b"", b"\n", b"\r"):
            framer = Framer()
            self.assertEqual(framer.feed(b'data: {"a":1}' + tail), [])
            self.assertEqual(framer.close(), [b'{"a":1}'])

    def test_G06_last_event_broken(self) -> None:
        """Half an event at the end of the body is a cut answer."""
        framer = Framer()
        framer.feed(b'data: {"a":1}\n\ndata: {"b"')
        failure = self.assertRaises(UpstreamFailure, framer.close)
        self.assertEqual(failure.kind, FailureKind.CUT)

    def test_bad_json_inside_is_passed_on(self) -> None:
        """Whether a complete event is JSON is for its reader to say."""
        self.assertEqual(frame(b"data: {oops\n\n"), [b"{oops"])

    def test_empty_body(self) -> None:
        """A body of nothing, or of blanks, has no payloads."""
        self.assertEqual(frame(b""), [])
        self.assertEqual(frame(b" \r\n", b"\n"), [])

    @given(st.lists(VALUES, min_size=1, max_size=4), st.sampled_from(["\n", "\r\n", "\r"]), st.data())
    def test_G01_every_split(self, values: list[object], end: str, data: st.DataObject) -> None:
        """Any cut of a body, even inside a character, gives the same payloads."""
        texts = [json.dumps(value, ensure_ascii=False) for value in values]
        body = "".join(f": c{end}data: {text}{end}{end}" for text in texts).encode()
        cut = data.draw(st.integers(0, len(body)))
        expected = [text.encode() for text in texts]
        self.assertEqual(frame(body[:cut], body[cut:]), expected)
        self.assertEqual(frame(*single_bytes(body)), expected)


class DocumentTests(SynchronousTestCase):
    """One document, several, and arrays."""

    def test_pretty_printed_document(self) -> None:
        """A document over many lines is one payload."""
        body = json.dumps({"a": {"b": ["}", '"', "\\"]}}, indent=2).encode()
        self.assertEqual(frame(*single_bytes(body + b"\n")), [body])

    def test_G08_array_gives_elements_as_they_come(self) -> None:
        """Each element of an array is given when its last byte is there."""
        framer = Framer()
        self.assertEqual(framer.feed(b'[{"a":1}\n'), [b'{"a":1}'])
        self.assertEqual(framer.feed(b',\r\n{"b":'), [])
        self.assertEqual(framer.feed(b"[2]}]"), [b'{"b":[2]}'])
        self.assertEqual(framer.close(), [])

    def test_concatenated_documents(self) -> None:
        """Documents one behind the other are separate payloads."""
        self.assertEqual(frame(b'{"a":1}\n{"b":2}{"c":3}'), [b'{"a":1}', b'{"b":2}', b'{"c":3}'])

    def test_cut_document(self) -> None:
        """A document or array without its end is a cut answer."""
        for body in (b'{"a":', b'[{"a":1},{"b', b'[{"a":1}', b'{"a":"\\'):
            framer = Framer()
            framer.feed(body)
            self.assertEqual(self.assertRaises(UpstreamFailure, framer.close).kind, FailureKind.CUT, body)

    def test_junk_between_documents(self) -> None:
        """What is no object where one should begin is malformed."""
        for body in (b"[1]", b"{}x", b"[null]", b'["a"]'):
            failure = self.assertRaises(UpstreamFailure, Framer().feed, body)
            self.assertEqual(failure.kind, FailureKind.MALFORMED, body)

    @given(st.lists(VALUES, min_size=1, max_size=4), st.booleans(), st.sampled_from([None, 1]), st.data())
    def test_G01_every_split(self, values: list[object], array: bool, indent: int | None, data: st.DataObject) -> None:
        """Any cut gives the same payloads, bare or in an array."""
        texts = [json.dumps(value, ensure_ascii=False, indent=indent) for value in values]
        body = ("[" + ",\n".join(texts) + "]" if array else "\n".join(texts)).encode()
        cut = data.draw(st.integers(0, len(body)))
        expected = [text.encode() for text in texts]
        self.assertEqual(frame(body[:cut], body[cut:]), expected)
        self.assertEqual(frame(*single_bytes(body)), expected)


class SizeTests(SynchronousTestCase):
    """Large events."""

    def test_G25_limit(self) -> None:
        """An event over the limit is malformed in every framing, whether its end is there or not."""
        for body in (
            b"data: " + b"x" * 200,
            b"data: " + b"x" * 200 + b"\n",
            b'{"a":"' + b"x" * 200,
            b'[{"a":"' + b"x" * 200,
        ):
            failure = self.assertRaises(UpstreamFailure, frame, body, limit=100)
            self.assertEqual(failure.kind, FailureKind.MALFORMED)
        lines = b"data: " + b"x" * 60 + b"\n"
        self.assertRaises(UpstreamFailure, frame, lines, lines, limit=100)

    def test_limit_is_per_event(self) -> None:
        """Many small events pass a limit that their sum exceeds."""
        self.assertEqual(len(frame(b'data: {"a":1}\n\n' * 50, limit=100)), 50)
        self.assertEqual(len(frame(b'{"a":1}' * 50, limit=100)), 50)

    def test_G25_linear(self) -> None:
        """Ten megabytes in small reads are framed in linear time."""
        text = json.dumps({"data": "A" * 10_000_000}).encode()
        for body in (b"data: " + text + b"\n\n", text, b"[" + text + b"]"):
            pieces = [body[i : i + 1024] for i in range(0, len(body), 1024)]
            started = time.process_time()
            self.assertEqual(frame(*pieces, limit=1 << 24), [text])
            self.assertLess(time.process_time() - started, 5)
