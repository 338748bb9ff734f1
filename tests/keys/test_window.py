"""What there was in the last minute, exactly."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.keys.window import SPAN, Entry, Window

STEPS = st.lists(st.tuples(st.floats(0, 40), st.integers(1, 5), st.integers(0, 9)), max_size=40)


class WindowTests(SynchronousTestCase):
    """Booking, waiting, correcting."""

    def test_empty(self) -> None:
        """Nothing was used, and everything fits at once that is within the limit."""
        window = Window(3)
        self.assertEqual((window.used(0), window.remaining(0), window.reset(0)), (0, 3, 0.0))
        self.assertEqual((window.wait(3, 0), window.wait(4, 0)), (0.0, None))

    def test_wait(self) -> None:
        """The wait ends in the moment in which enough of the oldest is a minute old."""
        window = Window(3)
        for at in (0.0, 10.0, 20.0):
            window.book(1, at)
        self.assertEqual((window.wait(1, 30.0), window.wait(2, 30.0), window.wait(3, 30.0)), (30.0, 40.0, 50.0))
        self.assertEqual(window.wait(1, 60.0), 0.0)

    def test_no_double_burst(self) -> None:
        """A full minute is not followed by another one at its boundary: no bucket refills."""
        window = Window(10)
        window.book(10, 59.0)
        self.assertEqual((window.remaining(61.0), window.remaining(118.9), window.remaining(119.0)), (0, 0, 10))

    def test_less(self) -> None:
        """What turns out to be less is given back where it was booked, and nothing of it twice."""
        window = Window(10)
        entry = window.book(8, 0.0)
        window.correct(entry, 3, 30.0)
        self.assertEqual(window.used(30.0), 3)
        window.correct(window.book(5, 31.0), 0, 120.0)
        self.assertEqual(window.used(120.0), 0)

    def test_more(self) -> None:
        """What turns out to be more counts from when it is known, also where the booking itself is past."""
        window = Window(10)
        entry = window.book(2, 0.0)
        window.correct(entry, 9, 90.0)
        self.assertEqual((window.used(90.0), window.used(149.9), window.used(150.0)), (7, 7, 0))

    def test_other_limit(self) -> None:
        """A lower limit counts what there is: nothing may be booked until that is past."""
        window = Window(5)
        window.book(5, 0.0)
        window.limit = 2
        self.assertEqual((window.remaining(1.0), window.wait(1, 1.0)), (0, 59.0))

    def test_clock_put_back(self) -> None:
        """A clock that goes back makes what there is last longer, never shorter."""
        window = Window(5)
        window.book(1, 100.0)
        window.book(1, 50.0)
        self.assertEqual((window.used(159.0), window.used(160.0)), (2, 0))

    @given(st.integers(1, 8), STEPS)
    def test_never_more(self, limit: int, steps: list[tuple[float, int, int]]) -> None:
        """Whatever is asked and whenever, no minute has more in it than the limit, and no wait is idle."""
        window, now = Window(limit), 0.0
        booked: list[tuple[float, int]] = []
        for pause, amount, _ in steps:
            now += pause
            wait = window.wait(amount, now)
            if wait is None:
                self.assertGreater(amount, limit)
            elif wait == 0:
                window.book(amount, now)
                booked.append((now, amount))
            else:
                within = sum(each for at, each in booked if at > now - SPAN)
                self.assertGreater(within + amount, limit)
        for end, _ in booked:
            self.assertLessEqual(sum(each for at, each in booked if end - SPAN < at <= end), limit)

    @given(STEPS)
    def test_sum(self, steps: list[tuple[float, int, int]]) -> None:
        """After any bookings and corrections, what is used is the sum of what is younger than a minute."""
        window, now = Window(10**6), 0.0
        entries: list[Entry] = []
        for pause, amount, pick in steps:
            now += pause
            entries.append(window.book(amount, now))
            if pick < len(entries):
                window.correct(entries[pick], amount, now)
            self.assertEqual(window.used(now), sum(each.amount for each in window._entries))
            self.assertTrue(all(now - SPAN < each.at <= now for each in window._entries))
