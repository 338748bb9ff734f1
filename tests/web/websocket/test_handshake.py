"""The opening handshake: who gets a socket, and what everybody else is told over HTTP."""

from __future__ import annotations

from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers

from agd.errors import GatewayError
from agd.web.auth import Door
from agd.web.websocket.handshake import accept, wants_upgrade
from tests.shared_data import require
from tests.web.front import Connection, Front
from tests.web.websocket.scripts import KEY, UPGRADE, Client, ScriptedEngine

PATH = "/v1/responses"


class HandshakeTestCase(SynchronousTestCase):
    """A front that is asked for sockets."""

    def setUp(self) -> None:
        """Make a front whose sockets are answered."""
        self.front = self.make()

    def make(self, **more: Any) -> Front:
        """Make such a front."""
        front = Front(**more)
        front.api.sockets.engine = lambda: cast(Any, ScriptedEngine())
        return front

    def ask(self, path: str = PATH, method: str = "GET", **headers: str | None) -> Connection:
        """Ask for a socket, with other headers or without some."""
        changed = {name.replace("_", "-"): value for name, value in headers.items()}
        told = {name: value for name, value in {**UPGRADE, **changed}.items() if value is not None}
        return self.front.ask(method, path, headers=told)

    def assert_refused(self, connection: Connection, status: int, code: str) -> None:
        """Check that this is an error over HTTP, after which the connection still speaks HTTP or closes."""
        reply = connection.reply
        self.assertEqual((reply.status, reply.error["code"], reply.complete), (status, code, True))
        self.assertEqual(self.front.observed.statuses, [status])


class HandshakeTests(HandshakeTestCase):
    """``GET /v1/responses``."""

    def test_I42_accepted(self) -> None:
        """The 101 proves that the key was understood, and accepts neither extension nor subprotocol."""
        offered = {"Sec-WebSocket-Extensions": "permessage-deflate", "Sec-WebSocket-Protocol": "realtime"}
        connection = self.front.ask("GET", PATH, headers={**UPGRADE, **offered})
        head, mark, rest = connection.received.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        self.assertEqual((lines[0], mark, rest), ("HTTP/1.1 101 Switching Protocols", b"\r\n\r\n", b""))
        told = dict(line.lower().split(": ") for line in lines[1:])
        self.assertEqual((told["upgrade"], told["connection"]), ("websocket", "upgrade"))
        self.assertEqual(told["x-request-id"], "req_1")
        self.assertEqual({name for name in told if name.startswith("sec-")}, {"sec-websocket-accept"})
        self.assertEqual(self.front.observed.statuses, [101])

    def test_I42_answer_to_the_key(self) -> None:
        """The example of RFC 6455, section 1.3."""
        headers = Headers({name: [value] for name, value in UPGRADE.items()})
        headers.setRawHeaders("Sec-WebSocket-Key", ["dGhlIHNhbXBsZSBub25jZQ=="])
        self.assertIn(("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), accept(b"HTTP/1.1", headers))

    def test_I42_codex(self) -> None:
        """What Codex sends is a handshake."""
        from json import loads

        recorded = loads((require("clients") / "codex-0.169-websocket-session.json").read_bytes())[0]
        connection = self.front.ask("GET", recorded["path"], headers=recorded["headers"])
        self.assertTrue(connection.received.startswith(b"HTTP/1.1 101 "))

    def test_I42_paths(self) -> None:
        """A base URL without ``/v1`` or with two leads there as well."""
        for path in ("/responses", "/v1/v1/responses", "/v1/responses/?beta=true"):
            self.assertTrue(self.ask(path).received.startswith(b"HTTP/1.1 101 "), path)

    def test_I42_ahead(self) -> None:
        """What a client sends in one go with its handshake is read."""
        from tests.web.front import request

        client = Client(self.front.connect())
        from wsproto.events import Ping

        client.connection.send(request("GET", PATH, headers=UPGRADE) + client.peer.send(Ping(b"early")))
        self.assertEqual(client.pongs, [b"early"])

    def test_I42_reused(self) -> None:
        """A connection that spoke HTTP before may be upgraded, and HTTP's time limit is over then."""
        connection = self.front.ask("GET", "/healthz")
        connection.ask("GET", PATH, headers=UPGRADE)
        self.assertIn(b"HTTP/1.1 101 ", connection.received)
        self.assertEqual(connection.channel.requests, [])
        self.front.clock.advance(20)
        self.front.clock.advance(20)
        connection.channel.dataReceived(b"\x8a\x80aaaa")
        self.front.clock.advance(20)
        self.assertFalse(connection.closing)

    def test_I42_no_upgrade(self) -> None:
        """A plain GET or HEAD is 405, and so is an upgrade to something else."""
        for headers in ({}, {"Connection": "Upgrade", "Upgrade": "h2c"}):
            reply = self.front.ask("GET", PATH, headers=headers).reply
            self.assertEqual((reply.status, reply.headers["allow"]), (405, "POST"))
        self.assertTrue(self.ask(method="HEAD").received.startswith(b"HTTP/1.1 405 "))

    def test_I52_turned_off(self) -> None:
        """With the setting off the answer is a 426 at once, at which Codex turns to HTTP."""
        self.front.api.sockets.enabled = False
        connection = self.ask()
        self.assert_refused(connection, 426, "websocket_disabled")
        self.assertEqual(connection.reply.headers["upgrade"], "HTTP/1.1")
        self.assertEqual(connection.reply.headers["x-should-retry"], "false")
        connection.ask("GET", "/healthz")
        self.assertEqual(connection.replies[-1].status, 200)

    def test_I52_nobody_to_answer(self) -> None:
        """The same where there is no engine."""
        self.front.api.sockets.engine = None
        self.assert_refused(self.ask(), 426, "websocket_disabled")

    def test_I52_no_account(self) -> None:
        """Accounts matter for a turn, not for the socket."""
        self.front.gateway.pool.replace(())
        self.assertTrue(self.ask().received.startswith(b"HTTP/1.1 101 "))

    def test_I42_version(self) -> None:
        """Another version is 426 and names the one that is spoken (section 4.2.2)."""
        for version in ("8", "13, 8", None):
            self.front = self.make()
            connection = self.ask(Sec_WebSocket_Version=version)
            self.assert_refused(connection, 426, "unsupported_websocket_version")
            self.assertEqual(connection.reply.headers["sec-websocket-version"], "13")

    def test_I42_malformed(self) -> None:
        """A handshake with a wrong key, or without what makes it one, is 400."""
        wrong: tuple[dict[str, str | None], ...] = (
            {"Sec_WebSocket_Key": None},
            {"Sec_WebSocket_Key": "short"},
            {"Sec_WebSocket_Key": "!" * 24},
            {"Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ=="[:-4]},
            {"Connection": "keep-alive"},
        )
        for headers in wrong:
            self.front = self.make()
            self.assert_refused(self.ask(PATH, "GET", **headers), 400, "malformed_handshake")

    def test_I42_old_http(self) -> None:
        """HTTP/1.0 knows no upgrade."""
        connection = self.front.connect()
        lines = "".join(f"{name}: {value}\r\n" for name, value in UPGRADE.items())
        connection.send(f"GET {PATH} HTTP/1.0\r\n{lines}\r\n".encode())
        self.assert_refused(connection, 400, "malformed_handshake")

    def test_I42_two_keys(self) -> None:
        """Two keys are none."""
        headers = Headers({name: [value] for name, value in UPGRADE.items()})
        headers.addRawHeader("Sec-WebSocket-Key", KEY)
        self.assertRaises(GatewayError, accept, b"HTTP/1.1", headers)

    def test_I42_draining(self) -> None:
        """A daemon that is to stop opens none; the answer is over HTTP, and the connection closes."""
        connection = self.front.connect()
        connection.send(b"GET %s HTTP/1.1\r\nHost: localhost\r\n" % PATH.encode())
        self.front.site.drain(10)
        connection.send("".join(f"{name}: {value}\r\n" for name, value in UPGRADE.items()).encode() + b"\r\n")
        self.assert_refused(connection, 503, "shutting_down")
        self.assertTrue(connection.closing)

    @given(st.dictionaries(st.sampled_from(sorted(UPGRADE)), st.text(max_size=30)))
    def test_I42_any_headers(self, changed: dict[str, str]) -> None:
        """Whatever the headers hold, the handshake is accepted or refused with an error of the client's."""
        values = {name: [value.encode("utf-8", "replace")] for name, value in {**UPGRADE, **changed}.items()}
        headers = Headers(cast(Any, values))
        wants_upgrade(headers)
        try:
            accept(b"HTTP/1.1", headers)
        except GatewayError as error:
            self.assertIn(error.status, (400, 426))


class DoorTests(HandshakeTestCase):
    """The door is that of every other route."""

    def test_I42_no_key(self) -> None:
        """401 without a key, or with a wrong one; in with the right one, in each of its headers."""
        self.front = self.make(door=Door.of("all_except_health", [("one", "key-one")]))
        self.assert_refused(self.ask(), 401, "invalid_api_key")
        self.assertEqual(self.ask(Authorization="Bearer no").reply.status, 401)
        for header in ({"Authorization": "Bearer key-one"}, {"X-Api-Key": "key-one"}, {"X-Goog-Api-Key": "key-one"}):
            connection = self.front.ask("GET", PATH, headers={**UPGRADE, **header})
            self.assertTrue(connection.received.startswith(b"HTTP/1.1 101 "), header)

    def test_I42_foreign_page(self) -> None:
        """403 for a page of another origin while no key is asked for: browsers let any page open a WebSocket."""
        self.assert_refused(self.ask(Origin="https://evil.example"), 403, "forbidden_origin")

    def test_I42_foreign_host(self) -> None:
        """403 for a host name that is not this machine's (DNS rebinding)."""
        self.assert_refused(self.ask(Host="evil.example"), 403, "forbidden_origin")

    def test_I42_local_page(self) -> None:
        """A page of this machine, and one that the configuration allows, come in."""
        self.front.site.door = Door.of("off", [], cors_origins=["https://app.example"])
        for origin in ("http://localhost:3000", "https://app.example"):
            self.assertTrue(self.ask(Origin=origin).received.startswith(b"HTTP/1.1 101 "), origin)
