"""A conversation made shorter (OpenAI ``CompactionBody``): all of it sealed in one item."""

from __future__ import annotations

from agd.protocols.responses.items.item import Item


def compaction(item_id: str, sealed: str) -> Item:
    """Write the item; it has neither status nor events of its own."""
    return {"id": item_id, "type": "compaction", "encrypted_content": sealed}
