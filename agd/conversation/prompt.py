"""What a client asks: values that never change, so that a translation can be repeated and gives the same bytes.

The classes that a long conversation has thousands of (messages and their parts) are not frozen, because a frozen
instance takes four times as long to make; nobody may change one either, ``attrs.evolve`` makes another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from attrs import define, field, frozen


@define(unsafe_hash=True)
class Text:
    """Words of either side, byte for byte as written; ``signature`` is provider state to give back with them."""

    text: str
    signature: str | None = None


@define(unsafe_hash=True)
class Media:
    """An image, sound or document: ``data`` in standard padded base64, or else a ``uri`` the provider can read."""

    mime: str | None
    data: str | None = None
    uri: str | None = None
    detail: str | None = None
    signature: str | None = None


@define(unsafe_hash=True)
class Thought:
    """A summary of the model's reasoning."""

    text: str
    signature: str | None = None


@define(unsafe_hash=True)
class ToolCall:
    """A call the model made; ``arguments`` is the JSON text exactly as it stood in the conversation."""

    id: str
    name: str
    arguments: str
    signature: str | None = None


@define(unsafe_hash=True)
class ToolResult:
    """What a tool answered to the call ``call_id``; ``name`` is set only where the client's protocol carries it."""

    call_id: str
    output: tuple[Text | Media, ...]
    name: str | None = None
    error: bool = False


@frozen
class Code:
    """Code the model ran itself at the provider, or (``result``) what that code printed.

    ``outcome`` is the provider's word for a run that did not end well, ``id`` its name for the run.
    """

    text: str
    language: str = ""
    result: bool = False
    signature: str | None = None
    outcome: str = ""
    id: str = ""


@frozen
class Opaque:
    """Provider state that means nothing here and must go back unchanged, such as a server-side tool's own call."""

    data: Mapping[str, Any]


Part = Text | Media | Thought | ToolCall | ToolResult | Code | Opaque


@define(unsafe_hash=True)
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
    path: str = field(default="", eq=False)
    """Where in the request it is described, to name it in errors; it makes no tool another."""


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
    description: str | None = None
    """What the answer is for, in words for the model."""


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
    logprobs: bool = False
    top_logprobs: int | None = None


@frozen
class Reasoning:
    """``effort``: none, minimal, low, medium, high, xhigh, max, or None; ``summary``: thoughts are wanted back."""

    effort: str | None = None
    summary: bool = False


@frozen
class WebSearch:
    """The provider may search the web. ``asked_as`` is the field or tool by which the client asked.

    ``optional``: the client can do without where the model does not take it beside functions.
    """

    asked_as: str
    optional: bool = False


@frozen
class CodeExecution:
    """The provider may write code and run it. ``asked_as`` is the tool by which the client asked."""

    asked_as: str


@frozen
class ImageOutput:
    """How generated images should be: ``aspect_ratio`` such as ``16:9``, ``size`` such as ``2K``.

    ``asked_as`` is the field or tool by which the client asked for images at all.
    """

    aspect_ratio: str | None = None
    size: str | None = None
    asked_as: str = "modalities"


@frozen
class Speech:
    """How generated speech should be: the provider's voice; ``format`` as the client wrote it."""

    voice: str
    format: str


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
    n: int = 1
    best_of: int | None = None
    """Legacy completions: make so many choices and give the ``n`` likeliest."""
    further: tuple[tuple[Message, ...], ...] = ()
    """Legacy prompt lists: more conversations, each answered with ``n`` choices after those of ``messages``."""
    silent: bool = False
    """Nothing is to be generated (``max_tokens`` 0 with echo): the answer is empty at once."""
    parallel_tool_calls: bool | None = None
    web_search: WebSearch | None = None
    code_execution: CodeExecution | None = None
    modalities: tuple[str, ...] = ()
    """Wanted beside or instead of text: ``text``, ``image``, ``audio``; empty: the client said nothing."""
    image_output: ImageOutput | None = None
    speech: Speech | None = None
    suffix: str | None = None
    """What shall follow the answer: legacy completions' insertion."""
    native: Mapping[str, Any] = field(factory=dict)
    """``extra_body.google``: the provider's own options, checked against an allow-list where they are sent."""
    service_tier: Literal["flex", "priority"] | None = None
    """Cheaper and later, or dearer and sooner, than what is served to everybody."""
    stream: bool = False
    include_usage: bool = False
    echo: Mapping[str, Any] = field(factory=dict)
    """Request fields that the client's protocol repeats in its answer (Responses: metadata, instructions, …)."""
    notices: tuple[Notice, ...] = ()
    session: str | None = None
    """What the client says of the conversation this belongs to, see ``conversation.session``; None: nothing."""
    names: Mapping[str, str] = field(factory=dict)
    """What the client's protocol calls the fields that another name stands for in here: see ``names``."""
