"""An account at work for a request: from its lease until it is given back, and the record of that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from attrs import define

from agd.accounts.lease import Lease
from agd.accounts.pool import Pool
from agd.accounts.verdict import Blame, Phase, Verdict
from agd.conversation import Usage
from agd.errors import UpstreamFailure
from agd.gateway.trail import Attempt, Observer, Trail
from agd.gateway.weighing import weigh


class Told(Protocol):
    """An answer that tells how many tokens it took, None while it has not."""

    @property
    def usage(self) -> Usage | None:
        """The tokens."""


@define(eq=False)
class Tenure:
    """Outlives the request's attempts where an answer streams, so it holds nothing of what was asked.

    ``seconds`` is the reactor's clock, ``wall`` gives unix seconds.
    """

    lease: Lease
    attempt: Attempt
    _trail: Trail
    _pool: Pool
    _observer: Observer
    _seconds: Callable[[], float]
    _wall: Callable[[], float]

    def served(self, *, answered: bool = True) -> None:
        """The answer has begun, or is whole; not ``answered``: tokens were counted, which says nothing of a quota."""
        self.attempt.verdict, self.attempt.first = "served", self.elapsed
        if answered:
            self._pool.succeed(self.lease, self._seconds())

    def failed(self, verdict: Verdict, failure: UpstreamFailure) -> Verdict:
        """Carry out a verdict; return it with the seconds that were really laid on."""
        return self._pool.fail(self.lease, verdict, failure, self._seconds())

    def ended(self, answer: Told, failure: UpstreamFailure | None) -> None:
        """A stream is over. One that broke off blames the account as ever; it is not repeated."""
        self.attempt.count(answer.usage)
        if failure is not None:
            verdict = weigh(failure, self._wall(), Phase.STREAMING)
            self.attempt.verdict, self.attempt.failure = verdict.cause.value, str(failure)
            verdict = self.failed(verdict, failure)
            if verdict.blame is not Blame.NOBODY:
                self._observer.punished(self.lease.account, self.lease.model, failure, verdict)
        self.give_back()

    def give_back(self) -> None:
        """The account has no more to do for the request."""
        self.attempt.total = self.elapsed
        self.lease.release()
        self._observer.attempted(self._trail, self.attempt)

    @property
    def elapsed(self) -> float:
        """Seconds since the account was leased."""
        return self._seconds() - self.attempt.began
