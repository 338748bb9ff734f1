"""Tests of agd.protocols.responses.narration: the life of one Response."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Finished, FinishReason, TextDelta, ThoughtDelta, ToolCallStart, Usage, UsageReport
from agd.errors import GatewayError
from agd.protocols.responses.narration import Narration
from tests.protocols.answers import TOKEN
from tests.protocols.responses.telling import STOP, approved, asking, broken, cancelled, kinds, output, read, told


def narration(**asked: Any) -> Narration:
    """Return the narration of a request that asked for these things."""
    return Narration(asking(**asked), now=lambda: 1_700_000_009.9)


class LifeTests(SynchronousTestCase):
    """From created to the one terminal event."""

    def test_begin_once(self) -> None:
        """Created and in_progress are told once, by whoever comes first."""
        teller = narration()
        self.assertEqual([kind for kind, _ in teller.begin()], ["response.created", "response.in_progress"])
        self.assertEqual(teller.begin(), [])
        self.assertEqual(len(teller.write([])), 0)

    def test_I40_queued(self) -> None:
        """A queued answer is created as queued, and in_progress when its turn comes."""
        teller = narration(background=True)
        frames = teller.queued()
        self.assertEqual((teller.status, teller.resource(stored=True)["background"]), ("queued", True))
        frames += [*teller.write([TextDelta("a"), STOP]), *teller.finish(), *teller.terminal(stored=True)]
        events = approved(frames)
        self.assertEqual(kinds(events)[:3], ["created", "queued", "in_progress"])
        statuses = [event["response"]["status"] for event in events if "response" in event]
        self.assertEqual(statuses, ["queued", "queued", "in_progress", "completed"])

    def test_finish_before_terminal(self) -> None:
        """After finish the Response is what the terminal event will say, so that it can be stored before that."""
        teller = narration()
        frames = teller.write([TextDelta("a"), STOP, UsageReport(Usage(1, 2))])
        self.assertEqual(teller.resource(stored=True)["status"], "in_progress")
        frames += teller.finish()
        whole = teller.resource(stored=True)
        (last,) = read(teller.terminal(stored=True))
        self.assertEqual((last["type"], last["response"]), ("response.completed", whole))
        self.assertEqual((whole["status"], whole["store"], whole["completed_at"]), ("completed", True, 1_700_000_009))

    def test_stored(self) -> None:
        """Created tells what was asked for, the end what came of it."""
        teller = narration(store=True)
        frames = [*teller.write([STOP]), *teller.finish(), *teller.terminal(stored=False)]
        events = [event["response"]["store"] for event in approved(frames) if "response" in event]
        self.assertEqual(events, [True, True, False])

    def test_I12_one_terminal(self) -> None:
        """The terminal event may be made once more when it turns out that nothing is stored; its number is the same."""
        teller = narration()
        teller.write([STOP])
        teller.finish()
        (wanted,), (told,) = read(teller.terminal(stored=True)), read(teller.terminal(stored=False))
        self.assertEqual(wanted["sequence_number"], told["sequence_number"])
        self.assertEqual((wanted["response"]["store"], told["response"]["store"]), (True, False))

    def test_settled(self) -> None:
        """An answer in which nothing was generated is complete."""
        teller = narration()
        events = approved([*teller.settle(), *teller.terminal(stored=True)])
        self.assertEqual(kinds(events), ["created", "in_progress", "completed"])
        self.assertEqual(output(events), [])

    def test_I12_unfinished(self) -> None:
        """An answer that stopped without a finish has failed, and closes nothing."""
        teller = narration()
        frames = [*teller.write([ThoughtDelta("t"), TextDelta("a")]), *teller.finish()]
        self.assertEqual(teller.status, "failed")
        events = approved([*frames, *teller.terminal(stored=True)])
        self.assertEqual(kinds(events)[-2:], ["output_text.delta", "failed"])
        self.assertEqual([item["status"] for item in output(events)], ["completed", "incomplete"])

    def test_fail_after_finish(self) -> None:
        """An answer that was finished and could not be delivered has failed with its items complete."""
        teller = narration()
        frames = [*teller.write([TextDelta("a"), STOP]), *teller.finish(), *broken(teller, GatewayError(500, "x"))]
        events = approved(frames)
        self.assertEqual((kinds(events)[-1], output(events)[0]["status"]), ("failed", "completed"))

    def test_cancelled(self) -> None:
        """A cancelled answer ends with an event that clients know, and says that it was cancelled."""
        teller = narration()
        events = approved([*teller.write([TextDelta("a")]), *cancelled(teller)])
        last = events[-1]["response"]
        self.assertEqual((kinds(events)[-1], last["status"], last["incomplete_details"]),
                         ("incomplete", "cancelled", None))  # fmt: skip
        self.assertEqual((teller.status, teller.output[0]["status"]), ("cancelled", "incomplete"))

    def test_half_a_call(self) -> None:
        """A call that was cut by a failure is never closed, so that no client carries it out."""
        teller = narration()
        frames = [*teller.write([ToolCallStart(0, "c", "tool")]), *broken(teller, GatewayError(502, "Cut."))]
        self.assertNotIn("output_item.done", kinds(approved(frames)))

    def test_I23_compaction(self) -> None:
        """A compaction item is told when the engine has made one, and nothing beside it."""
        teller = narration()
        frames = [*teller.compact("sealed"), *teller.write([Finished(FinishReason.STOP, "STOP")])]
        events = approved([*frames, *teller.finish(), *teller.terminal(stored=True)])
        item = {"id": f"cmp_{TOKEN}_0", "type": "compaction", "encrypted_content": "sealed"}
        self.assertEqual(output(events), [item])

    def test_I03_numbers(self) -> None:
        """Events are numbered from 0 without a gap."""
        events = told(ThoughtDelta("t"), TextDelta("a"), STOP)
        self.assertEqual([event["sequence_number"] for event in events], list(range(len(events))))

    def test_I04_places(self) -> None:
        """An item's place counts the items, a part's place the parts of its message."""
        events = told(ThoughtDelta("t"), TextDelta("a"), STOP)
        places = {(event["output_index"], event["content_index"]) for event in events if "content_index" in event}
        self.assertEqual(places, {(1, 0)})
