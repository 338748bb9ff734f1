"""Browsers: preflights and permissions (PITFALLS K04)."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from agd.web.auth import Door
from tests.web.front import CHAT, Front
from tests.web.replies import Reply

APP = "https://app.example"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization, x-stainless-os"}
EXPOSED = {
    "X-Request-Id",
    "X-Mapped-Model",
    "X-Account-Email",
    "X-Agd-Notices",
    "X-Agd-Attempts",
    "Server-Timing",
    "Retry-After",
    "Retry-After-Ms",
}


class BrowserTestCase(SynchronousTestCase):
    """A front with a key and one allowed origin."""

    def setUp(self) -> None:
        """Make the front."""
        self.front = Front(door=Door.of("strict", [("one", "key-one")], cors_origins=[APP]))

    def preflight(self, origin: str, path: str = "/v1/chat/completions") -> Reply:
        """Ask as a browser does before a request."""
        return self.front.ask("OPTIONS", path, headers=PREFLIGHT | {"Origin": origin}).reply


class PreflightTests(BrowserTestCase):
    """OPTIONS."""

    def test_allowed(self) -> None:
        """An allowed origin gets what it asks for, without a key, since a browser sends none here."""
        reply = self.preflight(APP)
        self.assertEqual((reply.status, reply.body), (204, b""))
        self.assertEqual(reply.headers["access-control-allow-origin"], APP)
        self.assertIn("POST", reply.headers["access-control-allow-methods"])
        self.assertEqual(reply.headers["access-control-allow-headers"], "authorization, x-stainless-os")
        self.assertEqual(reply.headers["access-control-max-age"], "600")
        self.assertEqual(reply.headers["vary"], "Origin")

    def test_foreign(self) -> None:
        """Any other origin gets an answer without permissions."""
        for origin in ("https://evil.example", "null", "http://localhost:3000"):
            reply = self.preflight(origin)
            self.assertEqual(reply.status, 204)
            self.assertFalse([name for name in reply.headers if name.startswith("access-control")], origin)

    def test_default(self) -> None:
        """By default no origin is allowed."""
        self.front = Front()
        self.assertNotIn("access-control-allow-origin", self.preflight(APP).headers)

    def test_every_path(self) -> None:
        """The answer does not depend on the path: what it is will be told to the request itself."""
        for path in ("/v1/models", "/healthz", "/nowhere", "*", "/%ff"):
            self.assertEqual(self.preflight(APP, path).status, 204, path)

    def test_other_options(self) -> None:
        """OPTIONS that is no preflight needs a key like everything else, and is a method that no route has."""
        for headers in ({}, {"Origin": APP}, PREFLIGHT):
            self.assertEqual(self.front.ask("OPTIONS", "/v1/models", headers=headers).reply.status, 401)
            known = {**headers, "X-Api-Key": "key-one"}
            reply = self.front.ask("OPTIONS", "/v1/models", headers=known).reply
            self.assertEqual((reply.status, reply.headers.get("allow")), (405, "GET, HEAD"))
            reply = self.front.ask("OPTIONS", "/nowhere", headers=known).reply
            self.assertEqual((reply.status, reply.error["code"]), (404, "unknown_url"))

    def test_asks_nobody(self) -> None:
        """A preflight with a body reaches no route, and its connection goes on."""
        connection = self.front.ask("OPTIONS", "/v1/chat/completions", CHAT, {**PREFLIGHT, "Origin": APP})
        connection.ask("GET", "/healthz", headers={"X-Api-Key": "key-one"})
        self.assertEqual([reply.status for reply in connection.replies], [204, 200])
        self.assertEqual(self.front.gateway.calls, [])

    def test_strange_headers(self) -> None:
        """What a preflight asks for cannot break the answer's head."""
        headers = {**PREFLIGHT, "Origin": APP, "Access-Control-Request-Headers": "a\xff, b"}
        reply = self.front.ask("OPTIONS", "/v1/models", headers=headers).reply
        self.assertEqual(reply.headers["access-control-allow-headers"], "a?, b")


class PermissionTests(BrowserTestCase):
    """The request itself."""

    def ask(self, key: str, origin: str) -> Reply:
        """Ask for the models."""
        return self.front.ask("GET", "/v1/models", headers={"X-Api-Key": key, "Origin": origin}).reply

    def test_allowed(self) -> None:
        """A page of an allowed origin may read the answer and agd's headers."""
        reply = self.ask("key-one", APP)
        self.assertEqual((reply.status, reply.headers["access-control-allow-origin"]), (200, APP))
        self.assertEqual(set(reply.headers["access-control-expose-headers"].split(", ")), EXPOSED)

    def test_foreign(self) -> None:
        """A page of another origin gets no permission to read, even with a valid key."""
        reply = self.ask("key-one", "https://evil.example")
        self.assertEqual(reply.status, 200)
        self.assertNotIn("access-control-allow-origin", reply.headers)

    def test_refusals(self) -> None:
        """A page of an allowed origin may also read why it was refused."""
        reply = self.ask("wrong", APP)
        self.assertEqual((reply.status, reply.headers["access-control-allow-origin"]), (401, APP))
        self.assertNotIn("access-control-allow-origin", self.ask("wrong", "https://evil.example").headers)

    def test_errors(self) -> None:
        """The same holds for errors of routes."""
        headers = {"X-Api-Key": "key-one", "Origin": APP}
        reply = self.front.ask("GET", "/nowhere", headers=headers).reply
        self.assertEqual((reply.status, reply.headers["access-control-allow-origin"]), (404, APP))

    def test_streams(self) -> None:
        """The same holds for streams."""
        connection, call = self.front.begin({"X-Api-Key": "key-one", "Origin": APP}, stream=True)
        call.relay()
        self.front.clock.advance(15)
        self.assertEqual(connection.reply.headers["access-control-allow-origin"], APP)
        connection.hang_up()
