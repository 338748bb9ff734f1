"""Which account a conversation stays with."""

from __future__ import annotations

from collections import OrderedDict

from attrs import define, field

MOST = 50_000
"""Conversations that are remembered; the one not heard of for longest goes first."""


@define(eq=False)
class Assignments:
    """Account ids by conversation and model: the provider's cache is one project's and one model's (K12)."""

    _most: int = MOST
    _accounts: OrderedDict[tuple[str, str], str] = field(factory=OrderedDict)

    def __len__(self) -> int:
        return len(self._accounts)

    def find(self, session: str, model: str) -> str | None:
        """Return the account's id, without that counting as news of the conversation."""
        return self._accounts.get((session, model))

    def assign(self, session: str, model: str, account_id: str) -> None:
        """Note where a conversation is now; it is the newest."""
        key = session, model
        self._accounts[key] = account_id
        self._accounts.move_to_end(key)
        if len(self._accounts) > self._most:
            self._accounts.popitem(last=False)
