"""A call of a custom tool (OpenAI ``CustomToolCall``): free text, which the model wrote as one argument (I17)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from agd.encoding import InvalidJSON, decode
from agd.protocols.responses.items.item import Item, Payload, added, done


def raw_input(arguments: str) -> str:
    """Return the text in ``{"input": text}``; arguments that are anything else are the text themselves."""
    try:
        value = decode(arguments)
    except InvalidJSON:
        return arguments
    text = value.get("input") if isinstance(value, dict) else None
    return text if isinstance(text, str) else arguments


def tell(index: int, item: Mapping[str, Any]) -> Iterator[Payload]:
    """Tell a call with its whole input."""
    place: Item = {"item_id": item["id"], "output_index": index}
    yield added(index, {**item, "status": "in_progress", "input": ""})
    if item["input"]:
        yield "response.custom_tool_call_input.delta", {**place, "delta": item["input"]}
    yield "response.custom_tool_call_input.done", {**place, "input": item["input"]}
    yield done(index, dict(item))
