"""A line of things by rank, in which each can be moved or taken out: every step costs O(log n), amortised."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

from attrs import define, field

K = TypeVar("K", float, tuple[float, ...])
T = TypeVar("T", bound=Hashable)

_SLACK = 16


@define(eq=False, repr=False)
class Ranks(Generic[K, T]):
    """A heap of (rank, number, thing). What was moved or taken out stays in it, with an old number, until it comes up.

    Among equal ranks, what was put first is first.
    """

    _heap: list[tuple[K, int, T]] = field(factory=list)
    _numbers: dict[T, int] = field(factory=dict)
    _count: int = 0

    @classmethod
    def of(cls, ranked: Iterable[tuple[K, T]]) -> Ranks[K, T]:
        """Make a line of many at once, in O(n)."""
        heap = [(rank, number, thing) for number, (rank, thing) in enumerate(ranked)]
        numbers = {thing: number for _, number, thing in heap}
        heapify(heap)
        return cls(heap, numbers, len(heap))

    def __len__(self) -> int:
        return len(self._numbers)

    def __contains__(self, thing: object) -> bool:
        return thing in self._numbers

    def __iter__(self) -> Iterator[T]:
        return iter(self._numbers)

    def put(self, thing: T, rank: K) -> None:
        """Give a thing its rank, whether it was in the line or not."""
        self._count += 1
        self._numbers[thing] = self._count
        heappush(self._heap, (rank, self._count, thing))
        if len(self._heap) > 2 * len(self._numbers) + _SLACK:
            self._heap = [entry for entry in self._heap if self._numbers.get(entry[2]) == entry[1]]
            heapify(self._heap)

    def discard(self, thing: T) -> None:
        """Take a thing out, if it is in the line."""
        self._numbers.pop(thing, None)

    def first(self) -> tuple[K, T] | None:
        """Return the lowest rank and its thing, None when the line is empty."""
        while self._heap:
            rank, number, thing = self._heap[0]
            if self._numbers.get(thing) == number:
                return rank, thing
            heappop(self._heap)
        return None
