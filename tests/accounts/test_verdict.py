"""What each failure means: the issue's rules and the table of PITFALLS G30, G33 and G35."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from agd.accounts.verdict import (
    DAY_QUOTA_COOLDOWN,
    UNTOLD_COOLDOWN,
    Blame,
    Verdict,
    credential_refused,
    fingerprint,
    judge,
)
from agd.errors import FailureKind, UpstreamFailure
from tests.accounts.failures import status

MINUTE = "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"
DAY = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"


class TransientTests(SynchronousTestCase):
    """Troubles of the network and of the provider's machines."""

    def test_status(self) -> None:
        """Another account is asked, nobody is blamed."""
        for code in (408, 499, 500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 529, 530):
            self.assertEqual(judge(status(code)), Verdict(rotate=True), code)

    def test_no_status(self) -> None:
        """Failures without a status are treated alike, an empty and a broken answer among them."""
        for kind in set(FailureKind) - {FailureKind.STATUS}:
            self.assertEqual(judge(UpstreamFailure(kind, "broken")), Verdict(rotate=True), kind)

    def test_error_inside_200(self) -> None:
        """An answer that breaks off is no refusal, even when a status stands beside it."""
        failure = UpstreamFailure(FailureKind.CUT, "broken", status=400)
        self.assertEqual(judge(failure), Verdict(rotate=True))


class RequestTests(SynchronousTestCase):
    """Faults of the request: another account would say the same."""

    def test_bad_request(self) -> None:
        """A 400 goes to the client at once and blames no account."""
        too_long = "The input token count (2000000) exceeds the maximum number of tokens allowed (1048576)."
        for failure in (
            status(400, grpc="INVALID_ARGUMENT"),
            status(400, too_long, grpc="INVALID_ARGUMENT"),
            status(400, "User location is not supported for the API use.", grpc="FAILED_PRECONDITION"),
        ):
            self.assertEqual(judge(failure), Verdict(rotate=False))

    def test_other(self) -> None:
        """So do the other statuses that speak of the request, and 501, which no account can help."""
        for code in (402, 405, 409, 413, 415, 422, 501):
            self.assertEqual(judge(status(code)), Verdict(rotate=False), code)

    def test_no_answer_of_the_provider(self) -> None:
        """A good status that the provider never gives, or a redirect, comes from in between: another account may do."""
        for code in (204, 206, 302):
            self.assertEqual(judge(status(code)), Verdict(rotate=True), code)

    def test_not_found(self) -> None:
        """A 404 that does not speak of the model is the request's."""
        self.assertEqual(judge(status(404, "Requested file was not found.")), Verdict(rotate=False))

    def test_unknown_status(self) -> None:
        """A status failure without a status asks nobody else."""
        self.assertEqual(judge(UpstreamFailure(FailureKind.STATUS, "odd")), Verdict(rotate=False))


class CredentialTests(SynchronousTestCase):
    """Refused credentials."""

    def test_disable(self) -> None:
        """A 401, and a 400 whose ErrorInfo says that the key is invalid, disable the account and rotate."""
        for failure in (status(401), status(401, reason="anything"), status(400, reason="API_KEY_INVALID")):
            self.assertTrue(credential_refused(failure))
            self.assertEqual(judge(failure), Verdict(rotate=True, blame=Blame.DISABLE))

    def test_reason_alone(self) -> None:
        """The reason counts only where the provider uses it: with status 400."""
        self.assertFalse(credential_refused(status(403, reason="API_KEY_INVALID")))
        self.assertFalse(credential_refused(status(400, reason="API_KEY_SERVICE_BLOCKED")))


class PermissionTests(SynchronousTestCase):
    """What an account may not do, or the request may not ask: one answer alone cannot tell."""

    def test_blocks(self) -> None:
        """A 403, and a 404 for the model, block the account for the model unless a second account says the same."""
        gone = "models/gemini-9 is not found for API version v1beta"
        for failure in (status(403), status(403, reason="SERVICE_DISABLED"), status(404, gone)):
            self.assertEqual(judge(failure), Verdict(rotate=True, blame=Blame.BLOCK, contestable=True))

    def test_G30_accounts_own(self) -> None:
        """A 403 that names the account as its cause blocks it all the same, and a second one proves nothing."""
        verdict = judge(status(403, reason="SERVICE_DISABLED"), of_account=True)
        self.assertEqual(verdict, Verdict(rotate=True, blame=Blame.BLOCK))

    def test_fingerprint(self) -> None:
        """Two accounts say the same when status, code and reason agree, whatever the words."""
        self.assertEqual(fingerprint(status(403, "project 1")), fingerprint(status(403, "project 2")))
        denied = status(403, grpc="PERMISSION_DENIED")
        self.assertNotEqual(fingerprint(denied), fingerprint(status(404, grpc="NOT_FOUND")))
        self.assertNotEqual(fingerprint(denied), fingerprint(status(403, reason="SERVICE_DISABLED")))


class QuotaTests(SynchronousTestCase):
    """The kinds of 429."""

    def test_told(self) -> None:
        """The delay that the provider tells is the cooldown, whichever quota it is."""
        for quotas in ((), (MINUTE,), (DAY,)):
            verdict = judge(status(429, retry_after=37.5, quota_ids=quotas))
            self.assertEqual(verdict, Verdict(rotate=True, blame=Blame.COOL, seconds=37.5))

    def test_minute(self) -> None:
        """A quota by the minute without a delay is the account's, for a short while."""
        verdict = judge(status(429, quota_ids=(MINUTE,)))
        self.assertEqual(verdict, Verdict(rotate=True, blame=Blame.COOL, seconds=UNTOLD_COOLDOWN))

    def test_G37_day(self) -> None:
        """A daily quota without a delay is looked at again much later, also when a minute's quota stands beside it."""
        for quotas in ((DAY,), (MINUTE, DAY)):
            verdict = judge(status(429, quota_ids=quotas))
            self.assertEqual(verdict, Verdict(rotate=True, blame=Blame.COOL, seconds=DAY_QUOTA_COOLDOWN))

    def test_G35_bare(self) -> None:
        """A 429 without any detail may be the request's: a second account that answers the same absolves both."""
        verdict = judge(status(429))
        self.assertEqual(verdict, Verdict(rotate=True, blame=Blame.COOL, seconds=UNTOLD_COOLDOWN, contestable=True))
