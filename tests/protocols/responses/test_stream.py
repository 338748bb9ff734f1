"""Tests of agd.protocols.responses.stream: the sequence of events as it travels to the client."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import (
    Event,
    Finished,
    FinishReason,
    MediaPart,
    TextDelta,
    ThoughtDelta,
    ToolCallDelta,
    ToolCallDone,
    ToolCallStart,
    Usage,
    UsageReport,
)
from agd.errors import GatewayError
from tests.protocols.answers import TOKEN, call, context, fold, writes
from tests.protocols.responses.legality import check_stream
from tests.protocols.responses.telling import STOP, kinds
from tests.protocols.responses.writer import ResponseStream
from tests.protocols.routes import RESPONSES
from tests.protocols.schemas import validate_event


def streamed(*events: Event) -> list[dict[str, Any]]:
    """Return the events of a whole answer; they are legal and valid."""
    writer = ResponseStream(context())
    return approved(writer.write(events) + writer.close())


def approved(stream: bytes) -> list[dict[str, Any]]:
    """Return the events of a stream that is legal and valid."""
    events = check_stream(stream)
    for event in events:
        validate_event(event)
    return events


class ResponseStreamTests(SynchronousTestCase):
    """Streamed Responses."""

    @given(writes())
    def test_I06_legal_and_equal_to_plain(self, pieces: list[list[Event]]) -> None:
        """Any answer is a legal sequence of valid events that ends with the plain Response."""
        writer = ResponseStream(context())
        events = approved(b"".join(map(writer.write, pieces)) + writer.close())
        plain = RESPONSES.render(fold(event for piece in pieces for event in piece), context())
        del plain["choices"]
        self.assertEqual(events[-1]["response"], plain)

    @given(st.permutations([0, 0, 0, 1, 1, 1, 2]))
    def test_I13_interleaved_calls(self, order: list[int]) -> None:
        """Calls and text that interleave upstream are told one after another, each with what is its own."""
        steps: dict[int, list[Event]] = {
            0: call(0, "f", '{"a":1}'),
            1: call(1, "g", '{"b":2}'),
            2: [TextDelta("x")],
        }
        events = streamed(*[steps[choice].pop(0) for choice in order], STOP)
        output = events[-1]["response"]["output"]
        arguments = {item["name"]: item["arguments"] for item in output if "name" in item}
        self.assertEqual(arguments, {"f": '{"a":1}', "g": '{"b":2}'})
        self.assertEqual(events[-1]["response"]["output_text"], "x")

    def test_I01_text(self) -> None:
        """An answer of text has the full sequence of events."""
        expected = [
            "created",
            "in_progress",
            "output_item.added",
            "content_part.added",
            "output_text.delta",
            "output_text.delta",
            "output_text.done",
            "content_part.done",
            "output_item.done",
            "completed",
        ]
        self.assertEqual(kinds(streamed(TextDelta("a"), TextDelta("b"), STOP)), expected)

    def test_I14_thoughts_then_call(self) -> None:
        """One run of thoughts is one reasoning item, closed before the call opens."""
        events = streamed(ThoughtDelta("a"), ThoughtDelta("b"), *call(0, "f", "{}"), STOP)
        expected = [
            "created",
            "in_progress",
            "output_item.added",
            "reasoning_summary_part.added",
            "reasoning_summary_text.delta",
            "reasoning_summary_text.delta",
            "reasoning_summary_text.done",
            "reasoning_summary_part.done",
            "output_item.done",
            "output_item.added",
            "function_call_arguments.delta",
            "function_call_arguments.done",
            "output_item.done",
            "completed",
        ]
        self.assertEqual(kinds(events), expected)
        self.assertEqual(events[9]["item"]["arguments"], "")
        self.assertEqual((events[11]["name"], events[11]["arguments"]), ("f", "{}"))

    def test_I13_text_thought_text(self) -> None:
        """Text, then thoughts, then text are three items, one closed before the next."""
        events = streamed(TextDelta("a"), ThoughtDelta("t"), TextDelta("b"), STOP)
        ends = [kind for kind in kinds(events) if kind.startswith("output_item")]
        self.assertEqual(ends, ["output_item.added", "output_item.done"] * 3)
        self.assertEqual(
            [item["type"] for item in events[-1]["response"]["output"]], ["message", "reasoning", "message"]
        )

    def test_I08_every_lifecycle_event_is_whole(self) -> None:
        """Created, in_progress and the end carry the whole Response, and usage comes at the end."""
        events = streamed(TextDelta("a"), STOP, UsageReport(Usage(2, 3)))
        lifecycle = [event["response"] for event in events if "response" in event]
        self.assertEqual([response["status"] for response in lifecycle], ["in_progress", "in_progress", "completed"])
        self.assertEqual(len({frozenset(response) for response in lifecycle}), 1)
        self.assertEqual([response["id"] for response in lifecycle], [f"resp_{TOKEN}"] * 3)
        self.assertEqual({response["model"] for response in lifecycle}, {context().prompt.model})
        self.assertIsNone(lifecycle[0]["usage"])
        self.assertEqual(lifecycle[2]["usage"]["total_tokens"], 5)

    def test_I10_incomplete(self) -> None:
        """A cut answer ends with response.incomplete, and what was open is incomplete."""
        cut: list[Event] = [ToolCallStart(0, "c", "f"), ToolCallDelta(0, '{"a')]
        last = streamed(TextDelta("a"), *cut, Finished(FinishReason.LENGTH, "MAX_TOKENS"))[-1]
        self.assertEqual(last["type"], "response.incomplete")
        self.assertEqual(last["response"]["incomplete_details"], {"reason": "max_output_tokens"})
        self.assertEqual([item["status"] for item in last["response"]["output"]], ["completed", "incomplete"])

    def test_I15_empty_call(self) -> None:
        """A call without arguments has an empty object."""
        item = streamed(ToolCallStart(0, "c", "f"), ToolCallDone(0), STOP)[-1]["response"]["output"][0]
        self.assertEqual((item["arguments"], item["call_id"], item["id"]), ("{}", "c", f"fc_{TOKEN}_0"))

    def test_I12_fail_at_once(self) -> None:
        """A failure before anything was sent begins the stream and ends it, ``[DONE]`` and all."""
        events = approved(ResponseStream(context()).fail(GatewayError(503, "Gone.")))
        self.assertEqual(kinds(events), ["created", "in_progress", "failed"])
        self.assertEqual(events[-1]["response"]["error"], {"code": "server_error", "message": "Gone."})

    def test_I11_fail_later(self) -> None:
        """A failure in the middle keeps what was finished, and what was open as incomplete; it closes nothing."""
        writer = ResponseStream(context())
        events = approved(writer.write([ThoughtDelta("t"), TextDelta("a")]) + writer.fail(GatewayError(502, "Cut.")))
        self.assertEqual(kinds(events)[-2:], ["output_text.delta", "failed"])
        output = events[-1]["response"]["output"]
        self.assertEqual([(item["type"], item["status"]) for item in output],
                         [("reasoning", "completed"), ("message", "incomplete")])  # fmt: skip
        self.assertEqual(events[-1]["response"]["status"], "failed")

    def test_I12_never_invents_a_finish(self) -> None:
        """Closing an answer that did not finish fails it."""
        self.assertEqual(kinds(streamed(TextDelta("a")))[-1], "failed")

    def test_I02_named(self) -> None:
        """Each event is named by its type, and its data is one line."""
        writer = ResponseStream(context())
        stream = writer.write([TextDelta("a\nb"), STOP]) + writer.close()
        blocks = stream.decode().removesuffix("\n\n").split("\n\n")[:-1]
        names = [block.split("\n") for block in blocks]
        self.assertEqual({len(lines) for lines in names}, {2})
        for name, data in names:
            self.assertEqual(name, f"event: {json.loads(data.removeprefix('data: '))['type']}")

    def test_I05_ids(self) -> None:
        """An item has the same id in all its events and in the end, made from the answer's own."""
        events = streamed(ThoughtDelta("t"), TextDelta("a"), *call(0, "f", "{}"), STOP)
        told = {event["item"]["id"] for event in events if "item" in event}
        within = {event["item_id"] for event in events if "item_id" in event}
        final = [item["id"] for item in events[-1]["response"]["output"]]
        self.assertEqual(final, [f"rs_{TOKEN}_0", f"msg_{TOKEN}_1", f"fc_{TOKEN}_2"])
        self.assertEqual((told, within), (set(final), set(final)))

    def test_I48_image(self) -> None:
        """An image is an item with all its events."""
        events = streamed(TextDelta("a"), MediaPart("image/png", "aGk="), STOP)
        steps = ["in_progress", "completed"]
        self.assertEqual(
            kinds(events)[8:-1],
            ["output_item.added", *(f"image_generation_call.{step}" for step in steps), "output_item.done"],
        )
        image = events[-1]["response"]["output"][1]
        self.assertEqual((image["id"], image["result"], image["output_format"]), (f"ig_{TOKEN}_1", "aGk=", "png"))

    def test_I47_streams_apart(self) -> None:
        """Two streams that are written in turn know nothing of each other."""
        one, two = ResponseStream(context()), ResponseStream(context())
        first, second = one.write([TextDelta("a")]), two.write([ThoughtDelta("t")])
        first += one.write([STOP]) + one.close()
        second += two.write([STOP]) + two.close()
        outputs = [approved(stream)[-1]["response"]["output"] for stream in (first, second)]
        self.assertEqual([[item["type"] for item in output] for output in outputs], [["message"], ["reasoning"]])
