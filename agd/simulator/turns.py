"""The rules of order between turns, which the API checks for function calls and their signatures."""

from __future__ import annotations

from collections import Counter

from agd.simulator.asked import Turn
from agd.simulator.catalogue import is_gemini_3
from agd.simulator.rpc_status import Refused, invalid_argument

_SIGNATURES = "https://ai.google.dev/gemini-api/docs/thought-signatures"


def check_turns(turns: tuple[Turn, ...], model: str) -> None:
    """Check a conversation's order, calls against results, and signatures. Raises ``Refused``.

    Adjacent contents of the model count as one turn, which recordings show; adjacent contents of the user do not:
    results of parallel calls in contents of their own are refused.
    """
    for turn in turns:
        _check_roles(turn)
    turns = _joined(turns)
    if turns[0].role == "model" and not turns[0].calls():
        raise invalid_argument("Please ensure that multiturn requests start with a user turn.")
    for index, turn in enumerate(turns):
        before = turns[index - 1] if index else None
        after = turns[index + 1] if index + 1 < len(turns) else None
        if turn.calls():
            _check_calls(before, turn, after)
        if turn.results() and (before is None or not before.calls()):
            raise _order("function response turn", "comes immediately after a function call turn")
    if is_gemini_3(model):
        _check_signatures(turns)


def _joined(turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
    joined: list[Turn] = []
    for turn in turns:
        if joined and turn.role == joined[-1].role == "model":
            joined[-1] = Turn("model", joined[-1].parts + turn.parts)
        else:
            joined.append(turn)
    return tuple(joined)


def _check_roles(turn: Turn) -> None:
    if turn.role == "user" and turn.calls():
        raise _order("function call parts", "are only in turns of the model role")
    if turn.role == "model" and turn.results():
        raise _order("function response parts", "are only in turns of the user role")


def _check_calls(before: Turn | None, turn: Turn, after: Turn | None) -> None:
    if before is None or before.role != "user":
        raise _order("function call turn", "comes immediately after a user turn or after a function response turn")
    calls = turn.calls()
    results = after.results() if after else []
    if len(calls) != len(results):
        raise _order(
            "the number of function response parts",
            "is equal to the number of function call parts of the function call turn",
        )
    if Counter(call.name for call in calls) != Counter(result.name for result in results):
        raise _order("the names of function response parts", "match those of the function call turn")
    answered = {result.id for result in results} - {None}
    if answered and answered != {call.id for call in calls} - {None}:
        raise _order("the ids of function response parts", "match those of the function call turn")


def _check_signatures(turns: tuple[Turn, ...]) -> None:
    """The first call of each step of the current turn must be signed; earlier turns are not looked at."""
    asked = [index for index, turn in enumerate(turns) if turn.role == "user" and not turn.results()]
    for index in range(asked[-1] if asked else 0, len(turns)):
        calls = turns[index].calls()
        if calls and not calls[0].signed:
            raise invalid_argument(
                "Function call is missing a thought_signature in functionCall parts. This is required for tools to "
                "work correctly, and missing thought_signature may lead to degraded model performance. Additional "
                f"data, function call `default_api:{calls[0].name}` , position {index + 1}. Please refer to "
                f"{_SIGNATURES} for more details."
            )


def _order(what: str, rule: str) -> Refused:
    return invalid_argument(f"Please ensure that {what} {rule}.")
