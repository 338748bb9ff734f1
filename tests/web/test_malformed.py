"""What is not HTTP, or too much of it: OpenAI's error JSON and a closed connection, never HTML."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.web.auth import Door
from tests.web.front import CHAT, Connection, Front, request
from tests.web.replies import read_replies
from tests.web.test_answers import answer

HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
GARBAGE = {
    "no version": b"GET /healthz\r\n\r\n",
    "a version to come": b"GET /healthz HTTP/2.0\r\n\r\n",
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "words": b"hello there, how are you?\r\n\r\n",
    "a blank too much": b"GET  /healthz HTTP/1.1\r\n\r\n",
    "a method that is no token": b"G(E)T /healthz HTTP/1.1\r\n\r\n",
    "control characters in the target": b"GET /heal\x01thz HTTP/1.1\r\n\r\n",
    "a header without colon": HEAD + b"nonsense\r\n\r\n",
    "a header name with a blank": HEAD + b"Bad Name: x\r\n\r\n",
    "a header in the middle": HEAD + b"nonsense\r\nX: y\r\n\r\n",
    "NUL in a value": HEAD + b"X: a\0b\r\n\r\n",
    "a length that is no number": HEAD + b"Content-Length: twelve\r\n\r\n",
    "a negative length": HEAD + b"Content-Length: -1\r\n\r\n",
    "an empty length": HEAD + b"Content-Length:\r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a length beyond numbers": HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
    "length and chunks": HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
    "an unknown coding": HEAD + b"Transfer-Encoding: gzip\r\n\r\n",
    "a chunk size that is no number": HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "a chunk longer than told": HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}{}\r\n0\r\n\r\n",
}


class MalformedTestCase(SynchronousTestCase):
    """Sends bytes to a front."""

    def setUp(self) -> None:
        """Make the front."""
        self.front = Front()

    def send(self, data: bytes) -> Connection:
        """Send bytes over a new connection."""
        connection = self.front.connect()
        connection.send(data)
        return connection

    def assert_refused(self, connection: Connection, status: int, code: str, why: str = "") -> None:
        """Check that the connection got one error in JSON, and that it closes."""
        reply = connection.reply
        self.assertEqual((reply.status, reply.error["code"]), (status, code), why)
        self.assertEqual(reply.headers["connection"], "close")
        self.assertTrue(reply.headers["x-request-id"].startswith("req_"))
        self.assertTrue(reply.complete)
        self.assertTrue(connection.closing, why)


class MalformedTests(MalformedTestCase):
    """Malformed requests."""

    def test_garbage(self) -> None:
        """Whatever is not well formed is 400 malformed_http."""
        for why, data in GARBAGE.items():
            self.assert_refused(self.send(data), 400, "malformed_http", why)
        self.assertEqual(self.front.gateway.calls, [])

    def test_byte_by_byte(self) -> None:
        """It makes no difference in how many pieces it comes."""
        for why, data in GARBAGE.items():
            connection = self.front.connect()
            for position in range(len(data)):
                connection.send(data[position : position + 1])
            self.assert_refused(connection, 400, "malformed_http", why)

    def test_nothing_after(self) -> None:
        """What follows a malformed request on its connection is neither carried out nor answered."""
        for why, data in GARBAGE.items():
            connection = self.send(data + request("POST", "/v1/chat/completions", CHAT))
            connection.send(request("GET", "/healthz"))
            self.assert_refused(connection, 400, "malformed_http", why)
        self.assertEqual(self.front.gateway.calls, [])

    def test_told_once(self) -> None:
        """A refusal is reported with what is known of the request, once, also when the connection is lost later."""
        connection = self.send(GARBAGE["words"])
        connection.hang_up()
        self.send(HEAD + b"nonsense\r\n\r\n").hang_up()
        known = [answer[:3] for answer in self.front.observed.answers]
        self.assertEqual(known, [("-", "-", 400), ("POST", "/v1/chat/completions", 400)])

    def test_unclean_end(self) -> None:
        """A client that leaves in the middle of a head or a body leaves nothing behind."""
        whole = request("POST", "/v1/chat/completions", CHAT)
        for length in (0, 5, 30, len(whole) - 1):
            self.send(whole[:length]).hang_up()
        self.assertEqual((self.front.timers, self.front.gateway.calls), (0, []))
        self.assertTrue(self.front.site.drain(1.0).called)

    @settings(max_examples=200)
    @given(st.binary(max_size=300))
    def test_any_bytes(self, data: bytes) -> None:
        """No bytes at all make the server fail or answer anything but JSON."""
        front = Front()
        connection = front.connect()
        connection.send(data)
        connection.send(b"\r\n\r\n")
        for reply in read_replies(connection.received):
            self.assertEqual(reply.headers["content-type"], "application/json")
        connection.hang_up()
        self.assertEqual(front.timers, 0)


class TooMuchTests(MalformedTestCase):
    """Heads that are too large."""

    def test_line(self) -> None:
        """A request line or header without end is 431, as soon as it is too long."""
        self.assert_refused(self.send(b"GET /" + b"x" * 20_000), 431, "headers_too_large")
        self.assert_refused(self.send(HEAD + b"X: " + b"x" * 20_000), 431, "headers_too_large")
        self.assert_refused(self.send(b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n"), 431, "headers_too_large")

    def test_sum(self) -> None:
        """Headers that are too large together are 431."""
        headers = b"".join(b"X-%d: %s\r\n" % (number, b"x" * 1000) for number in range(40))
        self.assert_refused(self.send(HEAD + headers + b"\r\n"), 431, "headers_too_large")

    def test_number(self) -> None:
        """Too many headers are 431."""
        headers = b"".join(b"X-%d: x\r\n" % number for number in range(600))
        self.assert_refused(self.send(HEAD + headers + b"\r\n"), 431, "headers_too_large")

    def test_linger(self) -> None:
        """A refused client that never closes is aborted after a while, and no timer stays."""
        connection = self.send(b"nonsense\r\n\r\n")
        self.assertFalse(connection.wire.aborted)
        self.front.clock.advance(5)
        self.assertTrue(connection.wire.aborted)
        connection.settle()
        self.assertEqual(self.front.timers, 0)

    def test_linger_ends(self) -> None:
        """A refused client that closes in time is simply gone."""
        connection = self.send(b"nonsense\r\n\r\n")
        connection.hang_up()
        self.assertEqual(self.front.timers, 0)
        self.assertFalse(connection.wire.aborted)


class ProtocolTests(MalformedTestCase):
    """Lawful use of HTTP that clients seldom make."""

    def test_pipelined(self) -> None:
        """Pipelined requests are answered in order, the later ones after the earlier."""
        connection = self.send(
            request("POST", "/v1/chat/completions", CHAT) + request("GET", "/healthz") + request("GET", "/nowhere")
        )
        self.assertEqual(connection.replies, [])
        self.front.gateway.calls[0].fail(ValueError("a mistake"))
        self.flushLoggedErrors(ValueError)
        self.assertEqual([reply.status for reply in connection.replies], [500, 200, 404])
        self.assertFalse(connection.closing)

    def test_pipelined_much(self) -> None:
        """A client that sends much ahead of its answer gets that answer, is told that none follows, and is heard."""
        connection = self.send(request("POST", "/v1/chat/completions", CHAT))
        ahead = request("POST", "/v1/chat/completions", b"x" * 40_000)
        connection.send(ahead[:10_000])
        connection.send(ahead[10_000:30_000])
        self.assertEqual(connection.wire.producerState, "producing")
        self.assertFalse(connection.closing)
        connection.send(ahead[30_000:])
        self.front.gateway.calls[0].answer(answer())
        self.assertEqual((connection.reply.status, connection.reply.complete), (200, True))
        self.assertEqual(connection.reply.headers["connection"], "close")
        self.assertTrue(connection.closing)
        self.assertEqual(len(self.front.gateway.calls), 1)
        connection.send(request("GET", "/healthz"))
        self.assertEqual(len(connection.replies), 1)
        connection.settle()
        self.assertEqual(self.front.timers, 0)

    def test_pipelined_little(self) -> None:
        """What fits is kept and answered in its turn, also when it comes in pieces."""
        connection = self.send(request("POST", "/v1/chat/completions", CHAT))
        for _ in range(2):
            connection.send(request("GET", "/healthz", headers={"X": "x" * 8000}))
        self.front.gateway.calls[0].answer(answer())
        self.assertEqual([reply.status for reply in connection.replies], [200, 200, 200])

    def test_refusal_after_answers(self) -> None:
        """A pipelined request that is malformed is refused after those before it were answered."""
        connection = self.send(request("GET", "/healthz") + b"nonsense\r\n\r\n" + request("GET", "/healthz"))
        self.assertEqual([reply.status for reply in connection.replies], [200, 400])
        self.assertTrue(connection.closing)

    def test_http_1_0(self) -> None:
        """An HTTP/1.0 client without Host is answered with a length, and the connection closes."""
        connection = self.send(b"GET /healthz HTTP/1.0\r\n\r\n")
        self.assertEqual(connection.reply.body, b'{"status":"ok"}')
        self.assertEqual(connection.reply.headers["content-length"], "15")
        self.assertTrue(connection.closing)

    def test_close(self) -> None:
        """Connection: close is honoured and confirmed."""
        connection = self.send(request("GET", "/healthz", headers={"Connection": "close"}))
        self.assertEqual(connection.reply.headers["connection"], "close")
        self.assertTrue(connection.closing)

    def test_one_empty_line(self) -> None:
        """An empty line before a request is passed over (RFC 9112, 2.2)."""
        self.assertEqual(self.send(b"\r\n" + request("GET", "/healthz")).reply.status, 200)

    def test_headers_that_are_no_text(self) -> None:
        """Headers of any bytes are borne, whichever header it is."""
        for name in ("Origin", "X-Request-Id", "Authorization", "Cookie", "Content-Encoding", "Content-Type", "Accept"):
            front = Front()
            connection = front.connect()
            connection.send(request("POST", "/v1/chat/completions", {}, {name: "\xff\xfe"}))
            self.assertIn(connection.reply.status, (400, 415), name)
            connection.ask("GET", "/healthz")
            self.assertEqual(connection.replies[-1].status, 200, name)

    def test_host(self) -> None:
        """HTTP/1.1 needs one Host, which may be empty (RFC 9112, 3.2)."""
        for lines in (b"", b"X: y\r\n", b"Host: localhost\r\nHost: localhost\r\n"):
            connection = self.send(b"GET /healthz HTTP/1.1\r\n" + lines + b"\r\n")
            self.assert_refused(connection, 400, "malformed_http")
            self.assertIn("Host", connection.reply.error["message"])
        self.assertEqual(self.front.observed.statuses, [400] * 3)
        self.front.site.door = Door.of("strict", [("one", "key-one")])
        connection = self.send(b"GET /healthz HTTP/1.1\r\nHost:\r\nX-Api-Key: key-one\r\n\r\n")
        self.assertEqual(connection.reply.status, 200)

    def test_host_that_is_no_text(self) -> None:
        """A Host of any bytes is foreign."""
        self.assertEqual(self.send(request("GET", "/healthz", headers={"Host": "\xff"})).reply.status, 403)

    def test_idle(self) -> None:
        """A connection that stays idle is closed after a minute, and no timer stays."""
        connection = self.send(request("GET", "/healthz"))
        self.front.clock.advance(59)
        self.assertFalse(connection.closing)
        self.front.clock.advance(2)
        self.assertTrue(connection.closing)
        connection.settle()
        self.assertEqual(self.front.timers, 0)
