"""The client's functions, the provider's own tools, and the choice among them, as ``tools`` and ``toolConfig``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import define, field

from agd.conversation import Notice, Prompt, Tool, ToolChoice
from agd.errors import BadRequest
from agd.gemini.models import Family
from agd.gemini.names import ToolNames
from agd.gemini.native import Native
from agd.gemini.schema import SchemaWriter
from agd.options import Options

_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY"}


@define
class ToolsWriter:
    """Writes what one request says of tools; ``notices`` collects what was done otherwise than asked."""

    _family: Family
    _names: ToolNames
    _schemas: SchemaWriter
    _options: Options
    notices: list[Notice] = field(factory=list)

    def write(self, prompt: Prompt, native: Native) -> dict[str, Any]:
        """Return the fields ``tools`` and ``toolConfig``, as far as they are needed: an element for each kind of tool.

        Raises ``BadRequest`` for two tools of one name, for a choice of a tool that is not there, for parameters that
        are no schema, and for kinds of tools that the model does not take together.
        """
        _check_names(prompt.tools)
        declared, choice = self._chosen(prompt)
        provided = self._provided(prompt, native)
        tools: list[Mapping[str, Any]] = list(provided)
        config: dict[str, Any] = {}
        if declared:
            tools.insert(0, {"functionDeclarations": [self._declaration(tool, at) for at, tool in declared]})
            if calling := self._calling(choice, prompt.tools):
                config["functionCallingConfig"] = calling
            if provided and self._family.server_tool_calls:
                config["includeServerSideToolInvocations"] = True
        if native.retrieval is not None:
            config["retrievalConfig"] = native.retrieval
        self._parallel(prompt)
        return {key: value for key, value in (("tools", tools), ("toolConfig", config)) if value}

    def _declaration(self, tool: Tool, index: int) -> dict[str, Any]:
        declaration: dict[str, Any] = {"name": self._names[tool.name]}
        if tool.description:
            declaration["description"] = tool.description
        return declaration | self._schemas.parameters(tool.parameters, f"{_place(tool, index)}.parameters")

    def _chosen(self, prompt: Prompt) -> tuple[list[tuple[int, Tool]], ToolChoice | None]:
        """Return the tools to declare, with their places, and the choice to tell.

        A free choice among some of the tools is mode VALIDATED with their names, so that the declarations stay the
        same from request to request; where that mode does not exist, only those tools are declared.
        """
        choice, places = prompt.tool_choice, list(enumerate(prompt.tools))
        if choice is None:
            return places, None
        _check_choice(prompt.tools, choice)
        if choice.mode == "auto" and choice.names and not self._family.validated_mode:
            return [(at, tool) for at, tool in places if tool.name in choice.names], ToolChoice("auto")
        return places, choice

    def _calling(self, choice: ToolChoice | None, tools: Sequence[Tool]) -> dict[str, Any] | None:
        """Return ``functionCallingConfig``; None for what the provider does anyway."""
        if choice is None or (choice.mode == "auto" and not choice.names):
            return {"mode": "VALIDATED"} if self._validated(tools) else None
        if choice.mode == "none" or not choice.names:
            return {"mode": _MODES[choice.mode]}
        mode = "VALIDATED" if choice.mode == "auto" else "ANY"
        return {"mode": mode, "allowedFunctionNames": [self._names[name] for name in choice.names]}

    def _validated(self, tools: Sequence[Tool]) -> bool:
        """Tell whether strict tools switch on the mode in which calls must fit their schemas."""
        if not any(tool.strict for tool in tools):
            return False
        if self._options.strict_tools == "validated" and self._family.validated_mode:
            return True
        self.notices.append(Notice("tools", "strict is not enforced by the provider"))
        return False

    def _provided(self, prompt: Prompt, native: Native) -> list[Mapping[str, Any]]:
        """Return the provider's own tools, one of each kind, unless they cannot stand beside the functions."""
        asked: dict[str, tuple[Mapping[str, Any], str]] = {}
        if prompt.web_search is not None:
            asked["googleSearch"] = {"googleSearch": {}}, prompt.web_search.asked_as
        if prompt.code_execution is not None:
            asked["codeExecution"] = {"codeExecution": {}}, prompt.code_execution.asked_as
        for tool in native.tools:
            asked[next(iter(tool))] = tool, "extra_body.google.tools"
        if not asked or not prompt.tools or self._family.tool_combination:
            return [tool for tool, _ in asked.values()]
        optional = prompt.web_search is not None and prompt.web_search.optional
        for kind, (_, param) in asked.items():
            dispensable = optional and kind == "googleSearch"
            if self._options.native_tools_with_functions == "reject" and not dispensable:
                raise BadRequest(f"The model takes functions or {kind}, not both: remove one of the two.", param)
            self.notices.append(Notice(param, f"{kind} was dropped: the model does not take it beside functions"))
        return []

    def _parallel(self, prompt: Prompt) -> None:
        """The provider cannot be told to call one tool at a time; what else can be done is done to the answer."""
        if prompt.parallel_tool_calls is False and prompt.tools and self._options.parallel_tool_calls == "ignore":
            why = "not enforced: the provider may call several tools at once"
            self.notices.append(Notice("parallel_tool_calls", why))


def _place(tool: Tool, index: int) -> str:
    return tool.path or f"tools[{index}].function"


def _check_names(tools: Sequence[Tool]) -> None:
    seen: set[str] = set()
    for index, tool in enumerate(tools):
        if tool.name in seen:
            raise BadRequest(f"There are two tools named {tool.name!r}.", f"{_place(tool, index)}.name")
        seen.add(tool.name)


def _check_choice(tools: Sequence[Tool], choice: ToolChoice) -> None:
    known = {tool.name for tool in tools}
    for name in choice.names:
        if name not in known:
            raise BadRequest(f"tool_choice names {name!r}, which is not among the tools.", "tool_choice")
    if choice.mode == "required" and not tools:
        raise BadRequest("tool_choice demands a tool, but there are no tools.", "tool_choice")
