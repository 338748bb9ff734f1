"""``tool_choice`` in all forms of Responses: a mode, one tool, or some of the tools; hosted ones among them.

The provider can be held to call functions, and told which. It cannot be held to search, draw or run code: such a
choice keeps the other tools away and is told of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NoReturn

from attrs import frozen

from agd.conversation import Notice, ToolChoice
from agd.errors import BadRequest
from agd.protocols.contents import overlook
from agd.protocols.fields import Fields, invalid, missing, shown, unsupported, wrong_type
from agd.protocols.responses.hosted import HOSTED, HostedKind
from agd.protocols.responses.toolbox import Binding, Toolbox

_MODES: Mapping[str, Literal["auto", "none", "required"]] = {"auto": "auto", "none": "none", "required": "required"}
_BUILTIN = frozenset({"local_shell", "shell", "apply_patch", "tool_search"})
_UNFORCED = "not enforced: the provider itself decides whether it uses this tool"


@frozen
class Choice:
    """What may be called (``functions``), which hosted tools stay, and which of them was asked for by name."""

    functions: ToolChoice | None
    hosted: frozenset[HostedKind]
    named: frozenset[HostedKind] = frozenset()


def read_choice(fields: Fields, toolbox: Toolbox, hosted: frozenset[HostedKind], notices: list[Notice]) -> Choice:
    """Read ``tool_choice``. Raises ``BadRequest`` for a tool that was not declared or that cannot be chosen."""
    value = fields.get("tool_choice")
    if value is None:
        return Choice(None, hosted)
    if isinstance(value, str):
        return _mode(value, toolbox, hosted, notices)
    if not isinstance(value, dict):
        raise wrong_type("tool_choice", "a string or an object", value)
    choice = Fields(value, "tool_choice")
    if choice.required_text("type") == "allowed_tools":
        return _allowed(choice.object("allowed_tools") or choice, toolbox, hosted, notices)
    return _choice("required", [choice], toolbox, hosted, notices)


def _mode(value: str, toolbox: Toolbox, hosted: frozenset[HostedKind], notices: list[Notice]) -> Choice:
    if value not in _MODES:
        raise invalid("tool_choice", f"{shown(value)} is not one of 'none', 'auto', 'required'.")
    if value == "required" and not toolbox.tools:
        if not hosted:
            raise invalid("tool_choice", "a tool can only be required when 'tools' are given.")
        notices.append(Notice("tool_choice", _UNFORCED))
    functions = ToolChoice(_MODES[value]) if toolbox.tools else None
    return Choice(functions, frozenset() if value == "none" else hosted)


def _allowed(place: Fields, toolbox: Toolbox, hosted: frozenset[HostedKind], notices: list[Notice]) -> Choice:
    mode = place.one_of("mode", ("auto", "required")) or "auto"
    entries = place.objects("tools")
    if not entries:
        raise missing(place.at("tools"))
    overlook(place, notices, ("type",))
    return _choice(mode, entries, toolbox, hosted, notices)


def _choice(
    mode: str, entries: list[Fields], toolbox: Toolbox, hosted: frozenset[HostedKind], notices: list[Notice]
) -> Choice:
    """Allow the tools of some entries, and of the hosted ones those among them."""
    names = [name for entry in entries for name in _names(entry, toolbox)]
    kept = frozenset(_hosted(entry, hosted) for entry in entries if entry.get("type") in HOSTED)
    if names:
        return Choice(ToolChoice(_MODES[mode], tuple(dict.fromkeys(names))), kept, kept)
    if mode == "required":
        notices.append(Notice("tool_choice", _UNFORCED))
    return Choice(ToolChoice("none") if toolbox.tools else None, kept, kept)


def _names(entry: Fields, toolbox: Toolbox) -> list[str]:
    """Return the flat names of the functions that an entry means; none for a hosted tool."""
    kind = entry.required_text("type")
    if kind in HOSTED:
        return []
    if kind in _BUILTIN:
        return _found(toolbox, lambda each: each.kind == kind) or _fail(_undeclared(entry, kind))
    if kind not in {"function", "custom", "namespace"}:
        raise unsupported(entry.at("type"), f"tools of type {shown(kind)} cannot be chosen.")
    place = entry.object(kind) or entry
    name, namespace = place.required_text("name"), place.text("namespace")
    if kind == "namespace":
        found = _found(toolbox, lambda each: each.namespace == name)
    else:
        found = _found(toolbox, lambda each: (each.kind, each.name, each.namespace) == (kind, name, namespace))
    return found or _fail(invalid(place.at("name"), f"there is no tool named {shown(name)}."))


def _found(toolbox: Toolbox, wanted: Callable[[Binding], bool]) -> list[str]:
    return [flat for flat, binding in toolbox.bindings.items() if wanted(binding)]


def _fail(error: BadRequest) -> NoReturn:
    raise error


def _hosted(entry: Fields, hosted: frozenset[HostedKind]) -> HostedKind:
    kind = entry.required_text("type")
    if HOSTED[kind] not in hosted:
        raise _undeclared(entry, kind)
    return HOSTED[kind]


def _undeclared(entry: Fields, kind: str) -> BadRequest:
    return invalid(entry.at("type"), f"there is no tool of type {shown(kind)}.")
