"""Sound of an answer as chat gives it (``message.audio``, ``delta.audio``): bare PCM, or PCM behind a WAV header.

The provider gives 16-bit little-endian mono PCM whose rate stands in its type (``audio/L16;rate=24000``).
"""

from __future__ import annotations

import re
import struct
from base64 import b64decode, b64encode
from binascii import Error

from attrs import define

_RATE = re.compile(r"rate=(\d{1,6})")
_PCM = ("audio/l16", "audio/pcm")


@define
class Sound:
    """The sound of one choice. Its pieces, one after another, are one base64 text."""

    begun: bool = False
    _rest: bytes = b""

    def feed(self, data: str) -> str:
        """Take more sound; return it in base64, but for up to two bytes that would need padding in the middle."""
        self.begun = True
        piece = _decoded(data)
        if piece is None:
            return data
        raw = self._rest + piece
        whole = len(raw) - len(raw) % 3
        self._rest = raw[whole:]
        return b64encode(raw[:whole]).decode("ascii")

    def end(self) -> str:
        """Return the last bytes, with their padding."""
        rest, self._rest = self._rest, b""
        return b64encode(rest).decode("ascii")


def wav(data: str, mime: str) -> str:
    """Put a WAV header (RIFF, PCM, mono, 16 bits) before PCM in base64; sound of another type is left as it is."""
    raw = _decoded(data) if mime.lower().startswith(_PCM) else None
    if raw is None:
        return data
    found = _RATE.search(mime)
    rate = int(found[1]) if found is not None else 24_000
    header = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        36 + len(raw),
        b"WAVE",
        b"fmt ",
        16,
        1,
        1,
        rate,
        rate * 2,
        2,
        16,
        b"data",
        len(raw),
    )
    return b64encode(header + raw).decode("ascii")


def _decoded(data: str) -> bytes | None:
    """Decode base64; None where the provider wrote something else, which is not ours to repair and is passed on."""
    try:
        return b64decode(data, validate=True)
    except Error:
        return None
