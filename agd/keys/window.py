"""How much there was in the last minute: a sliding log, exact to the moment.

A token bucket would be smaller and would let twice its limit through in some minutes: a full bucket at once, and what
it refills with behind it. Here everything that was booked is kept until it is a minute old, so that no 60 seconds,
wherever they begin, hold more than the limit. That is one entry for each request of the last minute.
"""

from __future__ import annotations

from collections import deque

from attrs import define, field

SPAN = 60.0
"""Seconds that a window looks back."""


@define(eq=False)
class Entry:
    """Something that was booked, and when."""

    at: float
    amount: int


@define
class Window:
    """At most ``limit`` in any ``SPAN`` seconds; the limit may be replaced at any time."""

    limit: int
    _entries: deque[Entry] = field(factory=deque, init=False)
    _used: int = field(default=0, init=False)

    def used(self, now: float) -> int:
        """Return how much there was in the last ``SPAN`` seconds."""
        while self._entries and self._entries[0].at + SPAN <= now:
            self._used -= self._entries.popleft().amount
        return self._used

    def remaining(self, now: float) -> int:
        """Return how much more may be booked now."""
        return max(0, self.limit - self.used(now))

    def wait(self, amount: int, now: float) -> float | None:
        """Return in how many seconds so much may be booked, 0 for at once; None: never, for it is beyond the limit."""
        if amount > self.limit:
            return None
        excess = self.used(now) + amount - self.limit
        if excess <= 0:
            return 0.0
        for entry in self._entries:
            excess -= entry.amount
            if excess <= 0:
                return self._leaves(entry, now)
        return self.reset(now)

    def reset(self, now: float) -> float:
        """Return in how many seconds nothing will be left of what there is."""
        self.used(now)
        return self._leaves(self._entries[-1], now) if self._entries else 0.0

    def book(self, amount: int, now: float) -> Entry:
        """Book so much, whether or not there is room for it."""
        self.used(now)
        entry = Entry(max(now, self._entries[-1].at) if self._entries else now, amount)
        self._entries.append(entry)
        self._used += amount
        return entry

    def correct(self, entry: Entry, amount: int, now: float) -> None:
        """What was booked turns out to be another amount.

        Less is given back where it was booked, as far as that is not past. More is booked now, when it is known: a
        request may take longer than a minute, and what it took would otherwise be past before anybody counted it.
        """
        self.used(now)
        surplus = amount - entry.amount
        if surplus > 0:
            self.book(surplus, now)
        elif entry.at + SPAN > now:
            entry.amount += surplus
            self._used += surplus

    def _leaves(self, entry: Entry, now: float) -> float:
        return max(0.0, entry.at + SPAN - now)
