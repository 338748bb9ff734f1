"""The items of a request's input in one form, with those that stand for others resolved.

An item that the conversation holds already is left out, by its id and never by its words (I30); a reference is
replaced by the item it names (I28).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agd.conversation import Notice
from agd.errors import GatewayError
from agd.protocols.fields import Fields, missing, shown, wrong_type
from agd.protocols.responses.past import Item, Past, is_reference

_UNTOLD = ("status", "phase")
"""Keys that may differ between an item as it was sent and as it came back."""


def gather(fields: Fields, past: Past, notices: list[Notice]) -> list[Fields]:
    """Return the items of ``input`` that are new, each at its path; a text is one message.

    Raises ``BadRequest`` for what is no item, and ``GatewayError`` (404, naming the id) for an unknown reference.
    """
    held = {item["id"]: item for item in past.items if isinstance(item.get("id"), str)}
    return [item for each in _entries(fields) if (item := _resolved(each, past, held, notices)) is not None]


def _entries(fields: Fields) -> list[Fields]:
    value = fields.get("input")
    if value is None:
        return []
    if isinstance(value, str):
        return [Fields({"type": "message", "role": "user", "content": value}, "input")]
    if not isinstance(value, list):
        raise wrong_type("input", "a string or an array of objects", value)
    return fields.objects("input")


def _resolved(item: Fields, past: Past, held: Mapping[str, Item], notices: list[Notice]) -> Fields | None:
    """Return an item, or the one it refers to; None for one that is there already."""
    item_id = item.get("id")
    if is_reference(item.values):
        item_id = item.required_text("id")
        if item_id in held:
            return None
        if item_id not in past.references:
            raise _unknown(item, item_id)
        return Fields(past.references[item_id], item.path)
    if not isinstance(item_id, str) or item_id not in held:
        return item
    if _bare(normal(item)) != _bare(held[item_id]):
        notices.append(Notice(item.at("id"), "left out: the conversation has another item of this id already"))
    return None


def normal(item: Fields) -> Item:
    """Return an item as it is kept and shown: with its type, and a message with an array of content.

    Raises ``BadRequest`` for an item without type or role.
    """
    kind, values = kind_of(item), item.values
    if kind != "message" or not isinstance(values.get("content"), str):
        return values if values.get("type") == kind else {**values, "type": kind}
    told: dict[str, Any] = {"type": "input_text", "text": values["content"]}
    if values.get("role") == "assistant":
        told = {"type": "output_text", "text": values["content"], "annotations": [], "logprobs": []}
    return {**values, "type": kind, "content": [told]}


def kind_of(item: Fields) -> str:
    """Return an item's type, which a message may leave out (I24)."""
    kind = item.text("type") or ("message" if item.get("role") is not None else None)
    if kind is None:
        raise missing(item.at("type"))
    return kind


def _bare(item: Item) -> dict[str, Any]:
    return {key: value for key, value in item.items() if key not in _UNTOLD}


def _unknown(item: Fields, item_id: str) -> GatewayError:
    path = item.at("id")
    return GatewayError(404, f"Item with id {shown(item_id)} not found.", param=path, code="item_not_found")
