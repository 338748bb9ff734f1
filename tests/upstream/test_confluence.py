"""Several answers poured into one sink: one pace, one end, whatever befalls one of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import ResponseDone, ResponseFailed

from agd.conversation import Event, Finished, FinishReason, TextDelta, Usage, UsageReport
from agd.emulation.fan_in import FanIn
from agd.emulation.machine import chain
from agd.emulation.stops import StopCutter
from agd.errors import ClientLostError, FailureKind, UpstreamFailure
from agd.gateway.flow import Flow
from agd.gemini.answers import AnswerReader
from agd.upstream.confluence import Confluence, Settled
from agd.upstream.relay import Relay
from tests.upstream.sinks import Faulty, Recorder
from tests.upstream.wire import chunk, sse

IDLE = 20.0
STALL = 30.0
USAGE = {"usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5}}


def stopped(choice: int = 0) -> Finished:
    """Make the good end of a choice."""
    return Finished(FinishReason.STOP, "STOP", choice)


class ConfluenceTestCase(SynchronousTestCase):
    """Two relays on memory transports, their first events held."""

    stops: tuple[str, ...] = ()

    def setUp(self) -> None:
        self.clock = Clock()
        self.transports = [StringTransport(), StringTransport()]
        self.relays = [self.relay(transport) for transport in self.transports]
        cutter = StopCutter(self.stops, 2) if self.stops else None
        course = Flow(FanIn(2), chain(*([cutter] if cutter else [])), False, cutter)
        self.confluence = Confluence(self.relays, course)
        self.sink = Recorder()

    def relay(self, transport: StringTransport) -> Relay:
        """Make a relay on a transport."""
        ids = count()
        reader = AnswerReader(lambda: f"call_{next(ids)}")
        relay = Relay(reader, self.clock, idle_seconds=IDLE, stall_seconds=STALL)
        relay.makeConnection(transport)
        return relay

    def give(self, number: int, text: str = "", finish: str | None = None, **more: object) -> None:
        """Let one relay read a chunk."""
        self.relays[number].dataReceived(sse(chunk(text, finish, **more)))

    def end(self, number: int, reason: BaseException | None = None) -> None:
        """End the body of one relay."""
        self.relays[number].connectionLost(Failure(reason or ResponseDone()))

    def pour(self) -> Deferred[None]:
        """Begin."""
        for number in (0, 1):
            self.give(number, "ab"[number])
        return self.confluence.pour(self.sink)

    def assert_let_go(self, *numbers: int) -> None:
        """The upstream calls of these relays are aborted, and no timer is left."""
        for number in numbers:
            self.assertEqual(self.transports[number].producerState, "stopped")
        self.assertEqual(self.clock.getDelayedCalls(), [])


class FlowTests(ConfluenceTestCase):
    """Events."""

    def test_E10_numbered_and_summed(self) -> None:
        """Every event has the number of its choice, and the usage of all comes once, last."""
        done = self.pour()
        self.give(1, "B", "STOP", **USAGE)
        self.end(1)
        self.assertNoResult(done)
        self.give(0, "A", "STOP", **USAGE)
        self.end(0)
        self.successResultOf(done)
        texts = [TextDelta("a"), TextDelta("b", 1), TextDelta("B", 1), stopped(1), TextDelta("A"), stopped()]
        self.assertEqual(self.sink.events, [*texts, UsageReport(Usage(6, 4))])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_one_read_one_write(self) -> None:
        """All events of one read are given at once, and so is all that an end brings."""
        self.pour()
        before = len(self.sink.reads)
        self.relays[0].dataReceived(sse(chunk("x"), chunk("y"), chunk("z", "STOP", **USAGE)))
        self.assertEqual(self.sink.reads[before:], [[TextDelta("x"), TextDelta("y"), TextDelta("z")]])

    def test_held_answers_that_are_over(self) -> None:
        """Relays that have ended before anybody took their events are given whole."""
        for number in (0, 1):
            self.give(number, "ab"[number], "STOP")
            self.end(number)
        self.successResultOf(self.confluence.pour(self.sink))
        self.assertEqual(self.sink.events, [TextDelta("a"), stopped(), TextDelta("b", 1), stopped(1)])

    def test_waiting_for_the_others_is_no_silence(self) -> None:
        """A relay that nobody reads from yet, because another has said nothing so far, is not timed."""
        self.give(0, "a")
        self.clock.advance(10 * IDLE)
        done = self.pour()
        self.assertNoResult(done)
        self.clock.advance(IDLE)
        self.assertIs(self.failureResultOf(done, UpstreamFailure).value.kind, FailureKind.TIMEOUT)


class PaceTests(ConfluenceTestCase):
    """One client, one pace."""

    def test_pause_and_resume(self) -> None:
        """A client that does not keep up pauses every upstream; one that reads on resumes them."""
        self.pour()
        self.confluence.pauseProducing()
        self.assertTrue(self.confluence.paused)
        self.assertEqual([transport.producerState for transport in self.transports], ["paused"] * 2)
        self.confluence.resumeProducing()
        self.assertFalse(self.confluence.paused)
        self.assertEqual([transport.producerState for transport in self.transports], ["producing"] * 2)

    def test_pause_while_held_events_are_given(self) -> None:
        """A client whose buffer the first relay's events fill keeps the others paused as well."""
        confluence = self.confluence

        class Full(Recorder):
            def take(self, events: Sequence[Event]) -> None:
                super().take(events)
                confluence.pauseProducing()

        for number in (0, 1):
            self.give(number, "x")
        confluence.pour(Full())
        self.assertEqual([transport.producerState for transport in self.transports], ["paused"] * 2)

    def test_stalled_client(self) -> None:
        """A client that reads nothing for too long ends all."""
        done = self.pour()
        self.confluence.pauseProducing()
        self.clock.advance(STALL)
        self.failureResultOf(done, ClientLostError)
        self.assert_let_go(0, 1)

    def test_stalled_client_of_the_last_answer(self) -> None:
        """An answer that is complete is no longer timed; the one that still comes is."""
        done = self.pour()
        self.give(0, "", "STOP")
        self.end(0)
        self.confluence.pauseProducing()
        self.clock.advance(STALL)
        self.failureResultOf(done, ClientLostError)
        self.assert_let_go(1)

    def test_silent_upstream(self) -> None:
        """One upstream that says nothing for too long ends all, with its failure."""
        done = self.pour()
        self.clock.advance(IDLE - 1)
        self.give(1, "b")
        self.clock.advance(1)
        self.assertIs(self.failureResultOf(done, UpstreamFailure).value.kind, FailureKind.TIMEOUT)
        self.assert_let_go(0, 1)


class EndTests(ConfluenceTestCase):
    """Ends before the end."""

    def test_one_breaks_off(self) -> None:
        """A failure of one call ends the answer with that failure and lets the others go; what comes late is lost."""
        done = self.pour()
        self.end(0, ResponseFailed([Failure(ConnectionLost())]))
        self.assertIs(self.failureResultOf(done, UpstreamFailure).value.kind, FailureKind.CUT)
        self.assert_let_go(1)
        self.give(1, "late", "STOP")
        self.end(1)
        self.assertEqual(self.sink.text, "ab")

    def test_both_have_broken_off_before(self) -> None:
        """Of two failures that were there before the pour the first is told; the other is nobody's."""
        for number in (0, 1):
            self.give(number, "x")
            self.end(number, ResponseFailed([]))
        self.failureResultOf(self.confluence.pour(self.sink), UpstreamFailure)
        self.assertEqual(self.sink.text, "x")

    def test_client_leaves(self) -> None:
        """The client's transport stops its producer: every upstream call is aborted, and that is told once."""
        done = self.pour()
        self.confluence.stopProducing()
        self.failureResultOf(done, ClientLostError)
        self.assert_let_go(0, 1)
        self.confluence.stopProducing()

    def test_client_leaves_before_the_pour(self) -> None:
        """A client that is gone when the producer is registered is found out at the pour."""
        for number in (0, 1):
            self.give(number, "x")
        self.confluence.stopProducing()
        self.failureResultOf(self.confluence.pour(self.sink), ClientLostError)
        self.assert_let_go(0, 1)

    def test_cancel(self) -> None:
        """Cancelling the pour aborts every upstream call, paused or not."""
        for paused in (False, True):
            self.setUp()
            done = self.pour()
            if paused:
                self.confluence.pauseProducing()
            done.cancel()
            self.failureResultOf(done, CancelledError)
            self.assert_let_go(0, 1)

    def test_mistake_of_the_sink(self) -> None:
        """A mistake of agd's own ends all and is told as what it is, wherever it happens."""
        done = self.pour()
        self.confluence._sink = Faulty()
        self.give(0, "x")
        self.failureResultOf(done, ZeroDivisionError)
        self.assert_let_go(0, 1)

    def test_mistake_at_the_pour(self) -> None:
        """A mistake over the held events is told as well."""
        for number in (0, 1):
            self.give(number, "x")
        self.failureResultOf(self.confluence.pour(Faulty()), ZeroDivisionError)
        self.assert_let_go(0, 1)

    def test_mistake_at_the_end(self) -> None:
        """A mistake over what the last call's end brings fails the answer: nobody waits for ever."""
        done = self.pour()
        for number in (0, 1):
            self.give(number, "", "STOP", **USAGE)
        self.end(0)
        self.confluence._course = Broken()
        self.end(1)
        self.failureResultOf(done, ZeroDivisionError)


class Broken:
    """A course with a mistake in it, which shows when a call ends."""

    is_over = is_cut = False

    def take(self, number: int, events: Iterable[Event]) -> list[Event]:
        """Pass them."""
        return list(events)

    def close(self, number: int) -> list[Event]:
        """Fail as a program does that was written wrong."""
        raise ZeroDivisionError("a mistake of agd's own")

    def cut(self) -> list[Event]:
        """Have nothing left."""
        return []


class CutTests(ConfluenceTestCase):
    """Stop strings."""

    stops = ("!",)

    def test_E02_upstream_is_let_go(self) -> None:
        """When every choice has met a stop string, the calls are aborted and the answer is complete without usage."""
        done = self.pour()
        self.give(0, "A!A")
        self.assertNoResult(done)
        self.give(1, "B!B")
        self.successResultOf(done)
        self.assert_let_go(0, 1)
        texts = [TextDelta("a"), TextDelta("b", 1), TextDelta("A"), stopped(), TextDelta("B", 1), stopped(1)]
        self.assertEqual(self.sink.events, texts)

    def test_E02_late_bytes(self) -> None:
        """What still comes from a call that was let go is lost."""
        done = self.pour()
        self.give(0, "!")
        self.give(1, "!")
        self.successResultOf(done)
        self.give(0, "late", "STOP")
        self.end(0)
        self.assertEqual(self.sink.text, "ab")

    def test_E02_mistake_at_the_cut(self) -> None:
        """A mistake over the last events before a cut fails the answer as well."""
        done = self.pour()
        self.give(0, "!")
        self.confluence._sink = Faulty()
        self.give(1, "!")
        self.failureResultOf(done, ZeroDivisionError)

    def test_E02_mistake_at_the_pour(self) -> None:
        """So it does when the cut is in the held events."""
        for number in (0, 1):
            self.give(number, "x!")
        self.failureResultOf(self.confluence.pour(Faulty()), ZeroDivisionError)
        self.assert_let_go(0, 1)

    def test_E04_held_text_at_the_end(self) -> None:
        """What only looked like a stop string is given when its choice ends."""
        self.stops = ("??",)
        self.setUp()
        done = self.pour()
        for number in (0, 1):
            self.give(number, "?", "STOP")
            self.end(number)
        self.successResultOf(done)
        self.assertEqual(self.sink.text, "ab??")


class SettledTests(SynchronousTestCase):
    """An answer that is known beforehand."""

    def test_pour(self) -> None:
        """All is given at once, whatever the client's pace."""
        sink, source = Recorder(), Settled([stopped()])
        source.pauseProducing()
        self.successResultOf(source.pour(sink))
        source.resumeProducing()
        source.stopProducing()
        self.assertEqual((sink.events, source.paused), ([stopped()], False))
