"""What failures are about."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from agd.errors import Cause, FailureKind, UpstreamFailure
from agd.gemini.causes import (
    QuotaKind,
    account_refused,
    cause_of,
    context_exceeded,
    fitting_share,
    quota_kind,
    signature_refused,
)


def failure(
    message: str = "m", status: int = 400, reason: str = "", quota_ids: tuple[str, ...] = ()
) -> UpstreamFailure:
    """Write a failure."""
    return UpstreamFailure(FailureKind.STATUS, message, status=status, reason=reason, quota_ids=quota_ids)


class CauseTests(SynchronousTestCase):
    """The predicates."""

    def test_G33_kinds_of_quota(self) -> None:
        """A named quota, a reason, or else the words tell minute from day; the day wins; nothing named is untold."""
        for told, kind in (
            (failure(quota_ids=("GenerateRequestsPerMinutePerProjectPerModel-FreeTier",)), QuotaKind.MINUTE),
            (failure(quota_ids=("GenerateRequestsPerDayPerProjectPerModel-FreeTier",)), QuotaKind.DAY),
            (failure(quota_ids=("TokensPerMinute", "RequestsPerDay")), QuotaKind.DAY),
            (failure("Used up for the day: per day.", quota_ids=("TokensPerMinute",)), QuotaKind.MINUTE),
            (failure(quota_ids=("Odd",)), QuotaKind.MINUTE),
            (failure(reason="QUOTA_EXHAUSTED"), QuotaKind.DAY),
            (failure(reason="RATE_LIMIT_EXCEEDED"), QuotaKind.MINUTE),
            (failure("You have exhausted your daily quota on this model."), QuotaKind.DAY),
            (failure("Quota exceeded for requests per minute."), QuotaKind.MINUTE),
            (failure("Resource has been exhausted (e.g. check quota)."), QuotaKind.UNTOLD),
        ):
            told.status = 429
            self.assertEqual(quota_kind(told), kind, str(told))
        self.assertIsNone(quota_kind(failure("per day", status=503)))

    def test_context_exceeded(self) -> None:
        """Every wording of a prompt that is too long is known; limits of other things are not taken for it."""
        for words in (
            "The input token count (1205123) exceeds the maximum number of tokens allowed (1048576).",
            "The input token count exceeds the maximum number of tokens allowed 1048576.",
            "Unable to submit request because the input token count is 1205123 but model only supports up to 1048576.",
            "Input token count is greater than the max allowed.",
            "Prompt is too long",
            "The prompt is too long: 210000 tokens > 200000 maximum",
            "The request exceeds the maximum number of input tokens.",
            "Your input exceeds the context window of this model.",
            "The input (300000 tokens) is longer than the model's context length (262144 tokens).",
            "This model's maximum context length is 131072 tokens.",
            "input tokens exceed the configured limit",
        ):
            self.assertTrue(context_exceeded(failure(words)), words)
        for words in (
            "Cached content is too small. total_token_count=500, min_total_token_count=1024",
            "The minimum token count to start caching is 1024.",
            "Unable to submit request because it has a maxOutputTokens value of 100000 but the range is from 1.",
            "Request payload size exceeds the limit: 20971520 bytes.",
            "The thinking budget 99999 is invalid. Please choose a value between 512 and 24576.",
        ):
            self.assertFalse(context_exceeded(failure(words)), words)
        self.assertFalse(context_exceeded(failure("Prompt is too long", status=500)))

    def test_C10_signature_refused(self) -> None:
        """A signature that is not accepted, or missing, is known by its words, or by the finish reason."""
        for words in (
            "Corrupted thought signature.",
            "Invalid thought signature.",
            "Unable to submit request because Thought signature is not valid.. Learn more: https://cloud.example",
            "Function call is missing a thought_signature in functionCall parts. This is required for tools to work.",
            "Please ensure that thoughtSignature is passed back unchanged.",
        ):
            self.assertTrue(signature_refused(failure(words)), words)
            self.assertFalse(signature_refused(failure(words, status=500)), words)
        unknown = 'Invalid JSON payload received. Unknown name "thoughtSignature" at contents[1].parts[0]'
        self.assertFalse(signature_refused(failure(unknown)))
        self.assertFalse(signature_refused(failure("Request contains an invalid argument.")))
        missing = UpstreamFailure(FailureKind.MALFORMED, "m", reason="MISSING_THOUGHT_SIGNATURE")
        self.assertTrue(signature_refused(missing))

    def test_G30_account_refused(self) -> None:
        """A refusal of key, project or billing is the account's; one of a model is not."""
        for told in (
            failure(status=401),
            failure(reason="API_KEY_INVALID"),
            failure(status=403, reason="SERVICE_DISABLED"),
            failure(status=403, reason="CONSUMER_SUSPENDED"),
            failure("Your API key was reported as leaked. Please use another API key.", status=403),
            failure("Permission denied: Consumer 'p' has been suspended.", status=403),
            failure("Gemini API has not been used in project 1 before or it is disabled.", status=403),
            failure("This API method requires billing to be enabled.", status=403),
        ):
            self.assertTrue(account_refused(told), str(told))
        for told in (
            failure(status=403),
            failure("You do not have permission to access the model.", status=403),
            failure("Your API key was reported as leaked.", status=400),
            failure(status=429, reason="SERVICE_DISABLED"),
        ):
            self.assertFalse(account_refused(told), str(told))


class FittingTests(SynchronousTestCase):
    """``fitting_share``."""

    def test_told(self) -> None:
        """The provider tells how many tokens there were and how many it takes; a tenth is kept free."""
        words = "The input token count (1200000) exceeds the maximum number of tokens allowed (1,000,000)."
        self.assertAlmostEqual(fitting_share(words), 0.75)

    def test_untold(self) -> None:
        """Without two such numbers it is half."""
        for words in ("The prompt is too long.", "Model gemini-2.5 takes 8192 tokens", "8192 and 8192"):
            self.assertEqual(fitting_share(words), 0.5)


class CauseOfTests(SynchronousTestCase):
    """cause_of: status, names and words weighed together."""

    def check(self, cause: Cause, *failures: UpstreamFailure) -> None:
        """Check what failures are found to be about."""
        self.assertEqual([cause_of(each) for each in failures], [cause] * len(failures))

    def precondition(self, message: str) -> UpstreamFailure:
        """Write a FAILED_PRECONDITION."""
        return UpstreamFailure(FailureKind.STATUS, message, status=400, grpc="FAILED_PRECONDITION")

    def test_kinds(self) -> None:
        """What never came to a status is known by how it failed."""
        self.check(Cause.UNREACHABLE, UpstreamFailure(FailureKind.CONNECT, "m"))
        self.check(Cause.TIMEOUT, UpstreamFailure(FailureKind.TIMEOUT, "m"))
        for kind in (FailureKind.EMPTY, FailureKind.CUT, FailureKind.MALFORMED):
            self.check(Cause.BROKEN, UpstreamFailure(kind, "m"), UpstreamFailure(kind, "m", status=400))
        self.check(Cause.REQUEST, UpstreamFailure(FailureKind.STATUS, "odd"))

    def test_G30_statuses(self) -> None:
        """Statuses that need no words."""
        table = {
            Cause.TIMEOUT: (408, 499, 504),
            Cause.OVERLOADED: (502, 503, 529, 520, 521, 522, 523, 524),
            Cause.SERVER: (500, 505, 525, 530, 204, 206, 302),
            Cause.UNIMPLEMENTED: (501,),
            Cause.REQUEST: (400, 402, 404, 405, 409, 413, 415, 422),
            Cause.FORBIDDEN: (403,),
            Cause.UNAUTHENTICATED: (401,),
            Cause.UNTOLD_QUOTA: (429,),
        }
        for cause, statuses in table.items():
            self.check(cause, *(failure(status=status) for status in statuses))

    def test_files(self) -> None:
        """A file that the account may not read, or that is not ready, is the request's trouble, whoever is asked."""
        foreign = "You do not have permission to access the File abc or it may not exist."
        self.check(Cause.REQUEST, failure(foreign, 403))
        waits = "The File abc is not in an ACTIVE state and usage is not allowed."
        self.check(Cause.REQUEST, failure(waits, 400))

    def test_spent(self) -> None:
        """Money that is used up is no rate."""
        for words in ("Your prepayment credits are depleted.", "The project has exceeded its spending cap."):
            self.check(Cause.BILLING, failure(words, 429))

    def test_G30_keys(self) -> None:
        """A key that is wrong, expired, leaked or restricted: four things for an operator to do."""
        self.check(Cause.KEY_INVALID, failure("API key not valid.", 400, "API_KEY_INVALID"))
        self.check(Cause.KEY_EXPIRED, failure("API key expired. Please renew the API key.", 400, "API_KEY_INVALID"))
        self.check(Cause.KEY_LEAKED, failure("Your API key was reported as leaked.", 403))
        for reason in ("API_KEY_SERVICE_BLOCKED", "API_KEY_IP_ADDRESS_BLOCKED", "API_KEY_HTTP_REFERRER_BLOCKED"):
            self.check(Cause.KEY_RESTRICTED, failure(status=403, reason=reason))
        self.check(Cause.FORBIDDEN, failure(status=403, reason="API_KEY_INVALID"))
        self.check(Cause.REQUEST, failure("API key expired.", 400))

    def test_G30_account(self) -> None:
        """A disabled service, billing, validation and suspension are told apart, by name or by words."""
        unused = "Generative Language API has not been used in project 1 before or it is disabled."
        self.check(Cause.SERVICE_DISABLED, failure(status=403, reason="SERVICE_DISABLED"), failure(unused, 403))
        requires = "This API method requires billing to be enabled."
        self.check(Cause.BILLING, failure(status=403, reason="BILLING_DISABLED"), failure(requires, 403))
        self.check(Cause.VALIDATION, failure(status=403, reason="VALIDATION_REQUIRED"))
        for reason in ("CONSUMER_SUSPENDED", "TOS_VIOLATION", "USER_BLOCKED_BY_ADMIN"):
            self.check(Cause.SUSPENDED, failure(status=403, reason=reason))

    def test_G30_preconditions(self) -> None:
        """Region and billing come as the same FAILED_PRECONDITION; anything else under it stays open."""
        self.check(Cause.REGION, self.precondition("User location is not supported for the API use."))
        free = "Gemini API free tier is not available in your country. Please enable billing on your project."
        self.check(Cause.BILLING, self.precondition(free))
        self.check(Cause.PRECONDITION, self.precondition("The File is not in an ACTIVE state."))

    def test_G30_models(self) -> None:
        """A 404 that speaks of the model is about it; one that does not is the request's."""
        self.check(Cause.MODEL_MISSING, failure("models/x is not found for API version v1beta", 404))
        self.check(Cause.REQUEST, failure("Requested file was not found.", 404))

    def test_G30_model_of_code_assist(self) -> None:
        """Code Assist's words for a model that it does not have name none."""
        self.check(Cause.MODEL_MISSING, failure("Requested entity was not found.", 404))

    def test_G33_quotas(self) -> None:
        """Minute, day, nothing named, and a shortage that is nobody's quota."""
        self.check(Cause.MINUTE_QUOTA, failure(status=429, quota_ids=("RequestsPerMinute",)))
        self.check(Cause.DAY_QUOTA, failure(status=429, quota_ids=("RequestsPerDay",)))
        capacity = failure("No capacity available for model x on the server.", 429, "MODEL_CAPACITY_EXHAUSTED")
        self.check(Cause.OVERLOADED, capacity, failure("The model is overloaded.", 429))
        exhausted = "You have exhausted your capacity on this model. Your quota will reset after 2h."
        self.check(Cause.DAY_QUOTA, failure(exhausted, 429, "QUOTA_EXHAUSTED"))
