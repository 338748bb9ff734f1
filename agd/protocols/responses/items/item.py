"""What all output items have in common.

An event is a pair of its type and its fields; the narration adds ``sequence_number``. Ids are made once per item and
are the same in every event and in the final output. ``index`` is the item's place in the final output.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, Protocol

Payload = tuple[str, dict[str, Any]]
"""An event: its type, and its fields but for ``type`` and ``sequence_number``."""

Item = dict[str, Any]
ItemStatus = Literal["in_progress", "completed", "incomplete"]


class OpenItem(Protocol):
    """An item under way. Nothing else is opened before it has ended."""

    index: int

    def begin(self) -> Iterator[Payload]:
        """Open the item."""
        ...

    def end(self, status: ItemStatus) -> Iterator[Payload]:
        """Close all that is open in the item, and the item."""
        ...

    def item(self, status: ItemStatus) -> Item:
        """Return the item as far as it is told."""
        ...


def added(index: int, item: Item) -> Payload:
    """The event that opens an item."""
    return "response.output_item.added", {"output_index": index, "item": item}


def done(index: int, item: Item) -> Payload:
    """The event that closes an item, with all of it."""
    return "response.output_item.done", {"output_index": index, "item": item}


def tell(index: int, item: Item) -> Iterator[Payload]:
    """Tell a whole item of which nothing but its beginning and its end has events."""
    yield added(index, {**item, "status": "in_progress"} if "status" in item else item)
    yield done(index, item)
