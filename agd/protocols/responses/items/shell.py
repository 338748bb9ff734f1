"""Commands for the client: OpenAI ``LocalShellToolCall`` (one, word by word) and ``FunctionShellCall`` (lines)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from agd.protocols.responses.items.item import Item, Payload, added, done

_NUMBERS = ("timeout_ms", "max_output_length")


def local_action(arguments: Mapping[str, Any]) -> Item | None:
    """Return the action of a ``local_shell_call``; None for arguments that are no command."""
    given = _action(arguments)
    if not _are_texts(given.get("command")):
        return None
    env = given.get("env")
    return {**given, "type": "exec", "env": env if isinstance(env, dict) else {}}


def shell_action(arguments: Mapping[str, Any]) -> Item | None:
    """Return the action of a ``shell_call``; None for arguments that are no commands."""
    given = _action(arguments)
    if not _are_texts(given.get("commands")):
        return None
    return {"commands": given["commands"], **{key: _whole(given.get(key)) for key in _NUMBERS}}


def tell(index: int, item: Mapping[str, Any]) -> Iterator[Payload]:
    """Tell a ``shell_call``, command by command; its events name no item."""
    yield added(index, {**item, "status": "in_progress", "action": {**item["action"], "commands": []}})
    for number, command in enumerate(item["action"]["commands"]):
        place: Item = {"output_index": index, "command_index": number}
        yield "response.shell_call_command.added", {**place, "command": ""}
        if command:
            yield "response.shell_call_command.delta", {**place, "delta": command}
        yield "response.shell_call_command.done", {**place, "command": command}
    yield done(index, dict(item))


def _action(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the action, which models write bare or, as the item has it, within ``action``."""
    inner = arguments.get("action")
    return inner if isinstance(inner, dict) else arguments


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(entry, str) for entry in value)


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
