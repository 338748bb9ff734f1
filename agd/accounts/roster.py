"""The accounts of the pool, and for each model the lanes they stand in."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator

from attrs import define, field

from agd.accounts.account import Account
from agd.accounts.lane import Lane
from agd.accounts.scheduling import Mode
from agd.accounts.standing import Past, Purse, Standing

MOST_LANES = 64
"""Models whose lanes are kept; a further one costs O(n) once. Names of models come from clients."""

MOST_LEFT = 10_000
"""Accounts that have left the configuration and are remembered."""


@define(eq=False, repr=False)
class Roster:
    """Everybody, in the order of the configuration."""

    mode: Mode = Mode.BALANCE
    _standings: dict[str, Standing] = field(factory=dict)
    _names: dict[str, Standing] = field(factory=dict)
    purses: dict[tuple[str, str], Purse] = field(factory=dict)
    _left: OrderedDict[str, Past] = field(factory=OrderedDict)
    """Of those who are not in the configuration now, and may come back: what the operator decreed is not forgotten."""
    _lanes: OrderedDict[str, tuple[Lane, ...]] = field(factory=OrderedDict)
    _served: OrderedDict[str, str] = field(factory=OrderedDict)
    """By model: the id of the account that served it last."""

    def __iter__(self) -> Iterator[Standing]:
        return iter(self._standings.values())

    def __len__(self) -> int:
        return len(self._standings)

    def get(self, account_id: str) -> Standing | None:
        """Return an account's standing by its id."""
        return self._standings.get(account_id)

    def named(self, name: str) -> Standing | None:
        """Return an account's standing by its id or its address."""
        return self._standings.get(name) or self._names.get(name)

    def replace(self, accounts: Iterable[Account]) -> None:
        """Take a newly read configuration: who stays keeps all but the refusal of its credential."""
        standings: dict[str, Standing] = {}
        purses: dict[tuple[str, str], Purse] = {}
        for account in accounts:
            key = purse_key(account)
            if key not in purses:
                purses[key] = self.purses.get(key) or Purse()
                purses[key].members = []
            standing = self._standings.get(account.id) or standings.get(account.id) or self._new(account, purses[key])
            standing.account, standing.purse, standing.refused = account, purses[key], None
            if account.id not in standings:
                standing.place = len(standings)
                purses[key].members.append(standing)
            standings[account.id] = standing
        for id_ in self._standings.keys() - standings.keys():
            self.remember(id_, self._standings[id_].past)
        self._standings, self.purses = standings, purses
        self._names = {each.account.email: each for each in standings.values() if each.account.email}
        self._lanes.clear()

    def remember(self, account_id: str, past: Past) -> None:
        """Keep what is known of an account that is not in the configuration, for when it is."""
        self._left[account_id] = past
        if len(self._left) > MOST_LEFT:
            self._left.popitem(last=False)

    def note_served(self, standing: Standing, model: str) -> None:
        """Note that an account has served a model."""
        standing.tally["served"] += 1
        self._served[model] = standing.account.id
        self._served.move_to_end(model)
        if len(self._served) > MOST_LANES:
            self._served.popitem(last=False)

    def has_served(self, model: str, besides: Collection[str]) -> bool:
        """Tell whether an account that is not among these is known to serve a model: whoever served it last."""
        account_id = self._served.get(model)
        return account_id in self._standings and account_id not in besides

    def arrange(self, mode: Mode) -> None:
        """Put everybody in another order."""
        self.mode = mode
        self._lanes.clear()

    def lanes(self, model: str) -> tuple[Lane, ...]:
        """Return the lanes of the accounts that may be asked for a model, one for each upstream."""
        lanes = self._lanes.get(model)
        if lanes is None:
            lanes = self._lanes[model] = self._made(model)
            if len(self._lanes) > MOST_LANES:
                self._lanes.popitem(last=False)
        else:
            self._lanes.move_to_end(model)
        return lanes

    def touch(self, standings: Iterable[Standing], *, moved: bool = False) -> None:
        """Tell every lane that these may be free again."""
        for standing in standings:
            for lanes in self._lanes.values():
                for lane in lanes:
                    lane.touch(standing, moved=moved)

    def _new(self, account: Account, purse: Purse) -> Standing:
        standing, past = Standing(account, purse), self._left.pop(account.id, None)
        if past is not None:
            standing.take_up(past)
        return standing

    def _made(self, model: str) -> tuple[Lane, ...]:
        by_upstream: dict[str, list[Standing]] = {}
        for standing in self:
            if standing.account.terms.serves(model):
                by_upstream.setdefault(standing.account.base_url, []).append(standing)
        return tuple(Lane.of(model, url, _RANKS[self.mode], members) for url, members in by_upstream.items())

    @property
    def rank(self) -> Callable[[Standing], tuple[float, ...]]:
        """The order in which accounts are asked: the lowest first."""
        return _RANKS[self.mode]


def purse_key(account: Account) -> tuple[str, str]:
    """Name the purse of an account: its project's at its upstream, or its own."""
    return (account.base_url, account.project) if account.project else ("", account.id)


def _by_turns(standing: Standing) -> tuple[float, ...]:
    return -standing.account.terms.priority, standing.finish, standing.last_turn, standing.place


def _by_load(standing: Standing) -> tuple[float, ...]:
    terms = standing.account.terms
    return -terms.priority, standing.running / terms.weight, standing.finish, standing.last_turn, standing.place


def _by_place(standing: Standing) -> tuple[float, ...]:
    return -standing.account.terms.priority, standing.place


_RANKS: dict[Mode, Callable[[Standing], tuple[float, ...]]] = {
    Mode.BALANCE: _by_turns,
    Mode.CACHE_FIRST: _by_turns,
    Mode.PERFORMANCE_FIRST: _by_load,
    Mode.FILL_FIRST: _by_place,
}
