"""Accounts of every kind against a simulated provider over real sockets, straight and through proxies."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import capturedLogs
from twisted.trial.unittest import TestCase
from twisted.web.resource import Resource
from twisted.web.server import Site

from agd.accounts.account import Account
from agd.accounts.credentials import ApiKey, Credential
from agd.accounts.way import Proxy as ProxyValue
from agd.accounts.way import WayOut
from agd.errors import FailureKind, UpstreamFailure
from agd.gemini.models import bundled_models
from agd.gemini.requests import Outgoing
from agd.simulator.office import Client, Signer
from agd.simulator.server import Simulator, listen, make_site
from agd.transport.ways import Ways
from agd.upstream.client import UpstreamClient
from agd.upstream.exchange import Exchange
from agd.upstream.limits import Limits
from agd.upstream.tokens import Tokens
from tests.accounts.keys import EMAIL, pair, proven, refresh_token, service_account
from tests.transport.proxies import Proxy
from tests.upstream.secure_host import SecureHost, answer, certificate
from tests.upstream.sinks import Recorder
from tests.upstream.wire import patience_of

MODEL = "gemini-2.5-flash"
OUTGOING = Outgoing(b'{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}', (), {})
KEY = "sim-key"
NOW = 1_000_000.0
PLACES: tuple[tuple[Any, str, str], ...] = (
    ("gemini", "", ""), ("vertex", "my-project", "europe-west4"), ("code-assist", "my-project", ""),
)  # fmt: skip


class WaysTestCase(TestCase):
    """A simulated provider, and a client of agd's."""

    timeout = 60

    def setUp(self) -> Deferred[None]:  # type: ignore[override]  # trial waits for it, its types do not say so
        """Start both."""
        return Deferred.fromCoroutine(self.start())

    async def start(self) -> None:
        """Start a simulator whose time is the test's, and make the client."""
        from twisted.internet import reactor as installed

        self.reactor: Any = installed
        self.now = NOW
        self.simulator = Simulator(keys=(KEY,), first_chunk_seconds=0, chunk_seconds=0, words=5)
        site: Any = make_site(self.simulator, self.reactor)
        for step in (b"token", b"v1beta1", b"v1internal"):
            site.resource.children[step]._wall = self.wall
        site.resource.children[b"v1beta"].children[b"models"]._wall = self.wall
        port: Any = await listen(self.reactor, site)
        self.port = port.getHost().port
        self.addCleanup(port.stopListening)
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.token_url = f"{self.base_url}/token"
        office = self.simulator.office
        office.signers[EMAIL] = Signer(pair()[1], KEY)
        office.clients.append(Client("client-1.example", "made-up/client+secret", "1//made-up-refresh", KEY))
        self.ways = Ways(self.reactor)
        self.addCleanup(self.ways.close)
        self.tokens = Tokens(Exchange(self.ways, self.reactor, self.wall).fetch, self.reactor, lambda: 0.5)
        self.addCleanup(self.tokens.close)
        limits = Limits(connect=20.0, first_byte=20.0, first_event=20.0, idle=20.0, total=40.0)
        self.client = UpstreamClient(self.ways, self.tokens, self.reactor, lambda: "call_1", patience_of(limits))

    def wall(self) -> float:
        """The simulator's time, and the one that claims tell."""
        return self.now

    def account(self, credential: Credential, **more: Any) -> Account:
        """Make an account of the simulated provider."""
        return proven(credential, more.pop("base_url", self.base_url), **more)

    def proxy(self, kind: str, login: tuple[str, str] | None = None) -> Proxy:
        """Start a proxy."""
        proxy = Proxy(kind, login)
        proxy.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(proxy.stop()))
        return proxy

    async def say(self, account: Account, *, stream: bool = True) -> str:
        """Ask for an answer and return its text."""
        sink = Recorder()
        await (await self.client.generate(account, MODEL, OUTGOING, stream=stream)).pour(sink)
        return sink.text

    async def refused(self, asking: Coroutine[Deferred[Any], Any, Any]) -> UpstreamFailure:
        """Return what something fails with, and keep the log quiet."""
        with capturedLogs():
            try:
                await asking
            except UpstreamFailure as failure:
                return failure
        raise AssertionError("it did not fail")


class KindTests(WaysTestCase):
    """Every credential in every dialect that takes it."""

    async def test_G11_every_kind(self) -> None:
        """Streams, whole answers, counts and lists come from all three dialects, with and without an envelope."""
        for kind, project, location in PLACES:
            account = self.account(service_account(self.token_url), kind=kind, project=project, location=location)
            self.assertTrue(await self.say(account), kind)
            self.assertEqual(await self.say(account, stream=False), await self.say(account), kind)
            self.assertGreater(await self.client.count(account, MODEL, OUTGOING), 0)
            listed = await self.client.models(account)
            self.assertIn(MODEL, listed)
        self.assertEqual(listed, list(bundled_models()))
        self.assertEqual(self.simulator.office.granted, 1)

    async def test_every_credential(self) -> None:
        """Keys, service accounts and refresh tokens are all let in; a key never gets a token."""
        express = self.account(ApiKey(KEY), kind="vertex", location="global")
        self.assertTrue(await self.say(express))
        self.assertEqual(self.simulator.office.asked, 0)
        self.assertTrue(await self.say(self.account(refresh_token(self.token_url))))
        self.assertTrue(await self.say(self.account(service_account(self.token_url))))
        self.assertEqual(self.simulator.office.granted, 2)

    async def test_project_is_looked_up_once(self) -> None:
        """The project of a Code Assist account is asked for once, however many need it, and again after a refusal."""
        account = self.account(service_account(self.token_url), kind="code-assist")
        asked: list[Deferred[Any]] = [Deferred.fromCoroutine(self.say(account)) for _ in range(20)]
        self.assertTrue(all(await gatherResults(asked)))
        self.assertEqual(self.simulator.lookups, 1)
        last: Any = self.simulator.ledger.last
        self.assertEqual(last["body"]["project"], "simulated-project")
        self.client.keep_only([])
        self.simulator.project = ""
        failure = await self.refused(self.say(account))
        self.assertEqual((failure.status, failure.reason), (403, "ACCOUNT_STATE_INVALID"))
        self.assertIn("set project", failure.message)


class RefreshTests(WaysTestCase):
    """Tokens over real sockets."""

    async def test_K14_herd(self) -> None:
        """200 requests at once, with a token that has ended at the provider, cause exactly one exchange."""
        account = self.account(service_account(self.token_url))
        await self.say(account)
        self.simulator.office.revoke()
        self.simulator.office.seconds = 0.05

        async def insist() -> str:
            try:
                return await self.say(account)
            except UpstreamFailure as failure:
                assert failure.status == 401, failure
                assert self.tokens.can_renew(account)
                return await self.say(account)

        answers = await gatherResults([Deferred.fromCoroutine(insist()) for _ in range(200)])
        self.assertEqual((len(answers), all(answers)), (200, True))
        self.assertEqual(self.simulator.office.asked, 2)

    async def test_K14_cold_herd(self) -> None:
        """200 requests at once, with no token at all, cause exactly one exchange and no refusal."""
        self.simulator.office.seconds = 0.05
        account = self.account(refresh_token(self.token_url))
        answers = await gatherResults([Deferred.fromCoroutine(self.say(account)) for _ in range(200)])
        self.assertTrue(all(answers))
        self.assertEqual(self.simulator.office.asked, 1)

    async def test_revoked(self) -> None:
        """A refresh token that was revoked is a refused account, told with a hint, and asked with once only."""
        account = self.account(refresh_token(self.token_url, "1//made-up-revoked"))
        for _ in range(2):
            failure = await self.refused(self.say(account))
            self.assertEqual((failure.status, failure.reason), (401, "invalid_grant"))
            self.assertIn("get a new one", failure.message)
            self.assertNotIn("made-up-revoked", str(failure))
        self.assertEqual(self.simulator.office.asked, 1)

    async def test_wrong_clock(self) -> None:
        """A machine whose clock is wrong is told so: its claims are refused as if they were bad."""
        exchange = Exchange(self.ways, self.reactor, lambda: NOW - 10_000)
        failure = await self.refused(exchange.fetch(self.account(service_account(self.token_url))))
        self.assertIn("clock", failure.message)

    async def test_trouble_of_the_endpoint(self) -> None:
        """Trouble of the token endpoint is nobody's fault, is tried again, and passes."""
        self.simulator.office.failures.extend([(503, "temporarily_unavailable"), (500, "internal_failure")])
        with capturedLogs():
            self.assertTrue(await self.say(self.account(refresh_token(self.token_url))))
        self.assertEqual(self.simulator.office.asked, 3)

    async def test_wrong_client(self) -> None:
        """A client whose secret is wrong is told apart, and its secret is not repeated."""
        credential = evolve(refresh_token(self.token_url), client_secret="made-up/other+secret")
        failure = await self.refused(self.say(self.account(credential)))
        self.assertEqual(failure.reason, "invalid_client")
        self.assertNotIn("made-up", str(failure))

    async def test_G39_token_in_an_error(self) -> None:
        """An upstream that repeats the token in its refusal is not quoted with it."""
        account = self.account(refresh_token(self.token_url))
        await self.say(account)
        token = await self.tokens.of(account)
        self.simulator.office.revoke()
        failure = await self.refused(self.say(account))
        self.assertIn("***", failure.message)
        self.assertNotIn(token.secret, failure.message)

    async def test_G39_claim_in_an_error(self) -> None:
        """A token endpoint that repeats the signed claim is not quoted with it: a token can be had for it."""
        heard: list[bytes] = []

        class Echo(Resource):
            isLeaf = True

            def render_POST(self, request: Any) -> bytes:
                heard.append(request.args[b"assertion"][0])
                request.setResponseCode(400)
                return b'{"error": "invalid_request", "error_description": "what is %s?"}' % heard[0]

        port: Any = self.reactor.listenTCP(0, Site(Echo()), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        account = self.account(service_account(f"http://127.0.0.1:{port.getHost().port}/token"))
        exchange = Exchange(self.ways, self.reactor, self.wall)
        failure = await self.refused(exchange.fetch(account))
        self.assertIn("what is ***?", failure.message)
        self.assertNotIn(heard[0].decode(), failure.message)


class ProxyTests(WaysTestCase):
    """Ways out."""

    async def test_every_proxy(self) -> None:
        """Tokens and answers come through each kind of proxy, with and without a password, which looks up names."""
        for kind in ("http", "socks5", "https"):
            for login in (None, ("user", "made-up-pass")):
                proxy = self.proxy(kind, login)
                way = WayOut(ProxyValue.read(proxy.url), certificate() if kind == "https" else "")
                url = f"http://only.the.proxy.knows.agd.test:{self.port}"
                credential = service_account(f"{url}/token")
                account = self.account(credential, way=way, base_url=url)
                self.assertTrue(await self.say(account), kind)
                self.assertEqual({host for host, _ in proxy.targets}, {"only.the.proxy.knows.agd.test"})
                self.assertTrue(await self.say(account), kind)
                self.assertLessEqual(proxy.connections, 2, "connections are kept")

    async def test_tls_through_a_proxy(self) -> None:
        """TLS goes through the tunnel to the host itself; the proxy sees none of it."""
        host = SecureHost(lambda _path: answer(b'{"models":[]}'))
        host.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(host.stop()))
        for kind in ("http", "socks5"):
            proxy = self.proxy(kind)
            way = WayOut(ProxyValue.read(proxy.url), certificate())
            account = self.account(ApiKey(KEY), way=way, base_url=f"https://a.agd.test:{host.port}")
            self.assertEqual(await self.client.models(account), [])
        self.assertEqual(host.names, [b"a.agd.test"] * 2)
        await self.ways.close()

    async def test_own_authority(self) -> None:
        """A host of a private authority is trusted by the account that names it, and by no other."""
        host = SecureHost(lambda _path: answer(b'{"models":[]}'))
        host.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(host.stop()))
        url = f"https://127.0.0.1:{host.port}"
        trusting = self.account(ApiKey(KEY), way=WayOut(ca=certificate()), base_url=url)
        self.assertEqual(await self.client.models(trusting), [])
        failure = await self.refused(self.client.models(self.account(ApiKey(KEY), base_url=url)))
        self.assertEqual(failure.kind, FailureKind.CONNECT)
        self.assertEqual(len(host.requests), 1)
        await self.ways.close()

    async def test_dead_proxy(self) -> None:
        """A proxy that is dead, silent or of another mind is the end: upstream and token endpoint see nobody."""
        seen: list[str] = []

        class Listener(Protocol):
            def connectionMade(self) -> None:
                seen.append("connected")

        port: Any = self.reactor.listenTCP(0, Factory.forProtocol(Listener), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        url = f"http://127.0.0.1:{port.getHost().port}"
        dead, wrong = self.proxy("http"), self.proxy("http", ("user", "made-up-pass"))
        dead_url = dead.url
        await dead._port.stopListening()
        for proxy_url in (
            dead_url,
            dead_url.replace("http", "socks5"),
            wrong.url.replace("made-up-pass", "other-pass"),
        ):
            way = WayOut(ProxyValue.read(proxy_url))
            for credential in (ApiKey(KEY), refresh_token(f"{url}/token")):
                account = self.account(credential, way=way, base_url=url)
                failure = await self.refused(self.client.models(account))
                self.assertEqual((failure.kind, failure.own), (FailureKind.CONNECT, True), failure)
                self.assertNotIn("pass", failure.message)
        self.assertEqual(seen, [])

    async def test_ways_are_apart(self) -> None:
        """Accounts of different ways share no connection; a way that nobody takes any more is closed."""
        proxy = self.proxy("http")
        one = self.account(ApiKey(KEY))
        two = self.account(ApiKey(KEY), way=WayOut(ProxyValue.read(proxy.url)))
        await self.say(one)
        self.assertEqual(proxy.connections, 0)
        await self.say(two)
        await self.say(one)
        self.assertEqual(proxy.connections, 1)
        self.client.keep_only([one])
        await self.say(two)
        self.assertEqual(proxy.connections, 2)
