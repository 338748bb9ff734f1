"""One search for an account: pins first, then the conversation's account, then whoever is first in line."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from attrs import define

from agd.accounts.lane import Lane, Rank, rank_of
from agd.accounts.roster import Roster
from agd.accounts.scheduling import Mode, Scheduling
from agd.accounts.standing import Bar, Obstacle, Standing
from agd.accounts.sticky import Assignments
from agd.accounts.upstreams import Upstreams
from agd.errors import UpstreamFailure

BUSY = 1.0
"""Seconds that are told where somebody would be free if only a running request ended."""


@define
class Exhausted(Exception):
    """No account can be asked now.

    ``cause`` is why the one that comes back soonest rests, None if there is none; ``retry_after`` are the seconds
    until then. ``wakes``: seconds after which it is worth looking again, at the latest; ``is_busy``: a running request
    that ends may change things before. ``is_patient``: others could be asked, but the conversation's account is back
    soon. ``is_served``: false when no account may ever be asked for the model.
    """

    cause: UpstreamFailure | None
    retry_after: float | None
    wakes: float | None = None
    is_busy: bool = False
    is_patient: bool = False
    is_served: bool = True


@define
class Search:
    """For one model, at one moment."""

    roster: Roster
    upstreams: Upstreams
    sessions: Assignments
    scheduling: Scheduling
    model: str
    now: float
    tried: Collection[str] = ()
    assigns: bool = True
    """Whether the conversation is from now on with the account that was chosen."""

    def choose(self, session: str | None, patience: float, *, trials: bool) -> tuple[Standing, str, bool]:
        """Return the account, why it is that one, and whether it was its turn in line. Raises ``Exhausted``."""
        preferred = self._pinned() or self._of(session, patience)
        if preferred is not None:
            return *preferred, False
        found = self._first(trials=trials) or (None if trials else self._first(trials=True))
        if found is None:
            raise self._exhausted()
        return found[1], WHY[self.scheduling.mode], True

    def obstacle(self, standing: Standing) -> Obstacle | None:
        """Tell what keeps an account from being asked, its upstream's trouble included."""
        obstacle = standing.obstacle(self.model, self.now)
        if obstacle is not None:
            return obstacle
        shut = self.upstreams.shut(standing.account.base_url, self.model, self.now)
        if shut is None:
            return None
        return Obstacle(Bar.TRIAL if shut.on_trial else Bar.UPSTREAM, shut.wakes, shut.until, shut.cause)

    def wait(self) -> float | None:
        """Return seconds until some account may serve, 0 when one may now, None when none ever will."""
        if self._first(trials=True) is not None:
            return 0.0
        exhausted = self._exhausted()
        waits = [BUSY] if exhausted.is_busy else []
        return min([*waits, *([] if exhausted.retry_after is None else [exhausted.retry_after])], default=None)

    def pin(self) -> Standing | None:
        """Return the account that is pinned for the model."""
        name = self.scheduling.pin(self.model)
        standing = None if name is None else self.roster.named(name)
        return standing if standing is not None and standing.account.terms.serves(self.model) else None

    def assigned(self, session: str | None) -> Standing | None:
        """Return the account that a conversation is with."""
        if session is None or not self.scheduling.sticks:
            return None
        account_id = self.sessions.find(session, self.model)
        standing = None if account_id is None else self.roster.get(account_id)
        return standing if standing is not None and standing.account.terms.serves(self.model) else None

    # ------------------------------------------------------------------ within

    def _pinned(self) -> tuple[Standing, str] | None:
        standing = self.pin()
        if standing is None or standing.account.id in self.tried or self.obstacle(standing) is not None:
            return None
        self.assigns = False
        return standing, "pinned to the model"

    def _of(self, session: str | None, patience: float) -> tuple[Standing, str] | None:
        """Return a conversation's account. One that is only busy is passed over and keeps the conversation."""
        standing = self.assigned(session)
        if standing is None or standing.account.id in self.tried:
            return None
        obstacle = self.obstacle(standing)
        if obstacle is None:
            return standing, "its conversation is there"
        if self.scheduling.mode is Mode.CACHE_FIRST and obstacle.bar is Bar.RESTING:
            self._be_patient(obstacle, patience)
        self.assigns = not obstacle.is_brief
        return None

    def _be_patient(self, obstacle: Obstacle, patience: float) -> None:
        """Raise ``Exhausted`` when a rest is over so soon that it is waited for."""
        wait = None if obstacle.ends is None else obstacle.ends - self.now
        if wait is not None and wait <= patience:
            raise Exhausted(obstacle.cause, wait, wakes=wait, is_patient=True)

    def _first(self, *, trials: bool) -> tuple[Rank, Standing] | None:
        found = [first for lane in self._open() if (first := lane.first(self.now, self.tried, trials=trials))]
        return min(found, key=rank_of, default=None)

    def _open(self) -> Iterator[Lane]:
        """Give the lanes of upstreams that are not shut. One that is on trial is asked by nobody else."""
        for lane in self.roster.lanes(self.model):
            if self.upstreams.shut(lane.upstream, self.model, self.now) is None:
                yield lane

    def _exhausted(self) -> Exhausted:
        lanes = self.roster.lanes(self.model)
        ends: list[tuple[float, UpstreamFailure | None]] = []
        wakes: list[float] = []
        busy = False
        for lane in lanes:
            if all(standing.account.id in self.tried for standing in lane):
                continue  # whatever becomes of it is of no use to this request
            shut = self.upstreams.shut(lane.upstream, self.model, self.now)
            if shut is not None:
                busy = busy or shut.on_trial
                ends.append((max(shut.until, self.now), shut.cause))
                wakes.append(shut.wakes)
                continue
            busy = busy or lane.is_crowded(self.tried)
            wakes += [] if lane.wakes is None else [lane.wakes]
            if (first := lane.ends) is not None:
                obstacle = first[1].obstacle(self.model, self.now)
                ends.append((first[0], None if obstacle is None else obstacle.cause))
        soonest, cause = min(ends, key=_when, default=(None, None))
        return Exhausted(
            cause if soonest is not None or busy else self._refusal(),
            None if soonest is None else soonest - self.now,
            wakes=min(wakes) - self.now if wakes else None,
            is_busy=busy,
            is_served=bool(lanes) or not len(self.roster),
        )

    def _refusal(self) -> UpstreamFailure | None:
        """Return why the last account was refused, where every one was."""
        standings = (each for lane in self.roster.lanes(self.model) for each in lane if each.pause is None)
        refusal = None
        for standing in standings:
            refusal = standing.refused
            if refusal is None:
                break
        return refusal


WHY = {
    Mode.BALANCE: "it has had the fewest turns for its weight",
    Mode.CACHE_FIRST: "it has had the fewest turns for its weight",
    Mode.PERFORMANCE_FIRST: "it is the least busy",
    Mode.FILL_FIRST: "it is the first that can be asked",
}
"""Why the first in line is the first."""


def _when(end: tuple[float, UpstreamFailure | None]) -> float:
    return end[0]
