"""Clients that leave: in every phase the upstream call is given up and the request is told as 499."""

from __future__ import annotations

from agd.conversation import TextDelta
from agd.errors import ClientLostError
from tests.web.front import CHAT, Front, Observed, request
from tests.web.test_streams import StreamTestCase


class DisconnectTests(StreamTestCase):
    """One client, leaving."""

    def assert_lost(self) -> None:
        """Check that the request is over and was reported once, as 499."""
        self.assertEqual(self.front.observed.statuses, [499])
        self.assertEqual(self.front.timers, 0)
        self.assert_over()
        self.assertTrue(self.front.site.drain(1.0).called)

    def test_G20_plain(self) -> None:
        """A client that leaves while its plain answer is made cancels the call."""
        self.front = Front()
        connection, call = self.front.begin()
        connection.hang_up()
        self.assertTrue(call.cancelled)
        self.assert_lost()

    def test_told_when_the_work_has_ended(self) -> None:
        """The report comes after what was done for it has been ended, so that it tells of that end."""
        cancelled = []
        self.patch(Observed, "answered", lambda *_: cancelled.append(self.call.cancelled))
        self.connection.hang_up()
        self.assertEqual(cancelled, [True])

    def test_G20_before_the_first_event(self) -> None:
        """One that leaves while its stream is being opened cancels the call."""
        self.connection.hang_up()
        self.assertTrue(self.call.cancelled)
        self.assert_lost()

    def test_G20_while_held(self) -> None:
        """One that leaves after the head and before the first event cancels the call; no comment is sent any more."""
        self.front.clock.advance(10)
        self.connection.hang_up()
        self.assertTrue(self.call.cancelled)
        before = self.connection.received
        self.front.clock.advance(100)
        self.assertEqual(self.connection.received, before)
        self.assert_lost()

    def test_G20_mid_stream(self) -> None:
        """One that leaves midway stops the upstream."""
        relay = self.call.relay()
        relay.give(TextDelta("Hel"))
        self.connection.hang_up()
        self.assertTrue(relay.stopped)
        self.assertEqual(self.call.trail.failures, ["the client left"])
        self.assert_lost()

    def test_mid_stream_unnoticed_by_the_transport(self) -> None:
        """It is stopped even when only the loss of the connection tells of it."""
        relay = self.call.relay()
        relay.give(TextDelta("Hel"))
        self.connection.wire.producer = None
        self.connection.hang_up()
        self.assertTrue(relay.aborted)
        self.assertEqual((self.front.observed.statuses, self.front.timers), ([499], 0))

    def test_G20_paused(self) -> None:
        """One that leaves while it does not read stops the upstream all the same."""
        relay = self.call.relay()
        self.connection.wire.producer.pauseProducing()
        self.connection.hang_up()
        self.assertTrue(relay.stopped)
        self.assert_lost()

    def test_stalled(self) -> None:
        """One that does not read for too long is aborted, and reported in the same way."""
        relay = self.call.relay()
        relay.give(TextDelta("Hel"))
        relay.fail(ClientLostError("the client read nothing for 300 seconds"))
        self.assertTrue(self.connection.wire.aborted)
        self.assertFalse(self.reply.complete)
        self.connection.settle()
        self.assertEqual(self.call.trail.failures, ["the client read nothing for 300 seconds"])
        self.assert_lost()

    def test_after_the_answer(self) -> None:
        """One that leaves after its answer was complete has had it: nothing more is reported."""
        self.end(self.call.relay())
        self.connection.hang_up()
        self.assertEqual(self.front.observed.statuses, [200])
        self.assert_over()

    def test_while_sending(self) -> None:
        """One that leaves before its body was complete asks nobody and was never a request."""
        self.front = Front()
        connection = self.front.connect()
        connection.send(request("POST", "/v1/chat/completions", CHAT)[:-1])
        connection.hang_up()
        self.assertEqual((self.front.gateway.calls, self.front.observed.answers), ([], []))
        self.assertEqual(self.front.timers, 0)

    def test_pipelined(self) -> None:
        """What such a client had asked for next is not begun."""
        self.connection.ask("POST", "/v1/chat/completions", CHAT)
        self.connection.hang_up()
        self.assertEqual(len(self.front.gateway.calls), 1)
        self.assert_lost()

    def test_others(self) -> None:
        """Other clients do not notice."""
        other, call = self.front.begin(stream=True)
        relay = call.relay()
        self.connection.hang_up()
        self.end(relay)
        self.assertEqual(other.reply.events[-1], "data: [DONE]")
        self.assertEqual(self.front.observed.statuses, [499, 200])
