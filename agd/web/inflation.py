"""Taking HTTP's content codings off a request's body (RFC 9110, section 8.4.1): gzip and deflate, a piece at a time.

A few bytes can hold a thousand times as many (H15), so nothing is ever inflated whole: whoever asks is given piece
after piece, as soon as there is one, and decides when it is enough.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

from attrs import define, field

PIECE = 65_536
"""Most bytes of one piece."""

_EITHER_HEADER = 47
"""zlib's ``wbits`` for the largest window, behind a header of gzip (RFC 1952) or of zlib (RFC 1950)."""


class InflationError(Exception):
    """The bytes are not what their coding promises, or end before their end."""


def _engine() -> Any:
    return zlib.decompressobj(_EITHER_HEADER)


@define
class Inflater:
    """One body; either coding is told by its own header."""

    _engine: Any = field(factory=_engine)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield all that these bytes tell, in pieces. Raises ``InflationError``."""
        more = False
        while data or more:
            if self._engine.eof:
                self._engine = _engine()
            piece = self._inflate(data)
            if piece:
                yield piece
            # A full piece may have left something within the engine, though it has taken all its input.
            more = len(piece) == PIECE and not self._engine.eof
            data = self._engine.unused_data if self._engine.eof else self._engine.unconsumed_tail

    def close(self) -> None:
        """Raise ``InflationError`` when the body is not at its end."""
        if not self._engine.eof:
            raise InflationError("the compressed data break off")

    def _inflate(self, data: bytes) -> bytes:
        try:
            piece: bytes = self._engine.decompress(data, PIECE)
        except zlib.error as error:
            raise InflationError(f"the compressed data are damaged: {error}") from None
        return piece
