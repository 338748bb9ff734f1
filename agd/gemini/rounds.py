"""Pairing calls with their results inside one round: the assistant's turn and the user's turn right behind it.

Clients use ids again in later rounds, so an id means something only here; the same id twice in a round is paired in
order. The provider pairs by position as well, so results are put into the order of the calls.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence

from attrs import define

from agd.conversation import Text, ToolCall, ToolResult
from agd.errors import BadRequest

NO_RESULT = "no result"
"""What stands for a result that the client never sent."""


@define
class Round:
    """Calls with their results, in the order of the calls; results that answer none of them, in their own."""

    pairs: tuple[tuple[ToolCall, ToolResult], ...]
    orphans: tuple[ToolResult, ...]
    missing: tuple[str, ...]
    """Ids of calls whose result was made up."""


def pair_results(
    calls: Sequence[ToolCall], results: Sequence[ToolResult], *, keep_orphans: bool = False, synthesize: bool = False
) -> Round:
    """Pair every call with its result.

    Raises ``BadRequest`` (``messages``) naming the id of a result without a call unless ``keep_orphans``, and of a
    call without a result unless ``synthesize``, which answers it with an error that says so.
    """
    if len(calls) == len(results) == 1 and calls[0].id == results[0].call_id:
        return Round(((calls[0], results[0]),), (), ())  # Nearly every round.
    answers: list[ToolResult | None] = [None] * len(calls)
    places: defaultdict[str, deque[int]] = defaultdict(deque)
    for index, call in enumerate(calls):
        places[call.id].append(index)
    orphans = []
    for result in results:
        if waiting := places.get(result.call_id):
            answers[waiting.popleft()] = result
        elif keep_orphans:
            orphans.append(result)
        else:
            raise _orphan(result)
    missing = tuple(call.id for call, answer in zip(calls, answers, strict=True) if answer is None)
    if missing and not synthesize:
        raise BadRequest(f"The tool call {missing[0]!r} has no result behind it.", "messages")
    pairs = tuple((call, answer or _made_up(call)) for call, answer in zip(calls, answers, strict=True))
    return Round(pairs, tuple(orphans), missing)


def _orphan(result: ToolResult) -> BadRequest:
    return BadRequest(f"The tool result for {result.call_id!r} answers no tool call of the turn before it.", "messages")


def _made_up(call: ToolCall) -> ToolResult:
    return ToolResult(call.id, (Text(NO_RESULT),), error=True)
