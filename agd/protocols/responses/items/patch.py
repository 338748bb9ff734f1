"""A change to one file (OpenAI ``ApplyPatchToolCall``). The diff is passed on as the model wrote it (I18)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agd.protocols.responses.items.item import Item

_FIELDS = {
    "create_file": ("type", "path", "diff"),
    "update_file": ("type", "path", "diff"),
    "delete_file": ("type", "path"),
}


def operation(arguments: Mapping[str, Any]) -> Item | None:
    """Return the operation, written bare or within ``operation``; None for arguments that are none."""
    inner = arguments.get("operation")
    given = inner if isinstance(inner, dict) else arguments
    kind = given.get("type")
    fields = _FIELDS.get(kind, ()) if isinstance(kind, str) else ()
    found = {key: given[key] for key in fields if isinstance(given.get(key), str)}
    return found if fields and len(found) == len(fields) else None
