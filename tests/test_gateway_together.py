"""Jobs that are only worth something all together."""

from __future__ import annotations

from collections.abc import Coroutine
from functools import partial
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from agd.gateway.together import together


class TogetherTests(SynchronousTestCase):
    """How many at a time, and how all end."""

    def setUp(self) -> None:
        self.begun: list[int] = []
        self.ended: list[int] = []
        self.dropped: list[str] = []
        self.results: dict[int, Deferred[str]] = {}

    async def job(self, number: int) -> str:
        """Wait for what the test decides."""
        self.begun.append(number)
        waiting = self.results.setdefault(number, Deferred())
        try:
            return await waiting
        finally:
            self.ended.append(number)

    def ask(self, count: int, at_once: int) -> Deferred[list[str]]:
        """Begin so many jobs."""
        jobs = [partial(self.job, number) for number in range(count)]
        return Deferred.fromCoroutine(together(jobs, at_once, self.dropped.append))

    def test_in_order(self) -> None:
        """So many are done at a time, and results stand in the order of the jobs, however they come."""
        asked = self.ask(4, 2)
        self.assertEqual(self.begun, [0, 1])
        self.results[1].callback("b")
        self.assertEqual(self.begun, [0, 1, 2])
        self.results[2].callback("c")
        self.results[3].callback("d")
        self.assertNoResult(asked)
        self.results[0].callback("a")
        self.assertEqual(self.successResultOf(asked), ["a", "b", "c", "d"])
        self.assertEqual(self.dropped, [])

    def test_one_fails(self) -> None:
        """The first failure ends those under way, begins no other, and drops what is there."""
        asked = self.ask(9, 3)
        self.results[0].callback("a")
        self.results[1].errback(ValueError("b"))
        self.failureResultOf(asked, ValueError)
        self.assertEqual((self.begun, sorted(self.ended), self.dropped), ([0, 1, 2, 3], [0, 1, 2, 3], ["a"]))

    def test_gives_up(self) -> None:
        """Cancelling ends all."""
        asked = self.ask(3, 2)
        self.results[0].callback("a")
        asked.cancel()
        self.failureResultOf(asked, CancelledError)
        self.assertEqual((sorted(self.ended), self.dropped), ([0, 1, 2], ["a"]))

    def test_several_fail_at_once(self) -> None:
        """Of failures that are there at once one is told and none is left unhandled."""
        self.results = {number: Deferred() for number in range(3)}
        for waiting in self.results.values():
            waiting.errback(ValueError())
        self.failureResultOf(self.ask(3, 3), ValueError)

    def test_alone(self) -> None:
        """A single job is simply done."""
        self.results[0] = Deferred()
        self.results[0].callback("a")
        self.assertEqual(self.successResultOf(self.ask(1, 8)), ["a"])

    def test_without_drop(self) -> None:
        """What needs no dropping is forgotten."""

        async def good() -> str:
            return "a"

        async def bad() -> str:
            raise ValueError

        jobs: list[Any] = [good, bad]
        work: Coroutine[Deferred[Any], Any, list[str]] = together(jobs, 2)
        self.failureResultOf(Deferred.fromCoroutine(work), ValueError)
