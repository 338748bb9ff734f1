"""What failures are about."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from agd.errors import FailureKind, UpstreamFailure
from agd.gemini.causes import (
    QuotaKind,
    account_refused,
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
