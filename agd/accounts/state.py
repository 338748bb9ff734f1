"""What survives a restart: the pool's knowledge as plain data, with times in unix seconds.

The shape, version 1, all of it JSON::

    {"version": 1,
     "accounts": {ID: {"refused": FAILURE | null, "proof": TEXT | null,
                       "pause": "disabled" | "draining" | null, "why": TEXT,
                       "tally": {NAME: COUNT}, "holds": [HOLD, ...]}},
     "purses": [{"upstream": URL, "name": PROJECT or ID, "holds": [HOLD, ...], "quotas": {MODEL: QUOTA}}]}

    HOLD     {"model", "cause", "until", "probe_at", "seconds", "most", "failure": FAILURE}
    QUOTA    {"kind", "names", "seen", "ends"}
    FAILURE  the fields of ``UpstreamFailure``

``proof`` tells which credential was refused, without telling what it was: another one of the same id has its chance.
No credential is in it, nor anything a client wrote but names of models.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import attrs
from attrs import evolve, frozen

from agd.accounts.account import opaque_id
from agd.accounts.holds import Hold, Holds
from agd.accounts.roster import Roster, purse_key
from agd.accounts.standing import Past, Pause, Purse, QuotaSeen, Standing
from agd.accounts.verdict import LONGEST, ruling
from agd.errors import Cause, FailureKind, UpstreamFailure

VERSION = 1


@frozen
class Clocks:
    """The same moment on the pool's clock and in unix seconds: times are turned from one into the other by it."""

    now: float
    wall: float

    def to_unix(self, moment: float) -> float:
        """Return a time of the pool's clock in unix seconds."""
        return self.wall + moment - self.now

    def of_unix(self, unix: float) -> float:
        """Return a unix time on the pool's clock; what a wall clock that jumped puts too far off is cut."""
        return self.now + min(unix - self.wall, LONGEST)


def snapshot(roster: Roster, clocks: Clocks) -> dict[str, Any]:
    """Return all that is worth keeping; purses that nothing stands against are left out."""
    purses = {key: purse for key, purse in roster.purses.items() if purse.holds.by_key or purse.seen}
    return _shape(roster, purses, clocks)


def excerpt(roster: Roster, of: Iterable[Standing], clocks: Clocks) -> dict[str, Any]:
    """Return what is worth keeping of some accounts and their purses, those that nothing stands against included.

    An account that has left meanwhile is left out, but not what it has brought upon its project.
    """
    of = tuple(of)
    purses = {purse_key(each.account): each.purse for each in of}
    return _shape(
        [each for each in of if roster.get(each.account.id) is each],
        {key: purse for key, purse in purses.items() if roster.purses.get(key) is purse},
        clocks,
    )


def restore(roster: Roster, state: Mapping[str, Any], clocks: Clocks) -> None:
    """Take a snapshot up, for the accounts that are there; of the others it is remembered for when they are.

    Raises ``ValueError`` for what is no snapshot of this version; then nothing has been changed.
    """
    if state.get("version") != VERSION:
        raise ValueError(f"a state of version {state.get('version')!r}, not {VERSION}")
    try:
        standings = {key: _read_standing(each, clocks) for key, each in state["accounts"].items()}
        purses = {(each["upstream"], each["name"]): _read_purse(each, clocks) for each in state["purses"]}
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"a state that is not whole: {error!r}") from error
    for account_id, (refused, past) in standings.items():
        standing = roster.get(account_id)
        if standing is None:
            roster.remember(account_id, past)
            continue
        standing.refused = refused if _is_same(state["accounts"][account_id].get("proof"), standing) else None
        standing.take_up(past)
    for key, purse in roster.purses.items():
        if key in purses:
            purse.holds, purse.seen = purses[key]


# ---------------------------------------------------------------------- writing


def _shape(standings: Iterable[Standing], purses: Mapping[tuple[str, str], Purse], clocks: Clocks) -> dict[str, Any]:
    return {
        "version": VERSION,
        "accounts": {each.account.id: _standing(each, clocks) for each in standings},
        "purses": [
            {"upstream": upstream, "name": name, "holds": _holds(purse.holds, clocks), "quotas": _quotas(purse, clocks)}
            for (upstream, name), purse in purses.items()
        ],
    }


def _standing(standing: Standing, clocks: Clocks) -> dict[str, Any]:
    return {
        "refused": None if standing.refused is None else _failure(standing.refused),
        "proof": None if standing.refused is None else _proof(standing),
        "pause": standing.pause and standing.pause.value,
        "why": standing.why_paused,
        "tally": dict(standing.tally),
        "holds": _holds(standing.holds, clocks),
    }


def _is_same(proof: object, standing: Standing) -> bool:
    """Tell whether an account has the credential that was refused; of one that the machine gives nobody knows."""
    return bool(standing.account.credential.identity) and proof == _proof(standing)


def _proof(standing: Standing) -> str:
    account = standing.account
    return opaque_id("", account.base_url, account.credential.identity)


def _holds(holds: Holds, clocks: Clocks) -> list[dict[str, Any]]:
    return [
        {
            "model": hold.model,
            "cause": hold.verdict.cause.value,
            "until": clocks.to_unix(hold.until),
            "probe_at": clocks.to_unix(hold.probe_at),
            "seconds": hold.seconds,
            "most": hold.verdict.most,
            "failure": _failure(hold.cause),
        }
        for hold in holds.by_key.values()
    ]


def _quotas(purse: Purse, clocks: Clocks) -> dict[str, Any]:
    return {
        model: {
            "kind": quota.kind,
            "names": list(quota.names),
            "seen": clocks.to_unix(quota.seen),
            "ends": clocks.to_unix(quota.ends),
        }
        for model, quota in purse.seen.items()
    }


def _failure(failure: UpstreamFailure) -> dict[str, Any]:
    fields = attrs.asdict(failure)
    return {**fields, "kind": failure.kind.value, "quota_ids": list(failure.quota_ids)}


# ---------------------------------------------------------------------- reading


def _read_standing(told: Mapping[str, Any], clocks: Clocks) -> tuple[UpstreamFailure | None, Past]:
    refused = None if told["refused"] is None else _read_failure(told["refused"])
    pause = None if told["pause"] is None else Pause(told["pause"])
    return refused, Past(pause, told["why"], Counter(told["tally"]), _read_holds(told["holds"], clocks))


def _read_purse(told: Mapping[str, Any], clocks: Clocks) -> tuple[Holds, dict[str, QuotaSeen]]:
    quotas = {
        model: QuotaSeen(each["kind"], tuple(each["names"]), clocks.of_unix(each["seen"]), clocks.of_unix(each["ends"]))
        for model, each in told["quotas"].items()
    }
    return _read_holds(told["holds"], clocks), quotas


def _read_holds(told: list[Mapping[str, Any]], clocks: Clocks) -> Holds:
    holds = [_read_hold(each, clocks) for each in told]
    return Holds({(hold.verdict.blame, hold.model): hold for hold in holds})


def _read_hold(told: Mapping[str, Any], clocks: Clocks) -> Hold:
    return Hold(
        told["model"],
        _read_failure(told["failure"]),
        evolve(ruling(Cause(told["cause"])), seconds=told["seconds"], most=told["most"]),
        clocks.of_unix(told["until"]),
        clocks.of_unix(told["probe_at"]),
        told["seconds"],
        turn=0,
    )


def _read_failure(told: Mapping[str, Any]) -> UpstreamFailure:
    return UpstreamFailure(**{**told, "kind": FailureKind(told["kind"]), "quota_ids": tuple(told["quota_ids"])})
