"""Calls of the client's tools that are no functions to it: from the function that the model called to their own item.

Such a call is told when its arguments are complete, because only then it is known what it says. One that says nothing
its tool understands is told as the function call that it is, so that the client can answer it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from attrs import frozen

from agd.conversation import ToolCallStart
from agd.encoding import InvalidJSON, decode
from agd.protocols.responses.items import custom, item, shell
from agd.protocols.responses.items.function import call_head, state
from agd.protocols.responses.items.item import Item, ItemStatus, Payload
from agd.protocols.responses.items.patch import operation
from agd.protocols.responses.toolbox import Binding, Kind


@frozen
class Form:
    """How calls of one kind are told: the prefix of their ids, and the events of a whole one."""

    prefix: str
    tell: Callable[[int, Item], Iterator[Payload]]


FORMS: Mapping[Kind, Form] = {
    "custom": Form("ctc", custom.tell),
    "local_shell": Form("lsh", item.tell),
    "shell": Form("sh", shell.tell),
    "apply_patch": Form("apc", item.tell),
    "tool_search": Form("tsc", item.tell),
}


def write_call(start: ToolCallStart, binding: Binding, arguments: str, status: ItemStatus) -> Item | None:
    """Write a complete call's item but for its ``id``; None where it is an ordinary function call."""
    if binding.kind == "custom":
        head = {"type": "custom_tool_call", "status": status, **call_head(start, binding)}
        return {**head, "input": custom.raw_input(arguments)}
    given = _object(arguments)
    inner = _WRITERS[binding.kind](given) if given is not None and binding.kind in _WRITERS else None
    if inner is None or status != "completed":
        return None
    return {"type": f"{binding.kind}_call", "status": status, "call_id": start.id, **inner, **state(start)}


def _object(arguments: str) -> dict[str, Any] | None:
    if not arguments or arguments.isspace():
        return {}
    try:
        value = decode(arguments)
    except InvalidJSON:
        return None
    return value if isinstance(value, dict) else None


def _local_shell(given: Mapping[str, Any]) -> Item | None:
    action = shell.local_action(given)
    return None if action is None else {"action": action}


def _shell(given: Mapping[str, Any]) -> Item | None:
    action = shell.shell_action(given)
    return None if action is None else {"action": action, "environment": None}


def _apply_patch(given: Mapping[str, Any]) -> Item | None:
    wanted = operation(given)
    return None if wanted is None else {"operation": wanted}


def _tool_search(given: Mapping[str, Any]) -> Item | None:
    return {"execution": "client", "arguments": given}


_WRITERS: Mapping[Kind, Callable[[Mapping[str, Any]], Item | None]] = {
    "local_shell": _local_shell,
    "shell": _shell,
    "apply_patch": _apply_patch,
    "tool_search": _tool_search,
}
