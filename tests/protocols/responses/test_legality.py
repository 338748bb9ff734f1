"""The stream of a Response as a state machine: whatever the upstream does, what comes out is legal."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Citation, Event, TextDelta, ThoughtDelta
from agd.errors import GatewayError
from agd.protocols.endpoint import Context
from agd.protocols.responses.narration import Narration
from tests.protocols.answers import call
from tests.protocols.responses.legality import Illegal, check, check_stream
from tests.protocols.responses.telling import (
    STOP,
    approved,
    asking,
    broken,
    cancelled,
    contexts,
    narrate,
    seal,
    tales,
    told,
)
from tests.protocols.responses.writer import ResponseStream
from tests.protocols.schemas import validate_response

_ERRORS = st.sampled_from(
    [
        GatewayError(502, "Cut."),
        GatewayError(429, "Slow down.", retry_after=1.0),
        GatewayError(400, "Too long.", code="context_length_exceeded"),
        GatewayError(429, "Used up.", code="insufficient_quota"),
    ]
)


class StateMachineTests(SynchronousTestCase):
    """Any sequence of upstream events, with any end."""

    @given(tales(), contexts, st.lists(st.integers(0, 20), max_size=3), st.none() | st.just(seal))
    def test_I12_any_answer(self, events: list[Event], asked: Context, cuts: list[int], sealing: Any) -> None:
        """Any answer, in any pieces, is a legal stream of valid events with one terminal event."""
        places = [0, *sorted(min(cut, len(events)) for cut in cuts), len(events)]
        writes = [events[low:high] for low, high in pairwise(places)]
        narration = Narration(asked, sealing)
        narrate(narration, *writes)
        validate_response(narration.resource(stored=True))
        self.assertEqual(narration.terminal(stored=True), narration.terminal(stored=True))

    @given(tales(), contexts, st.integers(0, 20), _ERRORS)
    def test_I12_any_failure(self, events: list[Event], asked: Context, cut: int, error: GatewayError) -> None:
        """A failure at any point, also after the finish, ends the stream with one response.failed."""
        narration = Narration(asked, seal)
        frames = narration.write(events[:cut])
        if cut > len(events):
            frames += narration.finish()
        last = approved([*frames, *broken(narration, error)])[-1]
        self.assertEqual((last["type"], last["response"]["status"]), ("response.failed", "failed"))

    @given(tales(), contexts, st.integers(0, 20), st.booleans())
    def test_I40_any_cancel(self, events: list[Event], asked: Context, cut: int, queued: bool) -> None:
        """A cancel at any point ends the stream with one event that every client knows as an end."""
        narration = Narration(asked, seal)
        frames = narration.queued() if queued else []
        frames += narration.write(events[:cut]) if cut else []
        last = approved([*frames, *cancelled(narration)])[-1]
        self.assertEqual((last["type"], last["response"]["status"]), ("response.incomplete", "cancelled"))

    @given(tales(), contexts, st.booleans())
    def test_I12_framed(self, events: list[Event], asked: Context, fails: bool) -> None:
        """Framed, every stream ends with ``[DONE]``, a failed one too."""
        writer = ResponseStream(asked)
        end = writer.write(events) + (writer.fail(GatewayError(502, "Cut.")) if fails else writer.close())
        check_stream(end)


class ReaderTests(SynchronousTestCase):
    """The reader itself: what it must not believe."""

    def _refused(self, events: list[dict[str, Any]]) -> None:
        for number, event in enumerate(events):
            event["sequence_number"] = number
        self.assertRaises(Illegal, check, events)

    def _told(self) -> list[dict[str, Any]]:
        words: list[Event] = [ThoughtDelta("t"), TextDelta("a"), Citation(0, 1, "https://a.example/", "A")]
        calls = [*call(0, "shell", '{"commands": ["ls"]}'), *call(1, "apply_patch", '{"input": "x"}')]
        return told(*words, *calls, STOP)

    def test_every_event_counts(self) -> None:
        """A stream with any event left out, told twice or told late is refused; only a source may come sooner."""
        length = len(self._told())
        for index in range(length):
            self._refused([event for at, event in enumerate(self._told()) if at != index])
            events = self._told()
            self._refused([*events[: index + 1], dict(events[index]), *events[index + 1 :]])
            if index < length - 1 and not events[index + 1]["type"].endswith("annotation.added"):
                events[index], events[index + 1] = events[index + 1], events[index]
                self._refused(events)

    def test_gaps(self) -> None:
        """Numbers with a gap are refused."""
        events = self._told()
        events[3]["sequence_number"] = 9
        self.assertRaises(Illegal, check, events)

    def test_changes(self) -> None:
        """An item whose id, text or place differs from one event to the next is refused."""
        for change in ({"output_index": 5}, {"item_id": "other"}, {"delta": "other"}, {"text": "other"}):
            for at, event in enumerate(self._told()):
                if event.keys() >= change.keys():
                    events = self._told()
                    events[at] |= change
                    self._refused(events)

    def test_output(self) -> None:
        """A terminal event whose output is not what was told is refused."""
        events = self._told()
        events[-1]["response"]["output"].pop()
        self._refused(events)

    def test_unfinished(self) -> None:
        """A stream without a terminal event is refused, unless only its beginning is asked for."""
        events = self._told()[:-1]
        self._refused(events)
        check(events, whole=False)

    def test_framing(self) -> None:
        """A stream without ``[DONE]``, or with an event under a wrong name, is refused."""
        writer = ResponseStream(asking())
        stream = writer.write([TextDelta("a"), STOP]) + writer.close()
        check_stream(stream)
        self.assertRaises(Illegal, check_stream, stream.removesuffix(b"data: [DONE]\n\n"))
        self.assertRaises(Illegal, check_stream, stream.replace(b"event: response.created", b"event: created"))
