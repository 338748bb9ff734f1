"""What openai-python makes of a stream: its own reader, over a transport that holds our bytes."""

from __future__ import annotations

import httpx2
from hypothesis import given
from openai import OpenAI
from openai.types.responses import Response
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Event, TextDelta
from agd.protocols import sse
from agd.protocols.endpoint import Context
from agd.protocols.responses.narration import Frame, Narration
from agd.protocols.responses.stream import framed
from tests.protocols.responses.telling import STOP, asking, broken, cancelled, contexts, seal, tales


def received(frames: list[Frame]) -> Response | None:
    """Return the final Response that openai-python's stream gives; None where it was not completed."""
    head = {"content-type": "text/event-stream"}
    body = framed(frames) + sse.DONE
    transport = httpx2.MockTransport(lambda request: httpx2.Response(200, content=body, headers=head))
    with (
        httpx2.Client(transport=transport) as http,
        OpenAI(api_key="made-up", base_url="http://agd.example/v1", http_client=http).responses.stream(
            model="gemini-3-flash", input="x"
        ) as stream,
    ):
        completed = [event.response for event in stream if event.type == "response.completed"]
        return stream.get_final_response() if completed else None


class ClientTests(SynchronousTestCase):
    """client.responses.stream."""

    @given(tales(), contexts)
    def test_any_answer(self, events: list[Event], asked: Context) -> None:
        """Every stream is read to its end, and a completed one gives the Response that was told."""
        narration = Narration(asked, seal)
        final = received([*narration.write(events), *narration.finish(), *narration.terminal(stored=True)])
        self.assertEqual(final is not None, narration.status == "completed")
        if final is not None:
            told = [(item["id"], item["type"]) for item in narration.output]
            self.assertEqual([(item.id, item.type) for item in final.output], told)
            self.assertEqual(final.output_text, narration.resource(stored=True)["output_text"])

    @given(tales(), contexts)
    def test_any_failure(self, events: list[Event], asked: Context) -> None:
        """A stream that fails or is cancelled is read to its end too."""
        for ending in (broken, cancelled):
            narration = Narration(asked, seal)
            self.assertIsNone(received([*narration.write(events), *ending(narration)]))

    def test_output_text(self) -> None:
        """The words are where the library's users look for them."""
        narration = Narration(asking())
        final = received(
            [*narration.write([TextDelta("a"), STOP]), *narration.finish(), *narration.terminal(stored=True)]
        )
        self.assertEqual(final and final.output_text, "a")
