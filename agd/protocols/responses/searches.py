"""The provider's searches of the web: from its own parts, or from what it tells of its sources at the end (I20).

A model that combines tools shows each search as a part, ``{"toolCall": {"toolType": "GOOGLE_SEARCH_WEB", "id": ...,
"args": {"queries": [...]}}}``, and its end as ``{"toolResponse": {...}}``; others only list their queries in
``groundingMetadata.webSearchQueries``. URLs are known at the end in either case, so a client that asked for them is
told of the searches there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import define, field

from agd.protocols.responses.items.item import Item
from agd.protocols.responses.items.search import search_action

SOURCES = "web_search_call.action.sources"
"""What ``include`` names when the URLs are wanted."""


@define
class Searches:
    """The searches of one answer. ``with_sources``: all of them are told as one, at the end."""

    with_sources: bool = False
    _told: bool = False
    _queries: list[str] = field(factory=list)
    _grounding: Mapping[str, Any] = field(factory=dict)

    def begun(self, data: Mapping[str, Any]) -> tuple[str, Item] | None:
        """Return the provider's name and the action of a search that a part begins and that is to be told now."""
        call = _tool(data, "toolCall")
        if call is None:
            return None
        found = _texts(_mapping(call.get("args")).get("queries"))
        if self.with_sources:
            self._queries += found
            return None
        self._told = True
        return str(call.get("id") or ""), search_action(found)

    def ends(self, data: Mapping[str, Any], run: str) -> bool:
        """Tell whether a part ends the search of that name."""
        response = _mapping(data.get("toolResponse"))
        return bool(response) and str(response.get("id") or "") == run

    def details(self, data: Mapping[str, Any]) -> None:
        """Take what is told beside the answer."""
        self._grounding = _mapping(data.get("groundingMetadata")) or self._grounding

    def last(self) -> Item | None:
        """Return the action of what is still to be told of at the end; None if nothing was searched for.

        Sources without a query are pages that the provider read by their address, which is no search.
        """
        if self._told:
            return None
        queries = list(dict.fromkeys([*self._queries, *_texts(self._grounding.get("webSearchQueries"))]))
        chunks = self._grounding.get("groundingChunks")
        webs = [_mapping(_mapping(chunk).get("web")) for chunk in (chunks if isinstance(chunks, list) else ())]
        urls = list(dict.fromkeys(_texts([web.get("uri") for web in webs])))
        if not queries:
            return None
        return search_action(queries, urls if self.with_sources else None)


def _tool(data: Mapping[str, Any], key: str) -> Mapping[str, Any] | None:
    tool = _mapping(data.get(key))
    kind = tool.get("toolType") or tool.get("tool_type")
    return tool if isinstance(kind, str) and kind.startswith("GOOGLE_SEARCH") else None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: object) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []
