"""Which conversation a request belongs to, so that it can stay with its account (K12).

What the client says comes first: the root of a chain of Responses, ``prompt_cache_key``, the headers ``session-id`` or
``x-session-id``, ``user``. Otherwise a conversation is known by its beginning, which does not change as it grows. The
owner is always part of it, so that two clients never share one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from agd.conversation import Code, Media, Message, Part, Prompt, Text

_ENOUGH = 16_384
"""Characters of a text that are looked at."""


def session_key(prompt: Prompt, owner: str) -> str:
    """Return the conversation's key: 32 hex digits that tell nothing of what was said."""
    return key_of(owner, *_identity(prompt))


def key_of(owner: str, *pieces: str) -> str:
    """Return the key of a conversation of this owner that these pieces tell from others."""
    digest = hashlib.sha256()
    for piece in (owner, *pieces):
        data = piece.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big") + data)  # no two lists of pieces are one text
    return digest.hexdigest()[:32]


def _identity(prompt: Prompt) -> Iterator[str]:
    if prompt.session is not None:
        yield prompt.session
        return
    yield from (f"begins:{len(prompt.instructions)}", *map(_enough, prompt.instructions))
    first = next((message for message in prompt.messages if message.role == "user"), None)
    yield from _words(first)


def _words(message: Message | None) -> Iterable[str]:
    return [] if message is None else (_enough(_word(part)) for part in message.parts)


def _word(part: Part) -> str:
    match part:
        case Text() | Code():
            return part.text
        case Media():
            return part.data or part.uri or ""
        case _:
            return type(part).__name__


def _enough(text: str) -> str:
    """Cut a text to what tells it from others: its beginning and its length."""
    return text if len(text) <= _ENOUGH else f"{len(text)}:{text[:_ENOUGH]}"
