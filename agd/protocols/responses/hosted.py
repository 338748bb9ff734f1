"""Tools that run at the provider: the web search, image generation and the code interpreter.

The provider has each of them, and settings for none: what a declaration says beside its type is told of (I20).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from agd.conversation import Notice
from agd.protocols.fields import Fields
from agd.protocols.search import SEARCH_TOOLS, read_search_settings

HostedKind = Literal["web_search", "image_generation", "code_interpreter"]

HOSTED: Mapping[str, HostedKind] = {
    **dict.fromkeys(SEARCH_TOOLS, "web_search"),
    "image_generation": "image_generation",
    "code_interpreter": "code_interpreter",
}
"""What each type of tool stands for."""

_UNSET: tuple[object, ...] = ("", "auto", False, 0, [], {})


def read_hosted(entry: Fields, notices: list[Notice]) -> None:
    """Read the declaration of a tool whose type is in ``HOSTED``."""
    _READERS[HOSTED[entry.required_text("type")]](entry, notices)


def _image(entry: Fields, notices: list[Notice]) -> None:
    for key, value in entry.unread():
        if value not in _UNSET:
            notices.append(Notice(entry.at(key)[:80], "ignored: the provider makes images in its own way"))


def _code(entry: Fields, notices: list[Notice]) -> None:
    if entry.get("allowed_callers") not in (None, ["direct"]):
        notices.append(Notice(entry.at("allowed_callers"), "ignored: the model itself runs code"))
    if entry.get("container") not in (None, {}, {"type": "auto"}):
        notices.append(Notice(entry.at("container"), "ignored: the provider runs code in a place of its own"))
    for key, _ in entry.unread():
        notices.append(Notice(entry.at(key)[:80], "ignored: it has no effect here"))


_READERS: Mapping[HostedKind, Callable[[Fields, list[Notice]], None]] = {
    "web_search": read_search_settings,
    "image_generation": _image,
    "code_interpreter": _code,
}
