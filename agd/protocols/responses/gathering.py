"""What an answer leaves behind for the provider, gathered while it is told; ``memory`` has the entries' form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import asdict, define, field

from agd.conversation import CodePart


@define
class Layout:
    """The parts that the words of one message were."""

    _ends: list[list[Any]] = field(factory=list)
    _inner: list[list[Any]] = field(factory=list)
    _length: int = 0
    _continues: bool = False
    _worthwhile: bool = False

    def words(self, length: int, signature: str | None = None) -> None:
        """Take words; they continue the words right before them unless those were signed (C05).

        An empty text is a part of its own where it is signed (C06), else nothing.
        """
        if not (length or signature):
            return
        self._length += length
        if self._continues and length:
            self._ends[-1] = [self._length, signature]
        else:
            self._ends.append([self._length, signature])
        self._continues = signature is None
        self._worthwhile = self._worthwhile or signature is not None

    def refuse(self, length: int) -> None:
        """Take words of a refusal, which are a content part of their own."""
        self._continues = False
        self.words(length)

    def code(self, part: CodePart, length: int) -> None:
        """Take code that the message shows as Markdown of that length."""
        self._put({"code": _fields(part), "length": length}, worthwhile=part.signature is not None)
        self._length += length

    def opaque(self, data: Mapping[str, Any]) -> None:
        """Take a part of the provider's own."""
        self._put({"opaque": data}, worthwhile=True)

    def entry(self, item_id: str) -> dict[str, Any] | None:
        """Return the message's entry; None where its words are all that there is to know."""
        if not self._worthwhile:
            return None
        entry = {"kind": "text", "id": item_id, "length": self._length, "signatures": self._ends}
        return {**entry, "inner": self._inner} if self._inner else entry

    def _put(self, thing: dict[str, Any], *, worthwhile: bool) -> None:
        self._inner.append([len(self._ends), thing])
        self._continues = False
        self._worthwhile = self._worthwhile or worthwhile


@define
class Gathering:
    """The entries of one answer, in its order."""

    _entries: list[dict[str, Any]] = field(factory=list)
    _last: str | None = None
    _layout: Layout | None = None
    _thought: list[str] | None = None

    def item(self, item_id: str, layout: Layout | None = None) -> None:
        """An item that a history shows begins; ``layout`` is a message's, until ``close``."""
        self._last, self._layout, self._thought = item_id, layout, None

    def close(self) -> None:
        """The open message ends."""
        if self._layout is not None and self._last is not None and (entry := self._layout.entry(self._last)):
            self._entries.append(entry)
        self._layout = None

    def words(self, length: int, signature: str | None) -> None:
        """Take words; without an open message they are an empty text that carries a signature."""
        self._thought = None
        if self._layout is not None:
            self._layout.words(length, signature)
        elif signature is not None:
            self._beside("text", length=0, signatures=[[0, signature]])

    def refuse(self, length: int) -> None:
        """Take words of a refusal."""
        if self._layout is not None:
            self._layout.refuse(length)

    def thought(self, text: str, signature: str | None) -> None:
        """Take thoughts; those that turn out to be signed are kept, with their text."""
        if self._thought is None or not text:
            self._thought = []
        self._thought.append(text)
        if signature is not None:
            self._beside("thought", text="".join(self._thought), signature=signature)
            self._thought = None

    def opaque(self, data: Mapping[str, Any]) -> None:
        """Take a part of the provider's own."""
        self._thought = None
        if self._layout is not None:
            self._layout.opaque(data)
        else:
            self._beside("opaque", data=data)

    def call(self, call_id: str, signature: str | None) -> None:
        """Take a call's signature, before the call's item begins."""
        if signature is not None:
            self._entries.append({"kind": "call", "id": call_id, "signature": signature})

    def image(self, item_id: str, signature: str | None) -> None:
        """Take an image's signature, when the image is told."""
        if signature is not None:
            self._entries.append({"kind": "image", "id": item_id, "signature": signature})

    def shown_code(self, part: CodePart, length: int) -> None:
        """Take code that the open message shows as Markdown of that length."""
        if self._layout is not None:
            self._layout.code(part, length)

    def code(self, item_id: str, part: CodePart) -> None:
        """Take code, or what it printed, that is told as an item."""
        self._entries.append({"kind": "code", "id": item_id, "part": _fields(part)})

    def take(self) -> list[dict[str, Any]]:
        """Hand out what was gathered, to be carried by an item that stands here."""
        entries, self._entries = self._entries, []
        return entries

    def left(self, first: str) -> list[dict[str, Any]]:
        """Return what nothing carries; what stands in front of the answer is bound to its ``first`` item."""
        return [{**entry, "before": first} if entry.get("after", "") is None else entry for entry in self._entries]

    def _beside(self, kind: str, **fields: Any) -> None:
        self._entries.append({"kind": kind, "after": self._last, **fields})


def _fields(part: CodePart) -> dict[str, Any]:
    """Write the fields of ``conversation.Code``, without those that say nothing."""
    told = asdict(part)
    del told["choice"]
    return {key: value for key, value in told.items() if value or key == "text"}
