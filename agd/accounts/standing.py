"""What is held against one account: cooldowns, blocks, and whether its credential is refused.

Both are kept per model, because quotas and permissions are. A cooldown ends when its time is over and not before; a
block ends on trial: when its time is over one request tries the account, and what becomes of that one decides.
"""

from __future__ import annotations

from attrs import define, evolve, field

from agd.accounts.account import Account
from agd.errors import UpstreamFailure

BLOCK = 60.0
"""Seconds of the first block of an account for a model; doubled each time a trial fails, up to MAX_BLOCK."""
MAX_BLOCK = 3600.0
TRIAL = 10.0
"""Seconds that one request has for its trial before another may try; nobody has to report that it gave up."""
MAX_HOLDS = 1000
"""Models of one account with a cooldown, and with a block, that are remembered; names come from clients."""


@define
class Hold:
    """Why and until when an account is not asked for a model. ``seconds`` is how long it was laid on for."""

    until: float
    cause: UpstreamFailure
    seconds: float
    on_trial: bool = False
    before: Hold | None = None
    """What it took the place of, in case it is taken back."""


@define(eq=False)
class Standing:
    """What the pool knows of one account. ``last_turn`` counts the pool's leases, 0: never asked."""

    account: Account
    disabled: UpstreamFailure | None = None
    last_turn: int = 0
    _cooldowns: dict[str, Hold] = field(factory=dict)
    _blocks: dict[str, Hold] = field(factory=dict)

    def succeed(self, account: Account) -> Standing:
        """Make the standing of the same account in a newly read configuration: its credential gets another chance."""
        return Standing(account, last_turn=self.last_turn, cooldowns=dict(self._cooldowns), blocks=dict(self._blocks))

    def rests(self, model: str, now: float) -> Hold | None:
        """Give the hold that keeps this account longest from serving the model."""
        holds = (self._cooldowns.get(model), self._blocks.get(model))
        return max((hold for hold in holds if hold is not None and hold.until > now), key=_until, default=None)

    def take_turn(self, turn: int, model: str, now: float) -> None:
        """Note that the account is asked; where a block had run out, this is the trial and others wait for it."""
        self.last_turn = turn
        block = self._blocks.get(model)
        if block is not None:
            block.until, block.on_trial = now + TRIAL, True

    def cool(self, model: str, seconds: float, cause: UpstreamFailure, now: float) -> None:
        """Let the account rest; what it was told before is not cut short."""
        before = self._cooldowns.get(model)
        if before is None or before.until < now + seconds:
            _keep(self._cooldowns, model, Hold(now + seconds, cause, seconds, before=_last(before)))

    def block(self, model: str, cause: UpstreamFailure, now: float) -> None:
        """Take the account out for the model. Requests that were on their way already do not lengthen a block."""
        before = self._blocks.get(model)
        if before is not None and before.until > now and not before.on_trial:
            return
        seconds = BLOCK if before is None else min(before.seconds * 2, MAX_BLOCK)
        _keep(self._blocks, model, Hold(now + seconds, cause, seconds, before=_last(before)))

    def pardon(self, model: str, cause: UpstreamFailure) -> None:
        """Take back what was laid on for a failure: it turned out to be the request's."""
        for holds in (self._cooldowns, self._blocks):
            hold = holds.get(model)
            if hold is not None and hold.cause is cause:
                del holds[model]
                if hold.before is not None:
                    holds[model] = hold.before

    def forgive(self, model: str) -> None:
        """Lift a block: the account has served the model."""
        self._blocks.pop(model, None)


def _keep(holds: dict[str, Hold], model: str, hold: Hold) -> None:
    """Remember a hold as the newest; the oldest goes when there are too many."""
    holds.pop(model, None)
    holds[model] = hold
    if len(holds) > MAX_HOLDS:
        del holds[next(iter(holds))]


def _last(hold: Hold | None) -> Hold | None:
    """Give a hold without what it took the place of itself: nobody goes back further than one."""
    return None if hold is None else evolve(hold, before=None)


def _until(hold: Hold) -> float:
    return hold.until
