"""The client's tools and its choice among them, as ``tools`` and ``toolConfig``.

Schemas go through the JSON-Schema door (``parametersJsonSchema``), which takes them as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agd.conversation import Notice, Prompt, Tool, ToolChoice
from agd.errors import BadRequest
from agd.gemini.models import Family
from agd.gemini.names import ToolNames

_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY"}


def write_tools(prompt: Prompt, family: Family, names: ToolNames) -> tuple[dict[str, Any], list[Notice]]:
    """Return the fields ``tools`` and ``toolConfig``, as far as they are needed, and what to say of them.

    Raises ``BadRequest`` for two tools of one name, and for a choice of a tool that is not there.
    """
    _check_names(prompt.tools)
    declared, choice = _chosen(prompt, family)
    fields: dict[str, Any] = {}
    if declared:
        fields["tools"] = [{"functionDeclarations": [_declaration(tool, names) for tool in declared]}]
    if choice is not None and prompt.tools and (calling := _calling(choice, names)) is not None:
        fields["toolConfig"] = {"functionCallingConfig": calling}
    strict = any(tool.strict for tool in prompt.tools)
    return fields, [Notice("tools", "strict is not enforced by the provider")] if strict else []


def without_dialect(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a schema without its ``$schema``, the one keyword at the top that the provider has no use for."""
    return {key: value for key, value in schema.items() if key != "$schema"} if "$schema" in schema else schema


def _check_names(tools: Sequence[Tool]) -> None:
    seen: set[str] = set()
    for index, tool in enumerate(tools):
        if tool.name in seen:
            raise BadRequest(f"There are two tools named {tool.name!r}.", f"tools[{index}].function.name")
        seen.add(tool.name)


def _declaration(tool: Tool, names: ToolNames) -> dict[str, Any]:
    declaration: dict[str, Any] = {"name": names[tool.name]}
    if tool.description:
        declaration["description"] = tool.description
    if tool.parameters and (schema := without_dialect(tool.parameters)):
        declaration["parametersJsonSchema"] = schema
    return declaration


def _chosen(prompt: Prompt, family: Family) -> tuple[Sequence[Tool], ToolChoice | None]:
    """Return the tools to declare and the choice to tell.

    A free choice among some of the tools is mode VALIDATED with their names, so that the declarations stay the same
    from request to request; where that mode does not exist, only those tools are declared.
    """
    choice = prompt.tool_choice
    if choice is None:
        return prompt.tools, None
    _check_choice(prompt.tools, choice)
    if choice.mode == "auto" and choice.names and not family.validated_mode:
        return [tool for tool in prompt.tools if tool.name in choice.names], ToolChoice("auto")
    return prompt.tools, choice


def _check_choice(tools: Sequence[Tool], choice: ToolChoice) -> None:
    known = {tool.name for tool in tools}
    for name in choice.names:
        if name not in known:
            raise BadRequest(f"tool_choice names {name!r}, which is not among the tools.", "tool_choice")
    if choice.mode == "required" and not tools:
        raise BadRequest("tool_choice demands a tool, but there are no tools.", "tool_choice")


def _calling(choice: ToolChoice, names: ToolNames) -> dict[str, Any] | None:
    """Return ``functionCallingConfig``; None for what the provider does anyway."""
    if choice.mode == "none":
        return {"mode": "NONE"}
    if not choice.names:
        return None if choice.mode == "auto" else {"mode": _MODES[choice.mode]}
    mode = "VALIDATED" if choice.mode == "auto" else "ANY"
    return {"mode": mode, "allowedFunctionNames": [names[name] for name in choice.names]}
