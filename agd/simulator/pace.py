"""How long an answer is and how fast it comes, and the marker by which one request can steer it.

``[[words=500 chunk=10 pause=0.01 first=0]]`` anywhere in the user's last text is the simulator's own: every key is
optional; ``words`` is the length of the text, ``chunk`` words go into one chunk, ``pause`` and ``first`` are seconds.
"""

from __future__ import annotations

import re

from attrs import evolve, field, frozen
from attrs.validators import ge, le

_MARKER = re.compile(r"\[\[((?:\s*(?:words|chunk|pause|first)=\d+(?:\.\d+)?)+)\s*\]\]")
_MOST_WORDS = 1_000_000


@frozen
class Pace:
    """Length in words, words per chunk, and the pauses in seconds before the first and before each further chunk."""

    words: int = field(default=40, validator=[ge(1), le(_MOST_WORDS)])
    chunk_words: int = field(default=4, validator=ge(1))
    chunk_seconds: float = field(default=0.03, validator=ge(0))
    first_chunk_seconds: float = field(default=0.1, validator=ge(0))


def steered(text: str, pace: Pace) -> Pace:
    """Give the pace that a text's marker asks for, ``pace`` where it says nothing; out of range is brought into it."""
    found = _MARKER.search(text)
    if found is None:
        return pace
    said = dict(pair.split("=") for pair in found[1].split())
    return evolve(
        pace,
        words=min(max(int(float(said.get("words", pace.words))), 1), _MOST_WORDS),
        chunk_words=max(int(float(said.get("chunk", pace.chunk_words))), 1),
        chunk_seconds=float(said.get("pause", pace.chunk_seconds)),
        first_chunk_seconds=float(said.get("first", pace.first_chunk_seconds)),
    )


def without_marker(text: str) -> str:
    """Give a text without its marker."""
    return _MARKER.sub("", text).strip()
