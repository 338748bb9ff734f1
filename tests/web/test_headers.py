"""Headers as text, and request ids."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers

from agd.web.headers import last_text, printable, request_id, texts
from tests.web.front import CHAT, Front


def minted() -> str:
    """Stand in for a new id."""
    return "minted"


class TextTests(SynchronousTestCase):
    """``texts``, ``last_text`` and ``printable``."""

    def test_values(self) -> None:
        """Every value is given in order, the last one alone on demand, nothing where there is none."""
        headers = Headers({b"X-A": [b"one", "zwö".encode()]})
        self.assertEqual(texts(headers, "x-a"), ["one", "zwö"])
        self.assertEqual(last_text(headers, "x-a"), "zwö")
        self.assertEqual((texts(headers, "x-b"), last_text(headers, "x-b")), ([], None))

    @given(st.binary())
    def test_bytes(self, value: bytes) -> None:
        """No bytes are lost, and none break anything."""
        headers = Headers({b"X-A": [value]})
        [text] = texts(headers, "x-a")
        sent = headers.getRawHeaders(b"X-A", [])[0]
        self.assertEqual(text.encode("utf-8", "surrogateescape"), sent)

    @given(st.text())
    def test_printable(self, text: str) -> None:
        """The result is as long, printable ASCII, and the same where the text was."""
        shown = printable(text)
        self.assertEqual(len(shown), len(text))
        self.assertTrue(shown.isascii())
        self.assertTrue(shown.isprintable())
        for before, after in zip(text, shown, strict=True):
            self.assertIn(after, (before, "?"))


class RequestIdTests(SynchronousTestCase):
    """X-Request-Id, taken over or new, on every answer (PITFALLS K15)."""

    def test_given(self) -> None:
        """An id of up to 128 printable characters is taken over; the last one counts."""
        for given_id in ("a", "req_123", "4bf92f35-77b3", "!~", "x" * 128):
            self.assertEqual(request_id(Headers({"x-request-id": ["other", given_id]}), minted), given_id)

    def test_not_usable(self) -> None:
        """One that is missing, empty, too long, not printable or not one word is replaced, never repaired."""
        for given_id in (b"", b"x" * 129, "ü".encode(), b"\xff", b"a\tb", b"a\x7f", b"a GET /x 200 1ms"):
            self.assertEqual(request_id(Headers({b"x-request-id": [given_id]}), minted), "minted", given_id)
        self.assertEqual(request_id(Headers(), minted), "minted")

    def test_every_answer(self) -> None:
        """Answers, errors of routes, preflights and refusals at the head all carry the client's id."""
        front = Front(max_body_bytes=100)
        mine = {"X-Request-Id": "mine"}
        asked = [
            front.ask("GET", "/healthz", headers=mine),
            front.ask("GET", "/nowhere", headers=mine),
            front.ask("PUT", "/v1/models", headers=mine),
            front.ask("GET", "/v1/models/%ff", headers=mine),
            front.ask("OPTIONS", "/v1/models", headers=mine),
            front.ask("POST", "/v1/responses", b"{", headers=mine),
            front.ask("POST", "/v1/responses", b"x" * 101, headers=mine),
            front.ask("GET", "/healthz", headers={**mine, "Host": "evil.example"}),
            front.ask("GET", "/healthz", headers={**mine, "Content-Length": "x"}),
        ]
        self.assertEqual(
            [connection.reply.status for connection in asked], [200, 404, 405, 404, 405, 400, 413, 403, 400]
        )
        self.assertEqual({connection.reply.headers["x-request-id"] for connection in asked}, {"mine"})
        self.assertEqual({trail.request_id for *_, trail in front.observed.answers}, {"mine"})

    def test_minted(self) -> None:
        """Without one, each request gets its own, and the observer is told the same one as the client."""
        front = Front()
        ids = [front.ask("GET", target).reply.headers["x-request-id"] for target in ("/healthz", "/nowhere")]
        self.assertEqual(ids, ["req_1", "req_2"])
        self.assertEqual([trail.request_id for *_, trail in front.observed.answers], ids)

    def test_streams(self) -> None:
        """A stream carries it in its head."""
        connection, call = Front().begin(headers={"X-Request-Id": "mine"}, stream=True)
        call.relay()
        connection.channel.site.clock.advance(15)
        self.assertEqual(connection.reply.headers["x-request-id"], "mine")
        connection.hang_up()

    def test_no_injection(self) -> None:
        """An id cannot smuggle a header into the answer."""
        front = Front()
        connection = front.connect()
        connection.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: a\r\n Set-Cookie: b\r\n\r\n")
        self.assertNotIn("set-cookie", connection.reply.headers)

    def test_body_is_irrelevant(self) -> None:
        """A field of the body never becomes the id."""
        body = {**CHAT, "x-request-id": "body", "model": "nothing-maps-this"}
        connection = Front().ask("POST", "/v1/chat/completions", body)
        self.assertEqual((connection.reply.status, connection.reply.headers["x-request-id"]), (404, "req_1"))
