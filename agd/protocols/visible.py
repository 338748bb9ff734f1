"""The visible text of a choice as a client is shown it, and where in it the provider's citations belong."""

from __future__ import annotations

from attrs import define, field


@define
class Visible:
    """The text of one choice: the provider's words, between them code and images shown as Markdown.

    Offsets in citations count the provider's words alone (F21), so it is remembered what was put between them.
    """

    _told: int = 0
    _insertions: list[tuple[int, int]] = field(factory=list)

    def text(self, text: str) -> None:
        """Take the provider's words."""
        self._told += len(text)

    def block(self, text: str) -> None:
        """Take Markdown that stands for something else than words."""
        self._insertions.append((self._told, len(text)))

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Return where words that the provider counts from ``start`` to ``end`` stand in the whole shown text."""
        before_start = sum(length for place, length in self._insertions if place <= start)
        before_end = sum(length for place, length in self._insertions if place < end)
        return start + before_start, end + before_end
