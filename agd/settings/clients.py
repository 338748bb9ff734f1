"""The tables that say who may ask, and how much: ``[[proxy.api_keys]]``."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from attrs import field, frozen

from agd.allowance import ALLOWED_BUDGETS, UNLIMITED, Allowance, Budget, read_budgets
from agd.settings.kinds import Integer, Plain, Text
from agd.settings.secret import Secret, SecretText
from agd.settings.structure import ArrayOf, setting

MOST_PER_MINUTE = 100_000
"""The largest limit of requests a minute: each request of the last minute is remembered."""


@frozen
class Instant(Plain):
    """A moment as TOML writes it: a date, which begins in UTC, or a date and time with its offset."""

    @property
    def allowed(self) -> str:
        """Words for what is allowed."""
        return "a date, such as 2027-01-31, or a date and time with its offset, such as 2027-01-31T12:00:00Z"

    def fits(self, value: Any) -> bool:
        """Tell whether it is a moment that is the same everywhere."""
        return value.tzinfo is not None if isinstance(value, datetime) else isinstance(value, date)

    def convert(self, value: Any) -> float:
        """Return unix seconds."""
        if isinstance(value, datetime):
            return value.timestamp()
        return datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp()


@frozen
class Budgets(Plain):
    """How many tokens in which periods."""

    @property
    def allowed(self) -> str:
        """Words for what is allowed."""
        return ALLOWED_BUDGETS

    def fits(self, value: Any) -> bool:
        """Tell whether it is a text that says so."""
        try:
            return isinstance(value, str) and bool(read_budgets(value))
        except ValueError:
            return False

    def convert(self, value: Any) -> tuple[Budget, ...]:
        """Return the budgets."""
        return read_budgets(value)


def _limit(doc: str, most: int | None = None) -> Any:
    return field(default=None, metadata=setting(Integer(1, most), doc))


@frozen
class ClientKey:
    """A key that clients may use, with the name it has in logs and metrics, and what it is good for."""

    name: str = field(metadata=setting(Text(), "Whose key it is: its name in logs and metrics, unique."))
    key: Secret = field(metadata=setting(SecretText(), "The key itself."))
    expires: float | None = field(
        default=None, metadata=setting(Instant(), "When it ends: from then on it is answered with 401.")
    )
    models: tuple[str, ...] = field(
        default=(),
        metadata=setting(
            ArrayOf(Text()),
            "What it may be used for: names or patterns, of models as clients call them or as the upstream does; "
            "empty: everything.",
        ),
    )
    rpm: int | None = _limit("Most requests in any 60 seconds.", MOST_PER_MINUTE)
    tpm: int | None = _limit("Most tokens in any 60 seconds, as far as they are known beforehand.")
    concurrency: int | None = _limit("Most requests at a time.")
    budget: tuple[Budget, ...] = field(
        default=(), metadata=setting(Budgets(), "Tokens in a day or month of the calendar (UTC), or in all.")
    )

    @property
    def has_terms(self) -> bool:
        """Whether it is not good for everything."""
        return self.allowance != UNLIMITED

    @property
    def allowance(self) -> Allowance:
        """What the key is good for, as one value."""
        return Allowance(self.expires, self.models, self.rpm, self.tpm, self.concurrency, self.budget)
