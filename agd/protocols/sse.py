"""Framing of server-sent events (WHATWG HTML, section 9.2): one JSON text per event, UTF-8, LF line ends.

JSON text written by ``agd.encoding`` holds no raw line break, so one ``data:`` line always suffices.
"""

from __future__ import annotations

from typing import Any

from agd.encoding import encode

DONE = b"data: [DONE]\n\n"
"""What ends every complete OpenAI stream; not JSON."""


def data(payload: Any) -> bytes:
    """Frame one event that has only data, as chat and completions streams do."""
    return b"data: " + encode(payload) + b"\n\n"


def named(name: str, text: bytes) -> bytes:
    """Frame one event that is JSON text already, with its name, as Responses streams do."""
    return b"event: " + name.encode() + b"\ndata: " + text + b"\n\n"
