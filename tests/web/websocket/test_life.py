"""The life of a socket: signs of life, limits, clients that do not read or leave, and every way to close."""

from __future__ import annotations

from wsproto.events import CloseConnection, Ping, Pong, TextMessage

from agd.conversation import TextDelta
from agd.errors import ClientLostError
from agd.web.websocket.socket import CLOSE_SECONDS, PING_SECONDS
from tests.web.websocket.scripts import WebSocketTestCase
from tests.web.websocket.test_turns import WHOLE


class CloseTests(WebSocketTestCase):
    """Closing."""

    def test_by_the_client(self) -> None:
        """A client's close is answered with its code, the connection closes, and nothing is left."""
        self.client.close(1000)
        self.assertEqual(self.client.closed, 1000)
        self.assertFalse(self.client.connection.wire.aborted)
        self.assert_gone()

    def test_I52_too_big(self) -> None:
        """A message beyond the limit gets an error frame, then 1009; what the client goes on sending is read off."""
        self.client.create()
        for _ in range(3):
            self.client.connection.send(self.client.peer.send(TextMessage("x" * 9000, message_finished=False)))
        self.assertEqual((self.codes(), self.error()["status"], self.client.closed), (["message_too_big"], 413, 1009))
        self.assertTrue(self.turn.cancelled)
        self.assertFalse(self.client.connection.wire.aborted)
        self.assertEqual(self.front.observed.statuses, [101, 413, 499])
        self.assert_gone()

    def test_I52_limit_of_now(self) -> None:
        """The limit follows the configuration."""
        self.front.site.max_body_bytes = 10
        self.client.create()
        self.assertEqual(self.client.closed, 1009)

    def test_I52_violations(self) -> None:
        """1007 for text that is not UTF-8, 1002 for what is no frame; running answers are aborted."""
        for data, code in ((b"\x81\x81aaaa" + bytes([0xFF ^ ord("a")]), 1007), (b"\x81\x01x", 1002)):
            client = self.open()
            client.create()
            client.connection.send(data)
            self.assertEqual(client.closed, code)
            self.assertTrue(self.turn.cancelled)
            self.assertFalse(client.connection.wire.aborted)
            client.connection.send(b"anything")
            client.connection.settle()
        self.client.close()
        self.assert_gone()

    def test_no_answer_to_a_close(self) -> None:
        """A client that does not answer the close is dropped after a few seconds."""
        self.front.site.drain(60)
        self.assertEqual(self.client.closed, 1001)
        self.assertFalse(self.client.connection.closing)
        self.front.clock.advance(CLOSE_SECONDS)
        self.assertTrue(self.client.connection.wire.aborted)
        self.assert_gone()

    def test_unread_before_a_close(self) -> None:
        """The few seconds begin when the client has read what came before; one that never does is stalled."""
        producer = self.client.connection.wire.producer
        producer.pauseProducing()
        self.front.site.drain(1000)
        self.front.clock.advance(200)
        self.assertFalse(self.client.connection.closing)
        producer.resumeProducing()
        producer.pauseProducing()
        self.front.clock.advance(299)
        self.assertFalse(self.client.connection.closing)
        self.front.clock.advance(1)
        self.assertTrue(self.client.connection.wire.aborted)

    def test_read_before_a_close(self) -> None:
        """One that has read all and still does not answer is dropped."""
        producer = self.client.connection.wire.producer
        producer.pauseProducing()
        self.front.site.drain(1000)
        self.front.clock.advance(200)
        producer.resumeProducing()
        self.front.clock.advance(CLOSE_SECONDS)
        self.assertTrue(self.client.connection.wire.aborted)

    def test_close_of_one_that_does_not_read(self) -> None:
        """A client that closes without reading is dropped after the same few seconds."""
        self.client.connection.wire.producer.pauseProducing()
        self.client.close()
        self.front.clock.advance(CLOSE_SECONDS)
        self.assertTrue(self.client.connection.wire.aborted)

    def test_nothing_after_a_close(self) -> None:
        """What comes after the close of this side is not carried out."""
        self.front.site.drain(60)
        self.client.connection.send(self.client.peer.send(TextMessage("{}")))
        self.assertEqual(self.client.messages, [])
        self.client.close()
        self.assert_gone()


class LeavingTests(WebSocketTestCase):
    """Clients that go away."""

    def test_G20_running(self) -> None:
        """A client that leaves aborts all its upstream calls in the same turn, each reported once as 499."""
        for stream_id in ("a", "b", "c"):
            self.client.create(stream_id=stream_id)
        self.client.create(stream_id="a")
        relay = self.engine.turns[0].relay()
        relay.give(TextDelta("x"))
        self.client.connection.hang_up()
        self.assertTrue(relay.aborted)
        self.assertEqual([turn.cancelled for turn in self.engine.turns], [False, True, True])
        self.assertEqual(self.front.observed.statuses, [101, 499, 499, 499])
        self.assertEqual([turn.ended for turn in self.engine.turns], [[], [], []])
        self.assert_gone()

    def test_G20_by_a_close(self) -> None:
        """So does one that closes in good order, without waiting for the connection to go."""
        self.client.create()
        relay = self.turn.relay()
        self.client.close()
        self.assertTrue(relay.aborted)
        self.assertFalse(self.client.connection.wire.aborted)
        self.assert_gone()

    def test_concluding(self) -> None:
        """A response that only waits for the store is stored all the same."""
        from twisted.internet.defer import Deferred

        self.client.create()
        stored = self.turn.storing = Deferred[None]()
        self.turn.answer("x")
        self.client.connection.hang_up()
        stored.callback(None)
        self.assertEqual((self.turn.narration.status, self.front.observed.statuses), ("completed", [101, 200]))

    def test_others(self) -> None:
        """Other clients do not notice."""
        other = self.open()
        other.create()
        self.client.connection.hang_up()
        self.turn.answer("x")
        self.assertEqual(other.types, WHOLE)


class SignOfLifeTests(WebSocketTestCase):
    """Pings."""

    def pass_time(self, seconds: float) -> None:
        """Let time pass second by second."""
        self.front.clock.pump([1.0] * int(seconds))

    def test_I52_asked(self) -> None:
        """A silent client is asked; one that answers stays for as long as it likes."""
        for number in range(1, 6):
            self.pass_time(PING_SECONDS)
            self.assertEqual(self.client.pings, number)
            self.client.send(Pong())
        self.assertFalse(self.client.connection.closing)

    def test_I52_not_asked(self) -> None:
        """A client that says anything is not asked."""
        for _ in range(10):
            self.pass_time(PING_SECONDS - 1)
            self.client.send(Ping(b"me"))
        self.assertEqual((self.client.pings, self.client.pongs), (0, [b"me"] * 10))

    def test_I52_dead(self) -> None:
        """One that twice gives no answer is dropped, with all that runs for it."""
        self.client.create()
        relay = self.turn.relay()
        self.pass_time(3 * PING_SECONDS - 1)
        self.assertFalse(self.client.connection.closing)
        self.assertEqual(self.client.pings, 2)
        self.pass_time(1)
        self.assertTrue(self.client.connection.wire.aborted)
        self.assertTrue(relay.aborted)
        self.assertIn("no sign of life for 75 seconds", str(self.turn.trail.failures))
        self.assert_gone()


class AgeTests(WebSocketTestCase):
    """60 minutes."""

    CODE = "websocket_connection_limit_reached"

    def age(self, minutes: float = 60) -> None:
        """Grow old, alive."""
        for _ in range(int(minutes * 3)):
            self.front.clock.advance(20)
            self.client.send(Pong())

    def test_I42_idle(self) -> None:
        """An idle socket is told so and closed."""
        self.age(59)
        self.assertEqual((self.client.messages, self.client.closed), ([], None))
        self.age(1)
        self.assertEqual((self.codes(), self.error()["status"], self.client.closed), ([self.CODE], 400, 1000))
        self.client.close()
        self.assert_gone()

    def test_I42_busy(self) -> None:
        """What was asked before is carried out; what is asked then is refused, and the socket closes after the rest."""
        self.client.create()
        self.client.create()
        self.age()
        self.assertEqual(self.codes(), [])
        self.client.create(stream_id="late")
        self.assertEqual((self.codes(), self.error()["stream_id"]), ([self.CODE], "late"))
        for _ in range(2):
            self.assertIsNone(self.client.closed)
            self.turn.answer("x")
        self.assertEqual(self.client.types, [*WHOLE[:2], "error", *WHOLE[2:], *WHOLE])
        self.assertEqual(self.client.closed, 1000)

    def test_I42_after_the_rest(self) -> None:
        """Where nothing more is asked, it is told so when the rest is done."""
        self.client.create()
        self.age()
        self.turn.answer("x")
        self.assertEqual((self.client.types, self.client.closed), ([*WHOLE, "error"], 1000))


class PaceTests(WebSocketTestCase):
    """Clients that do not read."""

    def pause(self) -> None:
        """Let the buffers be full."""
        self.client.connection.wire.producer.pauseProducing()

    def resume(self) -> None:
        """Let the client read."""
        self.client.connection.wire.producer.resumeProducing()

    def test_G21_all_answers(self) -> None:
        """All answers of the connection pause and go on together, those that begin meanwhile as well."""
        for stream_id in ("a", "b"):
            self.client.create(stream_id=stream_id)
        first = self.engine.turns[0].relay()
        self.pause()
        second = self.engine.turns[1].relay()
        self.assertEqual((first.paused, second.paused), (True, True))
        self.resume()
        self.assertEqual((first.paused, second.paused), (False, False))

    def test_G21_reading(self) -> None:
        """What needs no answer is read meanwhile; with the first answer that has to wait, reading stops too."""
        wire = self.client.connection.wire
        self.pause()
        self.client.say({"type": "response.processed"})
        self.assertEqual(wire.producerState, "producing")
        self.client.send(Ping(b"x"))
        self.assertEqual(wire.producerState, "paused")
        self.resume()
        self.assertEqual((wire.producerState, self.client.pongs), ("producing", [b"x"]))

    def test_G22_stalled(self) -> None:
        """One that reads nothing for too long is dropped, whether or not anything runs, and is not asked for life."""
        self.client.create()
        relay = self.turn.relay()
        self.pause()
        self.front.clock.pump([1.0] * 299)
        self.assertEqual((self.client.connection.closing, self.client.pings), (False, 0))
        self.front.clock.advance(1)
        self.assertTrue(self.client.connection.wire.aborted)
        self.assertTrue(relay.aborted)
        self.assertEqual(self.turn.trail.failures, ["the client read nothing for 300 seconds"])
        self.assertEqual(self.front.observed.statuses, [101, 499])
        self.assert_gone()

    def test_G22_told_by_the_relay(self) -> None:
        """The relay's own clock drops it as well."""
        self.client.create()
        self.turn.relay().fail(ClientLostError("the client read nothing for 300 seconds"))
        self.assertTrue(self.client.connection.wire.aborted)
        self.assert_gone()

    def test_read_in_time(self) -> None:
        """One that reads again in time stays."""
        self.pause()
        self.front.clock.advance(299)
        self.resume()
        self.front.clock.advance(2)
        self.assertFalse(self.client.connection.closing)

    def test_full_before(self) -> None:
        """A connection whose buffers are full when it is upgraded is paused from the start."""
        from tests.web.websocket.scripts import UPGRADE, Client

        connection = self.front.ask("GET", "/healthz")
        connection.wire.producer.pauseProducing()
        connection.ask("GET", self.path, headers=UPGRADE)
        client = Client(connection)
        client.create()
        self.assertTrue(self.turn.relay().paused)


class DrainTests(WebSocketTestCase):
    """A daemon that is to stop."""

    def test_I52_idle(self) -> None:
        """Idle sockets are closed with 1001 at once; the drain is over when the connection is."""
        drained = self.front.site.drain(30)
        self.assertEqual((self.client.messages, self.client.closed), ([], 1001))
        self.assertNoResult(drained)
        self.client.send(CloseConnection(1001))
        self.client.connection.settle()
        self.successResultOf(drained)
        self.assertEqual(self.front.timers, 0)

    def test_I52_running(self) -> None:
        """What runs ends well; what waits, and what is asked then, is refused with 503; then the socket closes."""
        self.client.create()
        self.client.create()
        drained = self.front.site.drain(30)
        self.assertEqual((self.codes(), self.error()["status"]), (["shutting_down"], 503))
        self.client.create(stream_id="late")
        self.assertEqual(self.error()["stream_id"], "late")
        self.turn.answer("x")
        self.assertEqual((self.client.types, self.client.closed), (["error", "error", *WHOLE], 1001))
        self.client.close(1001)
        self.client.connection.settle()
        self.successResultOf(drained)
        self.assertEqual(self.front.timers, 0)

    def test_I52_overdue(self) -> None:
        """What is overdue ends with ``response.failed``, or an error frame where nothing was told yet; then 1001."""
        self.client.create()
        self.client.create(stream_id="b")
        relay = self.engine.turns[0].relay()
        drained = self.front.site.drain(5)
        self.front.clock.advance(5)
        self.assertTrue(relay.aborted)
        self.assertTrue(self.engine.turns[1].cancelled)
        self.assertEqual(self.client.types[-2:], ["response.failed", "error"])
        self.assertEqual((self.codes(), self.client.closed), (["shutting_down"], 1001))
        self.assertEqual(self.front.observed.statuses, [101, 503, 503])
        self.client.close(1001)
        self.client.connection.settle()
        self.successResultOf(drained)

    def test_I52_told_twice(self) -> None:
        """Being told to hurry twice, and before the grace began, does no harm."""
        self.client.create()
        self.front.site.drain(30)
        self.front.site.cut_short()
        self.front.site.cut_short()
        self.assertEqual((self.codes(), self.client.closed), (["shutting_down"], 1001))

    def test_I52_not_read(self) -> None:
        """One that does not read its end is aborted a few seconds later."""
        self.client.create()
        drained = self.front.site.drain(0)
        self.front.clock.advance(0)
        self.front.clock.advance(5)
        self.assertTrue(self.client.connection.wire.aborted)
        self.client.connection.settle()
        self.successResultOf(drained)
