"""How long to wait, in every form in which Google says it.

``google.protobuf.Duration`` as JSON text (``"1.5s"``) or object (``{"seconds": "3", "nanos": 5}``), Go's form
(``"108h48m20.79s"``), an RFC 3339 time stamp, an HTTP date (RFC 9110, section 5.6.7, as ``Retry-After`` may be), or a
sentence ("Please retry in 44.02s").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST = 8 * 24 * 3600.0
"""Seconds; anything longer is taken for this."""

_MOST = 1e18
"""Of seconds or nanoseconds, before they are added up: what JSON can say need not fit into a float."""
_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PIECE = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|us|µs|ns|d|h|m|s)")
_PIECES = re.compile(rf"(?:{_PIECE.pattern})+")
_SENTENCE = re.compile(rf"\b(?:in|after)\s+((?:{_PIECE.pattern})+)")
_HTTP_DATE = re.compile(r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? [\w :-]{18,24}(?: GMT)?")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")


def parse_duration(value: object, now: float | None = None) -> float | None:
    """Return seconds from 0 to ``LONGEST``, or None when ``value`` says no duration.

    ``now`` is in seconds since the epoch; without it a time stamp is not understood. A moment that has passed is 0.
    """
    match value:
        case bool():
            return None
        case int() | float():
            return _bounded(value)
        case Mapping():
            return _from_parts(value)
        case str():
            return _from_text(value.strip(), now)
        case _:
            return None


def duration_within(sentence: str) -> float | None:
    """Return the seconds that a sentence for people tells, or None: a number alone, such as a page's title, is none."""
    found = _SENTENCE.search(sentence)
    return None if found is None else _sum(found[1])


def _bounded(seconds: float) -> float | None:
    """Clamp from above; what is negative, or NaN, is no duration."""
    return float(min(seconds, LONGEST)) if seconds >= 0 else None


def _from_parts(value: Mapping[object, object]) -> float | None:
    seconds = _number(value.get("seconds"))
    nanos = _number(value.get("nanos"))
    if seconds is None and nanos is None:
        return None
    return _bounded((seconds or 0.0) + (nanos or 0.0) * 1e-9)


def _number(value: object) -> float | None:
    if isinstance(value, str):
        return float(value) if _NUMBER.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        return None
    return float(min(value, _MOST))


def _from_text(text: str, now: float | None) -> float | None:
    if _NUMBER.fullmatch(text):
        return _bounded(float(text))
    if _PIECES.fullmatch(text):
        return _sum(text)
    if (told := duration_within(text)) is not None:
        return told
    return None if now is None else _until(text, now)


def _sum(text: str) -> float | None:
    return _bounded(sum(float(number) * _UNITS[unit] for number, unit in _PIECE.findall(text)))


def _until(text: str, now: float) -> float | None:
    http = _HTTP_DATE.fullmatch(text) is not None
    try:
        moment = parsedate_to_datetime(text) if http else datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        return None
    if http and moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)  # the form of C's asctime names no zone and means UTC
    return None if moment.tzinfo is None else _bounded(max(0.0, moment.timestamp() - now))
