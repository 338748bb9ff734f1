"""The end of the provider's day."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.accounts.pacific import until_midnight

HOUR = 3600.0


def seconds(*moment: int) -> float:
    """Return the seconds from a moment in UTC to the next midnight in California."""
    year, month, day, hour, minute = moment
    return until_midnight(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp())


class MidnightTests(SynchronousTestCase):
    """until_midnight."""

    def test_winter_and_summer(self) -> None:
        """Midnight is at 8 o'clock UTC in winter and at 7 in summer."""
        self.assertEqual(seconds(2026, 1, 15, 7, 30), HOUR / 2)
        self.assertEqual(seconds(2026, 7, 15, 6, 30), HOUR / 2)

    def test_at_midnight(self) -> None:
        """The moment in which a day begins is a whole day before the next."""
        self.assertEqual(seconds(2026, 7, 15, 7, 0), 24 * HOUR)

    def test_changing_clocks(self) -> None:
        """The day on which clocks go forward has 23 hours, the one on which they go back 25."""
        self.assertEqual(seconds(2026, 3, 8, 8, 0), 23 * HOUR)
        self.assertEqual(seconds(2026, 11, 1, 7, 0), 25 * HOUR)
        self.assertEqual(seconds(2026, 3, 9, 7, 0), 24 * HOUR)
        self.assertEqual(seconds(2026, 11, 2, 8, 0), 24 * HOUR)

    def test_rule(self) -> None:
        """Clocks go forward on the second Sunday in March and back on the first in November, of every year."""
        for year, march, november in ((2027, 14, 7), (2028, 12, 5), (2029, 11, 4), (2030, 10, 3), (2034, 12, 5)):
            self.assertEqual(seconds(year, 3, march, 8, 0), 23 * HOUR, year)
            self.assertEqual(seconds(year, 11, november, 7, 0), 25 * HOUR, year)

    @given(st.integers(1_700_000_000, 2_500_000_000))
    def test_midnight_has_no_wait(self, unix: int) -> None:
        """Whenever it is asked, the moment it tells is a midnight: the next one is 23, 24 or 25 hours later."""
        wait = until_midnight(unix)
        self.assertTrue(0 < wait <= 25 * HOUR)
        self.assertIn(until_midnight(unix + wait), (23 * HOUR, 24 * HOUR, 25 * HOUR))
