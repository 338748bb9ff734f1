"""Streamed answers: when the status line leaves, what fills the silence, and how streams end."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Finished, FinishReason, TextDelta
from agd.encoding import decode
from agd.errors import FailureKind, GatewayError, UpstreamFailure
from tests.web.front import Call, Connection, FakeRelay, Front, busy
from tests.web.replies import Reply

STOP = Finished(FinishReason.STOP, "STOP")
COMMENT = ": keep-alive"
CUT = UpstreamFailure(FailureKind.CUT, "the upstream's answer broke off")


def words(reply: Reply) -> str:
    """Join the text of a chat stream."""
    chunks = [decode(event[6:]) for event in reply.events if event.startswith("data: {")]
    return "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk.get("choices"))


class StreamTestCase(SynchronousTestCase):
    """A front with a chat stream asked for."""

    def setUp(self) -> None:
        """Ask for the stream."""
        self.start()

    def start(self, **more: Any) -> None:
        """Make a front and ask it for a stream."""
        self.front = Front(**more)
        self.connection: Connection
        self.call: Call
        self.connection, self.call = self.front.begin(stream=True)

    @property
    def reply(self) -> Reply:
        """What came so far."""
        return self.connection.reply

    def end(self, relay: FakeRelay) -> None:
        """Let the stream end well."""
        relay.give(TextDelta("Bye."), STOP)
        relay.end()

    def assert_over(self) -> None:
        """Check that nothing of the request is left: no timer but the idle one, no producer, no log."""
        self.assertLessEqual(self.front.timers, 1)
        self.assertIsNone(self.connection.channel._requestProducer)
        self.assertEqual(self.flushLoggedErrors(), [])


class BeginningTests(StreamTestCase):
    """The status line."""

    def test_G13_waits(self) -> None:
        """Nothing is sent before the first event is in hand."""
        self.front.clock.advance(9.9)
        self.assertEqual(self.connection.received, b"")

    def test_G23_head(self) -> None:
        """The head tells the true status, the model, the account, and that this is an event stream."""
        relay = self.call.relay()
        relay.give(TextDelta("Hello"))
        self.assertEqual(self.reply.status, 200)
        headers = self.reply.headers
        self.assertEqual(headers["content-type"], "text/event-stream; charset=utf-8")
        self.assertEqual(headers["cache-control"], "no-cache")
        self.assertEqual(headers["x-accel-buffering"], "no")
        self.assertEqual(headers["x-mapped-model"], "gemini-2.5-flash")
        self.assertEqual(headers["x-account-email"], "first@example.com")
        self.assertNotIn("content-length", headers)
        self.end(relay)
        self.assert_over()

    def test_head_at_once(self) -> None:
        """The head leaves as soon as the first event is in hand, though it may have nothing to send yet."""
        self.call.relay()
        self.assertEqual((self.reply.status, self.reply.body), (200, b""))
        self.connection.hang_up()

    def test_early_error(self) -> None:
        """An error before the first event has its real status and is no stream."""
        self.front.clock.advance(9)
        self.call.fail(busy())
        self.assertEqual((self.reply.status, self.reply.error["code"]), (429, "rate_limited"))
        self.assertEqual(self.reply.headers["retry-after"], "8")
        self.assertEqual(self.reply.headers["x-mapped-model"], "gemini-2.5-flash")
        self.assertTrue(self.reply.complete)
        self.assert_over()

    def test_nothing_is_no_answer(self) -> None:
        """A request that something gave up although its client waits is a mistake, and never an empty 200."""
        self.call.fail(CancelledError())
        self.assertEqual((self.reply.status, self.reply.error["code"]), (500, "internal_error"))
        self.assertEqual(len(self.flushLoggedErrors(CancelledError)), 1)

    def test_early_mistake(self) -> None:
        """A mistake of agd's before the first event is 500 in JSON."""
        self.call.fail(ZeroDivisionError())
        self.assertEqual((self.reply.status, self.reply.error["code"]), (500, "internal_error"))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assert_over()

    def test_unreadable(self) -> None:
        """A request that cannot be carried out is 400, also when it wants a stream."""
        reply = self.front.chat(stream=True, messages="hello").reply
        self.assertEqual((reply.status, reply.error["param"]), (400, "messages"))


class HoldTests(StreamTestCase):
    """When the first event takes longer than the headers may wait."""

    def test_G13_held(self) -> None:
        """After header_hold_seconds the stream begins with a comment; the account is not known yet and not told."""
        self.front.clock.advance(10)
        self.assertEqual((self.reply.status, self.reply.events), (200, [COMMENT]))
        self.assertEqual(self.reply.headers["content-type"], "text/event-stream; charset=utf-8")
        self.assertEqual(self.reply.headers["x-mapped-model"], "gemini-2.5-flash")
        self.assertNotIn("x-account-email", self.reply.headers)
        self.assertFalse(self.reply.complete)
        self.connection.hang_up()

    def test_setting(self) -> None:
        """The time is a setting; none at all begins at once."""
        self.start(hold=0.0)
        self.front.clock.advance(0)
        self.assertEqual(self.reply.events, [COMMENT])
        self.connection.hang_up()

    def test_G18_comments(self) -> None:
        """Another comment follows every 15 s until the first event comes."""
        self.front.clock.advance(10)
        for count in range(1, 5):
            self.assertEqual(self.reply.events, [COMMENT] * count)
            self.front.clock.advance(14.9)
            self.assertEqual(self.reply.events, [COMMENT] * count)
            self.front.clock.advance(0.1)
        self.end(self.call.relay())
        self.assertEqual(words(self.reply), "Bye.")
        self.assertEqual(self.reply.events[-1], "data: [DONE]")
        self.assert_over()

    def test_late_error(self) -> None:
        """An error after the stream began is its last event: no [DONE], and the status stays 200."""
        self.front.clock.advance(10)
        self.call.fail(busy())
        comment, event = self.reply.events
        self.assertEqual(comment, COMMENT)
        self.assertEqual(decode(event.removeprefix("data: "))["error"]["code"], "rate_limited")
        self.assertTrue(self.reply.complete)
        self.assertEqual((self.front.observed.statuses, self.call.trail.broke), ([200], 429))
        self.assert_over()

    def test_late_mistake(self) -> None:
        """A mistake of agd's after the stream began aborts the connection: a cut looks like a cut."""
        self.front.clock.advance(10)
        self.call.fail(ZeroDivisionError())
        self.assertTrue(self.connection.wire.aborted)
        self.assertEqual(self.reply.events, [COMMENT])
        self.connection.settle()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.front.observed.statuses, [500])
        self.assert_over()


class CourseTests(StreamTestCase):
    """The events."""

    def test_G42_at_once(self) -> None:
        """Events leave the moment they come, all of one read in one write."""
        relay = self.call.relay()
        relay.give(TextDelta("one "), TextDelta("two "))
        self.assertEqual(words(self.reply), "one two ")
        self.connection.wire.clear()
        relay.give(TextDelta("three"), TextDelta("four"))
        self.assertEqual(self.connection.received.count(b"\r\ndata: "), 1)
        self.end(relay)

    def test_whole(self) -> None:
        """A whole stream ends with [DONE], and the connection goes on to the next request."""
        self.end(self.call.relay())
        self.assertEqual((words(self.reply), self.reply.events[-1]), ("Bye.", "data: [DONE]"))
        self.assertTrue(self.reply.complete)
        self.connection.ask("GET", "/healthz")
        self.assertEqual(self.connection.replies[-1].status, 200)
        self.assertEqual(self.front.observed.statuses, [200, 200])
        self.assert_over()

    def test_G18_silence(self) -> None:
        """A stream that falls silent is kept alive by comments, and by none while it speaks."""
        relay = self.call.relay()
        for _ in range(10):
            relay.give(TextDelta("x"))
            self.front.clock.advance(7)
        self.assertNotIn(COMMENT, self.reply.events)
        self.front.clock.advance(8)
        self.assertEqual(self.reply.events[-1], COMMENT)
        self.end(relay)
        self.assert_over()

    def test_hold_is_over(self) -> None:
        """Once the stream has begun, the time for which its head might have been held means nothing."""
        relay = self.call.relay()
        relay.give(TextDelta("x"))
        self.front.clock.advance(14)
        self.assertNotIn(COMMENT, self.reply.events)
        self.end(relay)
        self.assert_over()

    def test_G24_http_1_0(self) -> None:
        """An HTTP/1.0 client gets the bare events, and the end of the connection is the end of the stream."""
        connection = self.front.connect()
        body = b'{"model":"mine","stream":true,"messages":[{"role":"user","content":"x"}]}'
        head = b"POST /v1/chat/completions HTTP/1.0\r\nContent-Length: %d\r\n\r\n" % len(body)
        connection.send(head + body)
        self.end(self.front.gateway.calls[-1].relay())
        self.assertNotIn("transfer-encoding", connection.reply.headers)
        self.assertEqual((words(connection.reply), connection.reply.events[-1]), ("Bye.", "data: [DONE]"))
        self.assertTrue(connection.closing)

    def test_other_routes(self) -> None:
        """Responses and completions stream in their own languages."""
        connection = self.front.ask("POST", "/v1/responses", {"model": "mine", "input": "x", "stream": True})
        self.end(self.front.gateway.calls[-1].relay())
        names = [event.partition("\n")[0] for event in connection.reply.events]
        self.assertEqual(names[0], "event: response.created")
        self.assertIn("event: response.completed", names)
        connection = self.front.ask("POST", "/v1/completions", {"model": "mine", "prompt": "x", "stream": True})
        self.end(self.front.gateway.calls[-1].relay())
        self.assertIn("text_completion", connection.reply.events[0])
        self.assertEqual(connection.reply.events[-1], "data: [DONE]")


class EndingTests(StreamTestCase):
    """Streams that end badly."""

    def break_off(self, error: Exception) -> None:
        """Let the upstream fail after some text."""
        relay = self.call.relay()
        relay.give(TextDelta("Hel"))
        relay.fail(error)

    def test_chat(self) -> None:
        """A chat stream that breaks midway ends with an error event and no [DONE]."""
        self.break_off(CUT)
        self.assertEqual(words(self.reply), "Hel")
        self.assertIn("error", decode(self.reply.events[-1].removeprefix("data: ")))
        self.assertNotIn(b"[DONE]", self.connection.received)
        self.assertTrue(self.reply.complete)
        broken = ["mid-stream: the upstream's answer broke off", "error upstream_stream_interrupted"]
        self.assertEqual((self.call.trail.failures, self.call.trail.broke), (broken, 502))
        self.assert_over()

    def test_responses(self) -> None:
        """A Responses stream that breaks midway ends with response.failed, then ``[DONE]``."""
        self.connection = self.front.ask("POST", "/v1/responses", {"model": "mine", "input": "x", "stream": True})
        self.call = self.front.gateway.calls[-1]
        self.break_off(CUT)
        *_, failed, done = self.reply.events
        self.assertTrue(failed.startswith("event: response.failed\n"), failed)
        self.assertEqual(done, "data: [DONE]")
        self.assertNotIn(b"response.completed", self.connection.received)

    def test_gateway_error(self) -> None:
        """A gateway's error midway is an event like any other failure."""
        self.break_off(GatewayError(502, "made up", code="made_up"))
        self.assertEqual(decode(self.reply.events[-1].removeprefix("data: "))["error"]["code"], "made_up")
        self.assert_over()

    def test_mistake(self) -> None:
        """A mistake of agd's midway aborts the connection and is logged."""
        self.break_off(ZeroDivisionError())
        self.assertTrue(self.connection.wire.aborted)
        self.assertFalse(self.reply.complete)
        self.assertNotIn(b"html", self.connection.received)
        self.connection.settle()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assert_over()

    def test_unfinished(self) -> None:
        """An upstream that ends without a finish is not made to look complete."""
        relay = self.call.relay()
        relay.give(TextDelta("Hel"))
        relay.end()
        self.assertNotIn(b"[DONE]", self.connection.received)
        self.assert_over()


class SlowClientTests(StreamTestCase):
    """A client that reads slowly."""

    def test_G21_pauses(self) -> None:
        """A full send buffer pauses the upstream, an empty one resumes it."""
        relay = self.call.relay()
        relay.give(TextDelta("x"))
        self.connection.wire.producer.pauseProducing()
        self.assertTrue(relay.paused)
        self.connection.wire.producer.resumeProducing()
        self.assertFalse(relay.paused)
        self.end(relay)
        self.assert_over()

    def test_G18_no_comments_while_unread(self) -> None:
        """A client that does not read gets no comments: they would only pile up."""
        relay = self.call.relay()
        relay.give(TextDelta("x"))
        self.connection.wire.producer.pauseProducing()
        before = self.connection.received
        self.front.clock.advance(100)
        self.assertEqual(self.connection.received, before)
        self.connection.wire.producer.resumeProducing()
        self.end(relay)
        self.assert_over()

    def test_one_producer(self) -> None:
        """The relay is the connection's producer while it pours and not a moment longer."""
        self.assertIsNone(self.connection.channel._requestProducer)
        relay = self.call.relay()
        self.assertIs(self.connection.channel._requestProducer, relay)
        self.end(relay)
        self.assertIsNone(self.connection.channel._requestProducer)
        self.assertEqual(self.connection.wire.producers, 1)
