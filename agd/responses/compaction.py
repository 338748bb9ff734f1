"""Compaction: a conversation becomes a summary that the next turn answers from.

The model itself writes the summary. It goes to the client sealed, as OpenAI's does, in an item of type ``compaction``,
and beside it the newest words of the user as they were written, as far as they make up a small part of the whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import evolve

from agd.conversation import Answer, Choice, Message, Prompt, Reasoning, Sampling, Text, ToolChoice
from agd.encoding import encode
from agd.errors import GatewayError

_ASK = """\
Write a handover note for whoever continues this conversation in your place and will see nothing of it but this note.
Tell, as short as possible and as completely as needed: what the user wants and every instruction that still holds; what
was done and found out, with exact names, paths, numbers and commands; what was decided and why; what is left to do and
what comes next. Do not answer the user, do not call any tool, and do not mention this request."""

_KEPT_SHARE = 0.25
"""How much of the conversation's size the user's own words may make up that stay beside the summary."""


def summarising(prompt: Prompt) -> Prompt:
    """Return the prompt that asks for a summary of a conversation instead of its next turn."""
    return evolve(
        prompt,
        messages=(*prompt.messages, Message("user", (Text(_ASK),))),
        tool_choice=ToolChoice("none") if prompt.tools else None,
        sampling=Sampling(),
        output_format=None,
        reasoning=Reasoning(prompt.reasoning.effort),
        web_search=None,
        code_execution=None,
        modalities=(),
        image_output=None,
        stream=False,
    )


def summary_of(answer: Answer) -> str:
    """Return the words of a summary. Raises ``GatewayError`` when the model wrote none."""
    parts = answer.choices.get(0, Choice()).parts
    words = "".join(part.text for part in parts if isinstance(part, Text))
    if not words.strip():
        message = "The model wrote no summary of the conversation."
        raise GatewayError(502, message, type="server_error", code="compaction_failed")
    return words


def kept_words(items: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the newest messages of the user that are a small part of all, in their order."""
    room = _KEPT_SHARE * sum(len(encode(item)) for item in items)
    kept: list[Mapping[str, Any]] = []
    for item in _users(reversed(items)):
        room -= len(encode(item))
        if room < 0:
            break
        kept.append(item)
    return kept[::-1]


def _users(items: Iterator[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    return (item for item in items if item.get("type", "message") == "message" and item.get("role") == "user")
