"""Whatever a client and the upstream do, in whatever order: every lane is told legally, and nothing is left."""

from __future__ import annotations

from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from agd.conversation import TextDelta
from agd.errors import FailureKind, GatewayError, UpstreamFailure
from agd.web.websocket.session import MAX_IN_FLIGHT
from tests.web.front import FakeRelay
from tests.web.websocket.scripts import Script, WebSocketTestCase

LANES = st.sampled_from([None, "a", "b", "c"])
STEPS = st.tuples(
    st.sampled_from(
        ["create", "create", "warm up", "open", "text", "end", "break", "refuse", "cancel", "pause", "resume", "wait"]
    ),
    LANES,
    st.integers(0, 5),
)
ENDS = st.sampled_from(["hang up", "close", "nonsense", "drain", "overdue", "stay"])
TERMINAL = ("response.completed", "response.failed", "response.incomplete")


class AnythingTests(WebSocketTestCase):
    """A client, an upstream, and a clock."""

    relays: dict[str, FakeRelay]

    @given(st.lists(STEPS, max_size=40), ENDS)
    def test_I52_legal(self, steps: list[tuple[str, str | None, int]], end: str) -> None:
        """Each response is whole or fails, none overlaps another of its lane, and each turn is reported once."""
        self.setUp()  # for each example anew
        self.relays = {}
        created = 0
        for what, lane, number in steps:
            created += what in ("create", "warm up")
            self.step(what, lane, number)
            running = [turn for turn in self.engine.turns if not self.is_over(turn)]
            self.assertLessEqual(len(running), MAX_IN_FLIGHT)
        self.finish(end)
        lanes = sorted(self.client.messages, key=lambda message: message.get("stream_id") or "")
        for _, messages in groupby(lanes, key=lambda message: message.get("stream_id") or ""):
            self.assert_legal([message["type"] for message in messages])
        if end == "stay":
            return
        self.client.connection.settle()
        self.client.connection.hang_up()
        self.assertEqual((self.front.timers, self.front.site._channels), (0, set()))
        reported = [answer for answer in self.front.observed.answers if answer[4].model]
        self.assertEqual(len(reported), len(self.engine.turns))
        self.assertLessEqual(len(self.engine.turns), created)
        self.assertTrue(all(len(turn.ended) <= 1 for turn in self.engine.turns))

    def step(self, what: str, lane: str | None, number: int) -> None:
        """Do one thing."""
        named = {} if lane is None else {"stream_id": lane}
        producer = self.client.connection.wire.producer
        match what:
            case "create" | "warm up":
                self.client.create(generate=what == "create", store=False, **named)
            case "cancel":
                self.client.say({"type": "response.cancel", **named})
            case "pause":
                producer.pauseProducing()
            case "resume":
                producer.resumeProducing()
            case "wait":
                self.front.clock.advance(4 * number)
            case _:
                self.upstream(what, number)

    def upstream(self, what: str, number: int) -> None:
        """Let something come of one of the turns that run."""
        running = [turn for turn in self.engine.turns if turn.generate and not self.is_over(turn)]
        if not running:
            return
        turn = running[number % len(running)]
        relay = self.relays.get(turn.id)
        if relay is None:
            if what == "refuse":
                turn.refuse(GatewayError(429, "busy"))
            elif what == "open":
                self.relays[turn.id] = turn.relay()
        elif what == "text":
            relay.give(TextDelta("x"))
        elif what == "end":
            relay.end()
        elif what == "break":
            relay.fail(UpstreamFailure(FailureKind.CUT, "cut"))

    def is_over(self, turn: Script) -> bool:
        """Whether nothing can come of a turn any more."""
        relay = self.relays.get(turn.id)
        return bool(turn.ended or turn.cancelled or (turn.opened.called and relay is None) or (relay and relay.aborted))

    def finish(self, end: str) -> None:
        """Let it end."""
        match end:
            case "hang up":
                self.client.connection.hang_up()
            case "close":
                self.client.close()
            case "nonsense":
                self.client.connection.send(b"\xff" * 9)
            case "drain" | "overdue":
                self.front.site.drain(0 if end == "overdue" else 60)
                self.front.clock.advance(0)

    def assert_legal(self, types: list[str]) -> None:
        """Check the order of events on one lane, errors aside: they may answer anything."""
        told = [kind for kind in types if kind != "error"]
        while told:
            self.assertEqual(told[:2], ["response.created", "response.in_progress"])
            rest = told[2:]
            while rest and rest[0] == "response.output_text.delta":
                rest = rest[1:]
            if rest:
                self.assertIn(rest[0], TERMINAL)
            told = rest[1:]
