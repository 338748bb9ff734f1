"""Where signatures are kept: for a number of calls, and a time."""

from __future__ import annotations

from collections import OrderedDict

from attrs import define, field, frozen


@frozen
class _Entry:
    signature: str
    used: float


@define
class SignatureStore:
    """At most ``entries`` signatures, each until nobody has used it for ``seconds``; the longest unused goes first.

    ``now`` is any clock in seconds that does not go back.
    """

    _entries: int
    _seconds: float
    _kept: OrderedDict[tuple[str, str], _Entry] = field(factory=OrderedDict, init=False)

    def __len__(self) -> int:
        return len(self._kept)

    def remember(self, owner: str, call_id: str, signature: str, now: float) -> None:
        """Keep the signature of a call; what was kept for the same call is replaced."""
        self._keep((owner, call_id), signature, now)
        self._drop_stale(now)
        while len(self._kept) > self._entries:
            self._kept.popitem(last=False)

    def recall(self, owner: str, call_id: str, now: float) -> str | None:
        """Return the signature of an owner's call, None when none is kept. It then counts as used."""
        self._drop_stale(now)
        entry = self._kept.get((owner, call_id))
        if entry is None:
            return None
        self._keep((owner, call_id), entry.signature, now)
        return entry.signature

    def _keep(self, key: tuple[str, str], signature: str, now: float) -> None:
        self._kept[key] = _Entry(signature, now)
        self._kept.move_to_end(key)

    def _drop_stale(self, now: float) -> None:
        """Drop what is too old; the order of use is the order of age."""
        kept = self._kept
        while kept and next(iter(kept.values())).used + self._seconds <= now:
            kept.popitem(last=False)
