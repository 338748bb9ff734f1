"""Calls that fail, over a network in memory: refusals, broken connections, answers that do not come."""

from __future__ import annotations

from typing import Any

from twisted.internet import error as network
from twisted.internet.defer import CancelledError, Deferred

from agd.errors import FailureKind, UpstreamFailure
from agd.upstream.client import ERROR_SECONDS, MAX_ERROR_BYTES
from tests.upstream.cases import ClientTestCase
from tests.upstream.sinks import Recorder
from tests.upstream.wire import HEAD, Connection, account, chunk, chunked, error, response, sse


class RefusalTests(ClientTestCase):
    """Answers with an error status."""

    def test_status_and_details(self) -> None:
        """A refusal is told with its status, its reason and the delay it asks for; its connection is kept."""
        asked = self.wire.generate()
        connection = self.wire.connect()
        details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7.5s"}]
        connection.send(response(error(429, "RESOURCE_EXHAUSTED", "slow down", details), 429))
        failure = self.failed_with(asked, FailureKind.STATUS)
        self.assertEqual((failure.status, failure.grpc, failure.retry_after), (429, "RESOURCE_EXHAUSTED", 7.5))
        self.assertFalse(connection.ended)
        self.assert_nothing_left()

    def test_repeated_key(self) -> None:
        """An upstream that repeats the key in its error is not quoted with it, whatever shape the key has."""
        asked = self.wire.generate()
        secret = account().credential.secrets[0]
        self.wire.connect().send(response(error(400, "INVALID_ARGUMENT", f"the key {secret} is odd"), 400))
        failure = self.failed_with(asked, FailureKind.STATUS)
        self.assertNotIn(secret, str(failure))
        self.assertIn("is odd", str(failure))

    def test_retry_after_header(self) -> None:
        """A refusal without details may tell its delay in the header."""
        asked = self.wire.generate()
        self.wire.connect().send(response(b"", 503, "Retry-After: 12"))
        self.assertEqual(self.failed_with(asked, FailureKind.STATUS).retry_after, 12.0)

    def test_time_stamp_by_the_upstreams_clock(self) -> None:
        """A quota's time stamp counts from the answer's own Date, whatever agd's clock says."""
        metadata = {"quotaResetTimeStamp": "2031-05-01T00:10:00Z"}
        details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "QUOTA", "metadata": metadata}]
        for date, delay in (("Thu, 01 May 2031 00:00:00 GMT", 600.0), ("whenever", None)):
            asked = self.wire.generate()
            connection = self.wire.connect()
            connection.send(response(error(429, "RESOURCE_EXHAUSTED", "x", details), 429, f"Date: {date}"))
            self.assertEqual(self.failed_with(asked, FailureKind.STATUS).retry_after, delay)
            self.wire.pool.drop_idle()

    def test_long_body_is_cut(self) -> None:
        """Of a long error no more is read than 64 KiB; its connection is let go."""
        asked = self.wire.generate()
        connection = self.wire.connect()
        connection.send(f"HTTP/1.1 500 X\r\nContent-Length: {10**9}\r\n\r\n".encode())
        connection.send(b"x" * (MAX_ERROR_BYTES - 1))
        self.assertNoResult(asked)
        connection.send(b"xy")
        self.assertEqual(self.failed_with(asked, FailureKind.STATUS).status, 500)
        self.assertTrue(connection.ended)
        connection.send(b"z" * 10)
        self.assert_nothing_left()

    def test_body_that_never_ends(self) -> None:
        """An error whose body does not come is judged by its status before long."""
        asked = self.wire.generate()
        connection = self.wire.connect()
        connection.send(b"HTTP/1.1 503 X\r\nContent-Length: 100\r\n\r\n{")
        self.wire.reactor.advance(ERROR_SECONDS)
        self.assertEqual(self.failed_with(asked, FailureKind.STATUS).status, 503)
        self.assertTrue(connection.ended)

    def test_body_that_breaks_off(self) -> None:
        """An error whose body breaks off is an error with that status all the same."""
        asked = self.wire.generate()
        connection = self.wire.connect()
        connection.send(b"HTTP/1.1 401 X\r\nContent-Length: 100\r\n\r\n{")
        connection.reset()
        self.assertEqual(self.failed_with(asked, FailureKind.STATUS).status, 401)


class BrokenTests(ClientTestCase):
    """No answer, or none that is worth the name."""

    def test_refused(self) -> None:
        """A refused connection is a failure to reach the upstream."""
        asked = self.wire.generate()
        self.wire.fail_to_connect(network.ConnectionRefusedError())
        self.assertFalse(self.failed_with(asked, FailureKind.CONNECT).stale)
        self.assert_nothing_left()

    def test_closed_without_a_byte(self) -> None:
        """A new connection that is closed without an answer is not stale, only broken."""
        for end in (Connection.close, Connection.reset):
            asked = self.wire.generate()
            end(self.wire.connect())
            self.assertFalse(self.failed_with(asked, FailureKind.CONNECT).stale)

    def test_stale_keep_alive(self) -> None:
        """A kept connection that ends without an answer is stale."""
        for end in (Connection.close, Connection.reset):
            connection = self.keep_alive()
            asked = self.wire.generate()
            end(connection)
            self.assertTrue(self.failed_with(asked, FailureKind.CONNECT).stale)

    def test_stale_connection_takes_its_neighbours_with_it(self) -> None:
        """After a stale connection the next request goes out on a new one, not on one that is as old."""
        first, second = self.wire.generate(stream=False), self.wire.generate(stream=False)
        for asked in (first, second):
            self.wire.connect().send(response(sse(chunk("hi", "STOP"))))
            self.successResultOf(self.successResultOf(asked).pour(Recorder()))
        stale = self.wire.generate()
        self.wire.connections[0].reset()
        self.assertTrue(self.failed_with(stale, FailureKind.CONNECT).stale)
        self.wire.generate()
        self.assertEqual(len(self.wire.reactor.tcpClients), 1)
        self.assertTrue(self.wire.connections[1].ended)

    def test_kept_connection_that_breaks_after_bytes(self) -> None:
        """Once an answer has begun, its connection's end is no stale keep-alive."""
        connection = self.keep_alive()
        asked = self.wire.generate()
        connection.send(b"HTTP/1.1 200")
        connection.reset()
        failure = self.failureResultOf(asked, UpstreamFailure).value
        assert isinstance(failure, UpstreamFailure)
        self.assertFalse(failure.stale)

    def test_garbage(self) -> None:
        """An answer that is not HTTP is malformed, and its connection is let go."""
        asked = self.wire.generate()
        connection = self.wire.connect()
        connection.send(b"SSH-2.0-OpenSSH_9.2\r\n")
        self.failed_with(asked, FailureKind.MALFORMED)
        self.assertTrue(connection.ended)

    def test_cut_before_the_first_event(self) -> None:
        """A body that breaks off before its first event is a cut answer."""
        asked = self.wire.generate()
        connection = self.wire.connect()
        connection.send(HEAD)
        connection.reset()
        self.failed_with(asked, FailureKind.CUT)
        self.assert_nothing_left()

    def test_empty(self) -> None:
        """A 200 with an empty body is an empty answer, not a success."""
        asked = self.wire.generate()
        self.wire.connect().send(response(b""))
        self.failed_with(asked, FailureKind.EMPTY)


class PatienceTests(ClientTestCase):
    """The limit of the first event holds in every phase, and so does giving up."""

    def in_each_phase(self) -> list[tuple[Deferred[Any], Connection | None]]:
        """Begin one call for each phase: connecting, waiting for a head, for an event, for an error's body."""
        calls: list[tuple[Deferred[Any], Connection | None]] = []
        for sent in (b"", HEAD, HEAD + chunked(b": thinking\n\n"), b"HTTP/1.1 500 X\r\nContent-Length: 9\r\n\r\n{"):
            asked = self.wire.generate()
            connection = self.wire.connect()
            if sent:
                connection.send(sent)
            calls.append((asked, connection))
        return [*calls, (self.wire.generate(), None)]

    def test_G19_first_event_too_late(self) -> None:
        """Without a first event in time the call fails as timed out, and its connection is gone."""
        calls = self.in_each_phase()
        refused, _ = calls.pop(3)  # its status is known: it does not wait so long
        self.wire.reactor.advance(100)
        self.failed_with(refused, FailureKind.STATUS)
        for asked, connection in calls:
            failure = self.failed_with(asked, FailureKind.TIMEOUT)
            self.assertIn("100 seconds", failure.message)
            self.assertTrue(connection is None or connection.ended)
        self.assert_nothing_left()

    def test_cancel(self) -> None:
        """Cancelling ends the connection in whatever phase the call is, and is no failure of the upstream."""
        for asked, connection in self.in_each_phase():
            asked.cancel()
            self.failureResultOf(asked, CancelledError)
            self.assertTrue(connection is None or connection.ended)
        self.assert_nothing_left()

    def test_limit_ends_with_the_first_event(self) -> None:
        """A long answer is no late one: after the first event only silence is limited."""
        asked = self.wire.generate()
        connection = self.wire.connect()
        connection.send(HEAD + chunked(sse(chunk("a"))))
        done = self.successResultOf(asked).pour(Recorder())
        for _ in range(20):
            self.wire.reactor.advance(19)
            connection.send(chunked(sse(chunk("b"))))
        self.assertNoResult(done)
        self.wire.reactor.advance(20)
        self.failed_with(done, FailureKind.TIMEOUT)
        self.assertTrue(connection.ended)
