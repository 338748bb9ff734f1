"""How hard a model thinks: OpenAI's effort as a budget of tokens or as a level, by family."""

from __future__ import annotations

from typing import Any

from agd.conversation import Notice, Reasoning
from agd.errors import BadRequest
from agd.gemini.models import EFFORTS, Family


def write_thinking(
    reasoning: Reasoning, family: Family, *, summaries: bool = False
) -> tuple[dict[str, Any], list[Notice]]:
    """Return ``thinkingConfig``, empty when nothing is to be said, and what was done otherwise than asked.

    ``summaries``: thoughts are wanted whatever the client says. Effort alone does not ask for them. An effort that
    the family does not have becomes the next one up, or else its highest; ``none`` where thinking cannot be off is
    its least. Raises ``BadRequest`` for an effort that does not exist.
    """
    effort = reasoning.effort
    if effort is not None and effort not in EFFORTS:
        raise BadRequest(f"The reasoning effort {effort!r} is none of {', '.join(EFFORTS)}.", "reasoning_effort")
    if family.thinking is None:
        return {}, _unheard(reasoning, family)
    config, notices = ({}, []) if effort is None else _effort(effort, family)
    if (reasoning.summary or summaries) and effort != "none":
        config["includeThoughts"] = True
    return config, notices


def _unheard(reasoning: Reasoning, family: Family) -> list[Notice]:
    """A model without thinking, or one of which nothing is known, is told nothing."""
    asked = reasoning.effort is not None or reasoning.summary
    if not asked or (family.known and reasoning.effort == "none"):
        return []
    return [Notice("reasoning_effort", "reasoning settings were not sent: not known to be accepted by this model")]


def _effort(effort: str, family: Family) -> tuple[dict[str, Any], list[Notice]]:
    if family.thinking == "budget":
        notices = [] if effort != "none" or family.can_rest else [_clamped(effort, "the smallest budget")]
        return {"thinkingBudget": family.budgets[effort]}, notices
    level = _level(effort, family.levels)
    return {"thinkingLevel": level.upper()}, [] if level == effort else [_clamped(effort, f"level {level}")]


def _level(effort: str, levels: tuple[str, ...]) -> str:
    """Return the lowest level that is not below the effort, or else the highest there is."""
    wanted = EFFORTS.index(effort)
    return next((level for level in levels if EFFORTS.index(level) >= wanted), levels[-1])


def _clamped(effort: str, done: str) -> Notice:
    return Notice("reasoning_effort", f"effort {effort!r} does not exist for this model: {done} was sent")
