"""The visible text of a choice, kept to turn the provider's offsets into the client's.

The provider counts bytes of UTF-8 from the start of a part (``Segment``, v1beta); a client counts code points of the
whole text. In a stream a part is cut over chunks, and all its pieces count as one.
"""

from __future__ import annotations

from attrs import define, field, frozen

Span = tuple[int, int]

_CONTINUATION = bytes(range(0x80, 0xC0))


@define
class VisibleText:
    """The visible text so far, in UTF-8, and where in it each part of the content stands.

    Kept as one row of bytes: hundreds of streams keep theirs at once.
    """

    _data: bytearray = field(factory=bytearray)
    _parts: list[int] = field(factory=list)
    """For each part of the content, the offset of its first byte."""
    _kind: str = ""

    def say(self, text: str, first: bool) -> None:
        """Take a piece of visible text; ``first`` in its chunk, it may continue the last part of the chunk before."""
        if not (first and self._kind == "text"):
            self.pass_over("text", first)
        self._data += text.encode()

    def pass_over(self, kind: str, first: bool) -> None:
        """Take a part that shows no text. ``kind`` is ``thought``, or empty for what is never cut over chunks."""
        if not (first and kind and kind == self._kind):
            self._parts.append(len(self._data))
            self._kind = kind

    def measured(self) -> Measured:
        """Return the text as it stands, ready to be measured."""
        return Measured(bytes(self._data), tuple(self._parts))


@frozen
class Measured:
    """Visible text in UTF-8; ``bases`` holds the offset, in bytes, at which each part of the content begins."""

    data: bytes
    bases: tuple[int, ...]

    def span(self, part: int, start: int, end: int | None, words: str) -> Span:
        """Return the offsets, in code points, of a segment: bytes ``start`` to ``end`` of a part (None: all the rest).

        Providers have left out the part's number, or counted from elsewhere (googleapis/python-genai #961), so where
        the segment's ``words`` are known they decide: at the place told, in another part, or else wherever they are.
        """
        base = self.bases[part] if part < len(self.bases) else 0
        if words and (found := self._find(words.encode(), base, start)) is not None:
            return found
        return self.within(base + start, None if end is None else base + end)

    def within(self, start: int, end: int | None) -> Span:
        """Return the offsets, in code points, of bytes ``start`` to ``end`` (None: all the rest) of the whole text."""
        begin = min(start, len(self.data))
        finish = len(self.data) if end is None else min(end, len(self.data))
        return self._points(begin, max(begin, finish))

    def _find(self, words: bytes, base: int, start: int) -> Span | None:
        for origin in dict.fromkeys((base, 0, *self.bases)):
            if self.data.startswith(words, origin + start):
                return self._points(origin + start, origin + start + len(words))
        found = self.data.find(words)
        return None if found < 0 else self._points(found, found + len(words))

    def _points(self, begin: int, finish: int) -> Span:
        """Count code points; an offset within a character is moved out of it, so that the span holds it whole."""
        before = self._count(0, begin)
        inside = begin < len(self.data) and self.data[begin] in _CONTINUATION
        return before - inside, before + self._count(begin, finish)

    def _count(self, begin: int, finish: int) -> int:
        return len(self.data[begin:finish].translate(None, _CONTINUATION))
