"""One call under way: what the model calls, and what that is for the client."""

from __future__ import annotations

from attrs import define, field

from agd.conversation import Event, ToolCallDelta, ToolCallDone, ToolCallStart
from agd.protocols.responses.items.calls import FORMS, Form, write_call
from agd.protocols.responses.items.function import OpenFunctionCall, call_head
from agd.protocols.responses.items.item import Item, ItemStatus
from agd.protocols.responses.toolbox import Binding


@define
class Calling:
    """A call from its beginning to its end."""

    start: ToolCallStart
    binding: Binding
    _pieces: list[str] = field(factory=list)

    def owns(self, event: Event) -> bool:
        """Tell whether an event is this call's."""
        return isinstance(event, ToolCallDelta | ToolCallDone) and event.index == self.start.index

    def add(self, arguments: str) -> None:
        """Take more of the arguments."""
        self._pieces.append(arguments)

    @property
    def arguments(self) -> str:
        """The arguments so far."""
        return "".join(self._pieces)

    def function(self, item_id: str, index: int) -> OpenFunctionCall:
        """Return this call as the item of a function call, still without arguments."""
        return OpenFunctionCall(item_id, index, call_head(self.start, self.binding))

    def whole(self, status: ItemStatus) -> tuple[Form, Item] | None:
        """Return the item of any other kind of call, without its id; None where it can only be a function call."""
        form = FORMS.get(self.binding.kind)
        item = write_call(self.start, self.binding, self.arguments, status) if form is not None else None
        return None if form is None or item is None else (form, item)
