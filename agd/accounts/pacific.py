"""When the provider's day is over: midnight in California, by the rule of the United States.

The rule (15 U.S.C. 260a: second Sunday in March to first Sunday in November, at two in the morning) is written out,
because a table of time zones is a file, which a small container may lack.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

_STANDARD = timedelta(hours=-8)
_SUMMER = timedelta(hours=-7)
_DAY = timedelta(days=1)


def until_midnight(unix: float) -> float:
    """Return the seconds from a moment, in unix seconds, to the next midnight in California."""
    moment = datetime.fromtimestamp(unix, UTC)
    today = (moment + _STANDARD).date()
    coming = (_midnight(today + number * _DAY) - moment for number in range(3))
    return min(wait.total_seconds() for wait in coming if wait > timedelta())


def _midnight(day: date) -> datetime:
    """Return when a day begins. The clocks never change at midnight, so the date alone says which time it has."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) - _offset(day)


def _offset(day: date) -> timedelta:
    """Return the offset from UTC with which a day begins."""
    return _SUMMER if _sunday(day.year, 3, 2) < day <= _sunday(day.year, 11, 1) else _STANDARD


def _sunday(year: int, month: int, number: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(6 - first.weekday()) % 7 + 7 * (number - 1))
