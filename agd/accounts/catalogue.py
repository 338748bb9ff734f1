"""Which models the upstreams have, as far as they have told."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import define, field


@define(eq=False)
class Catalogue:
    """Model names by account; ``bundled`` stands in until some account has told a list that is not empty.

    ``since`` is when the present knowledge was gained, in unix seconds.
    """

    bundled: frozenset[str]
    since: int
    _lists: dict[str, frozenset[str]] = field(factory=dict)
    known: frozenset[str] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.known = self.bundled

    def learn(self, account_id: str, names: Iterable[str], now: int) -> None:
        """Take the full list of one account, in place of what it told before."""
        self._lists[account_id] = frozenset(names)
        self._recount()
        self.since = now

    def keep_only(self, account_ids: Iterable[str]) -> None:
        """Forget the accounts that a new configuration no longer has."""
        kept = set(account_ids)
        self._lists = {account: names for account, names in self._lists.items() if account in kept}
        self._recount()

    def _recount(self) -> None:
        self.known = frozenset().union(*self._lists.values()) or self.bundled
