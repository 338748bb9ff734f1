"""Web search as clients ask for it: ``web_search_options`` (chat), or a tool of the provider's among ``tools``."""

from __future__ import annotations

from agd.conversation import Notice, WebSearch
from agd.protocols.fields import Fields
from agd.protocols.parameters import leftovers_within

SEARCH_TOOLS = frozenset(
    {
        "web_search",
        "web_search_2025_08_26",
        "web_search_preview",
        "web_search_preview_2025_03_11",
        "google_search",
    }
)
"""Types of tools that mean the provider's own search of the web."""

_SIZES = ("low", "medium", "high")


def read_search(fields: Fields, notices: list[Notice]) -> WebSearch | None:
    """Read whether the web may be searched; what the provider's search has no setting for is told of."""
    found = []
    if (options := fields.object("web_search_options")) is not None:
        read_search_settings(options, notices)
        found.append(WebSearch("web_search_options"))
    for entry in fields.objects("tools"):
        if entry.text("type") in SEARCH_TOOLS:
            read_search_settings(entry, notices)
            found.append(WebSearch(entry.path))
    return found[0] if found else None


def read_search_settings(place: Fields, notices: list[Notice]) -> None:
    """Tell of every setting of a search that the provider's search has not."""
    if place.one_of("search_context_size", _SIZES) not in {None, "medium"}:
        notices.append(Notice(place.at("search_context_size"), "ignored: the provider decides how much it reads"))
    if place.object("user_location") is not None:
        notices.append(Notice(place.at("user_location"), "ignored: the provider's search takes no place"))
    notices.extend(leftovers_within(place))
