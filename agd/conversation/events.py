"""What a model says, as it says it.

Events are made once per streamed delta; they are plain slotted classes, which cost less than frozen ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from operator import add
from typing import Any

from attrs import astuple, define, frozen


class FinishReason(StrEnum):
    """Why a choice ended, in the field's common words."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"


@frozen
class Usage:
    """Tokens of one request. ``cached`` and ``tool_use`` are parts of ``prompt``, ``reasoning`` of ``completion``."""

    prompt: int = 0
    completion: int = 0
    reasoning: int = 0
    cached: int = 0
    tool_use: int = 0
    prompt_audio: int = 0
    completion_audio: int = 0

    @property
    def total(self) -> int:
        """Always the sum: an answer whose numbers do not add up is never sent."""
        return self.prompt + self.completion

    def __add__(self, other: Usage) -> Usage:
        """Sum each kind of tokens."""
        return Usage(*map(add, astuple(self), astuple(other)))


@define
class TextDelta:
    """More of the visible text. ``signature`` belongs to this piece; the text may then be empty (C06)."""

    text: str
    choice: int = 0
    signature: str | None = None


@define
class ThoughtDelta:
    """More of the summary of what the model thinks."""

    text: str
    choice: int = 0
    signature: str | None = None


@define
class ToolCallStart:
    """A call begins. ``index`` counts the calls of its choice over the whole answer, from 0."""

    index: int
    id: str
    name: str
    signature: str | None = None
    choice: int = 0


@define
class ToolCallDelta:
    """More of a call's arguments: a piece of JSON text."""

    index: int
    arguments: str
    choice: int = 0


@define
class ToolCallDone:
    """A call is complete: its deltas, joined, are one JSON object."""

    index: int
    choice: int = 0


@define
class MediaPart:
    """A whole image or sound from the model; ``data`` in base64."""

    mime: str
    data: str
    choice: int = 0
    signature: str | None = None


@define
class CodePart:
    """Code that the model ran at the provider, or (``result``) what it printed.

    ``outcome`` is the provider's word for a run that did not end well, ``id`` its name for the run.
    """

    text: str
    language: str = ""
    result: bool = False
    choice: int = 0
    signature: str | None = None
    outcome: str = ""
    id: str = ""


@define
class Citation:
    """A source of the text. ``start`` and ``end`` are offsets in code points of the choice's whole visible text.

    ``uri`` may be empty for a document of the user's own; ``kind`` is then ``file``.
    """

    start: int
    end: int
    uri: str
    title: str
    kind: str = "url"
    choice: int = 0


@frozen
class TokenLogprob:
    """The natural logarithm of a token's probability, and of the likeliest ones in its place, best first."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


@define
class LogProbs:
    """Probabilities of tokens of the visible text, in order; in a stream they may come with the last chunk only."""

    tokens: tuple[TokenLogprob, ...]
    choice: int = 0


@define
class OpaquePart:
    """Provider state that the next turn must give back unchanged (B44)."""

    data: Mapping[str, Any]
    choice: int = 0


@define
class Details:
    """What the provider tells beside the answer: safety ratings, average probability, URLs it read (F39)."""

    data: Mapping[str, Any]
    choice: int = 0


@define
class RefusalDelta:
    """Why the provider refused to answer, in words for the user."""

    text: str
    choice: int = 0


@define
class Finished:
    """A choice is over. ``native`` is the provider's own word for ``reason``, ``detail`` its words for people."""

    reason: FinishReason
    native: str
    choice: int = 0
    detail: str = ""


@define
class UsageReport:
    """The final count of tokens; at most one in an answer, after everything else."""

    usage: Usage


Event = (
    TextDelta
    | ThoughtDelta
    | ToolCallStart
    | ToolCallDelta
    | ToolCallDone
    | MediaPart
    | CodePart
    | Citation
    | LogProbs
    | OpaquePart
    | Details
    | RefusalDelta
    | Finished
    | UsageReport
)
