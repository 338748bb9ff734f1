"""The provider's own options, where a client's library has a way to send more than OpenAI's fields.

OpenAI's SDK puts ``extra_body`` into the body's top level; clients written for Google's own compatible endpoint nest
a second ``extra_body`` in it. Both are read, and what they hold is checked where it is sent (E21).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agd.conversation import Notice
from agd.protocols.fields import Fields, invalid
from agd.protocols.parameters import leftovers_within

_CONFIG = "generation_config"


def read_native(fields: Fields, notices: list[Notice]) -> Mapping[str, Any]:
    """Read ``google`` and ``generation_config``, at the top level and under ``extra_body``, into one mapping.

    Raises ``BadRequest`` where two places say different things of one option.
    """
    native: dict[str, Any] = {}
    _take(fields, native)
    nested = fields.object("extra_body")
    if nested is not None:
        _take(nested, native)
        notices.extend(leftovers_within(nested))
    return native


def _take(place: Fields, native: dict[str, Any]) -> None:
    google = place.object("google")
    for key, value in google.values.items() if google is not None else ():
        if value is not None:
            _put(native, key, value, f"{place.at('google')}.{key[:80]}")
    config = place.mapping(_CONFIG)
    if config is not None:
        _put(native, _CONFIG, config, place.at(_CONFIG))


def _put(native: dict[str, Any], key: str, value: Any, path: str) -> None:
    if native.setdefault(key, value) != value:
        raise invalid(path, "another place of the request says something else.")
