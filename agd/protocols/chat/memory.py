"""What a chat message remembers for the provider, in ``extra_content.google`` of an assistant message.

A chat message is one string, then images, then calls; a provider's turn is parts in any order, of which some carry a
signature (C05-C07) and some are state of the provider's own (B44). The message carries, each only where there is some:

- ``thought_signature``: the signature of the last signed text, where Google's own endpoint has it;
- ``parts``: the provider's own parts, untouched;
- ``thoughts``: signed thoughts, with their text;
- ``code``: what the provider ran and what that printed, where the order is told;
- ``order``: how the parts followed one another, where it is not parts, one text, images, calls. An entry is
  ``{"text": length in code points, "thought_signature": ...}`` or the index of a thing: ``{"image": 0}``,
  ``{"tool_call": 0}``, ``{"opaque": 0}`` (of ``parts``), ``{"code": 0, "length": code points of its Markdown}``.

A client that sends the message back as it got it gives the provider its own turn back; from one that drops the
extension, or has changed the text, the message is read as it stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from attrs import define, field

from agd.conversation import Code, CodePart, Media, Opaque, Part, Text, Thought, ToolCall
from agd.protocols.fields import Fields, missing
from agd.protocols.markdown import fenced
from agd.protocols.signatures import read_google, signature_in

_RANKS = {"opaque": 0, "text": 1, "image": 2, "tool_call": 3}
"""The order of a message's parts that needs no telling."""


@define
class Memory:
    """What one message has to remember, gathered part by part in the order of the answer."""

    _order: list[dict[str, Any]] = field(factory=list)
    _opaque: list[Mapping[str, Any]] = field(factory=list)
    _thoughts: list[dict[str, Any]] = field(factory=list)
    _code: list[dict[str, Any]] = field(factory=list)
    _counts: dict[str, int] = field(factory=dict)
    _signature: str | None = None
    _worthwhile: bool = False
    _thinking: bool = False

    def text(self, length: int, signature: str | None = None, *, said: bool = True) -> None:
        """Take text that the message shows; it continues the text before it unless that was signed.

        ``said`` is false for an empty text, which is a part of its own where it is signed (C06).
        """
        self._thinking = False
        last = self._order[-1] if self._order else None
        if last is not None and said and "text" in last and "thought_signature" not in last:
            last["text"] += length
        elif said or signature:
            last = {"text": length}
            self._order.append(last)
        if signature and last is not None:
            last["thought_signature"] = self._signature = signature
            self._worthwhile = True

    def thought(self, text: str, signature: str | None) -> None:
        """Take thoughts; only those that turn out to be signed are remembered."""
        if not (self._thinking and text):
            self._thoughts.append({"text": []})
        self._thoughts[-1]["text"].append(text)
        self._thinking = signature is None
        if signature:
            self._thoughts[-1]["thought_signature"] = signature

    def image(self, signature: str | None) -> None:
        """Take an image, which stands elsewhere in the message, with its signature."""
        self._place("image", worthwhile=signature is not None)

    def call(self, signature: str | None) -> None:
        """Take a call, which stands elsewhere in the message, with its signature."""
        self._place("tool_call", worthwhile=signature is not None)

    def code(self, part: Code | CodePart, length: int) -> None:
        """Take code that ran at the provider, or what it printed; the message shows ``length`` code points for it."""
        told = {"language": part.language, "result": part.result, "outcome": part.outcome, "id": part.id}
        signed = {"thought_signature": part.signature} if part.signature else {}
        self._code.append({"text": part.text, **{key: value for key, value in told.items() if value}, **signed})
        self._place("code", worthwhile=part.signature is not None)
        self._order[-1]["length"] = length

    def opaque(self, data: Mapping[str, Any]) -> None:
        """Take a part of the provider's own."""
        self._opaque.append(data)
        self._place("opaque", worthwhile=True)

    def extension(self) -> dict[str, Any] | None:
        """Return the message's ``extra_content``, or None when there is nothing to remember."""
        google: dict[str, Any] = {}
        if self._signature is not None:
            google["thought_signature"] = self._signature
        if self._opaque:
            google["parts"] = self._opaque
        thoughts = [{**thought, "text": "".join(thought["text"])} for thought in self._thoughts if len(thought) > 1]
        if thoughts:
            google["thoughts"] = thoughts
        if self._worthwhile and not self._is_plain():
            google["order"] = self._order
            if self._code:
                google["code"] = self._code
        return {"google": google} if google else None

    def _place(self, kind: str, *, worthwhile: bool) -> None:
        self._thinking = False
        index = self._counts[kind] = self._counts.get(kind, -1) + 1
        self._order.append({kind: index})
        self._worthwhile = self._worthwhile or worthwhile

    def _is_plain(self) -> bool:
        if self._code:
            return False
        kinds = [next(iter(entry)) for entry in self._order]
        ranks = [_RANKS[kind] for kind in kinds]
        return kinds.count("text") <= 1 and all(low <= high for low, high in pairwise(ranks))


def recall(
    entry: Fields, content: Sequence[Text | Media], images: Sequence[Media], calls: Sequence[ToolCall]
) -> tuple[Part, ...]:
    """Return the parts of an assistant message in the order and with the signatures that it remembers."""
    google = read_google(entry)
    if google is None:
        return (*content, *images, *calls)
    opaque = tuple(Opaque(part.values) for part in google.objects("parts"))
    thoughts = tuple(_thought(thought) for thought in google.objects("thoughts"))
    code = tuple(_code(part) for part in google.objects("code"))
    things: dict[str, Sequence[Part]] = {"opaque": opaque, "image": images, "tool_call": calls, "code": code}
    ordered = _ordered(google.objects("order"), entry.get("content") or "", things)
    if ordered is None:
        return (*thoughts, *opaque, *_signed(content, signature_in(google)), *images, *calls)
    return (*thoughts, *ordered)


def _thought(fields: Fields) -> Thought:
    signature = signature_in(fields)
    if signature is None:
        raise missing(fields.at("thought_signature"))
    return Thought(fields.text("text") or "", signature)


def _code(fields: Fields) -> Code:
    result, signature = fields.flag("result") or False, signature_in(fields)
    text, language, outcome, run = (fields.text(key) or "" for key in ("text", "language", "outcome", "id"))
    return Code(text, language, result, signature, outcome, run)


def _signed(content: Sequence[Text | Media], signature: str | None) -> tuple[Text | Media, ...]:
    """Return content whose last text, if need be an empty one, has the signature."""
    if signature is None:
        return tuple(content)
    last = content[-1] if content else None
    if isinstance(last, Text):
        return (*content[:-1], Text(last.text, signature))
    return (*content, Text("", signature))


def _ordered(order: Sequence[Fields], content: Any, things: Mapping[str, Sequence[Part]]) -> tuple[Part, ...] | None:
    """Return all parts in their remembered order; None where it does not fit the message (any more)."""
    if not order or not isinstance(content, str):
        return None
    parts: list[Part] = []
    used: dict[str, list[int]] = {kind: [] for kind in things}
    start = 0
    for entry in order:
        length = entry.integer("text", 0)
        if length is not None:
            parts.append(Text(content[start : start + length], signature_in(entry)))
            start += length
            continue
        kind = next((kind for kind in things if entry.get(kind) is not None), None)
        index = entry.integer(kind, 0) if kind is not None else None
        if kind is None or index is None or index >= len(things[kind]):
            return None
        part = things[kind][index]
        shown = _shown(part, entry)
        if not content.startswith(shown, start):
            return None
        start += len(shown)
        used[kind].append(index)
        parts.append(part)
    whole = all(sorted(used[kind]) == list(range(len(things[kind]))) for kind in things)
    return tuple(parts) if whole and start == len(content) else None


def _shown(part: Part, entry: Fields) -> str:
    """Return what the message's text shows of a thing: of code its Markdown, unless it was hidden."""
    return fenced(part) if isinstance(part, Code) and entry.integer("length", 0) else ""
