"""What one connection remembers: responses that nobody stores, for as long as the connection lives.

A turn builds on the whole chain behind it, so ancestors are kept as well as the newest response of each lane. What
was not used for longest goes first when there is too much; a chain with a gap is then not found, as if it had never
been, and the client sends its whole context again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import define, field, frozen

from agd.web.websocket.engine import Record

MAX_RESPONSES = 1024
MAX_BYTES = 64 * 1024 * 1024


@frozen
class _Entry:
    record: Record
    lane: str | None
    size: int


@define(eq=False)
class Memory:
    """Responses by id, those used last at the end."""

    max_responses: int = MAX_RESPONSES
    max_bytes: int = MAX_BYTES
    _entries: dict[str, _Entry] = field(factory=dict)
    _evicted: set[str] = field(factory=set)
    _bytes: int = 0

    def keep(self, record: Record, lane: str | None, size: int) -> None:
        """Remember a response that was made on a lane; ``size`` is about how many bytes it takes."""
        self._drop(record.id)
        self._entries[record.id] = _Entry(record, lane, size)
        self._bytes += size
        while self._entries and (len(self._entries) > self.max_responses or self._bytes > self.max_bytes):
            self._drop(next(iter(self._entries)))

    def evict(self, response_id: object, lane: str | None) -> None:
        """Let no turn continue from a response again, because one on its own lane just failed to.

        Open Responses 2026-04-24 demands it; OpenAI spares a parent of another lane. Responses that were built on it
        before keep it as their ancestor.
        """
        entry = self._entries.get(response_id) if isinstance(response_id, str) else None
        if entry is not None and entry.lane == lane:
            self._evicted.add(entry.record.id)

    def local(self, previous: object) -> Mapping[str, Record]:
        """Give what a turn that continues from ``previous`` may find here, as it is now."""
        for response_id in list(self._chain(previous)):
            self._entries[response_id] = self._entries.pop(response_id)
        hidden = previous if isinstance(previous, str) and previous in self._evicted else None
        return {name: entry.record for name, entry in self._entries.items() if name != hidden}

    def _chain(self, response_id: object) -> Iterator[str]:
        seen = set[str]()
        while isinstance(response_id, str) and response_id in self._entries and response_id not in seen:
            seen.add(response_id)
            yield response_id
            response_id = self._entries[response_id].record.previous

    def _drop(self, response_id: str) -> None:
        entry = self._entries.pop(response_id, None)
        if entry is not None:
            self._bytes -= entry.size
            self._evicted.discard(response_id)
