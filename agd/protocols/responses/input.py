"""The input of a Responses request (OpenAI ``InputParam``): a string, or items in their order, behind its past."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from attrs import frozen

from agd.conversation import Message, Notice
from agd.options import Options
from agd.protocols.fields import Fields, invalid, missing, shown, unsupported
from agd.protocols.responses import calls, turns
from agd.protocols.responses.declarations import Declarations
from agd.protocols.responses.history import History
from agd.protocols.responses.intake import gather, kind_of
from agd.protocols.responses.memory import restore
from agd.protocols.responses.past import Past
from agd.protocols.responses.toolbox import Toolbox

Reader = Callable[[History, Fields], None]

_KINDS: Mapping[str, Reader] = {
    "message": turns.message,
    "reasoning": turns.reasoning,
    "compaction": turns.compaction,
    "compaction_trigger": turns.nothing,
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


@frozen
class Conversation:
    """All of a request that is said or declared; ``items`` are the request's own, resolved, at their paths."""

    instructions: tuple[str, ...]
    messages: tuple[Message, ...]
    items: tuple[Fields, ...]
    declarations: Declarations
    toolbox: Toolbox
    compacts: bool
    """The last item asks for a summary."""


def read_conversation(fields: Fields, options: Options, past: Past, notices: list[Notice]) -> Conversation:
    """Read ``instructions``, ``input`` and ``tools`` behind what came before.

    Instructions of earlier requests do not count any more (I27), their items do. Raises ``BadRequest`` with the path
    of what is wrong, and ``GatewayError`` (404) for a reference to an item that is not there.
    """
    items = gather(fields, past, notices)
    declarations = _declared(fields, past, items, options, notices)
    history = History(declarations.toolbox(), past.open, options, notices)
    if instructions := fields.text("instructions"):
        history.instructions.append(instructions)
    _read_past(history, past)
    for item in items:
        _read(history, item)
    if fields.flag("generate") is not False:
        _check_said(fields, history)
    return Conversation(
        tuple(history.instructions),
        restore(history.messages, history.places, [*past.memory, *history.entries]),
        tuple(items),
        declarations,
        history.toolbox,
        _compacts(items),
    )


def _declared(
    fields: Fields, past: Past, items: Sequence[Fields], options: Options, notices: list[Notice]
) -> Declarations:
    """Read every declaration of tools: those of earlier items hold on, those of earlier requests do not."""
    declarations = Declarations([], options.unsupported_tools)
    for earlier in past.items:
        _declare(declarations, Fields(earlier, "previous_response_id"))
    declarations.notices = notices
    declarations.read(fields)
    for item in items:
        _declare(declarations, item)
    return declarations


def _declare(declarations: Declarations, item: Fields) -> None:
    if item.get("type") == "additional_tools":
        declarations.read(item)
    elif item.get("type") == "tool_search_output":
        declarations.read(item, loaded=True)


def _read_past(history: History, past: Past) -> None:
    """Read the stored conversation. What there is to tell of it was told when it came."""
    told, history.notices = history.notices, []
    for item in past.items:
        _read(history, Fields(item, "previous_response_id"))
    history.notices = told


def _read(history: History, item: Fields) -> None:
    kind = kind_of(item)
    if kind not in _KINDS:
        raise unsupported(item.at("type"), f"items of type {shown(kind)} cannot be read.")
    history.place(item)
    _KINDS[kind](history, item)
    history.end(item)


def _check_said(fields: Fields, history: History) -> None:
    if not history.instructions and not history.messages:
        raise missing("input") if not fields.get("input") else invalid("input", "it holds no message.")


def _compacts(items: Sequence[Fields]) -> bool:
    """Tell whether the input ends with the wish for a summary, which has its place nowhere else (I23)."""
    for place, item in enumerate(items, 1):
        if kind_of(item) == "compaction_trigger":
            if place < len(items):
                raise invalid(item.at("type"), "it must be the last item.")
            return True
    return False
