"""What the pool knows of one account: what is held against it, what it carries, what it has done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from enum import StrEnum

from attrs import define, field, frozen

from agd.accounts.account import Account
from agd.accounts.holds import Hold, Holds
from agd.errors import UpstreamFailure


class Pause(StrEnum):
    """What the operator has decreed for an account."""

    DISABLED = "disabled"
    DRAINING = "draining"
    """As disabled; the word tells that what runs is waited for."""


class Bar(StrEnum):
    """What keeps an account from being asked."""

    PAUSED = "paused"
    REFUSED = "refused"
    """Its credential is not valid."""
    RESTING = "resting"
    TRIAL = "trial"
    """One request is trying it; that one's outcome is waited for."""
    FULL = "full"
    UPSTREAM = "upstream"
    """Its upstream fails every request and is left alone for a while."""


@frozen
class Obstacle:
    """Why an account cannot be asked for a model now, when to look again, and when it is over as far as is known."""

    bar: Bar
    wakes: float | None = None
    ends: float | None = None
    cause: UpstreamFailure | None = None

    @property
    def is_brief(self) -> bool:
        """Whether it is over as soon as some running request is."""
        return self.bar in {Bar.FULL, Bar.TRIAL}


@frozen
class QuotaSeen:
    """A quota that the provider said was used up: its names, when it said so and when it is over (pool's clock)."""

    kind: str
    names: tuple[str, ...]
    seen: float
    ends: float


@define(eq=False)
class Purse:
    """What the accounts of one project share: the rests for its quotas, and what befell the project as a whole."""

    holds: Holds = field(factory=Holds)
    seen: dict[str, QuotaSeen] = field(factory=dict)
    """By model."""
    last_lease: dict[str, float] = field(factory=dict)
    """By model: when an account of the project was last asked."""
    members: list[Standing] = field(factory=list, repr=False)


@frozen(eq=False)
class Past:
    """What is remembered of an account whatever its credential is: decreed, held against it, counted."""

    pause: Pause | None
    why_paused: str
    tally: Counter[str]
    holds: Holds


@define(eq=False)
class Standing:
    """``place`` is the account's in the configuration, from 0. ``last_turn`` counts the pool's leases, 0: never asked.

    ``finish`` is its virtual time: each turn moves it on by 1 / weight, so whoever has the least is next.
    """

    account: Account
    purse: Purse = field(repr=False)
    place: int = 0
    refused: UpstreamFailure | None = None
    pause: Pause | None = None
    why_paused: str = ""
    last_turn: int = 0
    finish: float = 0.0
    running: int = 0
    running_for: Counter[str] = field(factory=Counter)
    holds: Holds = field(factory=Holds)
    tally: Counter[str] = field(factory=Counter)
    """Counts since ever: ``asked``, ``served``, and each cause of failure."""

    @property
    def past(self) -> Past:
        """What is to be remembered of it when it is no longer there."""
        return Past(self.pause, self.why_paused, self.tally, self.holds)

    def take_up(self, past: Past) -> None:
        """Go on from what was remembered."""
        self.pause, self.why_paused, self.tally, self.holds = past.pause, past.why_paused, past.tally, past.holds

    def against(self, model: str, now: float) -> Iterator[Hold]:
        """Give every hold that stands against the model, its own and its project's."""
        yield from self.holds.on(model, now)
        yield from self.purse.holds.on(model, now)

    def obstacle(self, model: str, now: float) -> Obstacle | None:
        """Tell what keeps the account from being asked; None: it may be, be it for trial."""
        if self.pause is not None:
            return Obstacle(Bar.PAUSED)
        if self.refused is not None:
            return Obstacle(Bar.REFUSED, cause=self.refused)
        closed = [hold for hold in self.against(model, now) if not hold.lets_try(now)]
        if closed:
            return _rest(closed)
        return Obstacle(Bar.FULL) if self.is_full(model) else None

    def is_full(self, model: str) -> bool:
        """Tell whether it carries as much as it may, altogether or for the model."""
        terms = self.account.terms
        if terms.max_concurrency is not None and self.running >= terms.max_concurrency:
            return True
        if not terms.limits:
            return False
        limit = terms.limit(model)
        return limit is not None and self.running_for[model] >= limit

    def carry(self, model: str) -> None:
        """Count a request that begins."""
        self.running += 1
        self.running_for[model] += 1
        self.tally["asked"] += 1

    def put_down(self, model: str) -> None:
        """Count a request that has ended."""
        self.running -= 1
        self.running_for[model] -= 1
        if not self.running_for[model]:
            del self.running_for[model]


def _rest(closed: list[Hold]) -> Obstacle:
    """Sum holds up: the account is back when the last of them lets it."""
    longest = max(closed, key=_ends)
    wakes = [hold.wakes for hold in closed]
    known = [wake for wake in wakes if wake is not None]
    if len(known) < len(wakes):
        return Obstacle(Bar.TRIAL, cause=longest.cause)
    trial = any(hold.on_trial for hold in closed)
    return Obstacle(Bar.TRIAL if trial else Bar.RESTING, max(known), longest.until, longest.cause)


def _ends(hold: Hold) -> float:
    return hold.until
