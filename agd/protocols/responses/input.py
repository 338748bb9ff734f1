"""The input of a Responses request (OpenAI ``InputParam``): a string, or items in their order, behind its past."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from agd.conversation import Message
from agd.protocols.fields import Fields, invalid, missing, shown, unsupported
from agd.protocols.responses import calls, turns
from agd.protocols.responses.gathering import kind_of
from agd.protocols.responses.history import History
from agd.protocols.responses.memory import restore
from agd.protocols.responses.past import Past

_KINDS: Mapping[str, Callable[[History, Fields], None]] = {
    "message": turns.message,
    "reasoning": turns.reasoning,
    "compaction": turns.compaction,
    "compaction_trigger": turns.trigger,
    "additional_tools": turns.tools,
    "web_search_call": turns.search,
    "image_generation_call": turns.picture,
    "code_interpreter_call": turns.code,
    "function_call": calls.function_call,
    "function_call_output": calls.output,
    "custom_tool_call": calls.custom_call,
    "custom_tool_call_output": calls.output,
    "local_shell_call": calls.local_shell_call,
    "local_shell_call_output": calls.local_shell_output,
    "shell_call": calls.shell_call,
    "shell_call_output": calls.shell_output,
    "apply_patch_call": calls.apply_patch_call,
    "apply_patch_call_output": calls.apply_patch_output,
    "tool_search_call": calls.tool_search_call,
    "tool_search_output": calls.tool_search_output,
}

TOOL_ITEMS = frozenset({"additional_tools", "tool_search_output"})
"""Items that bring declarations of tools along."""


def read_past(history: History, past: Past) -> None:
    """Read the stored conversation. What there is to tell of it was told when it came."""
    told, history.notices = history.notices, []
    for item in past.items:
        _read(history, Fields(item, "previous_response_id"))
    history.notices = told


def read_items(history: History, items: Sequence[Fields]) -> bool:
    """Read a request's own items; returns whether a summary is wanted, which only the last may ask for (I23).

    Raises ``BadRequest`` with the path of what is wrong.
    """
    for place, item in enumerate(items, 1):
        kind = _read(history, item)
        if kind == "compaction_trigger" and place < len(items):
            raise invalid(item.at("type"), "it must be the last item.")
    return bool(items) and kind_of(items[-1]) == "compaction_trigger"


def told(history: History, past: Past) -> tuple[Message, ...]:
    """Return the turns, with the provider's state put back to where it was."""
    entries = [*past.memory, *history.entries]
    return tuple(restore(history.messages, history.places, entries) if entries else history.messages)


def check_said(fields: Fields, history: History) -> None:
    """Raise ``BadRequest`` when a request says nothing at all."""
    if not history.instructions and not history.messages:
        raise missing("input") if not fields.get("input") else invalid("input", "it holds no message.")


def _read(history: History, item: Fields) -> str:
    kind = kind_of(item)
    if kind not in _KINDS:
        raise unsupported(item.at("type"), f"items of type {shown(kind)} cannot be read.")
    history.place(item)
    _KINDS[kind](history, item)
    history.end(item)
    return kind
