"""What the replies of one model tell about its traits, by the names of ``agd.gemini.models.Family``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from agd.gemini.models import EFFORTS, Family
from agd.gemini.probes.questions import LADDERS, LEVELS, MEDIA
from agd.gemini.probes.replies import Reply

Replies = Mapping[str, Reply]
"""From a question's name to its reply; questions that were not asked are missing."""

_NOT_ASKED = Reply("unclear", "not asked")

_FLAGS: Mapping[str, tuple[str, bool]] = {
    "function_ids": ("ids", True),
    "function_response_parts": ("result_media", True),
    "signature_bypass": ("unsigned", False),
    "validated_mode": ("validated_mode", True),
    "penalties": ("penalties", True),
    "json_schema": ("json_schema", True),
    "json_with_tools": ("json_with_tools", True),
    "text_with_media": ("media_alone", False),
    "prefill": ("prefill", True),
}
"""For each trait that is yes or no: the question, and what it means when that is accepted."""

_LEAST: Mapping[str, int] = {"candidate_count": 1, "logprobs": 0}
"""What it means when the least that was asked for is refused, where that is known."""

_BOUNDS = (
    (re.compile(r"\bto (\d+) \(exclusive\)", re.IGNORECASE), 1),
    (re.compile(r"\b(?:between|from) \d+ (?:and|to) (\d+)", re.IGNORECASE), 0),
    (re.compile(r"\b(?:maximum length of|must be|at most) (\d+)", re.IGNORECASE), 0),
)
_RANGE = re.compile(r"between (-?\d+) and (\d+)", re.IGNORECASE)
_MAKES = re.compile(r"accepts the following combinations? of response modalities:(.*)", re.IGNORECASE | re.DOTALL)

BUDGETS: Mapping[str, int] = dict(zip(EFFORTS, (0, 1024, 1024, 8192, 24576, 32768, 32768), strict=True))
"""Tokens for each effort where the table knows none, before they are fitted into the model's range."""


@frozen
class Observation:
    """What a trait was seen to be; ``at_least``: it may be more. Not ``known``: ``said`` tells why."""

    value: Any = None
    known: bool = True
    at_least: bool = False
    said: str = ""


def observe(replies: Replies, family: Family, output_limit: int | None) -> dict[str, Observation]:
    """Read all replies of a model. ``family`` is what the table says of it, where a value is made from what it says.

    ``output_limit`` is the model's own ``outputTokenLimit``. A trait that means nothing for the model is left out.
    """
    observed = _thinking(replies, family)
    observed |= {trait: _flag(_of(replies, name), value) for trait, (name, value) in _FLAGS.items()}
    observed |= {trait: _ladder(replies, trait, amounts) for trait, amounts in LADDERS.items()}
    observed |= _tools(_of(replies, "tools"), _of(replies, "tools.told"))
    observed["media"] = _media(replies, family)
    observed["media_resolution"] = _resolution(_of(replies, "resolution.part"), _of(replies, "resolution.request"))
    observed["modalities"] = _modalities(_of(replies, "modalities"))
    observed["max_output"] = (
        _unknown("the provider does not tell") if output_limit is None else Observation(output_limit)
    )
    return observed


def _of(replies: Replies, name: str) -> Reply:
    return replies.get(name, _NOT_ASKED)


def _unknown(said: str) -> Observation:
    return Observation(known=False, said=said)


def _flag(reply: Reply, accepted: bool) -> Observation:
    if reply.verdict == "unclear":
        return _unknown(reply.said)
    return Observation(accepted if reply.accepted else not accepted, said=reply.said)


def _ladder(replies: Replies, trait: str, amounts: tuple[int, ...]) -> Observation:
    """Go up until a number is refused; the refusal may tell the highest one better than the numbers asked for."""
    best = _LEAST.get(trait)
    for amount in amounts:
        reply = _of(replies, f"{trait}.{amount}")
        if reply.verdict == "unclear":
            return _unknown(reply.said)
        if reply.refused:
            return _stopped(best, amount, reply.said)
        best = amount
    return Observation(best, at_least=True)


def _stopped(best: int | None, refused: int, said: str) -> Observation:
    bounds = (int(found[1]) - exclusive for pattern, exclusive in _BOUNDS if (found := pattern.search(said)))
    told = next((bound for bound in bounds if (best or 0) <= bound < refused), best)
    return _unknown(said) if told is None else Observation(told, said=said)


def _thinking(replies: Replies, family: Family) -> dict[str, Observation]:
    levels = {level: _of(replies, f"level.{level}") for level in LEVELS}
    taken = tuple(level for level, reply in levels.items() if reply.accepted)
    unclear = next((reply for reply in levels.values() if reply.verdict == "unclear"), None)
    if taken:
        known = Observation(taken) if unclear is None else _unknown(unclear.said)
        return {"thinking": Observation("level"), "levels": known, "can_rest": _rests(replies)}
    budget = _of(replies, "budget")
    unclear = unclear or (budget if budget.verdict == "unclear" else None)
    if unclear is not None:
        return {"thinking": _unknown(unclear.said)}
    if budget.refused:
        return {"thinking": Observation(None, said=budget.said)}
    rests = _rests(replies)
    budgets = _budgets(_of(replies, "budget.range"), family, rests)
    return {"thinking": Observation("budget"), "budgets": budgets, "can_rest": rests}


def _rests(replies: Replies) -> Observation:
    """Tell whether a budget of nothing is accepted and kept."""
    reply = _of(replies, "budget.none")
    return Observation(False, said="it thought all the same") if reply.thoughts else _flag(reply, True)


def _budgets(reply: Reply, family: Family, rests: Observation) -> Observation:
    """Fit the table's budgets, or else the usual ones, into the range that the refusal of a huge one tells."""
    found = _RANGE.search(reply.said) if reply.refused else None
    if found is None:
        return _unknown(reply.said or "every budget is accepted")
    low, high = max(int(found[1]), 1), int(found[2])
    can_rest = rests.value if rests.known else family.can_rest
    budgets = {effort: min(max(tokens, low), high) for effort, tokens in (family.budgets or BUDGETS).items()}
    least = budgets["none"] if family.budgets and not family.can_rest else low
    return Observation({**budgets, "none": 0 if can_rest else least}, said=reply.said)


def _tools(plain: Reply, told: Reply) -> dict[str, Observation]:
    """Provider tools beside functions: as they are, or only when the request says that it knows what comes back."""
    if plain.accepted:
        together, say = Observation(True), Observation(False)
    elif plain.refused and told.accepted:
        together = say = Observation(True)
    elif plain.refused and told.refused:
        together, say = Observation(False, said=plain.said), Observation(False, said=told.said)
    else:
        together = say = _unknown((told if plain.refused else plain).said)
    return {"tool_combination": together, "server_tool_calls": say}


def _media(replies: Replies, family: Family) -> Observation:
    kinds = {kind: _flag(_of(replies, f"media.{kind}"), True) for kind in MEDIA}
    for observation in kinds.values():
        if not observation.known:
            return observation
    added = (kind for kind in MEDIA if kind not in family.media)
    value = tuple(kind for kind in (*family.media, *added) if kind not in kinds or kinds[kind].value)
    return Observation(value, said=next((each.said for each in kinds.values() if each.said), ""))


def _resolution(part: Reply, request: Reply) -> Observation:
    if part.accepted:
        return Observation("part")
    if part.refused and request.verdict != "unclear":
        return Observation("request" if request.accepted else None, said=part.said)
    return _unknown((request if part.refused else part).said)


def _modalities(reply: Reply) -> Observation:
    """Read from the refusal of an impossible request what answers can be made of."""
    found = _MAKES.search(reply.said) if reply.refused else None
    made = tuple(kind for kind in ("text", "image", "audio") if found and kind in found[1].lower())
    if not made:
        return _unknown(reply.said or "every combination is accepted")
    return Observation(made, said=reply.said)
