"""A clock for the reactor that nobody sets.

Twisted's reactor counts time by the time of day (https://github.com/twisted/twisted/issues/2424): a clock that is set
back by an hour would hold every timer, rest and time limit up for an hour. Where the system has one, the clock that
also counts the time a machine sleeps is taken, so that a rest is not longer on a laptop that was closed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any


def steady(reactor: Any) -> bool:
    """Let a reactor count by the steady clock; tell whether it does.

    Where calls are waiting already nothing is changed, for their times are of the other clock.
    """
    if reactor.getDelayedCalls():
        return False
    reactor.seconds = clock()
    return True


def clock() -> Callable[[], float]:
    """Return the steady clock: seconds since any moment, ``CLOCK_BOOTTIME`` (clock_gettime(2)) where there is one."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic if boot is None else partial(time.clock_gettime, boot)
