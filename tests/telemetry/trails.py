"""Requests that have come to something, for what is told of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import evolve

from agd.accounts.overview import AccountView
from agd.conversation import Usage
from agd.gateway import Attempt, Trail
from agd.telemetry.gauges import Present
from tests.gateways import MODEL
from tests.upstream.wire import account

USAGE = Usage(prompt=12, completion=34, reasoning=4, cached=5)


def attempt(name: str = "one", verdict: str = "served", **more: Any) -> Attempt:
    """Make an attempt that began two seconds after the request came."""
    return Attempt(account(name), "least busy", 102.0, pick=0.0001, verdict=verdict, **more)


def served(**more: Any) -> Trail:
    """Make the trail of a streamed request that a second account served."""
    refused = attempt("one", "minute_quota", connect=0.0, total=0.05, failure="429 used up")
    good = attempt("two", connect=0.01, head=0.2, first=0.25, total=1.5, usage=USAGE)
    return evolve(
        Trail("req_1", "gpt-4o", MODEL, account("two"), 2, ["acct_x: 429 used up"], owner="key:ann"),
        tries=[refused, good],
        queue=0.002,
        began=100.0,
        translate=0.001,
        streams=True,
        **more,
    )


def present(clock: Any, views: tuple[AccountView, ...] = (), **counts: int) -> Present:
    """Make what is looked at in a scrape; counts that are not given are 0."""

    def look(name: str) -> Callable[[], int]:
        return lambda: counts.get(name, 0)

    names = ("streams", "connections", "sockets", "waiting", "store_failures")
    looks: dict[str, Any] = {name: look(name) for name in names}
    return Present(clock=clock, accounts=lambda: views, models=lambda: {MODEL}, **looks)
