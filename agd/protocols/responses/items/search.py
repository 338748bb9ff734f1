"""A search of the web that the provider made (OpenAI ``WebSearchToolCall``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import define

from agd.protocols.responses.items.item import Item, ItemStatus, Payload, added, done


@define
class OpenSearch:
    """A search under way; ``run`` is the provider's name for it."""

    id: str
    index: int
    action: Item
    run: str = ""

    def begin(self) -> Iterator[Payload]:
        """Open the item: the search has begun, and is going on."""
        place = {"item_id": self.id, "output_index": self.index}
        yield added(self.index, self.item("in_progress"))
        yield "response.web_search_call.in_progress", place
        yield "response.web_search_call.searching", place

    def end(self, status: ItemStatus) -> Iterator[Payload]:
        """Close the item; what the answer is made from was found, whether or not the provider told of it."""
        yield "response.web_search_call.completed", {"item_id": self.id, "output_index": self.index}
        yield done(self.index, self.item("completed"))

    def item(self, status: ItemStatus) -> Item:
        """Return the search; this kind of item knows no incomplete state, but a failed one."""
        told = "failed" if status == "incomplete" else status
        return {"id": self.id, "type": "web_search_call", "status": told, "action": self.action}


def search_action(queries: Sequence[str], sources: Sequence[str] | None = None) -> Item:
    """Write the action; ``sources`` are URLs, None where the client did not ask for them."""
    action: Item = {"type": "search", "query": queries[0] if queries else "", "queries": list(queries)}
    if sources is not None:
        action["sources"] = [{"type": "url", "url": url} for url in sources]
    return action


def recite(index: int, item: Mapping[str, Any]) -> Iterator[Payload]:
    """Tell a finished search once more."""
    search = OpenSearch(item["id"], index, item["action"])
    yield from search.begin()
    if item["status"] == "failed":
        yield done(index, dict(item))
    else:
        yield from search.end("completed")
