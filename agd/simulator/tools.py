"""Reading function declarations and the tool config: https://ai.google.dev/api/caching#Tool."""

from __future__ import annotations

import re
from typing import Any

from agd.simulator.asked import Declaration, Tools
from agd.simulator.catalogue import is_gemini_3
from agd.simulator.fields import array, boolean, members, string, struct
from agd.simulator.rpc_status import invalid_argument

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]*")
_MODES = frozenset({"MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"})


def read_tools(request: dict[str, Any], model: str) -> Tools:
    """Read ``tools`` and ``toolConfig`` of a request. Raises ``Refused``."""
    tools = [
        members(tool, "Tool", f"tools[{index}]") for index, tool in enumerate(array(request.get("tools", []), "tools"))
    ]
    declarations = tuple(
        _declaration(one, f"tools[{at}].function_declarations[{index}]", model)
        for at, tool in enumerate(tools)
        for index, one in enumerate(array(tool.get("functionDeclarations", []), f"tools[{at}].function_declarations"))
    )
    names = [one.name for one in declarations]
    for name in names:
        if names.count(name) > 1:
            raise invalid_argument(f"Duplicate function declaration found: {name}")
    config = members(request["toolConfig"], "ToolConfig", "tool_config") if "toolConfig" in request else {}
    built_in = any(set(tool) - {"functionDeclarations"} for tool in tools)
    _check_invocations(config, model, together=bool(declarations) and built_in)
    return _configured(declarations, config)


def _check_invocations(config: dict[str, Any], model: str, *, together: bool) -> None:
    """Check provider tools beside functions: from the third family on, and only when the request says that it knows."""
    path = "tool_config.include_server_side_tool_invocations"
    told = boolean(config.get("includeServerSideToolInvocations", False), path)
    if told and not is_gemini_3(model):
        raise invalid_argument(f"Tool call context circulation is not enabled for models/{model}")
    if together and not is_gemini_3(model):
        raise invalid_argument("Tool use with function calling is unsupported.")
    if together and not told:
        raise invalid_argument(f"Please enable {path} to use Built-in tools with Function calling.")


def _declaration(value: Any, path: str, model: str) -> Declaration:
    one = members(value, "FunctionDeclaration", path)
    name = string(one.get("name", ""), path + ".name")
    limit = 64 if model.startswith("gemini-2.0") else 128
    if not _NAME.fullmatch(name) or len(name) > limit:
        raise invalid_argument(
            f"* GenerateContentRequest.{path}.name: Invalid function name. Must start with a letter or an underscore. "
            "Must be alphanumeric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), with a "
            f"maximum length of {limit}.\n"
        )
    if "parameters" in one and "parametersJsonSchema" in one:
        raise invalid_argument(f"{path}: parameters and parameters_json_schema must not be set at the same time.")
    if "parameters" in one:
        check_subset(one["parameters"], path + ".parameters")
    schema = one.get("parameters", one.get("parametersJsonSchema"))
    return Declaration(name, None if schema is None else struct(schema, path + ".parameters_json_schema"))


def check_subset(value: Any, path: str) -> None:
    """Check a schema of the OpenAPI subset (``parameters``, ``responseSchema``). Raises ``Refused``."""
    schema = members(value, "Schema", path)
    for index, member in enumerate(struct(schema.get("properties", {}), path + ".properties").values()):
        check_subset(member, f"{path}.properties[{index}].value")
    if "items" in schema:
        check_subset(schema["items"], path + ".items")
    for index, member in enumerate(array(schema.get("anyOf", []), path + ".any_of")):
        check_subset(member, f"{path}.any_of[{index}]")


def _configured(declarations: tuple[Declaration, ...], config: dict[str, Any]) -> Tools:
    if "functionCallingConfig" not in config:
        return Tools(declarations)
    path = "tool_config.function_calling_config"
    calling = members(config["functionCallingConfig"], "FunctionCallingConfig", path)
    mode = string(calling.get("mode", "AUTO"), path + ".mode").upper()
    allowed = tuple(string(name, path) for name in array(calling.get("allowedFunctionNames", []), path))
    if mode not in _MODES:
        raise invalid_argument(f"Invalid value at '{path}.mode' (Mode), \"{mode}\"")
    if not declarations:
        raise invalid_argument("Function calling config is set without function_declarations.")
    if allowed and mode not in {"ANY", "VALIDATED"}:
        raise invalid_argument("Allowed function names should only be set when the mode is ANY or VALIDATED.")
    for name in allowed:
        if name not in {one.name for one in declarations}:
            raise invalid_argument(f"Allowed function name {name} is not in the function declarations.")
    return Tools(declarations, "AUTO" if mode == "MODE_UNSPECIFIED" else mode, allowed)
