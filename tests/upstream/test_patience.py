"""The five limits on the way of one call, over a network in memory and a clock of the test's."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import TimeoutError as ConnectTimeout
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from agd.accounts.way import Proxy, WayOut
from agd.errors import FailureKind, UpstreamFailure
from agd.transport.endpoints import Timely
from agd.upstream.limits import Limits, Patience
from tests.accounts.keys import proven, refresh_token
from tests.upstream.cases import ClientTestCase
from tests.upstream.sinks import Recorder
from tests.upstream.wire import HEAD, Wire, account, chunk, chunked, response, sse

LIMITS = Limits(connect=5.0, first_byte=20.0, first_event=50.0, idle=30.0, total=100.0, client_stall=200.0)


class LimitTests(ClientTestCase):
    """One limit after the other."""

    def setUp(self) -> None:
        super().setUp()
        self.wire = Wire(limits=LIMITS)
        self.clock = self.wire.reactor

    def late(self, asked: Deferred[Any], seconds: float, words: str) -> None:
        """Fail in so many seconds from now, not before, with these words."""
        self.clock.advance(seconds - 0.5)
        self.assertNoResult(asked)
        self.clock.advance(1.0)
        self.assertIn(words, self.failed_with(asked, FailureKind.TIMEOUT).message)

    def test_connect(self) -> None:
        """A connection is tried for connect_seconds, those of the model that is asked."""
        self.wire.client.patience = Patience({"connect": 5.0}, {"slow": {"connect": 7.0}})
        self.wire.generate(model="slow")
        self.wire.generate(model="fast")
        self.assertEqual([client[3] for client in self.wire.reactor.tcpClients], [7.0, 5.0])

    def test_connect_by_a_proxy(self) -> None:
        """What a proxy takes counts as well: it is the way to the upstream that is limited."""
        asked = self.wire.generate(proven(account().credential, way=WayOut(Proxy("http", "127.0.0.1", 1))))
        self.wire.connect()
        self.clock.advance(4.9)
        self.assertNoResult(asked)
        self.clock.advance(0.2)
        self.failed_with(asked, FailureKind.CONNECT)

    def test_first_byte(self) -> None:
        """The head of an answer is waited for so long, the connection included."""
        asked = self.wire.generate()
        self.clock.advance(4.0)
        self.wire.connect()
        self.late(asked, 16.0, "no head of an answer within 20 seconds")
        self.assert_nothing_left()

    def test_first_event(self) -> None:
        """Behind the head, the first event of the answer has until first_event_seconds from the beginning."""
        asked = self.wire.generate()
        connection = self.wire.connect()
        self.clock.advance(10.0)
        connection.send(HEAD)
        self.late(asked, 40.0, "no first event within 50 seconds")
        self.assertTrue(connection.ended)

    def test_idle(self) -> None:
        """Between events an answer may be silent for idle_seconds."""
        asked = self.wire.generate()
        connection = self.wire.connect()
        connection.send(HEAD + chunked(sse(chunk("a"))))
        done = self.successResultOf(asked).pour(Recorder())
        self.clock.advance(29.0)
        connection.send(chunked(sse(chunk("b"))))
        self.late(done, 30.0, "silent for 30 seconds")

    def test_total(self) -> None:
        """However busy it is, an answer ends with total_seconds from the beginning of the attempt."""
        asked = self.wire.generate()
        connection = self.wire.connect()
        self.clock.advance(10.0)
        connection.send(HEAD + chunked(sse(chunk("a"))))
        done = self.successResultOf(asked).pour(Recorder())
        for _ in range(4):
            self.clock.advance(20.0)
            connection.send(chunked(sse(chunk("b"))))
        self.late(done, 10.0, "longer than total_seconds")
        self.assertTrue(connection.ended)

    def test_total_before_the_first_event(self) -> None:
        """So does one that has not begun."""
        self.wire.client.patience = Patience({"total": 8.0})
        self.late(self.wire.generate(), 8.0, "no first event within 8 seconds")

    def test_nothing_is_left(self) -> None:
        """An answer that ends well leaves no timer."""
        asked = self.wire.generate()
        self.wire.connect().send(response(sse(chunk("a", "STOP"))))
        self.successResultOf(self.successResultOf(asked).pour(Recorder()))
        self.assert_nothing_left()


class _Endless:
    """An endpoint whose connections never become secure."""

    def __init__(self) -> None:
        self.given_up = False

    def connect(self, _factory: object) -> Deferred[Any]:
        """Connect at once."""
        made: Deferred[Any] = Deferred()
        made.callback(self)
        return made

    def secured(self) -> Deferred[None]:
        """Never agree."""

        def give_up(_: object) -> None:
            self.given_up = True

        return Deferred(give_up)


class HandshakeTests(SynchronousTestCase):
    """The time of a TLS handshake is a part of the connection's."""

    def test_no_end(self) -> None:
        """A handshake that does not end is given up when connect_seconds are over."""
        clock, endless = Clock(), _Endless()
        endpoint: Any = endless
        connecting = Timely(endpoint, clock, 5.0, is_secure=True).connect(endpoint)
        clock.advance(4.9)
        self.assertNoResult(connecting)
        clock.advance(0.2)
        self.failureResultOf(connecting, ConnectTimeout)
        self.assertTrue(endless.given_up)


class SecretTests(ClientTestCase):
    """What an upstream says within an answer."""

    def test_G39_error_in_a_stream(self) -> None:
        """An error in the middle of a good answer, or at its beginning, that repeats the key is not quoted with it."""
        error = {"error": {"code": 503, "status": "UNAVAILABLE", "message": "key-one is tired"}}
        asked = self.wire.generate()
        self.wire.connect().send(HEAD + chunked(sse(error)))
        self.assertIn("*** is tired", self.failed_with(asked, FailureKind.STATUS).message)
        asked = self.wire.generate()
        connection = self.wire.connect()
        connection.send(HEAD + chunked(sse(chunk("a"))))
        done = self.successResultOf(asked).pour(Recorder())
        connection.send(chunked(sse(error)))
        failure: Any = self.failureResultOf(done, UpstreamFailure).value
        self.assertIn("*** is tired", failure.message)

    def test_G39_token_in_a_stream(self) -> None:
        """Nor is an access token."""
        token_url = "http://127.0.0.1:8/token"
        asked = self.wire.generate(proven(refresh_token(token_url)))
        self.wire.connect().send(response(b'{"access_token": "made-up-token", "expires_in": 3600}'))
        error = {"error": {"code": 503, "status": "UNAVAILABLE", "message": "made-up-token is tired"}}
        connection = self.wire.connect()
        self.assertEqual(connection.headers["authorization"], ["Bearer made-up-token"])
        connection.send(HEAD + chunked(sse(error)))
        self.assertIn("*** is tired", self.failed_with(asked, FailureKind.STATUS).message)
