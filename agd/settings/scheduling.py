"""The tables that say how accounts are chosen: ``[proxy.scheduling]``, and the scheduling keys of an account."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from attrs import field, frozen

from agd.settings.kinds import Choice, Integer, Number, Seconds, Text
from agd.settings.structure import ArrayOf, CountMap, TextMap, setting

V = TypeVar("V")

SchedulingMode = Literal["balance", "cache_first", "performance_first", "fill_first"]
"""What decides between accounts that may all be asked."""

HEAVIEST = 1000


def read_only(mapping: Mapping[str, V]) -> Mapping[str, V]:
    """Return a view of a copy."""
    return MappingProxyType(dict(mapping))


@frozen
class Scheduling:
    """Which account is asked, and how long requests wait for one."""

    mode: SchedulingMode = field(
        default="balance",
        metadata=setting(
            Choice(("balance", "cache_first", "performance_first", "fill_first")),
            "A conversation stays with its account and leaves it at once when that rests (balance), or waits for it "
            "up to max_wait_seconds (cache_first); or each request goes to the least busy account (performance_first) "
            "or to the first one that can be asked (fill_first).",
        ),
    )
    max_wait_seconds: float = field(
        default=60.0,
        metadata=setting(Seconds(zero=True), "How long cache_first waits for a conversation's account that rests."),
    )
    queue_size: int = field(
        default=1000,
        metadata=setting(Integer(0), "Most requests that wait for an account at a time; further ones are refused."),
    )
    queue_seconds: float = field(
        default=10.0,
        metadata=setting(
            Seconds(zero=True),
            "How long a request may wait for an account while all are busy, or rest for a shorter time than that.",
        ),
    )
    pinned: Mapping[str, str] = field(
        factory=dict,
        converter=read_only,
        metadata=setting(
            TextMap(),
            "Models, or patterns of them, and the email or id of the account that is asked for them as long as it can "
            'be: "*" = "first@example.com" pins everything.',
        ),
    )


def account_field(default: Any, kind: Any, doc: str) -> Any:
    """Make a scheduling field of an account."""
    return field(default=default, metadata=setting(kind, doc))


def weight() -> Any:
    """Make the field ``weight``."""
    return account_field(
        1.0, Number(0, HEAVIEST), "The account's share of the turns, against the others of its priority."
    )


def priority() -> Any:
    """Make the field ``priority``."""
    return account_field(
        0, Integer(-1000, 1000), "Accounts of a higher priority are asked first, others only when none of them can be."
    )


def models() -> Any:
    """Make the field ``models``."""
    return account_field(
        (), ArrayOf(Text()), "What the account may be asked for: models, or patterns of them; empty: everything."
    )


def max_concurrency() -> Any:
    """Make the field ``max_concurrency``."""
    return account_field(
        None, Integer(1), "Most requests that the account carries at a time; when not given, any number."
    )


def limits() -> Any:
    """Make the field ``limits``."""
    return field(
        factory=dict,
        converter=read_only,
        metadata=setting(
            CountMap(),
            "The same for each model that a pattern fits, of which the one with more literal characters wins.",
        ),
    )
