"""How a relay couples its two sides: pace, silence, a client that leaves, a mistake of agd's own."""

from __future__ import annotations

from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure
from twisted.web.client import ResponseFailed

from agd.errors import ClientLostError, FailureKind
from tests.upstream.cases import IDLE, STALL, RelayTestCase
from tests.upstream.sinks import Faulty, Recorder
from tests.upstream.wire import chunk, sse


class PaceTests(RelayTestCase):
    """Both sides are coupled: a client that does not read stops the upstream."""

    def setUp(self) -> None:
        super().setUp()
        self.relay.dataReceived(sse(chunk("a")))
        self.relay.pour(self.sink)

    def test_pause_and_resume(self) -> None:
        """Pausing the relay pauses the upstream's connection, resuming resumes it."""
        self.relay.pauseProducing()
        self.assertTrue(self.relay.paused)
        self.assertEqual(self.transport.producerState, "paused")
        self.relay.resumeProducing()
        self.assertFalse(self.relay.paused)
        self.assertEqual(self.transport.producerState, "producing")

    def test_pour_does_not_wake_a_paused_upstream(self) -> None:
        """A client whose buffer the held events have filled keeps the upstream paused."""
        RelayTestCase.setUp(self)

        class Full(Recorder):
            def take(this, events: object) -> None:  # noqa: N805 - self is the test here
                self.relay.pauseProducing()

        self.relay.dataReceived(sse(chunk("a")))
        self.relay.pour(Full())
        self.assertEqual(self.transport.producerState, "paused")

    def test_bytes_that_come_while_paused_are_given_on(self) -> None:
        """What TLS had already read when the pause came is not lost."""
        self.relay.pauseProducing()
        self.relay.dataReceived(sse(chunk("b")))
        self.assertEqual(self.sink.text, "ab")

    def test_G19_silent_upstream(self) -> None:
        """An upstream that says nothing for the idle limit is given up."""
        self.clock.advance(IDLE - 1)
        self.assertNoResult(self.relay.done)
        self.clock.advance(1)
        self.failed_with(FailureKind.TIMEOUT)
        self.assert_stopped()

    def test_every_read_starts_the_silence_anew(self) -> None:
        """The idle limit counts from the last byte, also of one that makes no event."""
        for _ in range(5):
            self.clock.advance(IDLE - 1)
            self.relay.dataReceived(b": still here\n\n")
        self.assertNoResult(self.relay.done)
        self.clock.advance(IDLE)
        self.failed_with(FailureKind.TIMEOUT)

    def test_G19_repetition_is_silence(self) -> None:
        """A chunk that says nothing new, such as the same usage again and again, does not keep a dead answer alive."""
        usage = sse({"usageMetadata": {"promptTokenCount": 1}})
        self.relay.dataReceived(usage)
        self.clock.advance(IDLE / 2)
        self.relay.dataReceived(usage + usage)
        self.clock.advance(IDLE / 2 - 1)
        self.relay.dataReceived(usage)
        self.assertNoResult(self.relay.done)
        self.clock.advance(1)
        self.failed_with(FailureKind.TIMEOUT)

    def test_G19_news_is_progress(self) -> None:
        """A chunk that makes no event and says something new starts the silence anew, and so does half an event."""
        for count in range(5):
            self.clock.advance(IDLE - 1)
            self.relay.dataReceived(sse({"usageMetadata": {"promptTokenCount": count}}))
        for byte in sse(chunk("b"))[:5]:
            self.clock.advance(IDLE - 1)
            self.relay.dataReceived(bytes([byte]))
        self.assertNoResult(self.relay.done)

    def test_idle_limit_is_not_for_the_first_event(self) -> None:
        """How long the model thinks before it speaks is limited by whoever asks, not by the idle limit."""
        RelayTestCase.setUp(self)
        self.relay.dataReceived(b": thinking\n\n")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_paused_upstream_is_not_silent(self) -> None:
        """Silence is not held against an upstream that agd does not read; it counts anew from the resume."""
        self.relay.pauseProducing()
        self.clock.advance(STALL - 1)
        self.relay.resumeProducing()
        self.clock.advance(IDLE - 1)
        self.assertNoResult(self.relay.done)
        self.clock.advance(1)
        self.failed_with(FailureKind.TIMEOUT)

    def test_G19_client_that_does_not_read(self) -> None:
        """A client that reads nothing for the stall limit is lost, and the upstream is let go."""
        self.relay.pauseProducing()
        self.clock.advance(STALL - 1)
        self.assertNoResult(self.relay.done)
        self.clock.advance(1)
        self.failureResultOf(self.relay.done, ClientLostError)
        self.assert_stopped()

    def test_one_timer_only(self) -> None:
        """However many reads and pauses there are, there is one timer, and at the end none."""
        for _ in range(20):
            self.relay.dataReceived(sse(chunk("b")))
            self.relay.pauseProducing()
            self.relay.pauseProducing()
            self.assertEqual(len(self.clock.getDelayedCalls()), 1)
            self.relay.resumeProducing()
            self.relay.resumeProducing()
            self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        self.relay.dataReceived(sse(chunk("", "STOP")))
        self.end()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_end_while_paused(self) -> None:
        """An answer that ends while the client is slow is complete, and the stall limit is gone."""
        self.relay.dataReceived(sse(chunk("b", "STOP")))
        self.relay.pauseProducing()
        self.end()
        self.successResultOf(self.relay.done)
        self.relay.resumeProducing()
        self.assertEqual(self.clock.getDelayedCalls(), [])


class LeavingTests(RelayTestCase):
    """Nobody wants the answer any more."""

    def test_client_leaves(self) -> None:
        """The client's transport stops its producer: the upstream's connection is closed at once."""
        self.relay.dataReceived(sse(chunk("a")))
        self.relay.pour(self.sink)
        self.relay.stopProducing()
        self.failureResultOf(self.relay.done, ClientLostError)
        self.assert_stopped()
        self.relay.stopProducing()
        self.end(ResponseFailed([Failure(ConnectionLost())]))

    def test_client_leaves_after_the_end(self) -> None:
        """Leaving after the answer's end stops nothing: the connection already serves others."""
        self.relay.dataReceived(sse(chunk("a", "STOP")))
        self.relay.pour(self.sink)
        self.end()
        self.relay.stopProducing()
        self.successResultOf(self.relay.done)
        self.assertNotEqual(self.transport.producerState, "stopped")

    def test_cancel_before_the_first_event(self) -> None:
        """Cancelling the wait for the first event closes the upstream's connection."""
        self.relay.first.cancel()
        self.failureResultOf(self.relay.first, CancelledError)
        self.assert_stopped()
        self.end(ResponseFailed([Failure(ConnectionLost())]))

    def test_cancel_while_it_flows(self) -> None:
        """Cancelling the pour closes the upstream's connection; what comes late is thrown away."""
        self.relay.dataReceived(sse(chunk("a")))
        done = self.relay.pour(self.sink)
        done.cancel()
        self.failureResultOf(done, CancelledError)
        self.assert_stopped()
        self.relay.dataReceived(sse(chunk("b")))
        self.assertEqual(self.sink.text, "a")

    def test_cancel_while_paused(self) -> None:
        """A slow client's upstream is closed as well when the answer is given up."""
        self.relay.dataReceived(sse(chunk("a")))
        self.relay.pour(self.sink)
        self.relay.pauseProducing()
        self.relay.done.cancel()
        self.failureResultOf(self.relay.done, CancelledError)
        self.assert_stopped()


class MistakeTests(RelayTestCase):
    """A mistake of agd's own is told as what it is, and leaves nothing running."""

    def test_in_the_sink_while_it_flows(self) -> None:
        """An exception of the sink ends the answer with that exception, not with a made-up cut of the upstream."""
        self.relay.dataReceived(sse(chunk("a")))
        self.relay.pour(self.sink)
        self.relay._sink = Faulty()
        self.relay.dataReceived(sse(chunk("b")))
        self.failureResultOf(self.relay.done, ZeroDivisionError)
        self.assert_stopped()

    def test_in_the_sink_at_the_pour(self) -> None:
        """An exception over the held events ends the answer as well."""
        self.relay.dataReceived(sse(chunk("a")))
        self.failureResultOf(self.relay.pour(Faulty()), ZeroDivisionError)
        self.assert_stopped()

    def test_in_the_sink_at_the_end(self) -> None:
        """An exception over the last events fails done: nobody waits for ever."""
        self.relay.dataReceived(sse(chunk("a", "STOP")))
        self.relay.pour(self.sink)
        self.relay._sink = Faulty()
        self.end()
        self.failureResultOf(self.relay.done, ZeroDivisionError)
