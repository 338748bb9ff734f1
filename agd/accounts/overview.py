"""How the accounts are, as plain data: what an operator's list and the metrics show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from attrs import frozen

from agd.accounts.account import Account
from agd.accounts.holds import Hold
from agd.accounts.standing import Pause, Standing

Condition = Literal["ready", "limited", "resting", "disabled", "draining", "refused"]
"""``limited``: rests for some models. ``resting``: for all.

``disabled`` and ``draining`` by the operator, ``refused`` by the provider.
"""


@frozen
class Rest:
    """One thing held against an account. ``model`` is empty for all; ``ends`` and ``next_trial`` in seconds from now.

    A block ends by a success only: its ``ends`` is the next trial.
    """

    model: str
    cause: str
    reason: str
    hint: str
    told: str
    blocks: bool
    shared: bool
    ends: float
    next_trial: float
    on_trial: bool


@frozen
class Quota:
    """A quota that was seen used up: ``minute_quota`` or ``day_quota``, its names, and seconds since and until."""

    model: str
    kind: str
    names: tuple[str, ...]
    ago: float
    ends: float


@frozen
class AccountView:
    """One account as it is now. ``running``: requests it carries; ``tally``: counts since ever, see ``Standing``."""

    account: Account
    condition: Condition
    why: str
    running: int
    tally: Mapping[str, int]
    rests: tuple[Rest, ...]
    quotas: tuple[Quota, ...]


def view(standing: Standing, now: float) -> AccountView:
    """Look at one account."""
    own = [_rest(hold, now, shared=False) for hold in standing.holds.by_key.values() if not hold.is_over(now)]
    shared = [_rest(hold, now, shared=True) for hold in standing.purse.holds.by_key.values() if not hold.is_over(now)]
    quotas = [
        Quota(model, quota.kind, quota.names, now - quota.seen, quota.ends - now)
        for model, quota in standing.purse.seen.items()
    ]
    condition, why = _condition(standing, [*own, *shared])
    tally = dict(standing.tally)
    return AccountView(standing.account, condition, why, standing.running, tally, (*own, *shared), tuple(quotas))


def _condition(standing: Standing, rests: list[Rest]) -> tuple[Condition, str]:
    if standing.pause is not None:
        return "draining" if standing.pause is Pause.DRAINING else "disabled", standing.why_paused
    if standing.refused is not None:
        return "refused", str(standing.refused)
    if rests:
        why = "; ".join(sorted({rest.reason for rest in rests}))
        return ("limited", why) if all(rest.model for rest in rests) else ("resting", why)
    return "ready", ""


def _rest(hold: Hold, now: float, *, shared: bool) -> Rest:
    verdict = hold.verdict
    return Rest(
        hold.model,
        verdict.cause.value,
        verdict.reason,
        verdict.hint,
        str(hold.cause),
        hold.blocks,
        shared,
        max(0.0, hold.until - now),
        max(0.0, hold.probe_at - now),
        hold.on_trial,
    )
