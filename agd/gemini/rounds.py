"""Pairing calls with their results inside one round: the assistant's turn and the user's turn right behind it.

Clients use ids again in later rounds, so an id means something only here; the same id twice in a round is paired in
order. The provider pairs by position as well, so results are put into the order of the calls.
"""

from __future__ import annotations

from collections.abc import Iterable

from agd.conversation import ToolCall, ToolResult
from agd.errors import BadRequest


def pair_results(calls: Iterable[ToolCall], results: Iterable[ToolResult]) -> list[tuple[ToolCall, ToolResult]]:
    """Return every call with its result, in the order of the calls.

    Raises ``BadRequest`` (``messages``) naming the id of a result without a call, or of a call without a result.
    """
    calls = list(calls)
    answers: list[ToolResult | None] = [None] * len(calls)
    for result in results:
        answers[_place(calls, answers, result)] = result
    pairs = []
    for call, answer in zip(calls, answers, strict=True):
        if answer is None:
            raise BadRequest(f"The tool call {call.id!r} has no result behind it.", "messages")
        pairs.append((call, answer))
    return pairs


def _place(calls: list[ToolCall], answers: list[ToolResult | None], result: ToolResult) -> int:
    for index, call in enumerate(calls):
        if call.id == result.call_id and answers[index] is None:
            return index
    raise BadRequest(f"The tool result for {result.call_id!r} answers no tool call of the turn before it.", "messages")
