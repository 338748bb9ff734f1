"""Sources of an answer as annotations of its message."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import (
    Citation,
    CodePart,
    Event,
    Finished,
    FinishReason,
    MediaPart,
    OpaquePart,
    TextDelta,
    ThoughtDelta,
)
from tests.protocols.answers import context, fold, frames
from tests.protocols.responses.writer import ResponseStream
from tests.protocols.routes import RESPONSES
from tests.protocols.schemas import validate

_STOP = Finished(FinishReason.STOP, "STOP")


def _streamed(*events: Event) -> list[dict[str, Any]]:
    writer = ResponseStream(context())
    return frames(writer.write([*events, _STOP]) + writer.close())


def _texts(output: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [part for item in output if item["type"] == "message" for part in item["content"]]


class CitationTests(SynchronousTestCase):
    """url_citation annotations."""

    def test_I21_streamed_and_plain(self) -> None:
        """Each source is told once, in the text that it belongs to, with offsets in that text as it is shown."""
        said: list[Event] = [
            TextDelta("ab"),
            CodePart("x", "python"),
            TextDelta("cd"),
            Citation(2, 4, "https://a.example/", "A"),
        ]
        after: list[Event] = [
            OpaquePart({"toolCall": {}}),
            MediaPart("image/png", "aGk="),
            TextDelta("efg"),
            Citation(5, 7, "", "B"),
        ]
        events = _streamed(*said, *after)
        for event in events:
            validate("ResponseStreamEvent", event)
        added = [event for event in events if event["type"] == "response.output_text.annotation.added"]
        output = events[-1]["response"]["output"]
        self.assertEqual([event["annotation"] for event in added], [text["annotations"][0] for text in _texts(output)])
        found = [
            text["text"][note["start_index"] : note["end_index"]]
            for text in _texts(output)
            for note in text["annotations"]
        ]
        self.assertEqual(found, ["cd", "fg"])
        self.assertEqual(RESPONSES.render(fold([*said, *after, _STOP]), context())["output"], output)

    def test_too_late(self) -> None:
        """A source of a message that is closed is not put into the next one."""
        events = _streamed(
            TextDelta("ab"), ThoughtDelta("t"), TextDelta("cd"), Citation(0, 2, "https://a.example/", "A")
        )
        self.assertEqual([text["annotations"] for text in _texts(events[-1]["response"]["output"])], [[], []])
