"""A function call (OpenAI ``FunctionToolCall``); ``id`` names the item, ``call_id`` pairs the call with its result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import define, field

from agd.conversation import ToolCallStart
from agd.protocols.responses.items.item import Item, ItemStatus, Payload, added, done
from agd.protocols.responses.toolbox import Binding
from agd.protocols.signatures import extra_content


@define
class OpenFunctionCall:
    """A call whose arguments are passed on as they come."""

    id: str
    index: int
    head: Item
    """What is known from the beginning: see ``call_head``."""
    _pieces: list[str] = field(factory=list)

    def begin(self) -> Iterator[Payload]:
        """Open the item, without arguments."""
        yield added(self.index, self.item("in_progress"))

    def add(self, arguments: str) -> Iterator[Payload]:
        """Add to the arguments."""
        if arguments:
            self._pieces.append(arguments)
            place = {"item_id": self.id, "output_index": self.index}
            yield "response.function_call_arguments.delta", {**place, "delta": arguments}

    def end(self, status: ItemStatus) -> Iterator[Payload]:
        """Close the item; a complete call without arguments has an empty object."""
        if status == "completed" and not self._pieces:
            yield from self.add("{}")
        item = self.item(status)
        fields = {"item_id": self.id, "output_index": self.index, "name": item["name"]}
        yield "response.function_call_arguments.done", {**fields, "arguments": item["arguments"]}
        yield done(self.index, item)

    def item(self, status: ItemStatus) -> Item:
        """Return the call as far as it is told."""
        head = {"id": self.id, "type": "function_call", "status": status}
        return {**head, **self.head, "arguments": "".join(self._pieces)}


def call_head(start: ToolCallStart, binding: Binding) -> Item:
    """Return what every call that names its tool has: pairing id, name and namespace, and the provider's signature."""
    head: Item = {"call_id": start.id, "name": binding.name}
    if binding.namespace is not None:
        head["namespace"] = binding.namespace
    return {**head, **state(start)}


def state(start: ToolCallStart) -> Item:
    """Return the signature of a call where Google's own endpoint has it."""
    return {} if start.signature is None else {"extra_content": extra_content(start.signature)}


def recite(index: int, item: Mapping[str, Any]) -> Iterator[Payload]:
    """Tell a finished call once more."""
    known = {key: value for key, value in item.items() if key not in {"id", "type", "status", "arguments"}}
    call = OpenFunctionCall(item["id"], index, known)
    yield from call.begin()
    yield from call.add(item["arguments"])
    yield from call.end(item["status"])
