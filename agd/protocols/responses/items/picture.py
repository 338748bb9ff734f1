"""An image of the answer (OpenAI ``ImageGenToolCall``), which comes whole (I48)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from agd.conversation import MediaPart
from agd.protocols.responses.items.item import Item, Payload, added, done


def image(item_id: str, media: MediaPart) -> Item:
    """Write the item; ``result`` is the image in base64.

    ``output_format``, ``png`` for instance, is not in OpenAI's document, but in its answers.
    """
    item = {"id": item_id, "type": "image_generation_call", "status": "completed", "result": media.data}
    kind, _, form = media.mime.partition("/")
    return {**item, "output_format": form} if kind == "image" else item


def tell(index: int, item: Mapping[str, Any]) -> Iterator[Payload]:
    """Tell an image with all events that it has."""
    place = {"item_id": item["id"], "output_index": index}
    yield added(index, {**item, "status": "in_progress", "result": None})
    yield "response.image_generation_call.in_progress", place
    yield "response.image_generation_call.completed", place
    yield done(index, dict(item))
