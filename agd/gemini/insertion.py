"""Insertion, which legacy completions call ``suffix``: words for the gap between two texts.

The provider has no such mode, so it is asked for in words, around the client's two texts, which stay as they are.
"""

from __future__ import annotations

from attrs import evolve

from agd.conversation import Message, Notice, Prompt, Text

_BEFORE = "Write what belongs between the two texts below, and nothing else: repeat neither of them.\n\n<before>"
_BETWEEN = "</before>\n<after>"
_AFTER = "</after>"


def with_suffix(prompt: Prompt) -> tuple[Prompt, list[Notice]]:
    """Return a prompt that asks for the gap before its ``suffix``; the prompt itself when it has none."""
    if not prompt.suffix:
        return prompt, []
    written = tuple(part for message in prompt.messages for part in message.parts)
    parts = (Text(_BEFORE), *written, Text(_BETWEEN), Text(prompt.suffix), Text(_AFTER))
    notice = Notice("suffix", "insertion was asked for in words: the provider has no mode for it")
    return evolve(prompt, messages=(Message("user", parts),)), [notice]
