"""Messages on the desk: taken apart, provider state put to the parts it belongs to, and put together again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import define, evolve, field

from agd.conversation import Code, Media, Message, Opaque, Part, Text, Thought, ToolCall

Entry = Mapping[str, Any]
"""One piece of provider state; ``memory`` has its forms."""
Place = tuple[int, int]
"""Where an item was read to: the index of the message and of its first part in it."""


Cell = list[Part]
"""What stands in the place of one part."""


@define
class Desk:
    """Messages being changed; only those that something belongs to are taken apart."""

    _messages: Sequence[Message]
    _places: Mapping[str, Place]
    _cells: dict[int, list[Cell]] = field(factory=dict)
    _front: dict[int, list[Part]] = field(factory=dict)
    """What becomes a message of its own, before the message of that index."""
    _codes: set[str] = field(factory=set)
    _owners: Mapping[Place, str] = field(init=False)
    """Whose each place is: an item that was read to nothing has the place of the one behind it."""

    _starts: Mapping[int, list[int]] = field(init=False)
    """Where in each message items begin."""
    _calls: Mapping[str, list[Place]] = field(init=False)
    """Where calls are, by their ids."""

    @_owners.default
    def _last_of_each(self) -> Mapping[Place, str]:
        return {place: item_id for item_id, place in self._places.items()}

    @_starts.default
    def _by_message(self) -> Mapping[int, list[int]]:
        starts: dict[int, list[int]] = {}
        for index, at in self._places.values():
            starts.setdefault(index, []).append(at)
        return starts

    @_calls.default
    def _by_id(self) -> Mapping[str, list[Place]]:
        calls: dict[str, list[Place]] = {}
        for index, message in enumerate(self._messages):
            for at, part in enumerate(message.parts):
                if isinstance(part, ToolCall):
                    calls.setdefault(part.id, []).append((index, at))
        return calls

    def put(self, entry: Entry) -> None:
        """Put one entry's state where it belongs; nowhere, if that is not there any more."""
        _PUT[entry["kind"]](self, entry)

    def call(self, entry: Entry) -> None:
        """Sign a call; of several with the same id the first behind the carrier, else the last."""
        found = [place for place in self._calls.get(entry["id"], ()) if self._unsigned(*place)]
        behind = [place for place in found if place[0] >= entry.get("at", len(self._messages))]
        if found:
            self._sign((behind or found[-1:])[0], entry["signature"])

    def text(self, entry: Entry) -> None:
        """Make a message's words the parts that they were, if they are as long as they were."""
        if "id" not in entry:
            self._put(entry, Text("", entry["signatures"][-1][1]))
            return
        place = self._read(entry["id"]) or self._before(entry, Text, entry["length"])
        cells = [] if place is None else self._run(place, Text)
        words = "".join(part.text for cell in cells for part in cell if isinstance(part, Text))
        if place is None or len(words) != entry["length"]:
            return
        for cell in cells:
            cell.clear()
        (cells or [self._cell(place)])[0].extend(_pieces(words, entry))

    def image(self, entry: Entry) -> None:
        """Sign an image."""
        place = self._read(entry["id"]) or self._before(entry, Media)
        if place is not None and any(isinstance(part, Media) for part in self._cell(place)):
            self._sign(place, entry["signature"])

    def code(self, entry: Entry) -> None:
        """Put code, or what it printed, in the place of what was read of it."""
        place = self._read(entry["id"])
        if place is not None and entry["id"] not in self._codes:
            self._codes.add(entry["id"])
            for cell in self._run(place, Code):
                cell.clear()
        self._put({"after": entry["id"]}, Code(**entry["part"]))

    def thought(self, entry: Entry) -> None:
        """Put a signed thought where it was."""
        self._put(entry, Thought(entry["text"], entry["signature"]))

    def opaque(self, entry: Entry) -> None:
        """Put a part of the provider's own where it was."""
        self._put(entry, Opaque(entry["data"]))

    def messages(self) -> tuple[Message, ...]:
        """Return all messages as they are now."""
        whole: list[Message] = []
        for index in range(len(self._messages) + 1):
            if index in self._front:
                whole.append(Message("assistant", tuple(self._front[index])))
            if index < len(self._messages):
                whole.append(self._message(index))
        return tuple(whole)

    def _message(self, index: int) -> Message:
        message = self._messages[index]
        if index not in self._cells:
            return message
        return evolve(message, parts=tuple(part for cell in self._cells[index] for part in cell))

    def _put(self, entry: Entry, part: Part) -> None:
        """Put a part behind the item it came after, before the one it came before, or where its carrier stood."""
        after, before = entry.get("after"), entry.get("before")
        if (place := self._read(after)) is not None:
            self._end(place).append(part)
            return
        place = self._places.get(after or "") or self._places.get(before or "")
        if place is not None or "at" in entry:
            self._before_message(entry["at"] if place is None else place[0], part)

    def _read(self, item_id: str | None) -> Place | None:
        """Return where an item's parts are; None for one that is not there, or was read to nothing."""
        place = self._places.get(item_id) if item_id is not None else None
        if place is None or self._owners[place] != item_id or place[0] >= len(self._messages):
            return None
        return place if self._messages[place[0]].role == "assistant" else None

    def _before_message(self, index: int, part: Part) -> None:
        self._front.setdefault(index, []).append(part)

    def _open(self, index: int) -> list[Cell]:
        """Take a message apart: a cell for each part, and one behind them."""
        if index not in self._cells:
            parts = self._messages[index].parts if index < len(self._messages) else ()
            self._cells[index] = [*([part] for part in parts), []]
        return self._cells[index]

    def _cell(self, place: Place) -> Cell:
        cells = self._open(place[0])
        return cells[min(place[1], len(cells) - 1)]

    def _run(self, place: Place, kind: type[Part]) -> list[Cell]:
        """Return the cells of an item whose parts are of one kind; they end where the next item's begin."""
        index, start = place
        ends = [at for at in self._starts.get(index, ()) if at > start]
        parts = self._messages[index].parts if index < len(self._messages) else ()
        end = start
        while end < min([len(parts), *ends]) and isinstance(parts[end], kind):
            end += 1
        return self._open(index)[start:end]

    def _end(self, place: Place) -> Cell:
        """Return the last cell of an item."""
        index, start = place
        ends = [at for at in self._starts.get(index, ()) if at > start]
        cells = self._open(index)
        last = min([len(cells) - 1, *ends]) - 1
        return cells[max(last, min(start, len(cells) - 1))]

    def _unsigned(self, index: int, at: int) -> bool:
        parts = self._cells[index][at] if index in self._cells else [self._messages[index].parts[at]]
        return all(getattr(part, "signature", None) is None for part in parts)

    def _sign(self, place: Place, signature: str) -> None:
        cell = self._cell(place)
        signed = [evolve(part, signature=signature) if isinstance(part, ToolCall | Media) else part for part in cell]
        cell[:] = signed

    def _before(self, entry: Entry, kind: type[Part], length: int | None = None) -> Place | None:
        """Return the nearest unsigned part of the assistant before the entry's carrier; for words, of that length."""
        for index in range(min(entry.get("at", 0), len(self._messages)) - 1, -1, -1):
            message = self._messages[index]
            if message.role == "assistant" and message.parts and isinstance(message.parts[0], kind):
                words = "".join(part.text for part in message.parts if isinstance(part, Text))
                if self._unsigned(index, 0) and length in {None, len(words)}:
                    return index, 0
        return None


def _pieces(words: str, entry: Entry) -> list[Part]:
    """Cut the words of a message into the parts that they were."""
    parts: list[Part] = []
    inner = deque(entry.get("inner", ()))
    start = 0
    for number, (end, signature) in enumerate([*entry["signatures"], (None, None)]):
        while inner and inner[0][0] == number:
            _, thing = inner.popleft()
            parts.append(Code(**thing["code"]) if "code" in thing else Opaque(thing["opaque"]))
            start += thing.get("length", 0)
        if end is not None:
            parts.append(Text(words[start:end], signature))
            start = end
    return parts


_PUT: dict[str, Callable[[Desk, Entry], None]] = {
    "call": Desk.call,
    "text": Desk.text,
    "image": Desk.image,
    "code": Desk.code,
    "thought": Desk.thought,
    "opaque": Desk.opaque,
}
