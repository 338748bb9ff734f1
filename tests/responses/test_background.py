"""Responses that run without a client."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock

from agd.conversation import TextDelta
from agd.encoding import decode
from agd.errors import ClientLostError, FailureKind, GatewayError, StoreError, UpstreamFailure
from agd.protocols.responses.narration import Frame
from agd.responses import background
from agd.responses.background import Run
from agd.responses.journal import Journal, Reading
from agd.responses.turn import Turn
from tests.protocols.responses.telling import approved, kinds
from tests.responses.stage import ANN, BOB, STOP, EngineTestCase
from tests.web.front import FakeRelay


class Follower:
    """Takes what is told."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []

    def take(self, frames: Sequence[Frame]) -> None:
        """Keep it."""
        self.frames += frames

    @property
    def numbers(self) -> list[int]:
        """Which events it was told."""
        return [int(text.split(b'"sequence_number":')[1].split(b",")[0]) for _, text in self.frames]


def follow(journal: Journal, after: int = -1) -> tuple[Follower, Reading, Deferred[None]]:
    """Read a journal from behind an event on."""
    follower, reading = Follower(), Reading(journal, after + 1)
    return follower, reading, reading.pour(follower)


class BackgroundTestCase(EngineTestCase):
    """One response in the background."""

    def launch(self, **body: Any) -> tuple[Turn, Run]:
        """Let one run."""
        turn = self.begin(background=True, **body)
        return turn, self.get(self.engine.launch(turn))

    def status(self, turn: Turn) -> str:
        """What its owner is told of it."""
        status: str = self.get(self.engine.retrieve(ANN, turn.id))["status"]
        return status

    def events(self, turn: Turn, begin: int = 0) -> Journal:
        """Its events, as its owner finds them."""
        return self.get(self.engine.events(ANN, turn.id, begin)).journal

    def relay(self) -> FakeRelay:
        """The upstream begins to answer."""
        return self.asked().relay()


class LifeTests(BackgroundTestCase):
    """Queued, in progress, ended."""

    def test_I40_polled(self) -> None:
        """It is queued at once and stored so, in progress while it runs, and then what any other would be."""
        turn, run = self.launch()
        self.assertEqual((run.queued["status"], run.queued["background"]), ("queued", True))
        stored = self.successResultOf(self.store.find(ANN, turn.id))
        assert stored is not None
        self.assertEqual(stored.status, "queued")
        relay = self.relay()
        relay.give(TextDelta("Hel"))
        half = self.get(self.engine.retrieve(ANN, turn.id))
        self.assertEqual(half["status"], "in_progress")
        relay.give(TextDelta("lo"), STOP)
        relay.end()
        whole = self.get(self.engine.retrieve(ANN, turn.id))
        self.assertEqual((whole["status"], whole["output_text"]), ("completed", "Hello"))
        self.assertIsNone(self.engine.background.find(ANN, turn.id))

    def test_I40_events(self) -> None:
        """Its events are one legal sequence, from created and queued to the end, also after the end."""
        turn, run = self.launch(stream=True)
        relay = self.relay()
        relay.give(TextDelta("Hello"), STOP)
        relay.end()
        events = approved(run.journal.frames)
        self.assertEqual(kinds(events)[:3], ["created", "queued", "in_progress"])
        self.assertEqual(self.events(turn).frames, run.journal.frames)

    def test_I40_resumed(self) -> None:
        """Who comes back is told what follows the last event it saw, while it runs and afterwards."""
        turn, run = self.launch(stream=True)
        relay = self.relay()
        relay.give(TextDelta("Hel"))
        first, reading, told = follow(run.journal)
        reading.stopProducing()
        self.failureResultOf(told, ClientLostError)
        last = first.numbers[-1]
        second, _, done = follow(self.events(turn), last)
        relay.give(TextDelta("lo"), STOP)
        relay.end()
        self.successResultOf(done)
        self.assertEqual(first.numbers + second.numbers, list(range(len(run.journal.frames))))
        third, _, _ = follow(self.events(turn), last)
        self.assertEqual(third.frames, second.frames)

    def test_I40_not_kept(self) -> None:
        """The events of one that was not asked for as a stream are told anew from what it became."""
        turn, run = self.launch()
        relay = self.relay()
        relay.give(TextDelta("Hello"), STOP)
        relay.end()
        events = approved(self.events(turn).frames)
        self.assertEqual(events[-1]["response"]["output_text"], "Hello")
        self.assertEqual(run.turn.journal, None)

    def test_I40_followed(self) -> None:
        """What somebody has followed is kept as it was told, so that it can be read on after the end."""
        turn, run = self.launch()
        relay = self.relay()
        relay.give(TextDelta("Hel"))
        first, reading, told = follow(self.events(turn))
        reading.stopProducing()
        self.failureResultOf(told, ClientLostError)
        relay.give(TextDelta("lo"), STOP)
        relay.end()
        second, _, done = follow(self.events(turn), first.numbers[-1])
        self.successResultOf(done)
        self.assertEqual(first.frames + second.frames, run.journal.frames)

    def test_I40_behind_the_end(self) -> None:
        """Who has seen more events than are told anew is told the end, in the place of the next one."""
        turn, _ = self.launch()
        relay = self.relay()
        relay.give(TextDelta("Hello"), STOP)
        relay.end()
        [(kind, text)] = self.events(turn, 500).frames
        event = decode(text)
        self.assertEqual((kind, event["sequence_number"]), ("response.completed", 500))
        self.assertEqual(event["response"]["output_text"], "Hello")
        self.assertEqual(self.events(turn, 2).frames, self.events(turn).frames[2:])

    def test_slow_follower(self) -> None:
        """A follower that does not keep up is given nothing until it reads on, and then everything."""
        _, run = self.launch(stream=True)
        follower, reading, done = follow(run.journal)
        reading.pauseProducing()
        before = len(follower.frames)
        relay = self.relay()
        relay.give(*[TextDelta("x") for _ in range(200)], STOP)
        relay.end()
        self.assertEqual((len(follower.frames), relay.paused), (before, False))
        reading.resumeProducing()
        self.successResultOf(done)
        self.assertEqual(follower.frames, run.journal.frames)

    def test_I51_owner(self) -> None:
        """While it runs it is its owner's as well."""
        turn, _ = self.launch()
        for work in (self.engine.retrieve, self.engine.events, self.engine.cancel, self.engine.delete):
            self.assertEqual(self.refused(work(BOB, turn.id)).status, 404)
        self.assertFalse(self.asked().cancelled)


class EndTests(BackgroundTestCase):
    """Other ends than a good one."""

    def test_I40_cancelled(self) -> None:
        """A cancel aborts the upstream call and is stored; cancelling once more changes nothing."""
        turn, run = self.launch(stream=True)
        relay = self.relay()
        relay.give(TextDelta("Hel"))
        self.assertEqual(self.get(self.engine.cancel(ANN, turn.id))["status"], "cancelled")
        self.assertTrue(relay.aborted)
        self.assertEqual(approved(run.journal.frames)[-1]["response"]["status"], "cancelled")
        self.assertEqual(self.status(turn), "cancelled")
        self.assertEqual(self.get(self.engine.cancel(ANN, turn.id))["status"], "cancelled")

    def test_I40_cancelled_early(self) -> None:
        """So is one to which nobody has answered yet."""
        turn, _ = self.launch()
        self.get(self.engine.cancel(ANN, turn.id))
        self.assertTrue(self.asked().cancelled)
        self.assertEqual(self.status(turn), "cancelled")

    def test_I41_foreground(self) -> None:
        """A response that a client waited for is none that can be cancelled."""
        whole = self.whole()
        error = self.refused(self.engine.cancel(ANN, whole["id"]))
        self.assertEqual((error.status, error.param), (400, "response_id"))

    def test_I41_deleted(self) -> None:
        """Deleting one that runs ends it first."""
        turn, _ = self.launch()
        self.get(self.engine.delete(ANN, turn.id))
        self.assertTrue(self.asked().cancelled)
        self.assertEqual(self.refused(self.engine.retrieve(ANN, turn.id)).status, 404)

    def test_I40_refused(self) -> None:
        """One that nobody could answer has failed, with the reason."""
        turn, run = self.launch(stream=True)
        self.asked().fail(GatewayError(429, "all rest", code="rate_limit_exceeded", retry_after=3.0))
        last = approved(run.journal.frames)[-1]
        self.assertEqual((last["type"], last["response"]["error"]["code"]), ("response.failed", "rate_limit_exceeded"))
        self.assertEqual(self.status(turn), "failed")

    def test_I40_cut(self) -> None:
        """So has one whose answer broke off."""
        turn, run = self.launch(stream=True)
        relay = self.relay()
        relay.give(TextDelta("Hel"))
        relay.fail(UpstreamFailure(FailureKind.CUT, "broke off"))
        self.assertEqual(approved(run.journal.frames)[-1]["type"], "response.failed")
        self.assertEqual(self.status(turn), "failed")

    def test_no_store(self) -> None:
        """Without a store nothing can run in the background, and nobody is asked."""
        self.store.broken = True
        error = self.refused(self.engine.launch(self.begin(background=True)))
        self.assertEqual((error.status, error.code, self.gateway.calls), (503, "store_unavailable", []))

    def test_client_leaves_early(self) -> None:
        """Where the client leaves before it can know of the response, that ends: it must not seem queued for ever."""
        self.store.held = []
        turn = self.begin(background=True)
        launching = self.start(self.engine.launch(turn))
        launching.cancel()
        self.failureResultOf(launching, CancelledError)
        self.store.release()
        self.assertEqual((self.status(turn), self.gateway.calls), ("cancelled", []))
        self.assertIsNone(self.engine.background.find(ANN, turn.id))

    def test_I40_cancelled_while_queued(self) -> None:
        """So does one that is cancelled before it could begin."""
        self.store.held = []
        turn = self.begin(background=True)
        launching = self.start(self.engine.launch(turn))
        cancelling = self.start(self.engine.cancel(ANN, turn.id))
        self.store.release()
        self.assertEqual(self.successResultOf(cancelling)["status"], "cancelled")
        self.successResultOf(launching)
        self.assertEqual(self.gateway.calls, [])

    def test_end_not_stored(self) -> None:
        """What cannot be stored at its end has failed for those who ask later, and was told whole to who follows."""
        turn, run = self.launch(stream=True)
        relay = self.relay()
        self.store.refused = 1
        relay.give(TextDelta("Hello"), STOP)
        relay.end()
        last = approved(run.journal.frames)[-1]["response"]
        self.assertEqual((last["status"], last["store"], last["output_text"]), ("completed", False, "Hello"))
        stored = self.get(self.engine.retrieve(ANN, turn.id))
        self.assertEqual((stored["status"], stored["error"]["code"], stored["output"]), ("failed", "server_error", []))

    def test_mistake(self) -> None:
        """A mistake of agd's is logged, and the response has failed."""
        turn, run = self.launch(stream=True)
        self.relay().fail(ZeroDivisionError())
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(approved(run.journal.frames)[-1]["type"], "response.failed")
        self.assertTrue(run.journal.closed)
        self.assertEqual(self.status(turn), "failed")

    def test_too_many(self) -> None:
        """More than so many at a time are refused until one ends."""
        self.patch(background, "MOST", 1)
        turn, _ = self.launch()
        error = self.refused(self.engine.launch(self.begin(background=True)))
        self.assertEqual((error.status, error.code), (429, "rate_limit_exceeded"))
        self.get(self.engine.cancel(ANN, turn.id))
        self.launch()

    def test_stored_without_background(self) -> None:
        """What is not to be stored cannot be asked for later."""
        body = {"model": "mine", "input": "x", "background": True, "store": False}
        error = self.refused(self.engine.begin(body, ANN, self.begin().trail))
        self.assertEqual((error.status, error.param), (400, "background"))


class ShutdownTests(BackgroundTestCase):
    """The daemon stops."""

    def test_in_time(self) -> None:
        """What ends in time ends well."""
        turn, _ = self.launch()
        clock = Clock()
        finished = self.engine.background.finish(30.0, clock)
        self.assertNoResult(finished)
        relay = self.relay()
        relay.give(TextDelta("Hello"), STOP)
        relay.end()
        self.successResultOf(finished)
        self.assertEqual((self.status(turn), clock.getDelayedCalls()), ("completed", []))

    def test_I40_overdue(self) -> None:
        """What does not has failed, and says so for ever after."""
        turn, _ = self.launch()
        clock = Clock()
        finished = self.engine.background.finish(30.0, clock)
        clock.advance(30.0)
        self.successResultOf(finished)
        stored = self.get(self.engine.retrieve(ANN, turn.id))
        self.assertEqual((stored["status"], stored["error"]["message"]), ("failed", "agd is shutting down"))

    def test_hurried(self) -> None:
        """Who tells the daemon twice does not wait."""
        turn, _ = self.launch()
        finished = self.engine.background.finish(30.0, Clock())
        self.engine.background.hurry()
        self.successResultOf(finished)
        self.assertEqual(self.status(turn), "failed")

    def test_not_stored_in_time(self) -> None:
        """One that cannot be stored as queued does not hold up the end."""
        self.store.held = []
        launching = self.start(self.engine.launch(self.begin(background=True)))
        finished = self.engine.background.finish(30.0, Clock())
        self.store.release(StoreError("no space left"))
        self.failureResultOf(launching, GatewayError)
        self.successResultOf(finished)

    def test_none_begins(self) -> None:
        """None begins any more."""
        self.successResultOf(self.engine.background.finish(30.0, Clock()))
        error = self.refused(self.engine.launch(self.begin(background=True)))
        self.assertEqual((error.status, error.code), (503, "shutting_down"))

    def test_nothing_runs(self) -> None:
        """Where nothing runs there is nothing to wait for."""
        self.successResultOf(self.engine.background.finish(30.0, Clock()))
