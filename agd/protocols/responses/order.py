"""The order of an answer's items: which one is open, when it closes, where provider state travels.

Items follow one another: each is closed before the next one opens (I13), and has its place in the final output from
the beginning (I04).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from attrs import define, field

from agd.protocols.responses.gathering import Gathering
from agd.protocols.responses.items.item import Item, ItemStatus, OpenItem, Payload
from agd.protocols.responses.items.reasoning import OpenReasoning

Seal = Callable[[Any], str]
"""Seals a JSON value for its owner; what comes back opens for nobody else."""


@define
class Order:
    """The items of one answer.

    With ``seal``, provider state travels in reasoning items: in the one that is open when the state is known, else in
    one of its own without words. Without it, the state stays in ``gathering``.
    """

    token: str
    seal: Seal | None = None
    gathering: Gathering = field(factory=Gathering, init=False)
    items: list[Item] = field(factory=list, init=False)
    """The finished items in their places."""
    open: OpenItem | None = field(default=None, init=False)

    @property
    def next(self) -> int:
        """The place of the next item; nothing may be open."""
        return len(self.items)

    def id(self, prefix: str) -> str:
        """Return the next item's id: made from the answer's token, so unlike any other's (I05)."""
        return f"{prefix}_{self.token}_{self.next}"

    def so_far(self) -> list[Item]:
        """Return all items, the one that is open as incomplete."""
        return list(self.items) if self.open is None else [*self.items, self.open.item("incomplete")]

    def begin(self, opened: OpenItem) -> Iterator[Payload]:
        """Open an item."""
        self.open = opened
        yield from opened.begin()

    def shut(self, status: ItemStatus) -> Iterator[Payload]:
        """Close the item that is open, if there is one."""
        opened, self.open = self.open, None
        if opened is not None:
            yield from self.whole(opened.end(status))

    def whole(self, payloads: Iterator[Payload]) -> Iterator[Payload]:
        """Pass on events of which the last closes an item, and keep that item."""
        for payload in payloads:
            if payload[0] == "response.output_item.done":
                self.items.append(payload[1]["item"])
            yield payload

    def make_room(self, status: ItemStatus = "completed", *, carry: bool = True) -> Iterator[Payload]:
        """Close what is open. State that nothing carries yet gets a carrier, unless what comes next will carry it."""
        self.gathering.close()
        if isinstance(self.open, OpenReasoning):
            self.open.sealed = self._sealed()
        yield from self.shut(status)
        if carry:
            yield from self.carry()

    def carry(self) -> Iterator[Payload]:
        """Tell reasoning without words that carries state, if there is any that must travel."""
        sealed = self._sealed()
        if sealed is not None:
            yield from self.begin(OpenReasoning(self.id("rs"), self.next, sealed))
            yield from self.shut("completed")

    def _sealed(self) -> str | None:
        entries = self.gathering.take() if self.seal is not None else []
        return self.seal(entries) if self.seal is not None and entries else None
