"""Which prompt a choice answers, and that prompt's words before the answer when the client asked for them.

Choices are numbered prompt by prompt: of ``n`` choices each, choice ``i`` answers prompt ``i // n``.
"""

from __future__ import annotations

from agd.conversation import Prompt, Text

ECHO = "completions.echo"
"""Key of ``Prompt.echo``: the request wants each prompt repeated before its completion."""


def choices_of(prompt: Prompt) -> int:
    """Return how many choices the whole answer has."""
    return prompt.n * (1 + len(prompt.further))


def preface(prompt: Prompt, index: int) -> str:
    """Return what stands before the text of choice ``index``: nothing, or its prompt."""
    place = index // prompt.n
    if ECHO not in prompt.echo or place > len(prompt.further):
        return ""
    turns = prompt.further[place - 1] if place else prompt.messages
    return "".join(part.text for turn in turns for part in turn.parts if isinstance(part, Text))
