"""Google's own library over real sockets: credentials of a file and of a simulated metadata server."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from google.auth.compute_engine import _metadata
from google.auth.exceptions import RefreshError, TransportError
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from agd.accounts.credentials import DefaultCredentials
from agd.accounts.way import STRAIGHT, WayOut
from agd.accounts.way import Proxy as ProxyValue
from agd.errors import FailureKind, UpstreamFailure
from agd.transport.ways import Ways
from agd.upstream.adc import _Requests, fetch_default, told
from tests.accounts.keys import service_account_json
from tests.private import write_private
from tests.upstream.test_ways import WaysTestCase

_VARIABLES = ("GOOGLE_APPLICATION_CREDENTIALS", "GCE_METADATA_HOST", "GCE_METADATA_IP", "HOME", "PATH")


class _Metadata(Resource):
    """What the metadata server of Google's machines says of its service account."""

    isLeaf = True

    def render_GET(self, request: Request) -> bytes:
        request.setHeader("Metadata-Flavor", "Google")
        request.setHeader("Content-Type", "application/json")
        if b"token" in request.path:
            return json.dumps({"access_token": "made-up-token", "expires_in": 1800, "token_type": "Bearer"}).encode()
        if b"service-accounts" in request.path:
            return json.dumps({"email": "robot@a.example", "scopes": ["s"], "aliases": ["default"]}).encode()
        return b"my-project"


class DefaultTests(WaysTestCase):
    """``credentials = "default"``."""

    async def start(self) -> None:
        await super().start()
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.patch(_metadata, "_NO_GCE_CHECK", True)
        before = {name: os.environ.get(name) for name in _VARIABLES}
        self.addCleanup(lambda: self.set(**before))
        empty = str(self.folder.absolute())
        self.set(
            HOME=empty, PATH=empty,
            **dict.fromkeys(("GOOGLE_APPLICATION_CREDENTIALS", "GCE_METADATA_HOST", "GCE_METADATA_IP")),
        )  # fmt: skip

    def set(self, **variables: str | None) -> None:
        """Set variables of the environment, or take them out."""
        for name, value in variables.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

    def use_file(self, text: str) -> None:
        """Let the library find a file."""
        write_private(self.folder / "adc.json", text)
        self.set(GOOGLE_APPLICATION_CREDENTIALS=str(self.folder / "adc.json"))

    async def test_file(self) -> None:
        """Credentials of a file are exchanged by agd's own requests: the simulated endpoint is asked, by the proxy."""
        proxy = self.proxy("http")
        self.use_file(service_account_json(f"http://only.the.proxy.knows.agd.test:{self.port}/token"))
        self.now = time.time()
        account = self.account(DefaultCredentials(), way=WayOut(ProxyValue.read(proxy.url)))
        self.assertTrue(await self.say(account))
        self.assertEqual(self.simulator.office.granted, 1)
        self.assertIn(("only.the.proxy.knows.agd.test", self.port), proxy.targets)

    async def test_metadata_server(self) -> None:
        """The metadata server is asked straight, whatever proxy the account has: it is this machine's own."""
        port: Any = self.reactor.listenTCP(0, Site(_Metadata()), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        host = f"127.0.0.1:{port.getHost().port}"
        self.set(GCE_METADATA_HOST=host, GCE_METADATA_IP=host)
        self.patch(_metadata, "_GCE_METADATA_HOST", host)  # the library reads it once
        self.patch(_metadata, "_NO_GCE_CHECK", False)
        account = self.account(DefaultCredentials(), way=WayOut(ProxyValue.read("http://127.0.0.1:1")))
        token = await fetch_default(account, self.ways, self.reactor)
        self.assertEqual(token.secret, "made-up-token")
        self.assertLessEqual(token.lifetime, 1800.0)

    async def test_nothing_found(self) -> None:
        """Where the library finds nothing the account is refused, with what to do."""
        failure = await self.refused(fetch_default(self.account(DefaultCredentials()), self.ways, self.reactor))
        self.assertEqual(failure.status, 401)
        self.assertIn("GOOGLE_APPLICATION_CREDENTIALS", failure.message)

    async def test_refused(self) -> None:
        """A grant that the endpoint refuses is dead, and nothing of it is told."""
        self.use_file(service_account_json(self.token_url, 1))
        failure = await self.refused(fetch_default(self.account(DefaultCredentials()), self.ways, self.reactor))
        self.assertEqual((failure.status, failure.reason), (401, "invalid_grant"))

    def test_metadata_server_in_trouble(self) -> None:
        """A metadata server that fails is trouble that passes, though the library calls it a refusal for good."""
        failure = told(RefreshError("Failed to retrieve http://metadata/token. Response status: 500", {}))
        self.assertEqual(failure.kind, FailureKind.CONNECT)
        self.assertEqual(told(RefreshError("invalid_grant: no", {})).status, 401)

    async def test_out_of_reach(self) -> None:
        """An endpoint that is not there is trouble that passes."""
        self.use_file(service_account_json("http://127.0.0.1:1/token"))
        failure = await self.refused(fetch_default(self.account(DefaultCredentials()), self.ways, self.reactor))
        self.assertEqual(failure.kind, FailureKind.CONNECT)

    async def test_given_up(self) -> None:
        """Giving up while the library waits frees its thread at once: nothing holds up the end of the process."""
        self.simulator.office.seconds = 50.0
        self.use_file(service_account_json(self.token_url))
        self.now = time.time()
        fetching = Deferred.fromCoroutine(fetch_default(self.account(DefaultCredentials()), self.ways, self.reactor))
        while not self.simulator.office.asked:
            await self.turn()
        fetching.cancel()
        with capturedLogs():
            try:
                await fetching
            except Exception as error:  # noqa: BLE001 - which one is what the test is about
                self.assertNotIsInstance(error, UpstreamFailure)
        pool = self.reactor.getThreadPool()
        while pool.working:
            await self.turn()

    async def turn(self) -> None:
        """Let the reactor turn once."""
        turned: Deferred[None] = Deferred()
        self.reactor.callLater(0, turned.callback, None)
        await turned


class GivenUpTests(SynchronousTestCase):
    """The library goes on asking after nobody wants its answer any more: it tries again by itself."""

    def test_no_more_requests(self) -> None:
        """It is refused at once, and the reactor, which may have stopped, is not waited for."""
        asked: list[object] = []

        class Stopped(Clock):
            def callFromThread(self, *call: object) -> None:
                asked.append(call)

        clock = Stopped()
        requests = _Requests(Ways(clock), STRAIGHT, clock)
        requests.give_up()
        self.assertRaises(TransportError, requests, "https://tokens.example/token", timeout=0.0)
        self.assertEqual(asked, [])
