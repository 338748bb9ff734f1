"""Lanes: what runs side by side, what waits, and what of it can be called off."""

from __future__ import annotations

from agd.conversation import TextDelta
from agd.web.websocket.session import MAX_IN_FLIGHT, MAX_LANES, MAX_WAITING
from tests.web.websocket.scripts import WebSocketTestCase
from tests.web.websocket.test_turns import WHOLE


class LaneTests(WebSocketTestCase):
    """``stream_id``."""

    def lane(self, stream_id: str | None) -> list[str]:
        """Give the types of a lane's messages."""
        return [message["type"] for message in self.client.messages if message.get("stream_id") == stream_id]

    def test_I42_side_by_side(self) -> None:
        """Lanes run at once; every event carries its lane, and each response counts its own events."""
        for stream_id in ("a", "b"):
            self.client.create(stream_id=stream_id)
        self.client.create()
        relays = [turn.relay() for turn in self.engine.turns]
        for relay in relays:
            relay.give(TextDelta("x"))
        for relay in reversed(relays):
            relay.end()
        for lane in ("a", "b", None):
            self.assertEqual(self.lane(lane), WHOLE)
            numbers = [m["sequence_number"] for m in self.client.messages if m.get("stream_id") == lane]
            self.assertEqual(numbers, [0, 1, 2, 3])
        ended = [m.get("stream_id") for m in self.client.messages if m["type"] == "response.completed"]
        self.assertEqual(ended, [None, "b", "a"])

    def test_I42_one_after_another(self) -> None:
        """Turns of one lane, the default one too, run in the order in which they came and never overlap."""
        for stream_id in (None, "a"):
            before = len(self.engine.turns)
            for text in ("one", "two", "three"):
                self.client.create(input=text, **({} if stream_id is None else {"stream_id": stream_id}))
            for number, text in enumerate(("one", "two", "three")):
                turns = self.engine.turns[before:]
                self.assertEqual((len(turns), turns[-1].body["input"]), (number + 1, text))
                turns[-1].answer("x")
            self.assertEqual(self.lane(stream_id), WHOLE * 3)

    def test_I42_stored_before_the_next(self) -> None:
        """The next turn of a lane begins when the last one is told to its end."""
        from twisted.internet.defer import Deferred

        self.client.create()
        stored = self.turn.storing = Deferred[None]()
        self.turn.answer("x")
        self.client.create()
        self.assertEqual(len(self.engine.turns), 1)
        stored.callback(None)
        self.assertEqual(len(self.engine.turns), 2)

    def test_I42_a_failure(self) -> None:
        """A lane's failure carries its lane, and neither the others nor its next turn mind."""
        self.client.create(stream_id="a", stream=False)
        self.assertEqual(self.error()["stream_id"], "a")
        self.client.create(stream_id="a")
        self.client.create(stream_id="b")
        self.engine.turns[0].refuse(ValueError("oops"))
        self.assertEqual(self.error()["stream_id"], "a")
        self.engine.turns[1].answer("x")
        self.assertEqual(self.lane("b"), WHOLE)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_I42_in_flight(self) -> None:
        """So many responses run at once; the next ones wait for one of them to end, in their order."""
        for number in range(MAX_IN_FLIGHT + 2):
            self.client.create(stream_id=f"lane-{number}")
        self.assertEqual(len(self.engine.turns), MAX_IN_FLIGHT)
        self.engine.turns[3].answer("x")
        self.assertEqual(len(self.engine.turns), MAX_IN_FLIGHT + 1)
        self.engine.turns[5].answer("x")
        for turn in self.engine.turns[MAX_IN_FLIGHT:]:
            turn.answer("x")
        self.assertEqual(self.lane(f"lane-{MAX_IN_FLIGHT}"), WHOLE)
        self.assertEqual(self.lane(f"lane-{MAX_IN_FLIGHT + 1}"), WHOLE)

    def test_I42_names(self) -> None:
        """A name is 1 to 256 letters, digits, ``_``, ``-`` and ``.``; the error for any other has no lane."""
        for right in ("a", "A.b-c_9", "x" * 256):
            self.client.create(stream_id=right, generate=False)
            self.assertEqual(self.client.messages[-1]["stream_id"], right)
        for wrong in ("", "x" * 257, "a b", "ä", "a\n", 5, ["a"]):
            self.client.create(stream_id=wrong)
            self.assertEqual((self.codes()[-1], self.error()["error"]["param"]), ("invalid_stream_id", "stream_id"))
            self.assertNotIn("stream_id", self.error())
        self.client.create(stream_id=None, generate=False)
        self.assertNotIn("stream_id", self.client.messages[-1])

    def test_I42_many_names(self) -> None:
        """A connection has so many named lanes in its life, beside the default one; known ones go on."""
        for number in range(MAX_LANES):
            self.client.create(stream_id=f"lane-{number}", generate=False)
        self.assertEqual(self.codes(), [])
        self.client.create(stream_id="another", generate=False)
        self.assertEqual((self.codes(), self.error()["stream_id"]), (["websocket_stream_limit_reached"], "another"))
        self.client.create(generate=False)
        self.client.create(stream_id="lane-0", generate=False)
        self.assertEqual(self.codes(), ["websocket_stream_limit_reached"])

    def test_I42_queue(self) -> None:
        """Only so many turns may wait; the refusal has its lane, and those that wait are carried out."""
        for _ in range(MAX_WAITING + 1):
            self.client.create(generate=False) if self.engine.turns else self.client.create()
        self.assertEqual(self.codes(), [])
        self.client.create()
        self.assertEqual((self.codes(), self.error()["status"]), (["websocket_queue_full"], 429))
        self.engine.turns[0].answer("x")
        self.assertEqual(self.client.types.count("response.completed"), MAX_WAITING + 1)

    def test_I42_queue_bytes(self) -> None:
        """What waits is together no larger than one message may be."""
        self.client.create()
        for _ in range(3):
            self.client.create(input="x" * 4000)
        self.assertEqual(self.codes(), ["websocket_queue_full"])


class CancelTests(WebSocketTestCase):
    """``response.cancel``."""

    def cancel(self, **more: object) -> None:
        """Call something off."""
        self.client.say({"type": "response.cancel", **more})

    def test_I42_running(self) -> None:
        """The response that runs ends as cancelled, its upstream call is aborted, and the next turn begins."""
        self.client.create()
        self.client.create()
        relay = self.turn.relay()
        relay.give(TextDelta("x"))
        self.cancel()
        self.assertTrue(relay.aborted)
        self.assertEqual(self.client.types, [*WHOLE[:3], "response.incomplete"])
        self.assertEqual(self.client.messages[-1]["response"]["status"], "cancelled")
        self.assertEqual((len(self.engine.turns), self.front.observed.statuses), (2, [101, 499]))

    def test_I42_before_it_began(self) -> None:
        """One that has not begun is an error frame."""
        self.client.create(stream_id="a")
        self.cancel(stream_id="a")
        self.assertTrue(self.turn.cancelled)
        self.assertEqual((self.codes(), self.error()["stream_id"]), (["response_cancelled"], "a"))
        self.assertEqual(self.front.timers, 2)  # the connection's own: the next ping, and its end

    def test_I42_by_lane(self) -> None:
        """Without an id it is the lane's; another lane's goes on."""
        self.client.create(stream_id="a")
        self.client.create(stream_id="b")
        self.cancel(stream_id="b")
        self.assertEqual([turn.cancelled for turn in self.engine.turns], [False, True])

    def test_I42_by_id(self) -> None:
        """With an id and no lane it is that response on whatever lane."""
        self.client.create(stream_id="a")
        self.client.create(stream_id="b")
        self.cancel(response_id="resp_2")
        self.assertEqual([turn.cancelled for turn in self.engine.turns], [False, True])

    def test_I42_nothing(self) -> None:
        """What does not run cannot be called off, and the client is told so."""
        self.cancel()
        self.client.create(stream_id="a")
        self.cancel(response_id="resp_9")
        self.cancel(response_id="resp_1", stream_id="b")
        self.assertEqual(self.codes(), ["response_cancel_not_active"] * 3)
        self.cancel(response_id=5)
        self.assertEqual((self.codes()[-1], self.error()["error"]["param"]), ("invalid_type", "response_id"))
        self.assertFalse(self.turn.cancelled)

    def test_I42_too_late(self) -> None:
        """A response that only waits for the store is told to its end."""
        from twisted.internet.defer import Deferred

        self.client.create()
        stored = self.turn.storing = Deferred[None]()
        self.turn.answer("x")
        self.cancel()
        stored.callback(None)
        self.assertEqual(self.client.types, WHOLE)
