"""What is refused before or while a body is read, and bodies that are no request."""

from __future__ import annotations

import gzip
from zlib import compress

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.web.auth import Door
from tests.web.front import CHAT, Connection, Front, request
from tests.web.replies import Reply

HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """Write one chunk."""
    return b"%x\r\n%s\r\n" % (len(data), data)


class LimitTestCase(SynchronousTestCase):
    """A front that takes 100 bytes."""

    def setUp(self) -> None:
        """Make the front."""
        self.front = Front(max_body_bytes=100)

    def send(self, *pieces: bytes) -> Connection:
        """Send pieces over a new connection."""
        connection = self.front.connect()
        for piece in pieces:
            connection.send(piece)
        return connection

    def assert_too_large(self, connection: Connection) -> None:
        """Check that the connection got one 413, and that nothing was asked."""
        reply = connection.reply
        self.assertEqual((reply.status, reply.error["code"]), (413, "request_too_large"))
        self.assertEqual(reply.error["type"], "invalid_request_error")
        self.assertIn("proxy.max_body_bytes", reply.error["message"])
        self.assertTrue(connection.closing)
        self.assertEqual(self.front.gateway.calls, [])
        self.assertEqual(self.front.observed.statuses, [413])


class SizeTests(LimitTestCase):
    """413."""

    def test_declared(self) -> None:
        """A body that declares itself too large is refused at its head, before any of it."""
        self.assert_too_large(self.send(HEAD + b"Content-Length: 101\r\n\r\n"))

    def test_read_off(self) -> None:
        """What such a client goes on sending is read off and forgotten."""
        connection = self.send(HEAD + b"Content-Length: 1000000\r\n\r\n", *[b"x" * 1000] * 1000)
        self.assert_too_large(connection)
        self.assertEqual(connection.channel._dataBuffer, [])

    def test_exact(self) -> None:
        """A body of exactly the limit is taken."""
        body = b'{"model":"none"}'.ljust(100)
        self.assertEqual(self.send(request("POST", "/v1/responses", body)).reply.status, 400)
        self.assertEqual(self.front.ask("POST", "/v1/responses", body + b" ").reply.status, 413)

    def test_chunked(self) -> None:
        """A body in chunks is refused as soon as it has grown too large."""
        connection = self.send(CHUNKED, chunk(b"x" * 60), chunk(b"x" * 40))
        self.assertEqual(connection.received, b"")
        connection.send(chunk(b"x"))
        self.assert_too_large(connection)
        connection.send(chunk(b"x" * 1000) + b"0\r\n\r\n")
        self.assert_too_large(connection)

    def test_told(self) -> None:
        """The time that it took to send too much is told."""
        connection = self.send(CHUNKED, chunk(b"x" * 60))
        self.front.clock.advance(3)
        connection.send(chunk(b"x" * 60))
        [(_, _, status, seconds, _)] = self.front.observed.answers
        self.assertEqual((status, seconds), (413, 3))

    def test_chunked_whole(self) -> None:
        """A body in chunks that is complete in the very read in which it is too large is not carried out."""
        body = b'{"model":"mine","messages":[{"role":"user","content":"' + b"x" * 100 + b'"}]}'
        self.assert_too_large(self.send(CHUNKED + chunk(body) + b"0\r\n\r\n"))
        self.front.observed.answers.clear()
        self.assert_too_large(self.send(CHUNKED + chunk(body) + b"0\r\n\r\n" + request("GET", "/healthz")))

    def test_changed(self) -> None:
        """A limit that is changed holds from the next request on."""
        self.front.site.max_body_bytes = 10
        self.assert_too_large(self.send(HEAD + b"Content-Length: 11\r\n\r\n"))

    def test_kept_in_memory(self) -> None:
        """A body is never written to a disk, however it comes."""
        self.front.site.max_body_bytes = 500_000
        body = b'{"model":"mine","messages":[{"role":"user","content":"' + b"x" * 200_000 + b'"}]}'
        self.send(CHUNKED + chunk(body) + b"0\r\n\r\n")
        self.front.ask("POST", "/v1/chat/completions", body)
        self.assertEqual(len(self.front.gateway.calls), 2)


class ContinueTests(LimitTestCase):
    """Expect: 100-continue."""

    def ask(self, length: int, door: Door | None = None) -> Connection:
        """Ask whether a body of this length may be sent."""
        if door is not None:
            self.front.site.door = door
        return self.send(HEAD + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % length)

    def test_welcome(self) -> None:
        """A client that asks whether it may send its body is told so, then answered."""
        connection = self.ask(2)
        self.assertEqual(connection.received, b"HTTP/1.1 100 Continue\r\n\r\n")
        connection.send(b"{}")
        self.assertEqual(connection.reply.status, 400)

    def test_refused(self) -> None:
        """One whose body is too large, or that has no key, is refused instead."""
        for length, door, status in ((101, None, 413), (2, Door.of("strict", [("a", "b")]), 401)):
            connection = self.ask(length, door)
            self.assertNotIn(b"100 Continue", connection.received)
            self.assertEqual(connection.reply.status, status)


class KeyTests(LimitTestCase):
    """Authentication comes before the body."""

    def setUp(self) -> None:
        """Make a front that wants a key."""
        self.front = Front(door=Door.of("all_except_health", [("one", "key-one")]), max_body_bytes=100)

    def test_before_the_body(self) -> None:
        """Without a key a request is refused at its head, and its body is not read."""
        connection = self.send(HEAD + b"Content-Length: 50\r\n\r\n")
        self.assertEqual((connection.reply.status, connection.reply.error["code"]), (401, "invalid_api_key"))
        self.assertEqual(connection.reply.headers["www-authenticate"], 'Bearer realm="agd"')
        self.assertTrue(connection.closing)

    def test_before_the_size(self) -> None:
        """Who has no key is not told about limits."""
        self.assertEqual(self.send(HEAD + b"Content-Length: 101\r\n\r\n").reply.status, 401)

    def test_every_route(self) -> None:
        """Every path but /healthz wants the key, in whichever spelling it comes."""
        for path in ("/readyz", "/v1/models", "/models", "/nowhere", "/%68ealthz", "/v1/healthz", "/healthz/x"):
            self.assertEqual(self.front.ask("GET", path).reply.status, 401, path)
        for path in ("/healthz", "/healthz/", "//healthz", "/healthz?x=1", "http://host/healthz"):
            self.assertEqual(self.front.ask("GET", path).reply.status, 200, path)

    def test_head(self) -> None:
        """HEAD is refused without a body."""
        self.assertTrue(self.front.ask("HEAD", "/v1/models").received.endswith(b"\r\n\r\n"))

    def test_let_in(self) -> None:
        """With the key everything works as without keys, time after time on one connection."""
        connection = self.front.ask("GET", "/v1/models", headers={"Authorization": "bearer  key-one"})
        connection.ask("GET", "/v1/models", headers={"X-Goog-Api-Key": "key-one"})
        connection.ask("GET", "/readyz", headers={"X-Api-Key": "wrong"})
        self.assertEqual([reply.status for reply in connection.replies], [200, 200, 401])

    def test_foreign(self) -> None:
        """With keys off, a foreign Host or Origin is refused at the head, in JSON."""
        self.front.site.door = Door.of("off", [])
        for headers in ({"Host": "evil.example"}, {"Origin": "null"}, {"Origin": "https://evil.example"}):
            reply = self.front.ask("POST", "/v1/chat/completions", CHAT, headers).reply
            self.assertEqual((reply.status, reply.error["type"]), (403, "permission_error"), headers)
        self.assertEqual(self.front.ask("GET", "/healthz", headers={"Host": "evil.example"}).reply.status, 403)


class BodyTests(SynchronousTestCase):
    """Bodies that are no request."""

    def post(self, body: bytes, content_type: str | None = "application/json", **more: str) -> Reply:
        """Post a body."""
        front = Front()
        headers = {"Content-Type": content_type} if content_type is not None else {}
        connection = front.ask("POST", "/v1/chat/completions", body, {**headers, **more})
        self.assertEqual(front.gateway.calls, [])
        return connection.reply

    def test_type(self) -> None:
        """A body that says it is something else than JSON is 415 and told what is wanted."""
        for content_type in (
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/jsonp",
            "application/json-seq",
            "json",
            "\xff",
        ):
            reply = self.post(b'{"model":"mine"}', content_type)
            self.assertEqual((reply.status, reply.error["code"]), (415, "unsupported_media_type"), content_type)
            self.assertIn("application/json", reply.error["message"])

    def test_json(self) -> None:
        """JSON in its several names is taken; here it lacks its messages."""
        for content_type in (
            "application/json",
            "application/json; charset=utf-8",
            "Application/JSON;charset=UTF-8",
            "application/vnd.api+json",
            "",
        ):
            self.assertEqual(self.post(b'{"model":"mine"}', content_type).status, 400, content_type)

    def test_no_type(self) -> None:
        """A body of which nothing is said is read as JSON."""
        connection = Front().connect()
        connection.send(b"POST /v1/responses HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}")
        self.assertEqual(connection.reply.status, 400)

    def test_coding(self) -> None:
        """A compression that is not known is 415 and told which ones are; identity is no compression."""
        for coding in ("br", "zstd", "gzip, identity", "\xff"):
            reply = self.post(b"\x1f\x8b", **{"Content-Encoding": coding})
            self.assertEqual((reply.status, reply.error["code"]), (415, "unsupported_content_encoding"))
            self.assertEqual(reply.headers["accept-encoding"], "gzip, deflate")
        self.assertEqual(self.post(b"{}", **{"Content-Encoding": "Identity"}).status, 400)

    def test_H15_compressed(self) -> None:
        """A compressed body is read like any other; its error is that of the JSON within."""
        body = b'{"model":"mine","messages":"hello"}'
        packed = gzip.compress(body)
        for coding, sent in (("gzip", packed), ("x-GZIP", packed), ("deflate", compress(body))):
            reply = self.post(sent, **{"Content-Encoding": coding})
            self.assertEqual((reply.status, reply.error["param"]), (400, "messages"), coding)

    def test_H15_damaged(self) -> None:
        """A body that is not compressed as it says is 400."""
        for body in (b"{}", b"", gzip.compress(b"{}")[:-1]):
            reply = self.post(body, **{"Content-Encoding": "gzip"})
            self.assertEqual((reply.status, reply.error["code"]), (400, "invalid_content_encoding"), body)

    def test_H15_bomb(self) -> None:
        """A body that is within the limit only while it is compressed is 413."""
        packed = gzip.compress(b" " * 10_000_000)[:900]
        self.assertLess(len(gzip.compress(b" " * 1001)), 100)
        for body in (gzip.compress(b" " * 1001), packed):
            reply = self.post(body, **{"Content-Encoding": "gzip"})
            self.assertEqual((reply.status, reply.error["code"]), (413, "request_too_large"))
        self.assertEqual(self.post(gzip.compress(b" " * 1000), **{"Content-Encoding": "gzip"}).status, 400)

    def test_malformed(self) -> None:
        """What is not JSON is 400 with param null, and is not repeated to the client."""
        for body in (b"", b"{", b"{'a': 1}", b"nonsense", b'{"a": NaN}', b'"\xff"', b"{} {}", b"[" * 900, b"\0"):
            reply = self.post(body)
            self.assertEqual((reply.status, reply.error["type"]), (400, "invalid_request_error"), body)
            self.assertIsNone(reply.error["param"])
            self.assertNotIn("nonsense", reply.error["message"])

    def test_no_object(self) -> None:
        """JSON that is no object is 400 and told what it is instead."""
        for body in (b"[]", b'"x"', b"1", b"null", b"true"):
            reply = self.post(body)
            self.assertEqual((reply.status, reply.error["param"]), (400, None), body)
            self.assertIn("object", reply.error["message"])

    def test_field(self) -> None:
        """An object that lacks something is 400 and names the field."""
        reply = self.post(b'{"model":"mine","messages":"hello"}')
        self.assertEqual((reply.status, reply.error["param"]), (400, "messages"))

    @given(st.binary(max_size=200))
    def test_any(self, body: bytes) -> None:
        """No body makes more of a route than an error in JSON."""
        self.assertEqual(self.post(body).status, 400)
