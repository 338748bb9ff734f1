"""Tests of agd.protocols.chat.stream."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import (
    Event,
    Finished,
    FinishReason,
    TextDelta,
    ThoughtDelta,
    Usage,
    UsageReport,
)
from agd.errors import GatewayError
from agd.protocols.chat.request import LEGACY
from agd.protocols.chat.stream import ChatStream
from tests.protocols.answers import call, context, frames

STOP = Finished(FinishReason.STOP, "STOP")
CALLS = Finished(FinishReason.TOOL_CALLS, "STOP")
DONE = b"data: [DONE]\n\n"


def streamed(events: list[Event], **options: Any) -> list[dict[str, Any]]:
    """Return the chunks of a whole answer."""
    writer = ChatStream(context(**options))
    return frames(writer.write(events) + writer.close())


def deltas(events: list[Event], **options: Any) -> list[dict[str, Any]]:
    """Return the deltas of a whole answer."""
    return [choice["delta"] for chunk in streamed(events, **options) for choice in chunk["choices"]]


class ChatStreamTests(SynchronousTestCase):
    """Streamed chat answers."""

    def test_first_and_last(self) -> None:
        """The role comes once with empty content, the finish in its own chunk with an empty delta."""
        expected = [
            {"role": "assistant", "content": ""},
            {"reasoning_content": "t"},
            {"content": "a"},
            {"content": "b"},
            {},
        ]
        self.assertEqual(deltas([ThoughtDelta("t"), TextDelta("a"), TextDelta("b"), STOP]), expected)
        finish = streamed([TextDelta("a"), STOP])[-1]["choices"][0]
        self.assertEqual((finish["finish_reason"], finish["native_finish_reason"]), ("stop", "STOP"))

    def test_calls(self) -> None:
        """A call's id and name come once, its arguments follow, indices count on over the whole answer."""
        first = {"index": 0, "id": "call_0", "type": "function", "function": {"name": "f", "arguments": ""}}
        first["extra_content"] = {"google": {"thought_signature": "c2ln"}}
        expected = [
            {"tool_calls": [first]},
            {"tool_calls": [{"index": 0, "function": {"arguments": '{"a":'}}]},
            {"tool_calls": [{"index": 0, "function": {"arguments": "1}"}}]},
            {
                "tool_calls": [
                    {"index": 1, "id": "call_1", "type": "function", "function": {"name": "g", "arguments": ""}}
                ]
            },
            {"tool_calls": [{"index": 1, "function": {"arguments": "{}"}}]},
            {},
        ]
        events = [*call(0, "f", '{"a":', "1}", signature="c2ln"), *call(1, "g"), CALLS]
        self.assertEqual(deltas(events)[1:], expected)

    def test_choices_are_apart(self) -> None:
        """Each choice has its own first chunk and finish."""
        events: list[Event] = [TextDelta("a", 0), TextDelta("b", 1), Finished(FinishReason.STOP, "STOP", 1), STOP]
        chunks = [chunk["choices"][0] for chunk in streamed(events)]
        self.assertEqual([choice["index"] for choice in chunks], [0, 0, 1, 1, 1, 0])

    def test_choices_in_order(self) -> None:
        """Choices are opened in the order of their numbers, as clients that add up chunks keep them."""
        events: list[Event] = [TextDelta("b", 1), Finished(FinishReason.STOP, "STOP", 1), TextDelta("a"), STOP]
        chunks = [chunk["choices"][0] for chunk in streamed(events, n=2)]
        self.assertEqual([choice["index"] for choice in chunks], [0, 1, 1, 1, 0, 0])

    def test_usage_only_if_asked(self) -> None:
        """With usage asked for every chunk says null and the last, without choices, counts; else there is none."""
        events: list[Event] = [TextDelta("a"), STOP, UsageReport(Usage(2, 3))]
        *chunks, last = streamed(events, include_usage=True)
        self.assertTrue(all(chunk["usage"] is None for chunk in chunks))
        self.assertEqual((last["choices"], last["usage"]["total_tokens"]), ([], 5))
        self.assertTrue(all("usage" not in chunk for chunk in streamed(events)))

    def test_legacy(self) -> None:
        """A request with functions gets function_call deltas, of the first call only."""
        events = [*call(0, "f", "{}"), *call(1, "g", "{}"), CALLS]
        chunks = streamed(events, echo={LEGACY: True})
        expected = [{"function_call": {"name": "f", "arguments": ""}}, {"function_call": {"arguments": "{}"}}, {}]
        self.assertEqual([chunk["choices"][0]["delta"] for chunk in chunks][1:], expected)
        self.assertEqual(chunks[-1]["choices"][0]["finish_reason"], "function_call")

    def test_fail(self) -> None:
        """An error is told as an event and nothing follows it."""
        told = ChatStream(context()).fail(GatewayError(503, "Gone.", type="server_error", code="x"))
        error = b'{"error":{"message":"Gone.","type":"server_error","param":null,"code":"x"}}'
        self.assertEqual(told, b"data: " + error + b"\n\n")

    def test_never_invents_a_finish(self) -> None:
        """Closing an answer that did not finish, or never began, tells of an error without [DONE]."""
        for events in ([], [TextDelta("a")]):
            writer = ChatStream(context())
            writer.write(events)
            closing = writer.close()
            self.assertIn(b'"error"', closing)
            self.assertNotIn(DONE, closing)
