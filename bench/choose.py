"""What choosing an account costs, among ten and among ten thousand: ``python -m bench.choose``.

Conversations that are new, conversations that stay, and accounts that rest now and then; in each mode. Then requests
that may try nobody, while nearly everybody waits for a trial. The requirement is O(log n): ten thousand accounts may
cost a few times as much as ten, not a thousand times.
"""

from __future__ import annotations

import time
from itertools import product
from statistics import median

from agd.accounts.account import Account
from agd.accounts.holds import PROBE_AFTER
from agd.accounts.pool import Pool
from agd.accounts.scheduling import Mode, Scheduling
from agd.accounts.verdict import judge
from agd.errors import Cause, FailureKind, UpstreamFailure

SIZES = (10, 10_000)
TURNS = 5_000
ROUNDS = 7
SPENT = UpstreamFailure(FailureKind.STATUS, "used up", status=429, retry_after=30.0)
LONG = UpstreamFailure(FailureKind.STATUS, "used up", status=429, retry_after=90_000.0)


def lively(mode: Mode, count: int) -> float:
    """Return microseconds for a lease that is taken, served and given back; every tenth meets a quota."""
    pool = _pool(mode, count)
    verdict = judge(SPENT, Cause.MINUTE_QUOTA, 0.0)
    began = time.perf_counter()
    for turn in range(TURNS):
        now = turn * 10.0
        lease = pool.lease("m", now, session=f"s{turn % 1000}")
        if turn % 10:
            pool.succeed(lease, now)
        else:
            pool.fail(lease, verdict, SPENT, now)
        lease.release()
    return (time.perf_counter() - began) / TURNS * 1e6


def doubtful(mode: Mode, count: int) -> float:
    """Return microseconds for a lease that is nobody's trial, where all accounts but one wait for theirs."""
    pool = _pool(mode, count)
    for account in pool.accounts[:-1]:
        pool.punish(account, "m", judge(LONG, Cause.MINUTE_QUOTA, 0.0), LONG, 0.0)
    pool.lease("m", PROBE_AFTER).release()  # finds all of them awake, once
    pool.lease("m", PROBE_AFTER, trials=False).release()  # and in which line they belong, once
    began = time.perf_counter()
    for _ in range(TURNS):
        pool.lease("m", PROBE_AFTER, trials=False).release()
    return (time.perf_counter() - began) / TURNS * 1e6


def _pool(mode: Mode, count: int) -> Pool:
    pool = Pool.of([Account.of_key(f"a{n}", "https://u.example", str(n)) for n in range(count)], Scheduling(mode))
    pool.lease("m", 0.0).release()  # the lane of a model is made with its first request
    return pool


def main() -> None:
    """Print a line for each mode and case."""
    for mode, measure in product(Mode, (lively, doubtful)):
        rounds = [tuple(measure(mode, count) for count in SIZES) for _ in range(ROUNDS)]
        few, many = (median(each[place] for each in rounds) for place in (0, 1))
        ratio = median(most / least for least, most in rounds)
        name = f"{mode.value}, {measure.__name__}"
        print(f"{name:<28} {SIZES[0]} accounts {few:5.1f} us, {SIZES[1]} accounts {many:5.1f} us, ratio {ratio:.1f}")


if __name__ == "__main__":
    main()
