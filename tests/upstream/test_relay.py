"""One streamed answer: what is held, how it ends, and that its fold is the plain answer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure
from twisted.web.client import ResponseFailed
from twisted.web.http import PotentialDataLoss

from agd.conversation import Answer, Finished, FinishReason, TextDelta, UsageReport
from agd.errors import FailureKind, UpstreamFailure
from agd.upstream.relay import Collector, Relay
from tests.upstream.cases import RelayTestCase
from tests.upstream.wire import chunk, sse

USAGE = {"promptTokenCount": 3, "candidatesTokenCount": 4, "totalTokenCount": 7}


class FirstTests(RelayTestCase):
    """Until the first event is there, and until somebody takes it."""

    def test_first_waits_for_an_event(self) -> None:
        """Bytes that make no event, such as a chunk with usage alone, are not yet an answer."""
        self.relay.dataReceived(sse({"usageMetadata": USAGE})[:-4])
        self.assertNoResult(self.relay.first)
        self.relay.dataReceived(b"\r\n\r\n")
        self.assertNoResult(self.relay.first)
        self.relay.dataReceived(sse(chunk("a")))
        self.assertIsNone(self.successResultOf(self.relay.first))

    def test_upstream_is_paused_until_somebody_pours(self) -> None:
        """Nothing more is read while nobody takes events; pouring gives what was held and reads on."""
        self.relay.dataReceived(sse(chunk("a"), chunk("b")))
        self.assertEqual(self.transport.producerState, "paused")
        self.relay.pour(self.sink)
        self.assertEqual(self.sink.reads, [[TextDelta("a"), TextDelta("b")]])
        self.assertEqual(self.transport.producerState, "producing")

    def test_reads_before_the_pour_are_held_in_order(self) -> None:
        """TLS may deliver what it had read before the pause; nothing of it is lost or told twice."""
        self.relay.dataReceived(sse(chunk("a")))
        self.relay.dataReceived(sse(chunk("b")))
        self.relay.pour(self.sink)
        self.relay.dataReceived(sse(chunk("c")))
        self.assertEqual(self.sink.text, "abc")

    def test_all_events_of_a_read_come_at_once(self) -> None:
        """Events of one read are given in one call, so that they can leave in one write."""
        self.relay.dataReceived(sse(chunk("a")))
        self.relay.pour(self.sink)
        self.relay.dataReceived(sse(chunk("b"), chunk("c")))
        self.assertEqual(self.sink.reads, [[TextDelta("a")], [TextDelta("b"), TextDelta("c")]])

    def test_whole_answer_before_the_pour(self) -> None:
        """An answer that has ended before it is poured is given whole, and done has fired by then."""
        self.relay.dataReceived(sse(chunk("a", "STOP", usageMetadata=USAGE)))
        self.end()
        self.successResultOf(self.relay.first)
        self.successResultOf(self.relay.pour(self.sink))
        kinds = [type(event) for event in self.sink.events]
        self.assertEqual(kinds, [TextDelta, Finished, UsageReport])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_plain_answer_is_a_stream_of_one(self) -> None:
        """A body of one JSON document, cut anywhere, gives its events when it is complete."""
        body = b'{"candidates":[{"content":{"parts":[{"text":"hi"}]},"finishReason":"STOP"}]}'
        for byte in body[:-1]:
            self.relay.dataReceived(bytes([byte]))
        self.assertNoResult(self.relay.first)
        self.relay.dataReceived(body[-1:])
        self.end()
        self.successResultOf(self.relay.pour(self.sink))
        self.assertEqual(self.sink.events, [TextDelta("hi"), Finished(FinishReason.STOP, "STOP")])

    def test_empty_answer_fails_first(self) -> None:
        """An answer without a single event is a failure of the attempt, which may be repeated elsewhere."""
        self.relay.dataReceived(b": nothing\n\n")
        self.end()
        failure = self.failureResultOf(self.relay.first, UpstreamFailure).value
        assert isinstance(failure, UpstreamFailure)
        self.assertIs(failure.kind, FailureKind.EMPTY)
        self.assertNoResult(self.relay.done)

    def test_error_object_before_any_event_fails_first(self) -> None:
        """An error inside a 200 counts as an error status as long as nothing else was said."""
        self.relay.dataReceived(sse({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "slow down"}}))
        failure = self.failureResultOf(self.relay.first, UpstreamFailure).value
        assert isinstance(failure, UpstreamFailure)
        self.assertEqual((failure.kind, failure.status), (FailureKind.STATUS, 429))
        self.assert_stopped()

    def test_fault_before_the_pour_is_told_after_what_was_held(self) -> None:
        """A fault in the first read does not take back the event before it."""
        self.relay.dataReceived(sse(chunk("a"), {"error": {"code": 500, "message": "x"}}))
        self.successResultOf(self.relay.first)
        self.relay.pour(self.sink)
        self.assertEqual(self.sink.text, "a")
        self.failed_with(FailureKind.STATUS)

    def test_connection_lost_before_any_event_fails_first(self) -> None:
        """A body that breaks off before its first event fails the attempt."""
        self.end(ResponseFailed([Failure(ConnectionLost())]))
        failure = self.failureResultOf(self.relay.first, UpstreamFailure).value
        assert isinstance(failure, UpstreamFailure)
        self.assertIs(failure.kind, FailureKind.CUT)


class EndTests(RelayTestCase):
    """How an answer that somebody takes can end."""

    def setUp(self) -> None:
        super().setUp()
        self.relay.dataReceived(sse(chunk("a")))
        self.relay.pour(self.sink)

    def test_well(self) -> None:
        """The end of a choice and its usage are told when the body ends, then done fires."""
        self.relay.dataReceived(sse(chunk("b", "MAX_TOKENS", usageMetadata=USAGE)))
        self.assertNoResult(self.relay.done)
        self.end()
        self.successResultOf(self.relay.done)
        self.assertEqual(self.sink.text, "ab")
        self.assertEqual(self.sink.events[2], Finished(FinishReason.LENGTH, "MAX_TOKENS"))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_body_without_length_ends_well_by_its_finish_reason(self) -> None:
        """A body that ends with its connection is whole if the model says that it has finished."""
        self.relay.dataReceived(sse(chunk("b", "STOP")))
        self.end(PotentialDataLoss())
        self.successResultOf(self.relay.done)

    def test_end_without_finish_reason(self) -> None:
        """A body that ends in good order before the model has finished is a cut answer all the same."""
        self.end()
        self.failed_with(FailureKind.CUT)
        self.assertEqual(self.sink.events, [TextDelta("a")])

    def test_cut(self) -> None:
        """A body that breaks off fails done as cut, and nothing is made up."""
        self.end(ResponseFailed([Failure(ConnectionLost())]))
        self.failed_with(FailureKind.CUT)
        self.assertEqual(self.sink.events, [TextDelta("a")])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_last_event_without_its_blank_line(self) -> None:
        """An event that the end of the body completes is not lost."""
        self.relay.dataReceived(sse(chunk("b", "STOP")).rstrip())
        self.end()
        self.successResultOf(self.relay.done)
        self.assertEqual(self.sink.text, "ab")

    def test_half_an_event_at_the_end(self) -> None:
        """An event that breaks off in its middle is a cut answer."""
        self.relay.dataReceived(sse(chunk("b", "STOP"))[:-9])
        self.end()
        self.failed_with(FailureKind.CUT)

    def test_error_object_midway(self) -> None:
        """An error object ends the answer at once: what follows it is not read, and the connection is closed."""
        self.relay.dataReceived(sse({"error": {"code": 503, "status": "UNAVAILABLE", "message": "overloaded"}}))
        self.assertEqual(self.failed_with(FailureKind.STATUS).status, 503)
        self.assert_stopped()
        self.relay.dataReceived(sse(chunk("b", "STOP")))
        self.end()
        self.assertEqual(self.sink.text, "a")

    def test_events_before_a_fault_in_the_same_read(self) -> None:
        """What the model said before a fault reaches the client before the fault does."""
        self.relay.dataReceived(sse(chunk("b"), {"error": {"code": 500, "message": "x"}}, chunk("c")))
        self.assertEqual(self.sink.text, "ab")
        self.failed_with(FailureKind.STATUS)

    def test_garbage(self) -> None:
        """An event that is no JSON makes the answer malformed."""
        self.relay.dataReceived(b"data: {oops\n\n")
        self.failed_with(FailureKind.MALFORMED)
        self.assert_stopped()


class CollectorTests(RelayTestCase):
    """A plain reply is made of what a stream tells."""

    @given(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=5), st.data())
    def test_cut_anywhere(self, texts: list[str], data: st.DataObject) -> None:
        """Wherever the network cuts the bytes, the folded answer is the same."""
        RelayTestCase.setUp(self)
        body = sse(*map(chunk, texts), chunk("", "STOP", usageMetadata=USAGE))
        cuts = sorted(data.draw(st.sets(st.integers(0, len(body)), max_size=6)))
        collector, answer = Collector(), Answer()
        for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True):
            self.relay.dataReceived(body[start:end])
        self.end()
        self.successResultOf(self.relay.pour(collector))
        for event in collector.events:
            answer.add(event)
        choice = answer.choices[0]
        self.assertEqual([getattr(part, "text", None) for part in choice.parts], ["".join(texts)])
        self.assertIs(choice.reason, FinishReason.STOP)
        assert answer.usage is not None
        self.assertEqual(answer.usage.total, 7)


class OnEndTests(RelayTestCase):
    """on_end: whoever lent something to the call learns that it is over."""

    def setUp(self) -> None:
        super().setUp()
        self.told: list[UpstreamFailure | None] = []
        self.relay.on_end = self.told.append
        self.relay.dataReceived(sse(chunk("a")))

    def test_every_end(self) -> None:
        """Told once, whether the answer ends well, is dismissed, stopped or cancelled, and is over by then."""

        def finish(relay: Relay) -> None:
            if not relay.is_over:
                relay.dataReceived(sse(chunk("b", "STOP")))
                self.end()

        def cancel(relay: Relay) -> None:
            relay.done.cancel()

        for end in (finish, cancel, Relay.dismiss, Relay.stopProducing):
            self.setUp()
            self.relay.done.addErrback(lambda _: None)
            self.assertFalse(self.relay.is_over)
            for _ in range(2):
                end(self.relay)
            self.assertEqual((self.told, self.relay.is_over), ([None], True))

    def test_failure(self) -> None:
        """An answer that broke off tells how, before ``done`` fails."""
        self.relay.on_end = lambda failure: self.told.append(None if self.relay.done.called else failure)
        self.end()
        self.assertEqual(self.told, [self.failed_with(FailureKind.CUT)])
