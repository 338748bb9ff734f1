"""The conversation while it is read: instructions, turns, and where each item ended up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, field

from agd.conversation import Message, Notice, Part, Text
from agd.options import DEFAULT, Options
from agd.protocols.contents import overlook
from agd.protocols.fields import Fields
from agd.protocols.responses.toolbox import Toolbox

_QUIET = (
    "id",
    "type",
    "status",
    "phase",
    "created_by",
    "internal_chat_message_metadata",
    "internal_chat_message_metadata_passthrough",
)
"""Keys that items of every kind may have and that ask for nothing: what they say is theirs, or the answerer's."""


@define
class History:
    """What is read so far.

    ``places`` leads from an item's id to where its parts are, as (index of the message, index of the part); an item
    that says nothing stands before the message that has its index. ``entries`` are the provider's states that items
    carried along, sealed.
    """

    toolbox: Toolbox
    open: Callable[[str], Any | None]
    options: Options = DEFAULT
    notices: list[Notice] = field(factory=list)
    instructions: list[str] = field(factory=list)
    messages: list[Message] = field(factory=list)
    places: dict[str, tuple[int, int]] = field(factory=dict)
    entries: list[Mapping[str, Any]] = field(factory=list)
    shells: dict[str, str] = field(factory=dict)
    """The ``call_id`` of each ``local_shell_call`` by the item's id, by which its output may name it."""

    def user(self, *parts: Part) -> None:
        """Add what the user's side says."""
        self.messages.append(Message("user", parts))

    def assistant(self, *parts: Part) -> None:
        """Add what the model said."""
        self.messages.append(Message("assistant", parts))

    def instruct(self, texts: tuple[str, ...]) -> None:
        """Add a developer's or system's words; among the turns they are hoisted or stay, as the options say (A01)."""
        if not self.messages:
            self.instructions.extend(texts)
        elif self.options.late_system == "inline":
            self.note("input[].role", "instructions that stand among the turns are sent there as the user's words")
            self.user(*map(Text, texts))
        else:
            self.note("input[].role", "instructions that stand among the turns are sent in front of them")
            self.instructions.extend(texts)

    def note(self, param: str, why: str) -> None:
        """Tell the client of something, once."""
        notice = Notice(param, why)
        if notice not in self.notices:
            self.notices.append(notice)

    def place(self, item: Fields) -> None:
        """Remember where the item that is read next begins."""
        item_id = item.values.get("id")
        if isinstance(item_id, str):
            self.places[item_id] = (len(self.messages), 0)

    def end(self, item: Fields) -> None:
        """Tell of what nobody has read in an item."""
        overlook(item, self.notices, _QUIET)
