"""Tests of agd.protocols.responses.recite: a finished Response told once more."""

from __future__ import annotations

from hypothesis import given
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Citation, Event, TextDelta
from agd.errors import GatewayError
from agd.protocols.endpoint import Context
from agd.protocols.responses.narration import Narration
from agd.protocols.responses.recite import recite
from tests.protocols.responses.telling import STOP, approved, asking, contexts, kinds, narrate, seal, tales, told


class ReciteTests(SynchronousTestCase):
    """GET with stream=true, where the events were not kept."""

    @given(tales(), contexts)
    def test_I40_any_answer(self, events: list[Event], asked: Context) -> None:
        """Any Response is told as a legal stream that ends with the very same Response."""
        narration = Narration(asked, seal)
        narrate(narration, events)
        whole = narration.resource(stored=True)
        self.assertEqual(approved(recite(whole))[-1]["response"], whole)

    @given(tales(), contexts)
    def test_I40_failed(self, events: list[Event], asked: Context) -> None:
        """One that broke off is told with what it had."""
        narration = Narration(asked, seal)
        narration.write(events)
        narration.break_off(GatewayError(502, "Cut."))
        whole = narration.resource(stored=True)
        self.assertEqual(approved(recite(whole))[-1]["response"], whole)

    def test_cancelled(self) -> None:
        """One that was cancelled ends as a cancelled stream does."""
        narration = Narration(asking())
        narration.write([TextDelta("a")])
        narration.cancel()
        last = approved(recite(narration.resource(stored=True)))[-1]
        self.assertEqual((last["type"], last["response"]["status"]), ("response.incomplete", "cancelled"))

    def test_same_events(self) -> None:
        """An answer whose words came in one piece is told with the same events as at first."""
        events = told(TextDelta("a"), Citation(0, 1, "https://a.example/", "A"), STOP)
        self.assertEqual(kinds(approved(recite(events[-1]["response"]))), kinds(events))
