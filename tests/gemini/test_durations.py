"""Durations in every form."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.gemini.durations import LONGEST, parse_duration


class DurationTests(SynchronousTestCase):
    """parse_duration."""

    def test_G34_every_form(self) -> None:
        """Each form that has been seen is read exactly."""
        for value, seconds in (
            ("391609.795772632s", 391609.795772632),
            ("108h48m20.79s", 108 * 3600 + 48 * 60 + 20.79),
            ("1.5s", 1.5),
            ("500ms", 0.5),
            ("1d", 86400),
            ("30", 30),
            (12, 12),
            (1.25, 1.25),
            ({"seconds": "3", "nanos": 5}, 3.000000005),
            ({"seconds": 3}, 3),
            ({"seconds": "3", "nanos": 500_000_000}, 3.5),
            ({"nanos": 999_999_999}, 0.999999999),
            ("Please retry in 44.02s.", 44.02),
            ("Your quota resets after 1m30s, so wait", 90),
            ("Resets in 108h48m29s", 108 * 3600 + 48 * 60 + 29),
        ):
            result = parse_duration(value)
            self.assertIsNotNone(result, value)
            self.assertAlmostEqual(result, seconds, msg=str(value))

    def test_G34_time_stamp(self) -> None:
        """A time stamp counts from now, is 0 when past, and is nothing without a clock."""
        self.assertEqual(parse_duration("1970-01-01T00:01:40Z", now=40), 60)
        self.assertEqual(parse_duration("1970-01-01T00:01:40Z", now=400), 0)
        self.assertIsNone(parse_duration("1970-01-01T00:01:40Z"))

    def test_no_duration(self) -> None:
        """What says no duration is None, never an error."""
        values: tuple[object, ...] = (
            None,
            "",
            "soon",
            "-5s",
            -1,
            math.nan,
            True,
            [],
            {},
            {"seconds": "x"},
            "1.5 apples",
            b"1s",
        )
        for value in values:
            self.assertIsNone(parse_duration(value), value)

    def test_G34_http_date(self) -> None:
        """An HTTP date counts from now; the form without a zone means UTC."""
        for date in ("Thu, 01 Jan 1970 00:01:40 GMT", "Thu Jan  1 00:01:40 1970"):
            self.assertEqual(parse_duration(date, now=40), 60)
            self.assertIsNone(parse_duration(date))

    @given(st.from_regex(r"(Mon|Tuesday),? [0-9A-Za-z :-]{18,28}", fullmatch=True))
    def test_dates_never_crash(self, date: str) -> None:
        """What only looks like a date is a duration within bounds or none."""
        result = parse_duration(date, now=0.0)
        self.assertTrue(result is None or 0 <= result <= LONGEST)

    def test_G34_absurd_values(self) -> None:
        """More than eight days is eight days."""
        for value in ("9999h", "9" * 500 + "s", 10**400, math.inf, {"seconds": "9" * 400}, {"seconds": 10**400}):
            self.assertEqual(parse_duration(value), LONGEST)

    @given(st.one_of(st.text(), st.integers(), st.floats(), st.dictionaries(st.text(), st.text())))
    def test_never_out_of_bounds(self, value: object) -> None:
        """Whatever comes, the result is None or between 0 and eight days."""
        result = parse_duration(value, now=0.0)
        self.assertTrue(result is None or 0 <= result <= LONGEST)
