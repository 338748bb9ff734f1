"""Why and until when somebody is not asked: cooldowns and blocks, by model, and the trials that end them early.

A *cooldown* is over when its time is. A long one may have ended sooner than was told (G37), so after a quarter of an
hour one request at a time may try. A *block* has no end of its own: when its time is over one request tries, and what
becomes of that one decides. While a trial runs nobody else is let through.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, evolve, field

from agd.accounts.verdict import Blame, Verdict
from agd.errors import UpstreamFailure

ANY = ""
"""The model of a hold that is for every model."""
PROBE_AFTER = 900.0
"""Seconds after which a cooldown that is longer is looked at again."""
FORGET = 900.0
"""Seconds after the end of a rest in which a further one counts as the next in a row."""
MAX_HOLDS = 2000
"""Holds of one account that are remembered; names of models come from clients."""


@define(eq=False)
class Hold:
    """One reason not to ask. Times are of the pool's clock; ``turn`` is the pool's count of leases when it began.

    What was leased before that turn had not heard of it: it neither lengthens nor ends it.
    """

    model: str
    cause: UpstreamFailure
    verdict: Verdict
    until: float
    probe_at: float
    seconds: float
    turn: int
    on_trial: bool = False
    before: Hold | None = None
    """What it took the place of, in case it is taken back."""

    @property
    def blocks(self) -> bool:
        """Whether it ends by a success only."""
        return self.verdict.blame is Blame.BLOCK

    def begin_trial(self, _now: float) -> None:
        """One request tries in spite of it."""
        self.on_trial = True

    def end_trial(self) -> None:
        """That request is over, whatever became of it."""
        self.on_trial = False

    def is_over(self, now: float) -> bool:
        """Tell whether it has ended by itself."""
        return not self.blocks and now >= self.until

    def lets_try(self, now: float) -> bool:
        """Tell whether one request may try in spite of it."""
        return not self.on_trial and now >= self.probe_at

    @property
    def wakes(self) -> float | None:
        """When it is worth looking again; None: when the trial that runs is over, nobody knows when."""
        if not self.on_trial:
            return min(self.until, self.probe_at)
        return None if self.blocks else self.until


@define(eq=False)
class Holds:
    """The holds of an account, or of the accounts of a project."""

    by_key: dict[tuple[Blame, str], Hold] = field(factory=dict)

    def on(self, model: str, now: float) -> Iterator[Hold]:
        """Give what stands against a model now."""
        if self.by_key:
            for key in ((Blame.COOL, model), (Blame.BLOCK, model), (Blame.COOL, ANY), (Blame.BLOCK, ANY)):
                hold = self.by_key.get(key)
                if hold is not None and not hold.is_over(now):
                    yield hold

    def lay(self, model: str, verdict: Verdict, cause: UpstreamFailure, *, now: float, turn: int, asked: int) -> float:
        """Carry out a verdict and return for how many seconds; ``asked`` is the turn of the failed request.

        ``turn`` is the present one. Nothing changes, and the answer is 0, when the failure tells nothing new: the
        request was under way when another one failed, or a longer rest is known. A trial's failure is always news.
        """
        key = (verdict.blame, model)
        before = self.by_key.get(key)
        if before is not None and asked <= before.turn and (verdict.most or before.blocks):
            return 0.0
        seconds = _length(verdict, before, now)
        if before is not None and not before.blocks:
            tried = before.on_trial and asked > before.turn
            if tried and verdict.most and before.until > now + seconds:
                self._put_off(before, now, turn)
                return 0.0
            if not tried and now + seconds <= before.until:
                return 0.0
        probe = seconds if verdict.blame is Blame.BLOCK else min(seconds, PROBE_AFTER)
        self._keep(Hold(model, cause, verdict, now + seconds, now + probe, seconds, turn, before=_last(before)))
        return seconds

    def _put_off(self, hold: Hold, now: float, turn: int) -> None:
        """A trial failed for something less than what the rest is for, which says nothing of when that is over."""
        hold.probe_at, hold.turn = min(hold.until, now + PROBE_AFTER), turn

    def _keep(self, hold: Hold) -> None:
        key = hold.verdict.blame, hold.model
        self.by_key.pop(key, None)
        self.by_key[key] = hold
        if len(self.by_key) > MAX_HOLDS:
            del self.by_key[next(iter(self.by_key))]

    def pardon(self, cause: UpstreamFailure) -> bool:
        """Take back what was laid on for a failure: it turned out to be the request's."""
        found = [(key, hold) for key, hold in self.by_key.items() if hold.cause is cause]
        for key, hold in found:
            del self.by_key[key]
            if hold.before is not None:
                self.by_key[key] = hold.before
        return bool(found)

    def lift(self, model: str, asked: int) -> bool:
        """End what began before a request that has now succeeded."""
        keys = [(blame, of) for blame in (Blame.COOL, Blame.BLOCK) for of in (model, ANY)]
        found = [key for key in keys if key in self.by_key and self.by_key[key].turn < asked]
        for key in found:
            del self.by_key[key]
        return bool(found)

    def clear(self, model: str | None = None) -> None:
        """End all, or all for one model: the operator knows better."""
        self.by_key = {} if model is None else {key: hold for key, hold in self.by_key.items() if key[1] != model}


def _length(verdict: Verdict, before: Hold | None, now: float) -> float:
    """Return the seconds of a rest: as told, or doubled for each time in a row that nobody told."""
    in_a_row = before is not None and bool(before.verdict.most) and now <= before.until + max(FORGET, before.seconds)
    if before is None or not verdict.most or not in_a_row:
        return verdict.seconds
    return min(max(verdict.seconds, before.seconds * 2), max(verdict.most, verdict.seconds))


def _last(hold: Hold | None) -> Hold | None:
    """Give a hold without what it took the place of itself: nobody goes back further than one."""
    return None if hold is None else evolve(hold, before=None, on_trial=False)
