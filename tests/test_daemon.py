"""The parts of a daemon put together over a network in memory, and given new settings while they run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers

from agd.accounts.verdict import judge
from agd.daemon import Daemon, accounts_of
from agd.errors import UpstreamFailure
from agd.gateway import Trail
from agd.launch import prepare
from agd.options import DEFAULT
from agd.upstream.client import Limits
from tests.gateways import MODEL, prompt
from tests.upstream.script import refusal
from tests.upstream.wire import HEAD, Connection, chunk, chunked, error, response, sse

ACCOUNTS = """
[[accounts]]
email = "one@example.com"
api_key = "file:one.key"
[[accounts]]
email = "two@example.com"
api_key = "key-two"
base_url = "http://127.0.0.1:9002/two"
"""
BASE = '[upstream]\nbase_url = "http://127.0.0.1:9001/"\n'


class DaemonTestCase(SynchronousTestCase):
    """A daemon of a configuration that a test writes."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.write_key("key-one")
        self.reactor = MemoryReactorClock()

    def write_key(self, text: str) -> None:
        """Put a key into the first account's file."""
        (self.folder / "one.key").write_text(text)

    def launch(self, text: str) -> Any:
        """Write the configuration and read it."""
        file = self.folder / "agd.toml"
        file.write_text(text)
        return prepare(str(file), environ={"HOME": str(self.folder.absolute())})

    def build(self, text: str) -> Daemon:
        """Make a daemon of a configuration."""
        return Daemon.build(self.launch(text), self.reactor)

    def ask(self, daemon: Daemon, request: bytes) -> StringTransport:
        """Send a client's request; return the transport with what was answered."""
        protocol: Any = daemon.site.buildProtocol(None)
        transport = StringTransport(lenient=True)
        protocol.makeConnection(transport)
        protocol.dataReceived(request)
        return transport

    def get(self, daemon: Daemon, path: str, *headers: str) -> tuple[int, dict[str, Any]]:
        """Ask for a path; return status and JSON."""
        lines = [f"GET {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers]
        answer = self.ask(daemon, "\r\n".join(lines).encode() + b"\r\n\r\n").value()
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(body)

    def connect(self) -> Connection:
        """Let the pending attempt to reach an upstream succeed."""
        _, _, factory, *_ = self.reactor.tcpClients.pop(0)
        connection = Connection(factory.buildProtocol(None))
        connection.protocol.makeConnection(connection.transport)
        return connection


class BuildTests(DaemonTestCase):
    """What is made of a configuration."""

    def test_nothing_happens_yet(self) -> None:
        """Building listens nowhere, asks nobody and leaves no timer."""
        self.build(BASE + ACCOUNTS)
        self.assertEqual((self.reactor.tcpServers, self.reactor.tcpClients), ([], []))
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_accounts(self) -> None:
        """An account is asked at its own base URL, else at everybody's; keys come from where they are kept."""
        one, two = accounts_of(self.launch(BASE + ACCOUNTS).settings)
        self.assertEqual((one.email, one.base_url), ("one@example.com", "http://127.0.0.1:9001"))
        self.assertEqual(one.credential.secret, "key-one")
        self.assertEqual((two.base_url, two.credential.secret), ("http://127.0.0.1:9002/two", "key-two"))

    def test_limits(self) -> None:
        """The limits of the configuration reach the parts that keep them."""
        daemon = self.build(
            "[proxy]\nclient_stall_seconds = 3\nmax_body_bytes = 99\n[retry]\nmax_attempts = 2\n"
            "[upstream]\nconnect_seconds = 4\nfirst_event_seconds = 5\nidle_seconds = 6\n"
        )
        self.assertEqual(daemon.gateway.upstream.limits, Limits(first_event=5.0, idle=6.0, client_stall=3.0))
        self.assertEqual((daemon.gateway.max_attempts, daemon.connections.connect_seconds), (2, 4.0))
        self.assertEqual(daemon.site.max_body_bytes, 99)

    def test_without_accounts(self) -> None:
        """A daemon without an account lives, is not ready, and says what to configure."""
        daemon = self.build("")
        self.assertEqual(self.get(daemon, "/healthz"), (200, {"status": "ok"}))
        status, answer = self.get(daemon, "/readyz")
        self.assertEqual(status, 503)
        self.assertIn("[[accounts]]", answer["error"]["message"])

    def test_one_request_all_the_way(self) -> None:
        """A client's stream goes through every part: routed, asked for, translated, sent, and the connection ended."""
        daemon = self.build(BASE + ACCOUNTS + f'[proxy.custom_mapping]\n"mine" = "{MODEL}"\n')
        body = json.dumps({"model": "mine", "stream": True, "messages": [{"role": "user", "content": "hi"}]})
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        client = self.ask(daemon, (head + body).encode())
        upstream = self.connect()
        self.assertIn(f"POST /v1beta/models/{MODEL}:streamGenerateContent?alt=sse".encode(), upstream.asked)
        upstream.send(HEAD + chunked(sse(chunk("hello"))))
        self.assertIn(b"X-Mapped-Model: " + MODEL.encode(), client.value())
        self.assertIn(b"X-Account-Email: one@example.com", client.value())
        self.assertIn(b'"content":"hello"', client.value())
        upstream.send(chunked(sse(chunk(" you", "STOP"))) + chunked(b""))
        self.assertIn(b"data: [DONE]", client.value())


class ApplyTests(DaemonTestCase):
    """New settings for a daemon that runs."""

    def setUp(self) -> None:
        super().setUp()
        self.daemon = self.build(BASE + ACCOUNTS)
        self.pool = self.daemon.gateway.pool

    def test_everything_but_the_listeners(self) -> None:
        """Limits, rules, door and policy are those of the new configuration from the next request on."""
        self.daemon.apply(
            self.launch(
                "[proxy]\nmax_body_bytes = 99\nclient_stall_seconds = 3\nauth_mode = 'strict'\napi_key = 'key-client'\n"
                "[proxy.custom_mapping]\n'fresh' = 'gemini-2.5-pro'\n[retry]\nmax_attempts = 1\n"
                "[upstream]\nconnect_seconds = 4\nfirst_event_seconds = 5\nidle_seconds = 6\n" + ACCOUNTS
            )
        )
        gateway = self.daemon.gateway
        self.assertEqual(gateway.upstream.limits, Limits(first_event=5.0, idle=6.0, client_stall=3.0))
        self.assertEqual((gateway.max_attempts, self.daemon.connections.connect_seconds), (1, 4.0))
        self.assertEqual(gateway.router.resolve("fresh", gateway.catalogue.known), "gemini-2.5-pro")
        self.assertEqual(self.get(self.daemon, "/healthz")[0], 401)
        self.assertEqual(self.get(self.daemon, "/healthz", "Authorization: Bearer key-client")[0], 200)
        self.assertEqual(self.daemon.site.max_body_bytes, 99)

    def test_policy_of_the_routes(self) -> None:
        """How much of an account is shown changes with the configuration."""
        before = self.daemon._policy
        self.daemon.apply(self.launch("[proxy]\nexpose_account = 'off'\n[upstream]\nheader_hold_seconds = 1\n"))
        self.assertIs(self.daemon._policy, before)
        self.assertEqual((before.expose_account, before.header_hold_seconds), ("off", 1.0))

    def test_sockets(self) -> None:
        """WebSockets are offered or not, and paced, as the new configuration says; those that are open stay."""
        sockets = self.daemon._sockets
        self.assertEqual((sockets.enabled, sockets.stall_seconds, sockets.hold_seconds), (True, 300.0, 10.0))
        self.daemon.apply(
            self.launch(
                "[proxy]\nwebsocket = false\nclient_stall_seconds = 3\n[upstream]\nheader_hold_seconds = 1\n" + ACCOUNTS
            )
        )
        self.assertEqual((sockets.enabled, sockets.stall_seconds, sockets.hold_seconds), (False, 3.0, 1.0))

    def test_translation(self) -> None:
        """How requests are translated, and what is known of models, changes with the configuration."""
        gateway = self.daemon.gateway
        store = gateway.signatures
        store.remember("local", "call_1", "S", 0.0)
        self.assertEqual(gateway.options, DEFAULT)
        text = "[translation]\nstrict_parameters = true\n[models.'gemini-9']\ncandidate_count = 4\n"
        self.daemon.apply(self.launch(text + BASE + ACCOUNTS))
        self.assertTrue(gateway.options.strict_parameters)
        self.assertEqual(gateway.overrides, {"gemini-9": {"candidate_count": 4}})
        self.assertIs(gateway.signatures, store)
        self.daemon.apply(self.launch("[translation]\nsignature_entries = 5\n" + BASE + ACCOUNTS))
        self.assertIsNot(gateway.signatures, store)
        self.assertEqual((gateway.options.signature_entries, gateway.overrides), (5, {}))

    def test_translation_reaches_the_wire(self) -> None:
        """A reload changes what the next request says upstream and how its answer is written."""
        asked = {"model": MODEL, "n": 2, "messages": [{"role": "user", "content": "hi"}]}
        self.daemon.apply(self.launch(f"[models.'{MODEL}']\ncandidate_count = 1\n" + BASE + ACCOUNTS))
        client = self.post(asked)
        upstreams = [self.connect(), self.connect()]
        for upstream in upstreams:
            self.assertNotIn(b"candidateCount", upstream.asked)
            upstream.send(response(sse(chunk("hello", "STOP"))))
        self.assertEqual(client.value().count(b'"content":"hello"'), 2)
        self.daemon.apply(self.launch(f"[models.'{MODEL}']\ncandidate_count = 4\n" + BASE + ACCOUNTS))
        self.post(asked)
        self.assertIn(b'"candidateCount":2', upstreams[0].asked)
        upstreams[0].send(response(sse(chunk("hello", "STOP"))))
        self.daemon.apply(self.launch("[translation]\nstrict_parameters = true\n" + BASE + ACCOUNTS))
        answer = self.post({**asked, "user": "ann"}).value()
        self.assertTrue(answer.startswith(b"HTTP/1.1 400"), answer)
        self.assertIn(b'"param":"user"', answer)
        self.assertIn(b"X-Agd-Notices: user: ", answer)

    def post(self, body: dict[str, Any]) -> StringTransport:
        """Ask for a chat completion."""
        text = json.dumps(body)
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(text)}\r\n\r\n"
        return self.ask(self.daemon, (head + text).encode())

    def test_accounts_come_and_go(self) -> None:
        """Accounts are those of the new configuration; what was learned of one that is gone is forgotten."""
        one, two = self.pool.accounts
        catalogue = self.daemon.gateway.catalogue
        catalogue.learn(one.id, ["gemini-of-one"], 1)
        catalogue.learn(two.id, ["gemini-of-two"], 1)
        self.daemon.apply(self.launch(BASE + ACCOUNTS.partition('[[accounts]]\nemail = "two')[0]))
        self.assertEqual(self.pool.accounts, (one,))
        self.assertEqual(catalogue.known, {"gemini-of-one"})

    def test_disabled_account_gets_another_chance(self) -> None:
        """Reading the configuration again brings back an account whose key had been refused."""
        for account in self.pool.accounts:
            failure = refusal(401)
            self.pool.punish(account, MODEL, judge(failure), failure, 0.0)
        self.assertEqual(self.get(self.daemon, "/readyz")[0], 503)
        self.daemon.apply(self.launch(BASE + ACCOUNTS))
        self.assertEqual(self.get(self.daemon, "/readyz")[0], 200)

    def test_running_request_keeps_its_account(self) -> None:
        """A request that waits for its answer is not disturbed when its account goes."""
        answer = Deferred.fromCoroutine(self.daemon.gateway.complete(prompt(), Trail("req_1")))
        upstream = self.connect()
        self.daemon.apply(self.launch(""))
        upstream.send(response(sse(chunk("hello", "STOP"))))
        self.successResultOf(answer)


class KeyFileTests(DaemonTestCase):
    """A key that is replaced in its file while agd runs."""

    def setUp(self) -> None:
        super().setUp()
        self.daemon = self.build(BASE + ACCOUNTS)

    def test_replaced_key(self) -> None:
        """A refused key is looked up in its file, beside the configuration, and the new one is used at once."""
        self.write_key("key-new\n")
        trail = Trail("req_1")
        answer = Deferred.fromCoroutine(self.daemon.gateway.complete(prompt(), trail))
        connection = self.connect()
        connection.send(response(error(401, "UNAUTHENTICATED"), 401))
        self.assertEqual(connection.headers["x-goog-api-key"], ["key-new"])
        connection.send(response(sse(chunk("hello", "STOP"))))
        self.successResultOf(answer)
        self.assertEqual((trail.attempts, trail.failures), (1, []))

    def test_file_that_is_no_good(self) -> None:
        """A file that is gone, empty or holds no key changes nothing: the account's refused key is the story."""
        reread = self.daemon.gateway.reread
        one, two = self.daemon.gateway.pool.accounts
        for text in ("", "\n", "two\nlines", "käse", " blank at an end "):
            self.write_key(text)
            self.assertIsNone(reread(one), repr(text))
        (self.folder / "one.key").unlink()
        self.assertIsNone(reread(one))
        self.assertIsNone(reread(two))

    def test_after_a_reload(self) -> None:
        """An account that a reload brought is looked up where the new configuration says."""
        (self.folder / "other.key").write_text("key-other")
        self.daemon.apply(self.launch(BASE + ACCOUNTS.replace("one.key", "other.key")))
        one = self.daemon.gateway.pool.accounts[0]
        self.assertEqual(one.credential.secret, "key-other")
        (self.folder / "other.key").write_text("key-newest")
        fresh = self.daemon.gateway.reread(one)
        assert fresh is not None
        self.assertEqual(fresh.secret, "key-newest")


class OwnerTests(DaemonTestCase):
    """Whose a request is."""

    def tenant(self, daemon: Daemon, key: str) -> str:
        """Give the owner of a request with a key."""
        return daemon.site.door.tenant(Headers({"x-api-key": [key]}))

    def test_I51_named(self) -> None:
        """A key of a list is known by its name."""
        keys = '[{ name = "default", key = "key-ann" }, { name = "bob", key = "key-bob" }]'
        daemon = self.build(f'[proxy]\nauth_mode = "strict"\napi_keys = {keys}\n' + ACCOUNTS)
        owners = [self.tenant(daemon, key) for key in ("key-ann", "key-bob")]
        self.assertEqual(owners, ["key:default", "key:bob"])

    def test_I51_unnamed(self) -> None:
        """The one key of all clients is not mistaken for one that is named default; a reload changes no owner."""
        launch = self.launch('[proxy]\nauth_mode = "strict"\napi_key = "key-one"\n' + ACCOUNTS)
        daemon = Daemon.build(launch, self.reactor)
        owner = self.tenant(daemon, "key-one")
        self.assertEqual(owner, f"mac:{daemon.store.ring.owner_mac('key-one')}")
        daemon.apply(launch)
        self.assertEqual(self.tenant(daemon, "key-one"), owner)


class ListTests(DaemonTestCase):
    """The client that a daemon makes can list models as well."""

    def test_failure(self) -> None:
        """A list that is refused is a failure in agd's terms."""
        daemon = self.build(BASE + ACCOUNTS)
        listing = Deferred.fromCoroutine(daemon.gateway.upstream.models(daemon.gateway.pool.accounts[1]))
        connection = self.connect()
        self.assertTrue(connection.asked.startswith(b"GET /two/v1beta/models?"))
        connection.send(response(b"", 500))
        self.failureResultOf(listing, UpstreamFailure)
