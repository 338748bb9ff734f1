"""Tests of agd.protocols.responses.stream, items and outline."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import (
    Event,
    Finished,
    FinishReason,
    TextDelta,
    ThoughtDelta,
    ToolCallDelta,
    ToolCallDone,
    ToolCallStart,
    Usage,
    UsageReport,
)
from agd.errors import GatewayError
from agd.protocols.responses.answer import render
from agd.protocols.responses.stream import ResponseStream
from tests.protocols.answers import TOKEN, call, context, fold, frames, writes
from tests.protocols.schemas import validate

STOP = Finished(FinishReason.STOP, "STOP")
DONE = b"data: [DONE]\n\n"
TERMINAL = {"response.completed", "response.incomplete", "response.failed"}
_EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


def streamed(*events: Event) -> list[dict[str, Any]]:
    """Return the events of a whole answer."""
    writer = ResponseStream(context())
    return frames(writer.write(events) + writer.close())


def kinds(events: Iterable[dict[str, Any]]) -> list[str]:
    """Return the events' types without their common prefix."""
    return [event["type"].removeprefix("response.") for event in events]


class Client:
    """A strict reader of a stream: what it gathers must agree with what it is told at each close."""

    def __init__(self) -> None:
        self.open: dict[str, dict[str, Any]] = {}
        self.words: dict[tuple[str, str, int], str] = {}
        self.done: dict[int, dict[str, Any]] = {}

    def take(self, event: dict[str, Any]) -> None:
        """Check one event against all that came before it."""
        kind = event["type"].removeprefix("response.")
        if kind == "output_item.added":
            assert event["output_index"] == len(self.open)
            assert event["item"]["id"] not in self.open
            self.open[event["item"]["id"]] = event
        elif kind == "output_item.done":
            assert self.open[event["item"]["id"]]["output_index"] == event["output_index"]
            assert event["output_index"] not in self.done
            self.done[event["output_index"]] = event["item"]
        elif "item_id" in event:
            self._fill(kind, event)

    def _fill(self, kind: str, event: dict[str, Any]) -> None:
        assert self.open[event["item_id"]]["output_index"] == event["output_index"]
        assert event["output_index"] not in self.done
        place = event.get("content_index", event.get("summary_index", 0))
        stem = kind.rpartition(".")[0]
        key = (event["item_id"], stem, place)
        if kind.endswith(".delta"):
            self.words[key] = self.words.get(key, "") + event["delta"]
        elif kind in {"output_text.done", "reasoning_summary_text.done"}:
            assert event["text"] == self.words.get(key, "")
        elif kind == "refusal.done":
            assert event["refusal"] == self.words.get(key, "")
        elif kind == "function_call_arguments.done":
            assert event["arguments"] == self.words.get(key, "")


class ResponseStreamTests(SynchronousTestCase):
    """Streamed Responses."""

    @given(writes())
    def test_legal_and_equal_to_plain(self, pieces: list[list[Event]]) -> None:
        """Any answer is a legal sequence of valid events that ends with the plain Response."""
        writer = ResponseStream(context())
        stream = b"".join(map(writer.write, pieces)) + writer.close()
        events = frames(stream)
        client = Client()
        for event in events:
            _EVENT.validate_python(event)
            validate("ResponseStreamEvent", event)
            client.take(event)
        self.assertEqual([event["sequence_number"] for event in events], list(range(len(events))))
        self.assertEqual([event["type"] for event in events if event["type"] in TERMINAL], [events[-1]["type"]])
        self.assertEqual(kinds(events)[:2], ["created", "in_progress"])
        self.assertEqual((stream.count(DONE), stream.endswith(DONE)), (1, True))
        final = events[-1]["response"]
        self.assertEqual([client.done[index] for index in range(len(client.open))], final["output"])
        plain = render(fold(event for piece in pieces for event in piece), context())
        del plain["choices"]
        self.assertEqual(final, plain)

    @given(st.permutations([0, 0, 0, 1, 1, 1, 2]))
    def test_interleaved_calls(self, order: list[int]) -> None:
        """Calls and text that interleave keep their own items."""
        steps: dict[int, list[Event]] = {
            0: call(0, "f", '{"a":1}'),
            1: call(1, "g", '{"b":2}'),
            2: [TextDelta("x")],
        }
        mixed = [steps[choice].pop(0) for choice in order]
        client = Client()
        for event in streamed(*mixed, STOP):
            client.take(event)
        arguments = {item["name"]: item["arguments"] for item in client.done.values() if "name" in item}
        self.assertEqual(arguments, {"f": '{"a":1}', "g": '{"b":2}'})

    def test_text(self) -> None:
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

    def test_thoughts_then_call(self) -> None:
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

    def test_every_lifecycle_event_is_whole(self) -> None:
        """Created, in_progress and the end carry the whole Response, and usage comes at the end."""
        events = streamed(TextDelta("a"), STOP, UsageReport(Usage(2, 3)))
        lifecycle = [event["response"] for event in events if "response" in event]
        self.assertEqual([response["status"] for response in lifecycle], ["in_progress", "in_progress", "completed"])
        self.assertEqual(len({frozenset(response) for response in lifecycle}), 1)
        self.assertEqual([response["id"] for response in lifecycle], [f"resp_{TOKEN}"] * 3)
        self.assertIsNone(lifecycle[0]["usage"])
        self.assertEqual(lifecycle[2]["usage"]["total_tokens"], 5)

    def test_incomplete(self) -> None:
        """A cut answer ends with response.incomplete, and what was open is incomplete."""
        cut: list[Event] = [ToolCallStart(0, "c", "f"), ToolCallDelta(0, '{"a')]
        last = streamed(TextDelta("a"), *cut, Finished(FinishReason.LENGTH, "MAX_TOKENS"))[-1]
        self.assertEqual(last["type"], "response.incomplete")
        self.assertEqual(last["response"]["incomplete_details"], {"reason": "max_output_tokens"})
        self.assertEqual([item["status"] for item in last["response"]["output"]], ["completed", "incomplete"])

    def test_empty_call(self) -> None:
        """A call without arguments has an empty object."""
        item = streamed(ToolCallStart(0, "c", "f"), ToolCallDone(0), STOP)[-1]["response"]["output"][0]
        self.assertEqual(item["arguments"], "{}")

    def test_fail_at_once(self) -> None:
        """A failure before anything was sent begins the stream and ends it, without ``[DONE]``."""
        told = ResponseStream(context()).fail(GatewayError(503, "Gone."))
        events = frames(told)
        self.assertEqual(kinds(events), ["created", "in_progress", "failed"])
        self.assertEqual(events[-1]["response"]["error"], {"code": "server_error", "message": "Gone."})
        self.assertNotIn(DONE, told)
        for event in events:
            _EVENT.validate_python(event)
            validate("ResponseStreamEvent", event)

    def test_fail_later(self) -> None:
        """A failure in the middle goes on counting and keeps only the finished items."""
        writer = ResponseStream(context())
        events = frames(writer.write([ThoughtDelta("t"), TextDelta("a")]))
        last = frames(writer.fail(GatewayError(502, "Cut.")))[0]
        self.assertEqual(last["sequence_number"], len(events))
        self.assertEqual([item["type"] for item in last["response"]["output"]], ["reasoning"])
        self.assertEqual(last["response"]["status"], "failed")

    def test_never_invents_a_finish(self) -> None:
        """Closing an answer that did not finish fails it."""
        self.assertEqual(kinds(streamed(TextDelta("a")))[-1], "failed")
