"""Function tools and the choice among them, as chat writes them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Literal

from agd.conversation import Tool, ToolChoice
from agd.protocols.fields import Fields, invalid, missing, shown, unsupported, wrong_type

_MODES: dict[str, Literal["auto", "none", "required"]] = {
    "auto": "auto",
    "none": "none",
    "required": "required",
}


def read_tools(fields: Fields, elsewhere: Collection[str] = ()) -> tuple[Tool, ...]:
    """Read the functions of ``tools``; types in ``elsewhere`` are read by somebody else.

    Any other type, and one name for two different functions, is refused.
    """
    tools: dict[str, Tool] = {}
    for entry in fields.objects("tools"):
        if entry.text("type") not in elsewhere:
            place = _function_of(entry)
            _keep(tools, read_function(place), place.at("name"))
    return tuple(tools.values())


def read_function(fields: Fields) -> Tool:
    """Read one function's declaration."""
    return Tool(
        name=fields.required_text("name"),
        description=fields.text("description"),
        parameters=fields.mapping("parameters"),
        strict=fields.flag("strict"),
        path=fields.path,
    )


def read_functions(fields: Fields) -> tuple[Tool, ...]:
    """Read chat's old ``functions``."""
    tools: dict[str, Tool] = {}
    for entry in fields.objects("functions"):
        _keep(tools, read_function(entry), entry.at("name"))
    return tuple(tools.values())


def read_choice(fields: Fields, tools: Sequence[Tool]) -> ToolChoice | None:
    """Read ``tool_choice``; both shapes are understood, and a name that no tool has is refused."""
    value = fields.get("tool_choice")
    if value is None:
        return None
    if isinstance(value, str):
        return _plain(value, tools)
    if not isinstance(value, dict):
        raise wrong_type("tool_choice", "a string or an object", value)
    return _chosen(Fields(value, "tool_choice"), tools)


def named(name: str, path: str, tools: Sequence[Tool]) -> str:
    """Return a chosen name; raises ``BadRequest`` when no tool has it."""
    if all(tool.name != name for tool in tools):
        raise invalid(path, f"there is no tool named {shown(name)}.")
    return name


def _plain(value: str, tools: Sequence[Tool]) -> ToolChoice | None:
    if value not in _MODES:
        raise invalid("tool_choice", f"{shown(value)} is not one of 'none', 'auto', 'required'.")
    if not tools:
        if value == "required":
            raise invalid("tool_choice", "a tool can only be required when 'tools' are given.")
        return None
    return ToolChoice(_MODES[value])


def _chosen(choice: Fields, tools: Sequence[Tool]) -> ToolChoice:
    kind = choice.required_text("type")
    if kind == "function":
        return ToolChoice("required", (_name(choice, tools),))
    if kind == "allowed_tools":
        return _allowed(choice.object("allowed_tools") or choice, tools)
    raise unsupported("tool_choice.type", f"only functions can be chosen, not {shown(kind)}.")


def _allowed(choice: Fields, tools: Sequence[Tool]) -> ToolChoice:
    mode = choice.one_of("mode", ("auto", "required")) or "auto"
    entries = choice.objects("tools")
    if not entries:
        raise missing(choice.at("tools"))
    for entry in entries:
        if entry.required_text("type") != "function":
            raise unsupported(entry.at("type"), "only functions can be chosen.")
    return ToolChoice(_MODES[mode], tuple(_name(entry, tools) for entry in entries))


def _name(entry: Fields, tools: Sequence[Tool]) -> str:
    place = entry.object("function") or entry
    return named(place.required_text("name"), place.at("name"), tools)


def _function_of(entry: Fields) -> Fields:
    kind = entry.required_text("type")
    if kind != "function":
        raise unsupported(entry.at("type"), f"only tools of type 'function' can be used, not {shown(kind)}.")
    return entry.required_object("function")


def _keep(tools: dict[str, Tool], tool: Tool, path: str) -> None:
    known = tools.setdefault(tool.name, tool)
    if known != tool:
        raise invalid(path, f"another tool is already named {shown(tool.name)}.")


def wire_choice(choice: ToolChoice | None) -> Any:
    """Write a choice in the flat shape, as a Response object shows it."""
    if choice is None:
        return "auto"
    if not choice.names:
        return choice.mode
    if choice.mode == "required" and len(choice.names) == 1:
        return {"type": "function", "name": choice.names[0]}
    tools = [{"type": "function", "name": name} for name in choice.names]
    return {"type": "allowed_tools", "mode": choice.mode, "tools": tools}
