"""What one owner of a key has used and has under way, and the request that may or may not come on top of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attrs import define, field, frozen

from agd.allowance import UNLIMITED, Allowance, Budget, Period
from agd.errors import GatewayError
from agd.keys.amount import NOTHING, Estimate
from agd.keys.purse import Purse, end_of
from agd.keys.refusals import (
    Headers,
    told,
    too_large,
    too_many_at_once,
    too_many_requests,
    too_many_tokens,
    used_up,
)
from agd.keys.window import Entry, Window


@frozen
class Moment:
    """When something happens: ``now`` of a clock that only goes forward, ``wall`` in unix seconds."""

    now: float
    wall: float


@define(eq=False)
class Tab:
    """All of one owner. ``changed`` is called whenever tokens were spent."""

    allowance: Allowance
    _changed: Callable[[], object]
    _requests: Window | None = field(default=None, init=False)
    """Kept where the limit is taken away: it may be given back within the minute. So are the purses."""
    _tokens: Window | None = field(default=None, init=False)
    _purses: dict[str, Purse] = field(factory=dict, init=False)
    running: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self.use(self.allowance)

    def use(self, allowance: Allowance) -> None:
        """Hold to other terms from now on; what was used and what runs stays counted."""
        self.allowance = allowance
        self._requests = _resized(self._requests, allowance.rpm)
        self._tokens = _resized(self._tokens, allowance.tpm)
        for budget in allowance.budgets:
            self._purses.setdefault(budget.period, Purse(budget)).budget = budget

    @property
    def _request_limit(self) -> Window | None:
        return self._requests if self.allowance.rpm is not None else None

    @property
    def _token_limit(self) -> Window | None:
        return self._tokens if self.allowance.tpm is not None else None

    @property
    def purses(self) -> tuple[Purse, ...]:
        """The budgets that hold now."""
        return tuple(self._purses[budget.period] for budget in self.allowance.budgets)

    def admit(self, wanted: Estimate, moment: Moment, *, again: bool = False) -> Ticket:
        """Let a request in and book it, or raise ``GatewayError`` 429 and book nothing.

        ``again``: the client's request was let in before, and agd itself asks once more for it.
        """
        error = self._objection(wanted, moment, again=again)
        if error is not None:
            raise error
        if self._requests is not None and not again:
            self._requests.book(1, moment.now)
        entry = self._tokens.book(wanted.total, moment.now) if self._tokens is not None and wanted.total else None
        purses = self.purses
        for purse in purses:
            purse.reserve(wanted.total)
        self.running += 1
        return Ticket(self, wanted, entry, purses, self._tokens)

    def standing(self, moment: Moment) -> Headers:
        """Tell how the owner stands as OpenAI's headers do."""
        return (*_told("requests", self._request_limit, moment.now), *_told("tokens", self._token_limit, moment.now))

    def spent(self) -> Iterator[tuple[Period, str, int]]:
        """Yield period, its name and the tokens spent in it, for every budget that something was taken from."""
        for purse in self._purses.values():
            if purse.spent:
                yield purse.budget.period, purse.name, purse.spent

    def restore(self, period: Period, name: str, spent: int) -> None:
        """Take over what was spent before a restart, also of a budget that the owner does not have at present."""
        self._purses.setdefault(period, Purse(Budget(0, period))).restore(name, spent)

    def close(self) -> None:
        """Count a request out."""
        self.running -= 1

    def took(self, used: int) -> None:
        """Tell that a request has used so many tokens."""
        if used and self._purses:
            self._changed()

    def _objection(self, wanted: Estimate, moment: Moment, *, again: bool) -> GatewayError | None:
        """Find what keeps a request out: first what trying again cannot help."""
        standing = self.standing(moment)
        for purse in self.purses:
            if not purse.has_room(wanted.total, moment.wall):
                ends = end_of(purse.budget.period, moment.wall)
                wait = None if ends is None else ends - moment.wall
                return used_up(purse.budget, purse.left(moment.wall), wanted.total, wait, standing)
        lack = self._lack_of_tokens(wanted.total, moment.now, standing)
        return lack or self._crowd(moment.now, standing, again=again)

    def _lack_of_tokens(self, wanted: int, now: float, standing: Headers) -> GatewayError | None:
        window = self._token_limit
        if window is None or wanted == 0:
            return None
        wait = window.wait(wanted, now)
        if wait is None:
            return too_large(window.limit, wanted, standing)
        return too_many_tokens(window.limit, window.used(now), wanted, wait, standing) if wait else None

    def _crowd(self, now: float, standing: Headers, *, again: bool) -> GatewayError | None:
        window = self._request_limit
        if window is not None and not again:
            wait = window.wait(1, now)
            if wait:
                return too_many_requests(window.limit, wait, standing)
        most = self.allowance.concurrency
        return too_many_at_once(most, standing) if most is not None and self.running >= most else None


@define(eq=False)
class Ticket:
    """A request that was let in. It is settled once, whatever comes of it; what is told after that changes nothing."""

    _tab: Tab
    reserved: Estimate
    _entry: Entry | None
    _purses: tuple[Purse, ...]
    _window: Window | None
    is_open: bool = field(default=True, init=False)

    def settle(self, used: int, moment: Moment) -> None:
        """The request is over and has used so many tokens."""
        if not self.is_open:
            return
        self.is_open = False
        self._tab.close()
        if self._entry is not None and self._window is not None:
            self._window.correct(self._entry, used, moment.now)
        for purse in self._purses:
            purse.settle(self.reserved.total, used, moment.wall)
        for purse in self._tab.purses:
            if not any(purse is reserved for reserved in self._purses):  # a budget that was given since
                purse.settle(0, used, moment.wall)
        self._tab.took(used)

    def release(self, moment: Moment) -> None:
        """The request came to nothing: it has used no tokens."""
        self.settle(0, moment)

    def standing(self, moment: Moment) -> Headers:
        """Tell how its owner stands: see ``Tab.standing``."""
        return self._tab.standing(moment)


def _resized(window: Window | None, limit: int | None) -> Window | None:
    if limit is None:
        return window
    if window is None:
        return Window(limit)
    window.limit = limit
    return window


def _told(what: str, window: Window | None, now: float) -> Headers:
    if window is None:
        return ()
    return (
        (f"x-ratelimit-limit-{what}", str(window.limit)),
        (f"x-ratelimit-remaining-{what}", str(window.remaining(now))),
        (f"x-ratelimit-reset-{what}", told(window.reset(now))),
    )


def _free() -> Ticket:
    ticket = Ticket(Tab(UNLIMITED, lambda: None), NOTHING, None, (), None)
    ticket.is_open = False
    return ticket


FREE = _free()
"""The ticket of every request that nobody counts: there is nothing to settle."""
