"""Code that the provider ran (OpenAI ``CodeInterpreterToolCall``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import define, field

from agd.protocols.responses.items.item import Item, ItemStatus, Payload, added, done


@define
class OpenCode:
    """A run of code: the code comes whole, what it printed later."""

    id: str
    index: int
    container: str
    code: str
    _outputs: list[Item] | None = None
    _ran: bool = field(default=False, init=False)

    def begin(self) -> Iterator[Payload]:
        """Open the item, tell the code, and that it runs."""
        place = {"item_id": self.id, "output_index": self.index}
        yield added(self.index, {**self.item("in_progress"), "code": ""})
        yield "response.code_interpreter_call.in_progress", place
        if self.code:
            yield "response.code_interpreter_call_code.delta", {**place, "delta": self.code}
        yield "response.code_interpreter_call_code.done", {**place, "code": self.code}
        yield "response.code_interpreter_call.interpreting", place

    def printed(self, outputs: list[Item] | None) -> None:
        """Take what the code printed, None where the client did not ask for it: the run is over."""
        self._outputs, self._ran = outputs, True

    def end(self, status: ItemStatus) -> Iterator[Payload]:
        """Close the item; a run of which no end was told is incomplete."""
        if self._ran:
            yield "response.code_interpreter_call.completed", {"item_id": self.id, "output_index": self.index}
        yield done(self.index, self.item("completed" if self._ran else "incomplete"))

    def item(self, status: ItemStatus) -> Item:
        """Return the run as far as it is told."""
        head = {"id": self.id, "type": "code_interpreter_call", "status": status, "container_id": self.container}
        return {**head, "code": self.code, "outputs": self._outputs}


def logs(text: str) -> Item:
    """Write what code printed."""
    return {"type": "logs", "logs": text}


def recite(index: int, item: Mapping[str, Any]) -> Iterator[Payload]:
    """Tell a finished run once more."""
    run = OpenCode(item["id"], index, item["container_id"], item["code"] or "")
    yield from run.begin()
    if item["status"] == "completed":
        run.printed(item["outputs"])
    yield from run.end("completed")
