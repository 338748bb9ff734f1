"""What the tests of the relay and of the upstream client have in common."""

from __future__ import annotations

from itertools import count
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import ResponseDone

from agd.errors import FailureKind, UpstreamFailure
from agd.gemini.answers import AnswerReader
from agd.upstream.limits import Limits
from agd.upstream.relay import Relay
from tests.upstream.sinks import Recorder
from tests.upstream.wire import Connection, Wire, chunk, response, sse

IDLE = 20.0
STALL = 30.0


class RelayTestCase(SynchronousTestCase):
    """A relay on a memory transport."""

    def setUp(self) -> None:
        self.clock = Clock()
        ids = count()
        reader = AnswerReader(lambda: f"call_{next(ids)}")
        self.relay = Relay(reader, self.clock, idle_seconds=IDLE, stall_seconds=STALL)
        self.transport = StringTransport()
        self.relay.makeConnection(self.transport)
        self.sink = Recorder()

    def end(self, reason: BaseException | None = None) -> None:
        """End the body, in good order unless a reason is given."""
        self.relay.connectionLost(Failure(reason or ResponseDone()))

    def assert_stopped(self) -> None:
        """The upstream's connection is closed and no timer is left behind."""
        self.assertEqual(self.transport.producerState, "stopped")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def failed_with(self, kind: FailureKind) -> UpstreamFailure:
        """Return the failure of ``done``, which is of this kind."""
        failure = self.failureResultOf(self.relay.done, UpstreamFailure).value
        assert isinstance(failure, UpstreamFailure)
        self.assertIs(failure.kind, kind)
        return failure


class ClientTestCase(SynchronousTestCase):
    """A client on a wire."""

    def setUp(self) -> None:
        self.wire = Wire(limits=Limits(first_event=100.0, idle=20.0, client_stall=30.0))

    def failed_with(self, asked: Deferred[Any], kind: FailureKind) -> UpstreamFailure:
        """Return the failure of a call, which is of this kind."""
        failure = self.failureResultOf(asked, UpstreamFailure).value
        assert isinstance(failure, UpstreamFailure)
        self.assertIs(failure.kind, kind)
        return failure

    def keep_alive(self) -> Connection:
        """Have one plain answer, and return the connection that is kept after it."""
        asked = self.wire.generate(stream=False)
        connection = self.wire.connect()
        connection.send(response(sse(chunk("hi", "STOP"))))
        relay = self.successResultOf(asked)
        self.successResultOf(relay.pour(Recorder()))
        self.assertFalse(connection.ended)
        connection.transport.clear()
        return connection

    def assert_nothing_left(self) -> None:
        """No timer but those of kept connections is left."""
        self.assertEqual(len(self.wire.reactor.getDelayedCalls()), len(self.wire.pool._timeouts))
