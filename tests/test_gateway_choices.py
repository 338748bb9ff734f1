"""Requests that are several upstream calls, or whose answer agd works on: streamed and whole."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred

from agd.conversation import (
    Event,
    Finished,
    FinishReason,
    Message,
    Sampling,
    Text,
    TextDelta,
    Tool,
    ToolCallStart,
    Usage,
    UsageReport,
)
from agd.errors import ClientLostError, FailureKind, GatewayError, UpstreamFailure
from agd.gateway.inquiry import AT_ONCE, Inquiry
from tests.gateways import MODEL, GatewayTestCase, prompt
from tests.upstream.script import GOOD, Says, Silence, refusal
from tests.upstream.sinks import Recorder
from tests.upstream.wire import chunk, sse

USAGE = {"usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5}}
STOPS = Sampling(stop=tuple("0123456!"))


def saying(text: str, **more: Any) -> Says:
    """Make a whole answer."""
    return Says(sse(chunk(text, "STOP", **USAGE)), **more)


def calls(*names: str) -> dict[str, Any]:
    """Make a chunk with calls of tools, the first of them signed, as the provider does."""
    parts: list[dict[str, Any]] = [{"functionCall": {"name": name, "args": {}}} for name in names]
    parts[0]["thoughtSignature"] = "S"
    return {"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}]}


def texts(events: list[Event]) -> dict[int, str]:
    """Return the text of every choice."""
    found: dict[int, str] = {}
    for event in events:
        if isinstance(event, TextDelta):
            found[event.choice] = found.get(event.choice, "") + event.text
    return found


class ChoicesTestCase(GatewayTestCase):
    """A gateway whose model makes one choice at a time."""

    def setUp(self) -> None:
        super().setUp()
        self.gateway.overrides = {MODEL: {"candidate_count": 1}}

    def poured(self, **fields: Any) -> list[Event]:
        """Return the events of a whole stream."""
        sink = Recorder()
        self.successResultOf(self.successResultOf(self.open(prompt(stream=True, **fields))).pour(sink))
        return sink.events


class SeveralTests(ChoicesTestCase):
    """n, lists of prompts, best_of."""

    def setUp(self) -> None:
        super().setUp()
        self.actor.lines = {"one": [saying("a")], "two": [saying("b")], "three": [saying("c")]}

    def test_E09_whole(self) -> None:
        """Three choices are three calls, to three accounts, and one answer with one usage."""
        answer = self.successResultOf(self.complete(prompt(n=3)))
        self.assertEqual(self.actor.asked, ["one", "two", "three"])
        self.assertEqual([answer.choices[n].parts for n in range(3)], [[Text("a")], [Text("b")], [Text("c")]])
        self.assertEqual((answer.usage, self.trail.attempts), (Usage(9, 6), 3))

    def test_E10_streamed(self) -> None:
        """A stream has the number of its choice on every event, and the usage once, last."""
        events = self.poured(n=3)
        self.assertEqual(texts(events), {0: "a", 1: "b", 2: "c"})
        self.assertEqual(events[-1], UsageReport(Usage(9, 6)))
        self.assertEqual(sum(isinstance(event, UsageReport) for event in events), 1)
        self.assertEqual({event.choice for event in events if isinstance(event, Finished)}, {0, 1, 2})

    def test_E09_candidates(self) -> None:
        """A model that makes several at a time is asked once, streamed or not."""
        self.gateway.overrides = {MODEL: {"candidate_count": 8}}
        both = {"candidates": [{**chunk(t, "STOP")["candidates"][0], "index": i} for i, t in enumerate("xy")]}
        self.actor.lines = {"one": [Says(sse(both))], "two": [Says(sse(both))]}
        self.assertEqual(texts(self.poured(n=2)), {0: "x", 1: "y"})
        answer = self.successResultOf(self.complete(prompt(n=2)))
        self.assertEqual([answer.choices[n].parts for n in (0, 1)], [[Text("x")], [Text("y")]])
        self.assertEqual(self.actor.asked, ["one", "two"])

    def test_J01_prompts(self) -> None:
        """The choices of a list of prompts stand in the order of the prompts, streamed or not."""
        further = ((Message("user", (Text("ho"),)),), (Message("user", (Text("hu"),)),))
        self.assertEqual(texts(self.poured(further=further)), {0: "a", 1: "b", 2: "c"})
        self.setUp()
        answer = self.successResultOf(self.complete(prompt(further=further)))
        self.assertEqual([answer.choices[n].parts for n in range(3)], [[Text("a")], [Text("b")], [Text("c")]])
        bodies = [outgoing.body for _, _, outgoing, _ in self.actor.calls]
        self.assertEqual([word in body for word, body in zip((b"hi", b"ho", b"hu"), bodies, strict=True)], [True] * 3)

    def test_J06_best_of(self) -> None:
        """Of the answers that were made the likeliest is given, and all of them are paid for."""
        lines = {"one": ("a", -3.0), "two": ("b", -1.0), "three": ("c", -2.0)}
        for name, (text, likelihood) in lines.items():
            candidate = {**chunk(text, "STOP")["candidates"][0], "avgLogprobs": likelihood}
            self.actor.lines[name] = [Says(sse({"candidates": [candidate], **USAGE}))]
        answer = self.successResultOf(self.complete(prompt(n=1, best_of=3)))
        self.assertEqual({number: choice.parts for number, choice in answer.choices.items()}, {0: [Text("b")]})
        self.assertEqual(answer.usage, Usage(9, 6))

    def test_each_call_is_retried_by_itself(self) -> None:
        """A call that fails is put to another account; the others do not notice."""
        self.actor.lines["two"] = [refusal(500)]
        self.actor.lines["four"] = [saying("d")]
        answer = self.successResultOf(self.complete(prompt(n=3)))
        self.assertEqual([answer.choices[n].parts for n in range(3)], [[Text("a")], [Text("c")], [Text("d")]])
        self.assertEqual((self.trail.attempts, len(self.trail.failures)), (4, 1))

    def test_so_many_at_once(self) -> None:
        """Whole answers are asked for a few at a time."""
        self.actor.lines = {name: [Silence() for _ in range(9)] for name in self.names}
        asked = self.complete(prompt(n=20))
        self.assertEqual(len(self.actor.asked), AT_ONCE)
        asked.cancel()
        self.failureResultOf(asked, CancelledError)
        self.assertEqual(len(self.actor.asked), AT_ONCE)

    def test_J04_silent(self) -> None:
        """Where nothing is to be generated nobody is asked, with any account or none; the model must exist."""
        asked: dict[str, Any] = {"n": 2, "silent": True, "further": ((Message("user", (Text("ho"),)),),)}
        answer = self.successResultOf(self.complete(prompt(**asked)))
        self.assertEqual([answer.choices[n].reason for n in range(4)], [FinishReason.LENGTH] * 4)
        self.assertEqual([type(event) for event in self.poured(**asked)], [Finished] * 4)
        self.assertEqual((self.actor.asked, self.trail.account, self.trail.model), ([], None, MODEL))
        self.refused_with(self.complete(prompt("no-such-model", silent=True)), 404)


class FailingTests(ChoicesTestCase):
    """One of several calls fails, or nobody waits any more."""

    def test_one_fails_for_good(self) -> None:
        """The failure of one call is the request's; streams that have begun are aborted, calls under way cancelled."""
        self.actor.lines = {
            "one": [Says(sse(chunk("a")), ends=None)],
            "two": [Silence()],
            "three": [refusal(400, message="bad")],
        }
        error = self.refused_with(self.open(prompt(stream=True, n=3)), 400)
        self.assertEqual(error.message, "bad")
        self.assertEqual(self.actor.transports[0].producerState, "stopped")
        self.assertTrue(self.actor.waiting[0].called)
        self.assertEqual((self.clock.getDelayedCalls(), self.witness.punishments), ([], []))

    def test_one_had_broken_off_before(self) -> None:
        """A stream that broke off while the others were waited for is dropped with them, without a trace."""
        self.actor.lines = {
            "one": [Says(sse(chunk("a")), ends=False)],
            "two": [refusal(400)],
        }
        self.refused_with(self.open(prompt(stream=True, n=2)), 400)

    def test_whole(self) -> None:
        """A whole answer of several fails with the one that failed, and the others are ended."""
        self.actor.lines = {"one": [Says(sse(chunk("a")), ends=None)], "two": [refusal(400)]}
        self.refused_with(self.complete(prompt(n=2)), 400)
        self.assertEqual(self.actor.transports[0].producerState, "stopped")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_client_leaves_while_they_are_opened(self) -> None:
        """Whoever leaves before all have begun ends those that have, and those that have not."""
        for ask, stream in ((self.open, True), (self.complete, False)):
            self.setUp()
            self.actor.lines = {"one": [Says(sse(chunk("a")), ends=None)], "two": [Silence()]}
            asked: Deferred[Any] = ask(prompt(n=2, stream=stream))
            self.assertNoResult(asked)
            asked.cancel()
            self.failureResultOf(asked, CancelledError)
            self.assertEqual(self.actor.transports[0].producerState, "stopped")
            self.assertTrue(self.actor.waiting[0].called)
            self.assertEqual((self.clock.getDelayedCalls(), self.witness.failed_attempts), ([], []))

    def test_client_leaves_while_they_flow(self) -> None:
        """Whoever leaves in the middle ends all."""
        self.actor.lines = {name: [Says(sse(chunk("a")), ends=None)] for name in ("one", "two")}
        source = self.successResultOf(self.open(prompt(stream=True, n=2)))
        done = source.pour(Recorder())
        source.stopProducing()
        self.failureResultOf(done, ClientLostError)
        self.assertEqual([transport.producerState for transport in self.actor.transports], ["stopped"] * 2)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_one_breaks_off_in_the_middle(self) -> None:
        """After the first events a failure of one is the end of all: nobody else is asked."""
        self.actor.lines = {
            "one": [Says(sse(chunk("a")), ends=None)],
            "two": [Says(sse(chunk("b")), ends=False)],
        }
        source = self.successResultOf(self.open(prompt(stream=True, n=2)))
        failure = self.failureResultOf(source.pour(Recorder()), UpstreamFailure).value
        self.assertIs(failure.kind, FailureKind.CUT)
        self.assertEqual(self.actor.transports[0].producerState, "stopped")
        self.assertEqual(self.actor.asked, ["one", "two"])


class StopTests(ChoicesTestCase):
    """More stop strings than the provider takes."""

    def setUp(self) -> None:
        super().setUp()
        self.stop = self.own_stop(STOPS)

    def own_stop(self, sampling: Sampling) -> str:
        """Return the first of the stop strings that the provider is not told."""
        inquiry = Inquiry(self.gateway, self.trail)
        plan = self.successResultOf(Deferred.fromCoroutine(inquiry._plan(prompt(sampling=sampling))))
        return plan.stops[0]

    def test_E02_upstream_is_let_go(self) -> None:
        """A stream ends where its last choice is cut, and the provider is asked for no more."""
        self.actor.lines["one"] = [Says(sse(chunk("ab")), ends=None)]
        source = self.successResultOf(self.open(prompt(stream=True, sampling=STOPS)))
        sink = Recorder()
        done = source.pour(sink)
        self.actor_reads(chunk(f"c{self.stop}d"))
        self.successResultOf(done)
        self.assertEqual(sink.events[-1], Finished(FinishReason.STOP, "STOP"))
        self.assertEqual((sink.text, self.actor.transports[0].producerState), ("abc", "stopped"))

    def test_E04_over_a_border(self) -> None:
        """A stop string whose parts come apart is found, streamed and whole."""
        asked = Sampling(stop=tuple(f"<{letter}>" for letter in "abcdefgh"))
        stop = self.own_stop(asked)
        pieces = [chunk(f"x{stop[:1]}"), chunk(stop[1:2]), chunk(f"{stop[2:]}y", "STOP", **USAGE)]
        for name in ("one", "two"):
            self.actor.lines[name] = [Says(sse(*pieces))]
        self.assertEqual(texts(self.poured(sampling=asked)), {0: "x"})
        answer = self.successResultOf(self.complete(prompt(sampling=asked)))
        self.assertEqual((answer.choices[0].parts, answer.usage), ([Text("x")], Usage(3, 2)))

    def test_E02_every_choice(self) -> None:
        """With several choices the calls are let go when the last of them is cut."""
        self.actor.lines = {name: [Says(sse(chunk("a")), ends=None)] for name in ("one", "two")}
        source = self.successResultOf(self.open(prompt(stream=True, n=2, sampling=STOPS)))
        sink = Recorder()
        done = source.pour(sink)
        self.actor_reads(chunk(f"{self.stop}b"), 0)
        self.assertNoResult(done)
        self.assertNotEqual(self.actor.transports[1].producerState, "stopped")
        self.actor_reads(chunk(f"c{self.stop}b"), 1)
        self.successResultOf(done)
        self.assertEqual(texts(sink.events), {0: "a", 1: "ac"})
        self.assertEqual([transport.producerState for transport in self.actor.transports], ["stopped"] * 2)

    def actor_reads(self, payload: Any, number: int = 0) -> None:
        """Let a call that is open read on."""
        self.actor.relays[number].dataReceived(sse(payload))


class OneCallTests(ChoicesTestCase):
    """parallel_tool_calls: false."""

    def test_B40_streamed_and_whole(self) -> None:
        """One call is told, the others are left out, in a stream and in a whole answer."""
        self.actor.lines = {name: [Says(sse(calls("f", "g")))] for name in self.names}
        asked: dict[str, Any] = {"tools": (Tool("f"), Tool("g")), "parallel_tool_calls": False}
        starts = [event for event in self.poured(**asked) if isinstance(event, ToolCallStart)]
        self.assertEqual([start.name for start in starts], ["f"])
        answer = self.successResultOf(self.complete(prompt(**asked)))
        self.assertEqual(len(answer.choices[0].parts), 1)
        self.assertIs(answer.choices[0].reason, FinishReason.TOOL_CALLS)

    def test_direct_way(self) -> None:
        """A plain stream, also one with tools, is the relay itself: nothing stands between."""
        for tools in ((), (Tool("f"),)):
            self.assertIs(self.successResultOf(self.open(prompt(stream=True, tools=tools))), self.actor.relays[-1])


class LimitTests(ChoicesTestCase):
    """Too much at once."""

    def test_too_many_choices(self) -> None:
        """A request for more choices than there may be is refused before anybody is asked."""
        self.actor.lines = {"one": [GOOD]}
        error = self.failureResultOf(self.complete(prompt(n=129)), GatewayError).value
        self.assertEqual((error.status, error.param, self.actor.asked), (400, "n", []))
