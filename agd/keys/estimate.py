"""How many tokens a request will take, guessed before anybody has counted them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from agd.conversation import Code, Media, Message, Opaque, Prompt, Text, Thought, ToolCall, ToolResult
from agd.encoding import encode
from agd.keys.amount import NOTHING, Estimate

BYTES_PER_TOKEN = 4
"""Of text and JSON in UTF-8; what other scripts take beyond ASCII is about as much more in tokens as in bytes."""
MEDIA_BYTES_PER_TOKEN = 400
"""Of sound, video and documents as they are usually packed, at the provider's 32 and 300 tokens a second."""
PER_IMAGE = 1100
"""The most that the provider takes for an image by default, whatever its size."""
PER_MESSAGE = 4
ASSUMED_OUTPUT = 1024
"""Tokens of an answer whose client names no limit for it."""


def estimate(prompt: Prompt) -> Estimate:
    """Guess. A prompt that is sent as several calls is counted as one."""
    if prompt.silent:
        return NOTHING
    conversations = (prompt.messages, *prompt.further)
    shared = sum(map(_text, prompt.instructions)) + sum(map(_tool, prompt.tools))
    words = sum(_message(message) for messages in conversations for message in messages)
    each = prompt.sampling.max_tokens
    choices = (prompt.best_of or prompt.n) * len(conversations)
    return Estimate(shared * len(conversations) + words, choices * (ASSUMED_OUTPUT if each is None else each))


def _message(message: Message) -> int:
    return PER_MESSAGE + sum(map(_part, message.parts))


def _part(part: Text | Media | Thought | ToolCall | ToolResult | Code | Opaque) -> int:
    match part:
        case Text(text) | Thought(text) | Code(text):
            return _text(text)
        case Media():
            return _media(part)
        case ToolCall():
            return _text(part.name) + _text(part.arguments)
        case ToolResult():
            return sum(map(_part, part.output))
        case Opaque():
            return _json(part.data)


def _media(media: Media) -> int:
    if media.data is None or (media.mime or "").startswith("image/"):
        return PER_IMAGE
    return max(1, len(media.data) * 3 // 4 // MEDIA_BYTES_PER_TOKEN)


def _tool(tool: Any) -> int:
    return _text(tool.name) + _text(tool.description or "") + _json(tool.parameters or {})


def _json(value: Mapping[str, Any] | Iterable[Any]) -> int:
    return _tokens(len(encode(value)))


def _text(text: str) -> int:
    return _tokens(len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass")))


def _tokens(size: int) -> int:
    return -(-size // BYTES_PER_TOKEN)
