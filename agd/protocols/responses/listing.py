"""A request's input items as ``GET /v1/responses/{id}/input_items`` shows them and as they are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agd.protocols.responses.past import Item

_PREFIXES: Mapping[str, str] = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "function_call_output": "fco",
    "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctco",
    "local_shell_call": "lsh",
    "local_shell_call_output": "lsho",
    "shell_call": "sh",
    "shell_call_output": "sho",
    "apply_patch_call": "apc",
    "apply_patch_call_output": "apco",
    "tool_search_call": "tsc",
    "tool_search_output": "tso",
    "web_search_call": "ws",
    "image_generation_call": "ig",
    "code_interpreter_call": "ci",
    "compaction": "cmp",
    "compaction_trigger": "cmpt",
    "additional_tools": "at",
}
"""What the ids of each kind of item begin with."""

_WITHOUT_STATUS = frozenset({"compaction", "compaction_trigger", "additional_tools"})


def listed(items: Sequence[Item], token: str) -> list[dict[str, Any]]:
    """Return items (``Asked.items``) with an id and a status each; an id of the client's own is kept.

    ``token`` makes the other ids unique over all requests: ``msg_TOKEN_in0`` is the first item of one.
    """
    return [_listed(item, f"{_PREFIXES.get(item['type'], 'item')}_{token}_in{at}") for at, item in enumerate(items)]


def _listed(item: Item, own: str) -> dict[str, Any]:
    shown = {**item, "id": item.get("id") or own}
    if item["type"] not in _WITHOUT_STATUS and not item.get("status"):
        shown["status"] = "completed"
    return shown
