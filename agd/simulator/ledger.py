"""What happened: a bounded record of generate calls, how many are live, and the last request in full."""

from __future__ import annotations

from collections import deque
from typing import Any

import attrs
from attrs import define, field

_KEPT = 2000


@define
class Call:
    """One generate call. Times are seconds of the simulator's clock; ``outcome`` is None while it is live."""

    key_index: int
    key: str
    model: str
    op: str
    started: float
    status: int = 0
    ended: float | None = None
    outcome: str | None = None
    chunks: int = 0


@define
class Ledger:
    """Counts and records of generate calls; the oldest records are forgotten, the counts are not."""

    live: int = field(default=0, init=False)
    aborted: int = field(default=0, init=False)
    total: int = field(default=0, init=False)
    last: dict[str, Any] | None = field(default=None, init=False)
    """The last generate request: method, path, query, headers in lower case, body, key_index."""
    _calls: deque[Call] = field(factory=lambda: deque(maxlen=_KEPT), init=False)

    def open(self, call: Call) -> None:
        """Note that a call has begun."""
        self.live += 1
        self.total += 1
        self._calls.append(call)

    def close(self, call: Call, outcome: str, now: float) -> None:
        """Note that a call is over: ``complete``, ``aborted`` or ``fault``. Only the first closing counts."""
        if call.outcome is not None:
            return
        call.outcome, call.ended = outcome, now
        self.live -= 1
        self.aborted += outcome == "aborted"

    def forget(self) -> None:
        """Empty the record and its counts; calls that are live now stay counted as live."""
        self._calls.clear()
        self.aborted = self.total = 0
        self.last = None

    def as_json(self) -> dict[str, Any]:
        """Give the record as ``GET /simulator/calls`` shows it, newest last."""
        calls = [attrs.asdict(call) for call in self._calls]
        return {"calls": calls, "live": self.live, "aborted": self.aborted, "total": self.total}
