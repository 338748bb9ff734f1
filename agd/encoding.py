"""JSON in and out: the one place that knows the library.

msgspec keeps integers of any size exact (libraries that are as fast turn large ones into floats), refuses NaN and
Infinity, writes UTF-8 without escapes and keeps the order of keys.
"""

from __future__ import annotations

from typing import Any

import msgspec

_decoder = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder()


class InvalidJSON(ValueError):
    """The bytes are not a JSON text (RFC 8259) that can be represented exactly."""


def decode(data: bytes | str) -> Any:
    """Read one JSON text. Raises ``InvalidJSON`` with the position and cause."""
    try:
        return _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise InvalidJSON(str(error)) from None
    except RecursionError:
        raise InvalidJSON("JSON is nested too deeply") from None


def encode(value: Any) -> bytes:
    """Write a value as one compact JSON text in UTF-8. Raises ``InvalidJSON`` when it is nested too deeply."""
    try:
        return _encoder.encode(value)
    except RecursionError:
        raise InvalidJSON("JSON is nested too deeply") from None


def encode_text(value: Any) -> str:
    """Write a value as JSON text inside a string, as tool arguments are carried."""
    return encode(value).decode()
