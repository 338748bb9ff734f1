"""Framing a Response as server-sent events: each event named, as its ``type`` says."""

from __future__ import annotations

from collections.abc import Iterable

from agd.protocols import sse
from agd.protocols.responses.narration import Frame


def framed(frames: Iterable[Frame]) -> bytes:
    """Return events as they travel in a stream; ``event:`` says what ``type`` says (I02)."""
    return b"".join([sse.named(kind, text) for kind, text in frames])
