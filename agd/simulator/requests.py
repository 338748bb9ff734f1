"""Strict reading of a ``generateContent`` body: what Google is known to refuse is refused here in like words.

The request is https://ai.google.dev/api/generate-content#request-body. Where the real API is only suspected to be
strict, the simulator is strict: it is there to find what a gateway sends wrongly.
"""

from __future__ import annotations

from typing import Any

from agd.encoding import InvalidJSON, decode
from agd.simulator.asked import Asked, Said
from agd.simulator.catalogue import is_gemini_3
from agd.simulator.fields import array, members
from agd.simulator.generation import read_generation
from agd.simulator.parts import read_content
from agd.simulator.rpc_status import Refused, Status, invalid_argument
from agd.simulator.tools import read_tools
from agd.simulator.turns import check_turns


def read_body(data: bytes) -> Any:
    """Decode the JSON of a request. Raises ``Refused`` when it is none."""
    try:
        return decode(data)
    except InvalidJSON as error:
        raise invalid_argument(f"Invalid JSON payload received. {error}") from None


def read_request(body: Any, model: str) -> Asked:
    """Check a decoded body against everything the API checks, for one model. Raises ``Refused``."""
    request = members(body, "GenerateContentRequest")
    _check_cached(request)
    contents = array(request.get("contents", []), "contents")
    if not contents:
        raise invalid_argument("* GenerateContentRequest.contents: contents is not specified\n")
    turns = tuple(read_content(one, f"contents[{index}]", model) for index, one in enumerate(contents))
    check_turns(turns, model)
    tools = read_tools(request, model)
    generation = read_generation(request.get("generationConfig"), model)
    if generation.mime != "text/plain" and tools.declarations and not is_gemini_3(model):
        raise invalid_argument(f"Function calling with a response mime type: '{generation.mime}' is unsupported")
    return Asked(model, turns, _instructions(request, model), tools, generation)


def _instructions(request: dict[str, Any], model: str) -> str:
    if "systemInstruction" not in request:
        return ""
    # The role of a system instruction is not looked at by the API.
    instruction = members(request["systemInstruction"], "Content", "system_instruction") | {"role": "user"}
    turn = read_content(instruction, "system_instruction", model)
    if not all(isinstance(part, Said) for part in turn.parts):
        raise invalid_argument("System instruction only supports text parts.")
    return turn.text()


def _check_cached(request: dict[str, Any]) -> None:
    if "cachedContent" not in request:
        return
    if {"systemInstruction", "tools", "toolConfig"} & set(request):
        raise invalid_argument(
            "CachedContent can not be used with GenerateContent request setting system_instruction, tools or "
            "tool_config."
        )
    raise Refused(Status(403, "PERMISSION_DENIED", "CachedContent not found (or permission denied)"))
