"""Where every request passes, by owner. Nothing here waits, so nothing comes between looking and booking."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from attrs import define, field, frozen

from agd.allowance import Allowance, Budget, Period
from agd.keys.amount import NOTHING, Estimate
from agd.keys.purse import label
from agd.keys.refusals import expired, no_such_model, unknown
from agd.keys.tab import FREE, Moment, Tab, Ticket

NAMED = "key:"
"""How the owners begin whose key has a name; all others have no limits."""


@frozen
class Spent:
    """Tokens that an owner has spent in a period: ``label`` names it, see ``keys.purse``."""

    owner: str
    period: Period
    label: str
    tokens: int


def _nothing(_: str) -> None:
    """What is done about spent tokens where nobody wants to know of them."""


@define(eq=False)
class Turnstile:
    """Lets requests in. ``changed`` is told the owner whenever tokens were spent of a budget.

    As long as ``allow`` was never called, everything is allowed.
    """

    changed: Callable[[str], object] = _nothing
    _tabs: dict[str, Tab] = field(factory=dict, init=False)
    _allowed: Mapping[str, Allowance] | None = field(default=None, init=False)
    _before: dict[str, dict[str, Spent]] = field(factory=dict, init=False)

    def allow(self, allowances: Mapping[str, Allowance]) -> None:
        """Let these owners in from now on, and of those whose keys have names no others.

        What an owner has used stays counted, also for one that is back later.
        """
        self._allowed = dict(allowances)
        for owner, tab in self._tabs.items():
            tab.use(allowances.get(owner, tab.allowance))

    def admit(
        self,
        owner: str,
        names: tuple[str, ...],
        moment: Moment,
        estimate: Callable[[], Estimate],
        *,
        again: bool = False,
    ) -> Ticket:
        """Let a request in and book what it may take; ``names`` are the client's own of the model, and the upstream's.

        Raises ``GatewayError``: 401 for an owner who may do nothing any more, 404 for a model that is not his, 429.
        """
        allowance = self._allowance(owner)
        if allowance is None:
            return FREE
        if allowance.has_ended(moment.wall):
            raise expired()
        if not allowance.allows(names):
            raise no_such_model(names[0])
        wanted = estimate() if allowance.counts_tokens else NOTHING
        return self._tab(owner, allowance).admit(wanted, moment, again=again)

    def visible(self, owner: str, names: tuple[str, ...]) -> bool:
        """Tell whether an owner may ask for a model."""
        allowance = self._allowance(owner)
        return allowance is None or allowance.allows(names)

    def running(self, owner: str) -> int:
        """Return how many requests of an owner are under way, as far as they are counted."""
        tab = self._tabs.get(owner)
        return 0 if tab is None else tab.running

    def spent(self, owner: str) -> Iterator[Spent]:
        """Yield what an owner has spent of each budget in the latest period that anything happened in."""
        yield from self._before.get(owner, {}).values()
        if owner in self._tabs:
            for period, label, tokens in self._tabs[owner].spent():
                yield Spent(owner, period, label, tokens)

    def spent_of(self, owner: str, budget: Budget, wall: float) -> int:
        """Return how many tokens an owner has spent of a budget in its present period."""
        name = label(budget.period, wall)
        found = (each for each in self.spent(owner) if (each.period, each.label) == (budget.period, name))
        return next((each.tokens for each in found), 0)

    def restore(self, spent: Iterable[Spent]) -> None:
        """Take over what was spent before a restart."""
        for each in spent:
            if each.owner in self._tabs:
                self._tabs[each.owner].restore(each.period, each.label, each.tokens)
            else:
                self._before.setdefault(each.owner, {})[each.period] = each

    def _allowance(self, owner: str) -> Allowance | None:
        """Return an owner's terms, None for one without any. Raises ``GatewayError`` 401."""
        if self._allowed is None or not owner.startswith(NAMED):
            return None
        if owner not in self._allowed:
            raise unknown()
        return self._allowed[owner]

    def _tab(self, owner: str, allowance: Allowance) -> Tab:
        tab = self._tabs.get(owner)
        if tab is None:
            tab = self._tabs[owner] = Tab(allowance, lambda: self.changed(owner))
            for before in self._before.pop(owner, {}).values():
                tab.restore(before.period, before.label, before.tokens)
        return tab
