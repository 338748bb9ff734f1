"""From messages to ``contents``: turns in the order and the shape that the provider demands.

Turns of one side are merged, results of tools stand in a content of their own, in the order of their calls, and the
first turn is the user's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import define, field

from agd.conversation import Code, Media, Message, Notice, Opaque, Part, Text, Thought, ToolCall, ToolResult
from agd.errors import BadRequest
from agd.gemini.media import check_size, fits_result, media_part, resolution
from agd.gemini.models import Family
from agd.gemini.names import ToolNames
from agd.gemini.parts import arguments, code, opaque, response, signed, words
from agd.gemini.rounds import Round, pair_results
from agd.options import DEFAULT, Options

BYPASS = "skip_thought_signature_validator"
"""What stands for the signature of a call that has none (Google, "Thought signatures", FAQ): a call made by another
model, or one whose signature the client lost. Both the Developer API and Vertex AI accept it."""

_BLANK = {"text": " "}
_SIDES = {"user": "user", "assistant": "model"}
Turn = tuple[int, str, list[Part]]
"""The index of its first message, whose it is (``user``, ``assistant``), and what it says."""

Written = Mapping[str, Any]


@define
class ContentsWriter:
    """Writes the turns of one request.

    ``notices`` collects what was done otherwise than asked, ``details`` the levels of detail asked of images for a
    model that is told one for the whole request (None: an image without).
    """

    _family: Family
    _names: ToolNames
    _options: Options = DEFAULT
    notices: list[Notice] = field(factory=list)
    details: set[str | None] = field(factory=set)
    _inline: int = 0

    def write(self, messages: Sequence[Message]) -> list[dict[str, Any]]:
        """Return ``contents``; empty when the messages say nothing.

        Raises ``BadRequest`` (``messages``) for calls and results that do not pair, and for media that cannot be
        sent; ``GatewayError`` (413) for too much media.
        """
        current = _current_turn(messages)
        contents: list[dict[str, Any]] = []
        calls: list[ToolCall] = []
        for index, role, parts in _turns(messages):
            if len(parts) == 1 and isinstance(parts[0], Text) and not calls:
                # Most turns, and all that the rest of the rules would do to them.
                contents.append({"role": _SIDES[role], "parts": [words(parts[0])]})
            elif role == "user":
                contents += self._user(parts, calls)
                calls = []
            else:
                contents.append({"role": "model", "parts": self._model(parts, checked=index > current)})
                calls = [part for part in parts if isinstance(part, ToolCall)]
        if calls:
            contents += self._user([], calls)
        check_size(self._inline, self._family)
        self._check_end(contents)
        return self._opened(contents)

    def _opened(self, contents: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Put a blank user turn in front where the assistant speaks first, which the provider refuses."""
        if not contents or contents[0]["role"] == "user":
            return contents
        self.notices.append(Notice("messages", "a blank user turn was put in front of the first assistant turn"))
        return [{"role": "user", "parts": [_BLANK]}, *contents]

    def _check_end(self, contents: list[dict[str, Any]]) -> None:
        prefilled = bool(contents) and contents[-1]["role"] == "model"
        if prefilled and (self._options.assistant_prefill == "reject" or not self._family.prefill):
            raise BadRequest("The last message must not be the assistant's.", "messages")

    def _user(self, parts: list[Part], calls: list[ToolCall]) -> list[dict[str, Any]]:
        """Return the results of the round, if any, and behind them everything else that the user sends."""
        results = [part for part in parts if isinstance(part, ToolResult)]
        if not (calls or results):
            return [{"role": "user", "parts": self._with_text([self._part(part) for part in parts])}]
        found = self._round(calls, results)
        rest: list[Written] = []
        responses = [self._response(call, result, rest) for call, result in found.pairs]
        if len(parts) > len(results) or found.orphans:
            rest += self._words(parts, deque(found.orphans))
        turns: list[dict[str, Any]] = [{"role": "user", "parts": responses}] if responses else []
        if rest:
            turns.append({"role": "user", "parts": self._with_text(rest)})
        return turns

    def _words(self, parts: list[Part], orphans: deque[ToolResult]) -> Iterator[Written]:
        """Yield what the user says beside results, and what is said by results that answer nothing."""
        for part in parts:
            if not isinstance(part, ToolResult):
                yield self._part(part)
            elif orphans and part is orphans[0]:
                yield from (self._part(each) for each in orphans.popleft().output if _says_something(each))

    def _round(self, calls: list[ToolCall], results: list[ToolResult]) -> Round:
        found = pair_results(
            calls,
            results,
            keep_orphans=self._options.orphan_tool_result == "text",
            synthesize=self._options.missing_tool_result == "synthesize",
        )
        for id_ in found.missing:
            self.notices.append(Notice("messages", f"the tool call {id_!r} has no result: an error was sent as one"))
        for orphan in found.orphans:
            why = f"the tool result for {orphan.call_id!r} answers no call: it was sent as words of the user"
            self.notices.append(Notice("messages", why))
        return found

    def _response(self, call: ToolCall, result: ToolResult, rest: list[Written]) -> dict[str, Any]:
        """Return what answers a call; its media that cannot stand inside are put behind it, into ``rest``."""
        written: dict[str, Any] = {"name": self._names[call.name]}
        if self._family.function_ids:
            written["id"] = call.id
        written["response"] = response(result, parse=self._options.parse_tool_results)
        if media := [part for part in result.output if isinstance(part, Media)]:
            inside = [self._media(part) for part in media if self._inside(part)]
            rest += [self._part(part) for part in media if not self._inside(part)]
            if inside:
                written["parts"] = inside
        return {"functionResponse": written}

    def _inside(self, media: Media) -> bool:
        return self._family.function_response_parts and fits_result(media)

    def _with_text(self, parts: list[Written]) -> list[Written]:
        if "text" in parts[0] or not self._family.text_with_media or any("text" in part for part in parts):
            return parts
        return [_BLANK, *parts]

    def _part(self, part: Part) -> Written:
        """Return a part that either side may send."""
        if isinstance(part, Text):
            return words(part)
        if isinstance(part, Media):
            return self._detailed(part, self._media(part))
        raise BadRequest(f"A {type(part).__name__} does not belong into a turn of this role.", "messages")

    def _media(self, media: Media) -> dict[str, Any]:
        self._inline += len(media.data or "")
        return media_part(media, self._family)

    def _detailed(self, media: Media, part: dict[str, Any]) -> dict[str, Any]:
        """Tell the level of detail of one part where the model takes it there, and note it where it does not."""
        level = resolution(media, self._family)
        if self._family.media_resolution == "part" and level is not None:
            return {**part, "mediaResolution": {"level": level}}
        if self._family.media_resolution == "request" and (media.mime or "image").startswith("image"):
            self.details.add(level)
        elif media.detail not in {None, "auto"}:
            self.notices.append(Notice("detail", f"detail {media.detail!r} is ignored; the provider chooses"))
        return part

    def _model(self, parts: list[Part], *, checked: bool) -> list[Written]:
        """Return the parts of a model turn; ``checked``: the provider checks the signature of its first call."""
        bypass = BYPASS if checked and self._family.signature_bypass else None
        written: list[Written] = []
        for part in parts:
            if isinstance(part, Text):
                written.append(words(part))
            elif isinstance(part, ToolCall):
                written.append(self._call(part, bypass))
                bypass = None
            else:
                written.append(self._said(part))
        return written

    def _said(self, part: Part) -> Written:
        match part:
            case Thought():
                return signed({"text": part.text, "thought": True}, part.signature)
            case Code():
                return code(part)
            case Opaque():
                return opaque(part)
        return self._part(part)

    def _call(self, call: ToolCall, bypass: str | None) -> dict[str, Any]:
        function: dict[str, Any] = {"name": self._names[call.name], "args": arguments(call)}
        if self._family.function_ids:
            function["id"] = call.id
        return signed({"functionCall": function}, call.signature or bypass)


def _turns(messages: Sequence[Message]) -> Iterator[Turn]:
    """Drop what says nothing, then merge neighbours of the same side."""
    begun, side, parts = 0, "", list[Part]()
    for index, message in enumerate(messages):
        said = list(filter(_says_something, message.parts))
        if message.role == side:
            parts += said
        elif said:
            if parts:
                yield begun, side, parts
            begun, side, parts = index, message.role, said
    if parts:
        yield begun, side, parts


def _says_something(part: Part) -> bool:
    """Thoughts go back only with the provider's signature; an empty text only to carry one."""
    if isinstance(part, Text):
        return part.text != "" or part.signature is not None
    return not isinstance(part, Thought) or part.signature is not None


def _current_turn(messages: Sequence[Message]) -> int:
    """Return where the current turn begins: with the user's last words, not counting what tools answered."""
    for index in range(len(messages) - 1, -1, -1):
        if messages[index].role == "user" and any(map(_is_words, messages[index].parts)):
            return index
    return -1


def _is_words(part: Part) -> bool:
    return not isinstance(part, ToolResult) and _says_something(part)
