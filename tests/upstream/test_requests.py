"""Calls to the provider over a network in memory: what is sent, and how a good answer comes back."""

from __future__ import annotations

import zlib

from agd import __version__
from agd.errors import FailureKind
from tests.upstream.cases import ClientTestCase
from tests.upstream.sinks import Recorder
from tests.upstream.wire import HEAD, account, chunk, chunked, response, sse


class SentTests(ClientTestCase):
    """What goes out."""

    def test_request(self) -> None:
        """A stream is asked for as SSE, with the body as translated and the key in its own header only."""
        self.wire.generate(account("one"), "gemini-x")
        connection = self.wire.connect()
        line, _, rest = connection.asked.partition(b"\r\n")
        self.assertEqual(line, b"POST /v1beta/models/gemini-x:streamGenerateContent?alt=sse HTTP/1.1")
        self.assertTrue(rest.endswith(b'\r\n\r\n{"contents":[]}'))
        self.assertEqual(connection.headers["x-goog-api-key"], ["key-one"])
        self.assertEqual(connection.asked.count(b"key-one"), 1)

    def test_headers(self) -> None:
        """Nothing is sent but what the provider needs: no cookie, no offer to compress, no Authorization."""
        self.wire.generate()
        headers = self.wire.connect().headers
        self.assertEqual(
            sorted(headers),
            ["accept", "content-length", "content-type", "host", "user-agent", "x-goog-api-key"],
        )
        self.assertEqual(headers["user-agent"], [f"agd/{__version__}"])
        self.assertEqual(headers["content-type"], ["application/json"])

    def test_plain(self) -> None:
        """A plain answer is asked for with generateContent."""
        self.wire.generate(stream=False)
        self.assertTrue(self.wire.connect().asked.startswith(b"POST /v1beta/models/gemini-x:generateContent HTTP/1.1"))

    def test_base_url_with_path(self) -> None:
        """An account's own base URL may have a path."""
        self.wire.generate(account(base_url="http://127.0.0.1:9/prefix"))
        self.assertIn(b"POST /prefix/v1beta/models/gemini-x:", self.wire.connect().asked)

    def test_model_name_is_quoted(self) -> None:
        """A model's name is one segment of the path, whatever characters it has."""
        for name, quoted in (("a/../b", b"a%2F..%2Fb"), ("a?key=b#c", b"a%3Fkey%3Db%23c"), ("ä b", b"%C3%A4%20b")):
            self.wire.generate(model=name)
            self.assertIn(b"/v1beta/models/" + quoted + b":stream", self.wire.connect().asked)

    def test_cookies_are_not_kept(self) -> None:
        """A cookie that one account was given is sent with no later request."""
        asked = self.wire.generate(stream=False)
        connection = self.wire.connect()
        connection.send(response(sse(chunk("hi", "STOP")), 200, "Set-Cookie: session=1; Path=/"))
        self.successResultOf(self.successResultOf(asked).pour(Recorder()))
        connection.transport.clear()
        self.wire.generate(account("two"))
        self.assertIn(b"key-two", connection.asked)
        self.assertNotIn("cookie", connection.headers)

    def test_redirects_are_not_followed(self) -> None:
        """A redirect is an error: the key goes nowhere but to the configured host."""
        asked = self.wire.generate()
        self.wire.connect().send(response(b"", 302, "Location: http://elsewhere.example/"))
        self.assertEqual(self.failed_with(asked, FailureKind.STATUS).status, 302)
        self.assertEqual(self.wire.reactor.tcpClients, [])


class AnswerTests(ClientTestCase):
    """Good answers."""

    def test_returns_with_the_first_event(self) -> None:
        """The call returns when the first event is there, not before and not later."""
        asked = self.wire.generate()
        connection = self.wire.connect()
        connection.send(HEAD)
        connection.send(chunked(b": hello\n\n"))
        self.assertNoResult(asked)
        connection.send(chunked(sse(chunk("a"))))
        relay = self.successResultOf(asked)
        sink = Recorder()
        done = relay.pour(sink)
        connection.send(chunked(sse(chunk("b", "STOP"))) + chunked(b""))
        self.successResultOf(done)
        self.assertEqual(sink.text, "ab")
        self.assert_nothing_left()

    def test_G12_compressed_unasked(self) -> None:
        """A proxy that compresses unasked delays no event: what it has flushed is told at once."""
        packer = zlib.compressobj(wbits=31)
        asked = self.wire.generate()
        connection = self.wire.connect()
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n")
        connection.send(chunked(packer.compress(sse(chunk("a"))) + packer.flush(zlib.Z_SYNC_FLUSH)))
        sink = Recorder()
        done = self.successResultOf(asked).pour(sink)
        connection.send(chunked(packer.compress(sse(chunk("b"))) + packer.flush(zlib.Z_SYNC_FLUSH)))
        self.assertEqual(sink.text, "ab")
        connection.send(chunked(packer.compress(sse(chunk("", "STOP"))) + packer.flush()) + chunked(b""))
        self.successResultOf(done)

    def test_connection_is_used_again(self) -> None:
        """After a whole answer the next request goes out on the same connection."""
        connection = self.keep_alive()
        self.wire.generate(account("two"))
        self.assertIn(b"key-two", connection.asked)
        self.assertEqual(self.wire.reactor.tcpClients, [])

    def test_backpressure_reaches_the_connection(self) -> None:
        """Pausing the relay pauses reading from the upstream's connection."""
        asked = self.wire.generate()
        connection = self.wire.connect()
        connection.send(HEAD + chunked(sse(chunk("a"))))
        relay = self.successResultOf(asked)
        relay.pour(Recorder())
        self.assertFalse(connection.paused)
        relay.pauseProducing()
        self.assertTrue(connection.paused)
        relay.resumeProducing()
        self.assertFalse(connection.paused)
