"""What each failure means: the table of PITFALLS G30 and G33 to G37."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.accounts.pacific import until_midnight
from agd.accounts.verdict import (
    BLOCK,
    DETOUR,
    LONG_BLOCK,
    LONGEST,
    MAX_BLOCK,
    MINUTE,
    MOST_UNTOLD,
    UNTOLD_COOLDOWN,
    Blame,
    Phase,
    Scope,
    Verdict,
    fingerprint,
    judge,
)
from agd.errors import Cause
from tests.accounts.failures import status

WALL = 1_780_000_000.0
PASSING = (Cause.OVERLOADED, Cause.SERVER, Cause.TIMEOUT, Cause.UNREACHABLE, Cause.BROKEN)
REQUESTS = (Cause.REQUEST, Cause.UNIMPLEMENTED)
DISABLING = (Cause.KEY_INVALID, Cause.KEY_EXPIRED, Cause.KEY_LEAKED, Cause.UNAUTHENTICATED, Cause.SUSPENDED)
PROJECTS = (Cause.BILLING, Cause.SERVICE_DISABLED)
ACCOUNTS = (Cause.KEY_RESTRICTED, Cause.VALIDATION, Cause.REGION)
MODELS = (Cause.PRECONDITION, Cause.FORBIDDEN, Cause.MODEL_MISSING)
OWN = (Cause.OWN_WAY,)
QUOTAS = (Cause.MINUTE_QUOTA, Cause.DAY_QUOTA, Cause.UNTOLD_QUOTA)


def verdict(cause: Cause, phase: Phase = Phase.OPENING, **failure: Any) -> Verdict:
    """Judge a failure of this cause."""
    return judge(status(429, **failure), cause, WALL, phase)


class TableTests(SynchronousTestCase):
    """Whose fault a failure is and what is done."""

    def test_complete(self) -> None:
        """Every cause is judged, with its name and a reason in words; what a person can put right has a hint."""
        hinted = {*DISABLING, *PROJECTS, *ACCOUNTS, *MODELS, *OWN, Cause.UNREACHABLE}
        told = {*PASSING, *REQUESTS, *QUOTAS, *hinted}
        self.assertEqual(told, set(Cause))
        for cause in Cause:
            found = verdict(cause)
            self.assertEqual(found.cause, cause)
            self.assertTrue(found.reason)
            self.assertEqual(bool(found.hint), cause in hinted)

    def test_G30_passing(self) -> None:
        """Troubles of the network and of the provider's machines: another account is asked, nobody is blamed."""
        for cause in PASSING:
            found = verdict(cause)
            self.assertEqual((found.rotate, found.blame), (True, Blame.NOBODY), cause)
            self.assertIs(found.scope, Scope.REQUEST if cause is Cause.BROKEN else Scope.UPSTREAM)

    def test_G30_request(self) -> None:
        """What every account would say the client is told at once."""
        for cause in REQUESTS:
            found = verdict(cause)
            self.assertEqual((found.rotate, found.blame, found.scope), (False, Blame.NOBODY, Scope.REQUEST))

    def test_G30_credential(self) -> None:
        """A credential that is refused, expired, leaked or suspended takes the account out."""
        for cause in DISABLING:
            found = verdict(cause)
            self.assertEqual((found.rotate, found.blame, found.contestable), (True, Blame.DISABLE, False))

    def test_G30_account(self) -> None:
        """What a person has to put right takes the account, or its whole project, out for long, whoever else says so.

        Region, billing, a disabled service, a wanted validation: a second account that says the same proves nothing.
        """
        for scope, causes in ((Scope.ACCOUNT, ACCOUNTS), (Scope.PROJECT, PROJECTS)):
            for cause in causes:
                found = verdict(cause)
                self.assertEqual((found.rotate, found.blame, found.scope), (True, Blame.BLOCK, scope), cause)
                self.assertEqual((found.seconds, found.most, found.contestable), (LONG_BLOCK, MAX_BLOCK, False))

    def test_own_way(self) -> None:
        """A way that only the account goes rests the account, for a while that grows to a minute."""
        found = verdict(Cause.OWN_WAY)
        self.assertEqual((found.rotate, found.blame, found.scope), (True, Blame.COOL, Scope.ACCOUNT))
        self.assertEqual((found.seconds, found.most, found.contestable), (UNTOLD_COOLDOWN, DETOUR, False))

    def test_G30_model(self) -> None:
        """A refusal that may be the request's blocks the account for the model, unless another says the same."""
        for cause in MODELS:
            found = verdict(cause)
            self.assertEqual((found.blame, found.scope, found.seconds), (Blame.BLOCK, Scope.MODEL, BLOCK))
            self.assertTrue(found.contestable and found.rotate)

    def test_streaming(self) -> None:
        """Once the answer has begun nobody else is asked, and nobody else can contest; the blame is the same."""
        for cause in Cause:
            before, after = verdict(cause), verdict(cause, Phase.STREAMING)
            self.assertEqual((after.rotate, after.contestable), (False, False))
            self.assertEqual((after.blame, after.seconds), (before.blame, before.seconds))

    def test_fingerprint(self) -> None:
        """Two accounts say the same when status, code and reason agree, whatever the words."""
        self.assertEqual(fingerprint(status(403, "project 1")), fingerprint(status(403, "project 2")))
        denied = status(403, grpc="PERMISSION_DENIED")
        self.assertNotEqual(fingerprint(denied), fingerprint(status(404, grpc="NOT_FOUND")))
        self.assertNotEqual(fingerprint(denied), fingerprint(status(403, reason="SERVICE_DISABLED")))


class QuotaTests(SynchronousTestCase):
    """How long a 429 rests an account for."""

    def test_G33_told(self) -> None:
        """The delay that the provider tells is the rest; it is news of the account, so nobody contests it."""
        for cause in (Cause.MINUTE_QUOTA, Cause.UNTOLD_QUOTA):
            found = verdict(cause, retry_after=37.5)
            self.assertEqual((found.blame, found.seconds, found.most), (Blame.COOL, 37.5, 0.0))
            self.assertEqual((found.scope, found.contestable), (Scope.MODEL, False))

    def test_G33_minute(self) -> None:
        """A quota of the minute without a delay rests for seconds at first, and never for longer than its minute."""
        found = verdict(Cause.MINUTE_QUOTA)
        self.assertEqual((found.seconds, found.most, found.contestable), (UNTOLD_COOLDOWN, MINUTE, False))

    def test_G33_day(self) -> None:
        """A quota of the day rests until midnight in California, also where the provider tells a minute's delay."""
        for told in (None, 37.5):
            found = verdict(Cause.DAY_QUOTA, retry_after=told)
            self.assertEqual((found.blame, found.seconds, found.most), (Blame.COOL, until_midnight(WALL), 0.0))

    def test_G33_day_told(self) -> None:
        """A long delay is what the provider knows of the day's end."""
        self.assertEqual(verdict(Cause.DAY_QUOTA, retry_after=391609.8).seconds, 391609.8)

    def test_G33_rolling(self) -> None:
        """A budget that is told by its reason alone is over when that is told, however soon; midnight is no end."""
        found = verdict(Cause.DAY_QUOTA, reason="QUOTA_EXHAUSTED", retry_after=1632.5)
        self.assertEqual((found.seconds, found.most, found.contestable), (1632.5, 0.0, False))
        named = verdict(Cause.DAY_QUOTA, reason="QUOTA_EXHAUSTED", retry_after=37.5, quota_ids=("RequestsPerDay",))
        self.assertEqual(named.seconds, until_midnight(WALL))
        self.assertEqual(verdict(Cause.DAY_QUOTA, reason="QUOTA_EXHAUSTED").seconds, until_midnight(WALL))

    def test_G34_clamped(self) -> None:
        """No delay is longer than eight days, and none is so short that the account is asked again in the instant."""
        self.assertEqual(verdict(Cause.MINUTE_QUOTA, retry_after=1e9).seconds, LONGEST)
        self.assertEqual(verdict(Cause.MINUTE_QUOTA, retry_after=0.0).seconds, 1.0)

    def test_G35_bare(self) -> None:
        """A 429 without any detail may be the request's: a second account that answers the same absolves both."""
        found = verdict(Cause.UNTOLD_QUOTA)
        self.assertEqual((found.seconds, found.most, found.contestable), (UNTOLD_COOLDOWN, MOST_UNTOLD, True))

    @given(st.sampled_from(QUOTAS), st.one_of(st.none(), st.floats(0, 1e12)))
    def test_bounds(self, cause: Cause, told: float | None) -> None:
        """Every rest lasts from a second to eight days."""
        self.assertTrue(1.0 <= verdict(cause, retry_after=told).seconds <= LONGEST)
