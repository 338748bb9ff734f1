"""Leaving out the oldest rounds of a conversation that is too long for its model (``truncation: auto``, I34).

A round begins with words of the user and goes on until the next ones: the model's turns, its calls and their results
stay together, so no half of a pair is ever left over. The last round always stays.
"""

from __future__ import annotations

from collections.abc import Sequence

from agd.conversation import Code, Media, Message, Opaque, Part, Text, Thought, ToolCall, ToolResult
from agd.encoding import encode

_MEDIA_CHARACTERS = 1000
"""What an image counts, whose bytes say nothing of its tokens."""


def without_oldest(messages: Sequence[Message], keep: float) -> tuple[Message, ...] | None:
    """Return the newest rounds that hold at most the share ``keep`` (0 to 1) of all characters, the last at least.

    None when nothing can be left out: there is one round only.
    """
    begins = [index for index, message in enumerate(messages) if index == 0 or _begins_round(message)]
    if len(begins) < 2:
        return None
    sizes = [sum(map(_size, message.parts)) for message in messages]
    allowed = sum(sizes) * keep
    kept = next((begin for begin in begins[1:] if sum(sizes[begin:]) <= allowed), begins[-1])
    return tuple(messages[kept:])


def _begins_round(message: Message) -> bool:
    return message.role == "user" and any(not isinstance(part, ToolResult) for part in message.parts)


def _size(part: Part) -> int:
    match part:
        case Text(text=text) | Thought(text=text) | Code(text=text):
            return len(text)
        case ToolCall(arguments=arguments):
            return len(arguments)
        case ToolResult(output=output):
            return sum(map(_size, output))
        case Opaque(data=data):
            return len(encode(data))
        case Media():
            return _MEDIA_CHARACTERS
