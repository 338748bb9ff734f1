"""What came before a request: the stored conversation it goes on from, and stored items it refers to.

Whoever keeps answers asks ``wanted`` what a request needs, finds it, and hands it to the reader as a ``Past``; the
reader itself looks nothing up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from attrs import field, frozen

from agd.protocols.fields import Fields

Item = Mapping[str, Any]
"""An item as clients send it in ``input`` and get it in ``output``."""


def _opens_nothing(sealed: str) -> Any | None:
    return None


@frozen
class Past:
    """What came before a request and what it refers to; by default nothing.

    ``items`` is the stored conversation, input and output of each turn, oldest first; ``memory`` the provider's state
    of those items (see ``memory.restore``). ``references`` holds stored items by their ids. ``open`` turns an
    ``encrypted_content`` into the JSON value that agd sealed in it; None means that it was not agd, or not for this
    client.
    """

    items: tuple[Item, ...] = ()
    memory: tuple[Mapping[str, Any], ...] = ()
    references: Mapping[str, Item] = field(factory=dict)
    open: Callable[[str], Any | None] = _opens_nothing
    session: str | None = None
    """Which conversation it is: see ``conversation.session``."""


NOTHING = Past()


@frozen
class Wanted:
    """What of the past a request asks for: the id of the response it goes on from, and ids of single items."""

    previous: str | None
    references: tuple[str, ...]


def wanted(body: Mapping[str, Any]) -> Wanted:
    """Look into a request for what must be found before it can be read.

    Raises ``BadRequest`` for an id that is no text or empty; whatever else is wrong is the reader's to say.
    """
    fields = Fields(body)
    previous = fields.get("previous_response_id")
    return Wanted(
        None if previous is None else fields.required_text("previous_response_id"),
        tuple(dict.fromkeys(item.required_text("id") for item in _items(fields) if is_reference(item.values))),
    )


def is_reference(item: Item) -> bool:
    """Tell whether an item only names another one; OpenAI lets such an item go without its type."""
    kind = item.get("type")
    return kind == "item_reference" or (kind is None and item.get("role") is None and item.get("id") is not None)


def _items(fields: Fields) -> Iterator[Fields]:
    value = fields.get("input")
    for index, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, dict):
            yield Fields(item, f"input[{index}]")
