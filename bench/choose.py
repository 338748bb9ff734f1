"""What choosing an account costs, among ten and among ten thousand: ``python -m bench.choose``.

Conversations that are new, conversations that stay, and accounts that rest now and then; in each mode. The requirement
is O(log n): ten thousand accounts may cost a few times as much as ten, not a thousand times.
"""

from __future__ import annotations

import time
from statistics import median

from agd.accounts.account import Account
from agd.accounts.pool import Pool
from agd.accounts.scheduling import Mode, Scheduling
from agd.accounts.verdict import judge
from agd.errors import Cause, FailureKind, UpstreamFailure

SIZES = (10, 10_000)
TURNS = 5_000
ROUNDS = 7
SPENT = UpstreamFailure(FailureKind.STATUS, "used up", status=429, retry_after=30.0)


def measure(mode: Mode, count: int) -> float:
    """Return microseconds for a lease that is taken, served and given back; every tenth meets a quota."""
    pool = Pool.of([Account.of_key(f"a{n}", "https://u.example", str(n)) for n in range(count)], Scheduling(mode))
    pool.lease("m", 0.0).release()  # the lane of a model is made with its first request
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


def main() -> None:
    """Print a line for each mode."""
    for mode in Mode:
        rounds = [tuple(measure(mode, count) for count in SIZES) for _ in range(ROUNDS)]
        few, many = (median(each[place] for each in rounds) for place in (0, 1))
        ratio = median(most / least for least, most in rounds)
        print(
            f"{mode.value:<18} {SIZES[0]} accounts {few:5.1f} us, {SIZES[1]} accounts {many:5.1f} us, ratio {ratio:.1f}"
        )


if __name__ == "__main__":
    main()
