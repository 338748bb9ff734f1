"""From messages to ``contents``: turns in the order and the shape that the provider demands.

Turns of one side are merged, results of tools stand in a content of their own, in the order of their calls, and the
first turn is the user's. No byte of a text, an argument or a picture changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, Literal

from attrs import define, field

from agd.conversation import Code, Media, Message, Notice, Part, Text, Thought, ToolCall, ToolResult
from agd.encoding import InvalidJSON, decode
from agd.errors import BadRequest
from agd.gemini.media import detail_notice, fits_result, media_part
from agd.gemini.models import Family
from agd.gemini.names import ToolNames
from agd.gemini.rounds import pair_results

BYPASS = "skip_thought_signature_validator"
"""What stands for the signature of a call that has none (Google, "Thought signatures", FAQ): a call made by another
model, or one whose signature the client lost. Both the Developer API and Vertex AI accept it."""

_FIRST_TURN = {"role": "user", "parts": [{"text": " "}]}
Turn = tuple[Literal["user", "assistant"], list[Part]]


@define
class ContentsWriter:
    """Writes the turns of one request; ``notices`` collects what was done otherwise than asked."""

    _family: Family
    _names: ToolNames
    notices: list[Notice] = field(factory=list)

    def write(self, messages: Iterable[Message]) -> list[dict[str, Any]]:
        """Return ``contents``; empty when the messages say nothing.

        Raises ``BadRequest`` (``messages``) for calls and results that do not pair, and for media that cannot be sent.
        """
        turns = _turns(messages)
        current = _current_turn(turns)
        contents: list[dict[str, Any]] = []
        calls: list[ToolCall] = []
        for index, (role, parts) in enumerate(turns):
            if role == "user":
                contents += self._user(parts, calls)
                calls = []
            else:
                contents.append({"role": "model", "parts": self._model(parts, signed=index > current)})
                calls = [part for part in parts if isinstance(part, ToolCall)]
        pair_results(calls, ())
        return self._opened(contents)

    def _opened(self, contents: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Put a blank user turn in front where the assistant speaks first, which the provider refuses."""
        if not contents or contents[0]["role"] == "user":
            return contents
        self.notices.append(Notice("messages", "a blank user turn was put in front of the first assistant turn"))
        return [_FIRST_TURN, *contents]

    def _user(self, parts: list[Part], calls: list[ToolCall]) -> Iterator[dict[str, Any]]:
        """Yield the results of the round, if any, and behind them everything else that the user sends."""
        pairs = pair_results(calls, (part for part in parts if isinstance(part, ToolResult)))
        if pairs:
            yield {"role": "user", "parts": [self._response(call, result) for call, result in pairs]}
        rest = [self._part(media) for _, result in pairs for media in self._beside(result)]
        rest += [self._part(part) for part in parts if not isinstance(part, ToolResult)]
        if rest:
            yield {"role": "user", "parts": rest}

    def _response(self, call: ToolCall, result: ToolResult) -> dict[str, Any]:
        response: dict[str, Any] = {"name": self._names[call.name]}
        if self._family.function_ids:
            response["id"] = call.id
        text = "".join(part.text for part in result.output if isinstance(part, Text))
        response["response"] = {"error" if result.error else "output": text}
        if inside := [self._part(media) for media in _media(result) if self._inside(media)]:
            response["parts"] = inside
        return {"functionResponse": response}

    def _inside(self, media: Media) -> bool:
        return self._family.function_response_parts and fits_result(media)

    def _beside(self, result: ToolResult) -> Iterator[Media]:
        """Yield the media of a result that has to stand behind it."""
        return (media for media in _media(result) if not self._inside(media))

    def _part(self, part: Part) -> dict[str, Any]:
        """Return a part that either side may send."""
        match part:
            case Text():
                return _signed({"text": part.text}, part.signature)
            case Media():
                if notice := detail_notice(part):
                    self.notices.append(notice)
                return media_part(part)
        raise BadRequest(f"A {type(part).__name__} does not belong into a turn of this role.", "messages")

    def _model(self, parts: list[Part], *, signed: bool) -> list[dict[str, Any]]:
        """Return the parts of a model turn; ``signed``: the provider checks the signature of its first call."""
        bypass = BYPASS if signed and self._family.signature_bypass else None
        written = []
        for part in parts:
            match part:
                case ToolCall():
                    written.append(self._call(part, bypass))
                    bypass = None
                case Thought():
                    written.append(_signed({"text": part.text, "thought": True}, part.signature))
                case Code():
                    written.append(_code(part))
                case _:
                    written.append(self._part(part))
        return written

    def _call(self, call: ToolCall, bypass: str | None) -> dict[str, Any]:
        function: dict[str, Any] = {"name": self._names[call.name], "args": _arguments(call.arguments)}
        if self._family.function_ids:
            function["id"] = call.id
        return _signed({"functionCall": function}, call.signature or bypass)


def _turns(messages: Iterable[Message]) -> list[Turn]:
    """Drop what says nothing, then merge neighbours of the same side."""
    spoken = [(message.role, [part for part in message.parts if _says_something(part)]) for message in messages]
    return [
        (role, [part for _, parts in group for part in parts])
        for role, group in groupby((turn for turn in spoken if turn[1]), key=lambda turn: turn[0])
    ]


def _says_something(part: Part) -> bool:
    """Thoughts go back only with the provider's signature; an empty text only to carry one."""
    if isinstance(part, Thought):
        return part.signature is not None
    return not isinstance(part, Text) or part.text != "" or part.signature is not None


def _current_turn(turns: list[Turn]) -> int:
    """Return where the current turn begins: with the user's last words, not counting what tools answered."""
    for index in range(len(turns) - 1, -1, -1):
        role, parts = turns[index]
        if role == "user" and not all(isinstance(part, ToolResult) for part in parts):
            return index
    return -1


def _media(result: ToolResult) -> Iterator[Media]:
    return (part for part in result.output if isinstance(part, Media))


def _arguments(text: str) -> dict[str, Any]:
    """Return a call's arguments as the object they must be; text that is none is kept whole inside one."""
    if not text.strip():
        return {}
    try:
        arguments = decode(text)
    except InvalidJSON:
        return {"arguments": text}
    return arguments if isinstance(arguments, dict) else {"arguments": text}


def _code(code: Code) -> dict[str, Any]:
    if code.result:
        return {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": code.text}}
    return {"executableCode": {"language": code.language.upper() or "PYTHON", "code": code.text}}


def _signed(part: dict[str, Any], signature: str | None) -> dict[str, Any]:
    return {**part, "thoughtSignature": signature} if signature else part
