"""Leaving out the oldest rounds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Message, Text, ToolCall, ToolResult
from agd.emulation.truncation import without_oldest


def said(text: str) -> Message:
    """Words of the user."""
    return Message("user", (Text(text),))


def round_of(number: int, calls: int, size: int) -> list[Message]:
    """A round: a question, calls with their results, an answer."""
    messages = [said(f"{number}" * size)]
    for call in range(calls):
        messages.append(Message("assistant", (ToolCall(f"call_{number}_{call}", "f", "{}"),)))
        messages.append(Message("user", (ToolResult(f"call_{number}_{call}", (Text("x" * size),)),)))
    return [*messages, Message("assistant", (Text("y" * size),))]


def ids(messages: tuple[Message, ...], kind: type[ToolCall] | type[ToolResult]) -> set[str]:
    """The ids of all calls, or of all results."""
    parts = [part for message in messages for part in message.parts]
    return {part.id if isinstance(part, ToolCall) else part.call_id for part in parts if isinstance(part, kind)}


class TruncationTests(SynchronousTestCase):
    """``without_oldest``."""

    def test_I34_one_round(self) -> None:
        """The last round is never left out, whatever its size."""
        self.assertIsNone(without_oldest(round_of(1, 2, 50), 0.1))

    def test_I34_oldest_first(self) -> None:
        """As many of the newest rounds stay as fit."""
        messages = [*round_of(1, 0, 10), *round_of(2, 0, 10), *round_of(3, 0, 10), *round_of(4, 0, 10)]
        self.assertEqual(without_oldest(messages, 0.5), tuple(messages[4:]))
        self.assertEqual(without_oldest(messages, 0.1), tuple(messages[6:]))

    @given(
        st.lists(st.tuples(st.integers(0, 3), st.integers(1, 30)), min_size=1, max_size=6),
        st.floats(0.05, 1, exclude_max=True),
    )
    def test_I34_pairs(self, rounds: list[tuple[int, int]], keep: float) -> None:
        """What stays is the end of the conversation, shorter, with every call beside its result."""
        messages = [one for number, (calls, size) in enumerate(rounds) for one in round_of(number, calls, size)]
        kept = without_oldest(messages, keep)
        if kept is None:
            self.assertEqual(len(rounds), 1)
            return
        self.assertEqual(kept, tuple(messages[-len(kept) :]))
        self.assertLess(len(kept), len(messages))
        self.assertEqual(ids(kept, ToolCall), ids(kept, ToolResult))
        self.assertIsInstance(kept[0].parts[0], Text)
