"""Provider state that an answer's public items cannot show, as JSON entries, and its way back into the history.

The provider wants its own parts back (PITFALLS C05-C07, B44): signatures on the very parts that had them, signed
thoughts, parts that mean nothing to anybody else. A Responses client sends items back, which hold none of it. So each
answer leaves entries behind; ``gathering`` makes them. Either the store keeps them beside the response, or they
travel sealed in ``encrypted_content`` of a reasoning item. An entry is one of

- ``{"kind": "call", "id": CALL_ID, "signature": S}``;
- ``{"kind": "text", "id": ITEM_ID, "length": N, "signatures": [[END, S or null], ...], "inner": [[K, PART], ...]}``:
  the words of a message were several parts, of which each ends at an offset in code points; ``inner``, which may be
  absent, holds what stood before the part of number K: ``{"opaque": DATA}`` or ``{"code": CODE, "length": code points
  of its Markdown}``. With ``"after"`` in the place of ``"id"`` it is an empty signed text of no message;
- ``{"kind": "thought", "after": ITEM_ID or null, "text": T, "signature": S}``;
- ``{"kind": "opaque", "after": ITEM_ID or null, "data": DATA}``;
- ``{"kind": "image", "id": ITEM_ID, "signature": S}``;
- ``{"kind": "code", "id": ITEM_ID, "part": CODE}``: CODE has the fields of ``conversation.Code``, empty ones left out.

``after: null`` means in front of the answer: ``"before"``, where it is known, is the answer's first item. Entries that
were found in a client's input may have ``"at"``: how many messages had been read where their carrier stood; that helps
where the client has dropped the items' own ids.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from attrs import define, evolve, field

from agd.conversation import Code, Media, Message, Opaque, Part, Text, Thought, ToolCall

Entry = Mapping[str, Any]
Place = tuple[int, int]
"""Where an item was read to: the index of the message and of its first part in it."""

_KINDS = ("text", "code", "call", "image", "thought", "opaque")


def entries_in(sealed: Any, at: int | None = None) -> tuple[Entry, ...]:
    """Return the entries in what a reasoning item's ``encrypted_content`` was opened to; none in anything else.

    ``at`` is how many messages had been read where that item stood.
    """
    if not isinstance(sealed, list):
        return ()
    found = [entry for entry in sealed if isinstance(entry, dict) and entry.get("kind") in _KINDS]
    return tuple(found if at is None else [{**entry, "at": at} for entry in found])


def restore(messages: Sequence[Message], places: Mapping[str, Place], entries: Iterable[Entry]) -> tuple[Message, ...]:
    """Return the messages with the provider's state back where it was; what fits nowhere (any more) is left out.

    ``places`` says for the id of each item read where its parts are.
    """
    told = list(entries)
    if not told:
        return tuple(messages)
    desk = _Desk(messages, places)
    # First what makes several parts out of one, then what stands between parts.
    for entry in sorted(told, key=lambda entry: entry["kind"] != "text" or "id" not in entry):
        _PUT[entry["kind"]](desk, entry)
    return desk.messages()


@define
class _Cell:
    """What stands in the place of one part."""

    parts: list[Part]
    lead: list[Part] = field(factory=list)
    """What stands before it."""


@define
class _Desk:
    """Messages being changed; only those that something belongs to are taken apart."""

    _messages: Sequence[Message]
    _places: Mapping[str, Place]
    _cells: dict[int, list[_Cell]] = field(factory=dict)
    _front: dict[int, list[Part]] = field(factory=dict)
    """What becomes a message of its own, before the message of that index."""
    _unread: dict[str, int] = field(factory=dict)
    """Items that were read to nothing, such as code without outputs: their parts are in front of that message."""

    def call(self, entry: Entry) -> None:
        """Sign a call; of several with the same id the first behind the carrier, else the last."""
        found = [
            (index, at)
            for index, message in enumerate(self._messages)
            for at, part in enumerate(message.parts)
            if isinstance(part, ToolCall) and part.id == entry["id"] and self._unsigned(index, at)
        ]
        behind = [place for place in found if place[0] >= entry.get("at", len(self._messages))]
        if found:
            self._sign((behind or found[-1:])[0], entry["signature"])

    def text(self, entry: Entry) -> None:
        """Make a message's words the parts that they were, if they are as long as they were."""
        if "id" not in entry:
            self._put(entry, Text("", entry["signatures"][-1][1]))
            return
        place = self._places.get(entry["id"]) or self._before(entry, Text, entry["length"])
        cells = [] if place is None else self._run(place, Text)
        words = "".join(part.text for cell in cells for part in cell.parts if isinstance(part, Text))
        if place is None or len(words) != entry["length"]:
            return
        for cell in cells:
            cell.parts = []
        (cells or [self._cell(place)])[0].parts = _pieces(words, entry)

    def image(self, entry: Entry) -> None:
        """Sign an image."""
        place = self._places.get(entry["id"]) or self._before(entry, Media)
        if place is not None and any(isinstance(part, Media) for part in self._cell(place).parts):
            self._sign(place, entry["signature"])

    def code(self, entry: Entry) -> None:
        """Put code, or what it printed, in the place of what was read of it."""
        place = self._places.get(entry["id"])
        if place is None:
            return
        code, read = Code(**entry["part"]), self._run(place, Code)
        for cell in read:
            cell.parts = [part for part in cell.parts if not isinstance(part, Code)]
        if read:
            read[0].lead.append(code)
        else:
            self._unread[entry["id"]] = place[0]
            self._before_message(place[0], code)

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
        return evolve(message, parts=tuple(part for cell in self._cells[index] for part in (*cell.lead, *cell.parts)))

    def _put(self, entry: Entry, part: Part) -> None:
        """Put a part behind the item it came after, before the one it came before, or where its carrier stood."""
        after, before = entry.get("after"), entry.get("before")
        if after in self._unread:
            self._before_message(self._unread[after], part)
        elif after in self._places:
            self._end(self._places[after]).parts.append(part)
        elif before in self._places or "at" in entry:
            self._before_message(self._places[before][0] if before in self._places else entry["at"], part)

    def _before_message(self, index: int, part: Part) -> None:
        self._front.setdefault(index, []).append(part)

    def _open(self, index: int) -> list[_Cell]:
        """Take a message apart: a cell for each part, and one behind them."""
        if index not in self._cells:
            parts = self._messages[index].parts if index < len(self._messages) else ()
            self._cells[index] = [*(_Cell([part]) for part in parts), _Cell([])]
        return self._cells[index]

    def _cell(self, place: Place) -> _Cell:
        cells = self._open(place[0])
        return cells[min(place[1], len(cells) - 1)]

    def _run(self, place: Place, kind: type[Part]) -> list[_Cell]:
        """Return the cells of an item whose parts are of one kind; they end where the next item's begin."""
        index, start = place
        ends = [at for message, at in self._places.values() if message == index and at > start]
        parts = self._messages[index].parts if index < len(self._messages) else ()
        end = start
        while end < min([len(parts), *ends]) and isinstance(parts[end], kind):
            end += 1
        return self._open(index)[start:end]

    def _end(self, place: Place) -> _Cell:
        """Return the last cell of an item."""
        index, start = place
        ends = [at for message, at in self._places.values() if message == index and at > start]
        cells = self._open(index)
        last = min([len(cells) - 1, *ends]) - 1
        return cells[max(last, min(start, len(cells) - 1))]

    def _unsigned(self, index: int, at: int) -> bool:
        parts = self._cells[index][at].parts if index in self._cells else [self._messages[index].parts[at]]
        return all(getattr(part, "signature", None) is None for part in parts)

    def _sign(self, place: Place, signature: str) -> None:
        cell = self._cell(place)
        cell.parts = [
            evolve(part, signature=signature) if isinstance(part, ToolCall | Media) else part for part in cell.parts
        ]

    def _before(self, entry: Entry, kind: type[Part], length: int | None = None) -> Place | None:
        """Return the nearest unsigned part of the assistant before the entry's carrier; for words, of that length."""
        for index in range(min(entry.get("at", 0), len(self._messages)) - 1, -1, -1):
            message = self._messages[index]
            if message.role == "assistant" and message.parts and isinstance(message.parts[0], kind):
                words = "".join(part.text for part in message.parts if isinstance(part, Text))
                if self._unsigned(index, 0) and length in {None, len(words)}:
                    return index, 0
        return None


_PUT: dict[str, Callable[[_Desk, Entry], None]] = {
    "call": _Desk.call,
    "text": _Desk.text,
    "image": _Desk.image,
    "code": _Desk.code,
    "thought": _Desk.thought,
    "opaque": _Desk.opaque,
}


def _pieces(words: str, entry: Entry) -> list[Part]:
    """Cut the words of a message into the parts that they were."""
    parts: list[Part] = []
    inner = [*entry.get("inner", ()), [len(entry["signatures"]), None]]
    start = 0
    for number in range(len(entry["signatures"]) + 1):
        for _, thing in filter(lambda pair: pair[0] == number and pair[1] is not None, inner):
            parts.append(Code(**thing["code"]) if "code" in thing else Opaque(thing["opaque"]))
            start += thing.get("length", 0)
        if number < len(entry["signatures"]):
            end, signature = entry["signatures"][number]
            parts.append(Text(words[start:end], signature))
            start = end
    return parts
