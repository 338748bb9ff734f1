"""Pages of a response's input items (OpenAI ``ResponseItemList``): ``limit``, ``order``, ``after``, ``before``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from attrs import frozen

from agd.errors import BadRequest
from agd.protocols.fields import invalid, shown

_MOST = 100
_MOST_DIGITS = 16


@frozen
class Page:
    """Which items are wanted; ``after`` and ``before`` are ids of items, in the order asked for."""

    limit: int = 20
    order: Literal["asc", "desc"] = "desc"
    after: str | None = None
    before: str | None = None


def read_page(query: Mapping[str, str]) -> Page:
    """Read the query of a list. Raises ``BadRequest`` naming the parameter."""
    limit, order = query.get("limit", "20"), query.get("order", "desc")
    if not is_count(limit) or not 1 <= int(limit) <= _MOST:
        raise invalid("limit", f"{shown(limit)} is not a whole number from 1 to {_MOST}.")
    if order not in {"asc", "desc"}:
        raise invalid("order", f"{shown(order)} is not one of 'asc', 'desc'.")
    return Page(int(limit), "asc" if order == "asc" else "desc", query.get("after"), query.get("before"))


def is_count(text: str) -> bool:
    """Tell whether a text is a whole number of a length that is read as one."""
    return text.isdecimal() and len(text) < _MOST_DIGITS


def list_page(items: Sequence[Mapping[str, Any]], page: Page) -> dict[str, Any]:
    """Return the list object with one page of ``items``, which stand in their order of time.

    Raises ``BadRequest`` for an ``after`` or ``before`` that names none of them.
    """
    ordered = list(items) if page.order == "asc" else list(items)[::-1]
    begin = _place(ordered, page.after, "after") + 1 if page.after is not None else 0
    end = _place(ordered, page.before, "before") if page.before is not None else len(ordered)
    shown_items = ordered[begin:end][: page.limit]
    return {
        "object": "list",
        "data": shown_items,
        "first_id": shown_items[0]["id"] if shown_items else None,
        "last_id": shown_items[-1]["id"] if shown_items else None,
        "has_more": begin + len(shown_items) < end,
    }


def _place(items: Sequence[Mapping[str, Any]], wanted: str, param: str) -> int:
    for index, item in enumerate(items):
        if item["id"] == wanted:
            return index
    raise BadRequest(f"Invalid value for '{param}': no item has the id {shown(wanted)}.", param, "invalid_value")
