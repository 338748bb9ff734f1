"""What a client key is good for: until when, for which models, and how much."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, cast, get_args

from attrs import frozen

from agd.patterns import matches

Period = Literal["day", "month", "total"]
"""How long a budget lasts: a day or a month of the calendar, in UTC, or for ever."""

PERIODS: tuple[Period, ...] = get_args(Period)

ALLOWED_BUDGETS = 'tokens by period, "1000000/day", of day, month and total; several with commas between them'

_BUDGET = re.compile(rf"(?P<tokens>[1-9][0-9]{{0,14}})/(?P<period>{'|'.join(PERIODS)})")


@frozen
class Budget:
    """So many tokens in each period."""

    tokens: int
    period: Period

    def __str__(self) -> str:
        return f"{self.tokens}/{self.period}"


@frozen
class Allowance:
    """What a key may do; without any terms: everything.

    ``expires`` is in unix seconds. ``models`` are names or patterns, of which one must fit; none: every model.
    ``rpm`` and ``tpm`` are requests and tokens in any 60 seconds, ``concurrency`` requests at a time.
    """

    expires: float | None = None
    models: tuple[str, ...] = ()
    rpm: int | None = None
    tpm: int | None = None
    concurrency: int | None = None
    budgets: tuple[Budget, ...] = ()

    def has_ended(self, now: float) -> bool:
        """Tell whether the key is good for nothing any more; ``now`` in unix seconds."""
        return self.expires is not None and now >= self.expires

    def allows(self, names: Iterable[str]) -> bool:
        """Tell whether a model may be asked that has these names: the client's own for it, and the upstream's."""
        return not self.models or any(matches(pattern, name) for name in names for pattern in self.models)

    @property
    def counts_tokens(self) -> bool:
        """Whether it matters how many tokens a request takes."""
        return self.tpm is not None or bool(self.budgets)


UNLIMITED = Allowance()


def read_budgets(text: str) -> tuple[Budget, ...]:
    """Read budgets as ``ALLOWED_BUDGETS`` says, at most one for a period. Raises ``ValueError``."""
    found = [_BUDGET.fullmatch(part.strip()) for part in text.split(",")]
    budgets = tuple(Budget(int(each["tokens"]), cast(Period, each["period"])) for each in found if each is not None)
    if len(budgets) < len(found) or len({budget.period for budget in budgets}) < len(budgets):
        raise ValueError(f"not {ALLOWED_BUDGETS}")
    return budgets
