"""A finished Response told once more, as a stream: for one whose own events were not kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from agd.encoding import encode
from agd.protocols.responses.items import code, custom, function, message, picture, reasoning, search, shell
from agd.protocols.responses.items.item import Payload, tell
from agd.protocols.responses.narration import Frame

_ITEMS: Mapping[str, Callable[[int, Any], Iterator[Payload]]] = {
    "message": message.recite,
    "reasoning": reasoning.recite,
    "function_call": function.recite,
    "custom_tool_call": custom.tell,
    "shell_call": shell.tell,
    "web_search_call": search.recite,
    "code_interpreter_call": code.recite,
    "image_generation_call": picture.tell,
}

_NOT_YET = {"status": "in_progress", "completed_at": None, "error": None, "incomplete_details": None, "usage": None}


def recite(resource: Mapping[str, Any], begin: int = 0) -> list[Frame]:
    """Return the events of a Response that is over: each item in one piece, and the Response as its end.

    Those from number ``begin`` on are wanted; where there are none of so high a number, the end has it.
    """
    payloads = list(_payloads(resource))
    last = len(payloads) - 1
    numbered = enumerate(payloads) if begin <= last else [(begin, payloads[last])]
    return [
        (kind, encode({"type": kind, "sequence_number": number, **fields}))
        for number, (kind, fields) in numbered
        if number >= begin
    ]


def _payloads(resource: Mapping[str, Any]) -> Iterator[Payload]:
    fresh = {"response": {**resource, **_NOT_YET, "output": [], "output_text": ""}}
    yield "response.created", fresh
    yield "response.in_progress", fresh
    for index, item in enumerate(resource["output"]):
        yield from _ITEMS.get(item["type"], tell)(index, item)
    name = "incomplete" if resource["status"] == "cancelled" else resource["status"]
    yield f"response.{name}", {"response": dict(resource)}
