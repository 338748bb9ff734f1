"""Whose fault it is where one answer cannot tell: the accounts' that gave it, or the request's that got it.

Two accounts that fail a request in the same way show that it is at fault itself, and neither is blamed (PITFALLS G35).
What shows the contrary is a third one that serves it: then both were to blame. So where somebody is known to serve the
model, it is asked before the request is told that the fault is its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, field

from agd.accounts.account import Account
from agd.accounts.pool import Pool
from agd.accounts.verdict import Blame, Verdict, fingerprint
from agd.errors import UpstreamFailure

Fault = tuple[Account, Verdict, UpstreamFailure]


@define(eq=False)
class Contest:
    """The faults of one request of which that is open. They are laid on their accounts as long as it is."""

    _open: dict[object, list[Fault]] = field(factory=dict)

    def add(self, account: Account, verdict: Verdict, failure: UpstreamFailure) -> None:
        """Note a contestable fault that was laid on an account."""
        self._open.setdefault(fingerprint(failure), []).append((account, verdict, failure))

    def is_lost(
        self, pool: Pool, verdict: Verdict, failure: UpstreamFailure, model: str, asked: set[str] | None
    ) -> bool:
        """Tell whether a failure shows that the request is at fault.

        ``asked`` are the ids of those that were asked, None: nobody else may be.
        A quota is not looked for elsewhere: a request that is too large must not exhaust whoever serves the others.
        """
        if not verdict.contestable or fingerprint(failure) not in self._open:
            return False
        return asked is None or verdict.blame is not Blame.BLOCK or not pool.roster.has_served(model, asked)

    def absolve(self, pool: Pool, failure: UpstreamFailure) -> None:
        """The request is at fault for failures like this one: nobody is blamed for any of them."""
        for account, _, cause in self._open.pop(fingerprint(failure), ()):
            pool.pardon(account, cause)

    def close(self, pool: Pool, *, served: bool) -> Iterator[Fault]:
        """The request is over: give the faults that are the accounts', and take the others back.

        One that nobody shares is its account's; those that are shared are if the request was served after all.
        """
        for faults in list(self._open.values()):
            if served or len(faults) == 1:
                yield from faults
            else:
                self.absolve(pool, faults[0][2])
        self._open.clear()
