"""Whether answers that were asked to be JSON fit their schema (D26)."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from agd.encoding import InvalidJSON, decode

MAX_WORDS = 200
"""Most characters of a violation's place: keys in it are the model's, and may be long."""


def fits(schema: Mapping[str, Any], text: str) -> str | None:
    """Return None when a text is JSON that fits a schema (JSON Schema 2020-12), else in words why it does not.

    The words name the place and the keyword that is violated, nothing of what the model said. A schema that cannot be
    applied is told in the same way. Needs the package ``jsonschema``, which is loaded at the first use.
    """
    try:
        value = decode(text)
    except InvalidJSON:
        return "the answer is not JSON"
    found: str | None = import_module("agd.emulation.schema_check").violation(schema, value)
    return None if found is None else found[:MAX_WORDS]
