"""Shutting down without losing an answer."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from agd.conversation import TextDelta
from agd.encoding import decode
from tests.web.front import CHAT, Connection, Front, request
from tests.web.test_answers import answer
from tests.web.test_streams import StreamTestCase, words


class DrainTests(StreamTestCase):
    """``Site.drain``, with a stream that runs."""

    def drain(self, grace: float = 30.0) -> Deferred[None]:
        """Begin."""
        return self.front.site.drain(grace)

    def assert_refused(self, connection: Connection) -> None:
        """Check that a client was told in JSON why it gets no answer, and that its connection closes for it."""
        reply = connection.reply
        self.assertEqual((reply.status, reply.error["code"]), (503, "shutting_down"))
        self.assertEqual((reply.error["message"], reply.error["type"]), ("agd is shutting down", "server_error"))
        self.assertTrue(reply.complete)
        self.assertEqual(reply.headers["connection"], "close")
        self.assertTrue(connection.closing)
        self.assertFalse(connection.wire.aborted)

    def assert_broken(self, first: str) -> None:
        """Check that the stream ended with an error event, and that its connection closes."""
        self.assertTrue(self.reply.complete)
        self.assertEqual((self.reply.status, self.reply.events[0]), (200, first))
        self.assertEqual(decode(self.reply.events[-1].removeprefix("data: "))["error"]["code"], "shutting_down")
        self.assertNotIn("data: [DONE]", self.reply.events)
        self.assertTrue(self.connection.closing)
        self.assertFalse(self.connection.wire.aborted)

    def assert_ended(self, drained: Deferred[None]) -> None:
        """Check that the drain is over once the connection is closed, and that nothing is left."""
        self.assertNoResult(drained)
        self.connection.settle()
        self.successResultOf(drained)
        self.assertEqual(self.front.timers, 0)
        self.assertEqual(self.flushLoggedErrors(), [])

    def ask_readyz(self) -> Connection:
        """Connect, and send half of a question."""
        connection = self.front.connect()
        connection.send(b"GET /readyz HTTP/1.1\r\nHost: local")
        return connection

    def test_nobody(self) -> None:
        """Without connections it is over at once, and leaves no timer."""
        self.front = Front()
        self.successResultOf(self.drain())
        self.assertEqual(self.front.timers, 0)

    def test_idle(self) -> None:
        """Idle connections are closed at once, those that asked before and those that never did."""
        self.front = Front()
        idle = [self.front.connect(), self.front.ask("GET", "/healthz")]
        drained = self.drain()
        self.assertEqual([connection.closing for connection in idle], [True, True])
        self.assertNoResult(drained)
        for connection in idle:
            connection.settle()
        self.successResultOf(drained)
        self.assertEqual(self.front.timers, 0)

    def test_running(self) -> None:
        """A running stream goes on to its last byte; only when its connection is closed is the drain over."""
        relay = self.call.relay()
        relay.give(TextDelta("Hello. "))
        drained = self.drain()
        self.front.clock.advance(20)
        self.assertFalse(self.connection.closing)
        self.end(relay)
        self.assertEqual((words(self.reply), self.reply.events[-1]), ("Hello. Bye.", "data: [DONE]"))
        self.assertTrue(self.connection.closing)
        self.assertFalse(self.connection.wire.aborted)
        self.assertNoResult(drained)
        self.connection.settle()
        self.successResultOf(drained)
        self.assertEqual(self.front.timers, 0)

    def test_announced(self) -> None:
        """An answer that begins after the drain tells that the connection closes."""
        connection, call = self.front.begin()
        self.drain()
        call.answer(answer())
        self.assertEqual(connection.reply.headers["connection"], "close")
        self.assertTrue(connection.closing)
        self.call.relay().give(TextDelta("x"))
        self.assertEqual(self.reply.headers["connection"], "close")

    def test_grace(self) -> None:
        """What is not over after the grace is answered with 503, its upstream call given up, and the drain over."""
        drained = self.drain(9.0)
        self.front.clock.advance(8.9)
        self.assertFalse(self.connection.closing)
        self.front.clock.advance(0.1)
        self.assert_refused(self.connection)
        self.assertTrue(self.call.cancelled)
        self.assert_ended(drained)
        self.assertEqual(self.front.observed.statuses, [503])
        self.assertEqual(self.call.trail.failures, ["error shutting_down"])

    def test_grace_plain(self) -> None:
        """A plain request is answered so too."""
        self.front = Front()
        self.connection, self.call = self.front.begin()
        drained = self.drain(30.0)
        self.front.clock.advance(30.0)
        self.assert_refused(self.connection)
        self.assertTrue(self.call.cancelled)
        self.assert_ended(drained)
        self.assertEqual(self.front.observed.statuses, [503])

    def test_grace_held(self) -> None:
        """A stream that began without an event ends with an error event."""
        drained = self.drain(30.0)
        self.front.clock.advance(10.0)
        self.front.clock.advance(20.0)
        self.assert_broken(": keep-alive")
        self.assertTrue(self.call.cancelled)
        self.assert_ended(drained)

    def test_grace_midway(self) -> None:
        """A stream that runs ends with an error event and no [DONE], and its upstream call is given up."""
        relay = self.call.relay()
        relay.give(TextDelta("Hello. "))
        drained = self.drain(30.0)
        self.front.clock.advance(30.0)
        self.assertEqual(words(self.reply), "Hello. ")
        self.assert_broken(self.reply.events[0])
        self.assertTrue(relay.aborted)
        self.assertEqual(self.call.trail.failures, ["error shutting_down"])
        self.assertEqual(self.front.observed.statuses, [200])
        self.assert_ended(drained)

    def test_grace_half_a_body(self) -> None:
        """A request that has not come in completely by then is refused."""
        self.front = Front()
        self.connection = self.front.connect()
        self.connection.send(request("POST", "/v1/chat/completions", CHAT)[:-5])
        drained = self.drain(30.0)
        self.front.clock.advance(30.0)
        self.assert_refused(self.connection)
        self.assert_ended(drained)
        self.assertEqual(self.front.observed.statuses, [503])

    def test_not_read(self) -> None:
        """Who does not read the end of its answer is aborted a few seconds later; it is reported once."""
        drained = self.drain(9.0)
        self.front.clock.advance(9.0)
        self.front.clock.advance(4.9)
        self.assertFalse(self.connection.wire.aborted)
        self.front.clock.advance(0.1)
        self.assertTrue(self.connection.wire.aborted)
        self.assert_ended(drained)
        self.assertEqual(self.front.observed.statuses, [503])

    def test_cut_short(self) -> None:
        """The grace can be ended at any moment, and more than once."""
        drained = self.drain(30.0)
        self.front.site.cut_short()
        self.front.site.cut_short()
        self.assert_refused(self.connection)
        self.assert_ended(drained)

    def test_no_grace(self) -> None:
        """Without grace running requests are ended in the next turn."""
        drained = self.drain(0.0)
        self.front.clock.advance(0)
        self.connection.settle()
        self.successResultOf(drained)

    def test_pipelined(self) -> None:
        """A request that waits behind the running one is not begun any more."""
        self.connection.ask("POST", "/v1/chat/completions", CHAT)
        self.drain()
        self.end(self.call.relay())
        self.assertEqual(len(self.front.gateway.calls), 1)
        self.assertTrue(self.connection.closing)

    def test_half_a_head(self) -> None:
        """A request whose head is half there is still answered, then its connection closes; /readyz tells why."""
        connection = self.ask_readyz()
        self.drain()
        self.assertFalse(connection.closing)
        connection.send(b"host\r\n\r\n")
        reply = connection.reply
        self.assertEqual((reply.status, reply.error["code"]), (503, "not_ready"))
        self.assertIn("shutting down", reply.error["message"])
        self.assertEqual(reply.headers["connection"], "close")
        self.assertTrue(connection.closing)

    def test_half_a_body(self) -> None:
        """A request whose body is half there is still carried out, and its connection closes after the answer."""
        connection = self.front.connect()
        whole = request("POST", "/v1/chat/completions", CHAT)
        connection.send(whole[:-5])
        self.drain()
        connection.send(whole[-5:])
        self.front.gateway.calls[-1].answer(answer())
        self.assertEqual(connection.reply.status, 200)
        self.assertTrue(connection.closing)

    def test_late_comer(self) -> None:
        """A connection that was accepted in the same moment is closed."""
        self.drain()
        self.assertTrue(self.front.connect().closing)

    def test_refused(self) -> None:
        """A refused connection is left to read its refusal, and is waited for."""
        self.connection.hang_up()
        refused = self.front.connect()
        refused.send(b"nonsense\r\n\r\n")
        drained = self.drain()
        self.assertNoResult(drained)
        self.assertFalse(refused.wire.aborted)
        self.front.clock.advance(5)
        refused.settle()
        self.successResultOf(drained)

    def test_twice(self) -> None:
        """Whoever asks twice is told twice."""
        both = [self.drain(), self.drain()]
        self.connection.hang_up()
        for drained in both:
            self.successResultOf(drained)
        self.assertEqual(self.front.timers, 0)
