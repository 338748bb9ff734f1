"""The neutral language: what a client asks (``Prompt``) and what a model says (``Event``, ``Answer``).

Every protocol a client speaks and every provider's language is one codec to and from these values; the two sides
meet nowhere else. Requests are frozen values, so a translation can be repeated and gives the same bytes. Events are
made once per streamed delta and are therefore plain slotted classes, which cost less than frozen ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal

from attrs import define, field, frozen

# --------------------------------------------------------------------------- what the client asks


@frozen
class Text:
    """Words of either side, byte for byte as written; ``signature`` is provider state to give back with them."""

    text: str
    signature: str | None = None


@frozen
class Media:
    """An image, sound or document: ``data`` in standard padded base64, or else a ``uri`` the provider can read."""

    mime: str | None
    data: str | None = None
    uri: str | None = None
    detail: str | None = None
    signature: str | None = None


@frozen
class Thought:
    """A summary of the model's reasoning."""

    text: str
    signature: str | None = None


@frozen
class ToolCall:
    """A call the model made; ``arguments`` is the JSON text exactly as it stood in the conversation."""

    id: str
    name: str
    arguments: str
    signature: str | None = None


@frozen
class ToolResult:
    """What a tool answered to the call ``call_id``; ``name`` is set only where the client's protocol carries it."""

    call_id: str
    output: tuple[Text | Media, ...]
    name: str | None = None
    error: bool = False


@frozen
class Code:
    """Code the model ran itself at the provider, or (``result``) what that code printed."""

    text: str
    language: str = ""
    result: bool = False


Part = Text | Media | Thought | ToolCall | ToolResult | Code


@frozen
class Message:
    """One turn. Tool results are parts of a ``user`` turn; system and developer words are ``Prompt.instructions``."""

    role: Literal["user", "assistant"]
    parts: tuple[Part, ...]


@frozen
class Tool:
    """A function the model may call; ``parameters`` is the client's JSON Schema, untouched."""

    name: str
    description: str | None = None
    parameters: Mapping[str, Any] | None = None
    strict: bool | None = None


@frozen
class ToolChoice:
    """``mode`` says whether tools are called; ``names``, when not empty, says which of them may be."""

    mode: Literal["auto", "none", "required"]
    names: tuple[str, ...] = ()


@frozen
class OutputFormat:
    """What the text of the answer must be: JSON of any shape, or JSON that fits ``schema``."""

    kind: Literal["json_object", "json_schema"]
    schema: Mapping[str, Any] | None = None
    name: str | None = None
    strict: bool | None = None


@frozen
class Sampling:
    """How tokens are drawn and when drawing ends. None means that the client said nothing: nothing is sent."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None


@frozen
class Reasoning:
    """``effort``: none, minimal, low, medium, high, xhigh, max, or None; ``summary``: thoughts are wanted back."""

    effort: str | None = None
    summary: bool = False


@frozen
class Notice:
    """Something the client asked that was carried out otherwise or not at all, and why."""

    param: str
    message: str


@frozen
class Prompt:
    """One request in the neutral language. ``model`` is the name as the client wrote it."""

    model: str
    messages: tuple[Message, ...]
    instructions: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    sampling: Sampling = Sampling()
    output_format: OutputFormat | None = None
    reasoning: Reasoning = Reasoning()
    stream: bool = False
    include_usage: bool = False
    echo: Mapping[str, Any] = field(factory=dict)
    """Request fields that the client's protocol repeats in its answer (Responses: metadata, instructions, …)."""
    notices: tuple[Notice, ...] = ()


# --------------------------------------------------------------------------- what the model says


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


@define
class TextDelta:
    """More of the visible text."""

    text: str
    choice: int = 0


@define
class ThoughtDelta:
    """More of the summary of what the model thinks."""

    text: str
    choice: int = 0


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


@define
class CodePart:
    """Code that the model ran at the provider, or (``result``) what it printed."""

    text: str
    language: str = ""
    result: bool = False
    choice: int = 0


@define
class RefusalDelta:
    """Why the provider refused to answer, in words for the user."""

    text: str
    choice: int = 0


@define
class Finished:
    """A choice is over. ``native`` is the provider's own word for ``reason``."""

    reason: FinishReason
    native: str
    choice: int = 0


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
    | RefusalDelta
    | Finished
    | UsageReport
)


@define
class Choice:
    """One folded alternative of an answer: its parts in the order in which they came."""

    parts: list[Part] = field(factory=list)
    refusal: str = ""
    reason: FinishReason | None = None
    native: str = ""


@define
class Answer:
    """The fold of an answer's events. A plain reply is this fold of what a stream sends, so the two cannot differ."""

    choices: dict[int, Choice] = field(factory=dict)
    usage: Usage | None = None
    _pieces: dict[tuple[int, int], tuple[ToolCallStart, list[str]]] = field(factory=dict)

    def add(self, event: Event) -> None:
        """Take one event; events come in the order in which the provider told them."""
        if isinstance(event, UsageReport):
            self.usage = event.usage
            return
        choice = self.choices.setdefault(event.choice, Choice())
        match event:
            case TextDelta(text=text):
                _join(choice.parts, Text, text)
            case ThoughtDelta(text=text):
                _join(choice.parts, Thought, text)
            case ToolCallStart():
                self._pieces[event.choice, event.index] = (event, [])
            case ToolCallDelta():
                self._pieces[event.choice, event.index][1].append(event.arguments)
            case ToolCallDone():
                start, pieces = self._pieces.pop((event.choice, event.index))
                choice.parts.append(ToolCall(start.id, start.name, "".join(pieces), start.signature))
            case MediaPart():
                choice.parts.append(Media(event.mime, data=event.data))
            case CodePart():
                choice.parts.append(Code(event.text, event.language, event.result))
            case RefusalDelta(text=text):
                choice.refusal += text
            case Finished():
                choice.reason, choice.native = event.reason, event.native


def _join(parts: list[Part], kind: type[Text] | type[Thought], text: str) -> None:
    """Append text to the last part when it is of the same kind, else begin a new one."""
    if parts and isinstance(parts[-1], kind):
        parts[-1] = kind(parts[-1].text + text)
    else:
        parts.append(kind(text))
