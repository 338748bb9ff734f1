"""What the client is told of failures."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.errors import FailureKind, GatewayError, UpstreamFailure
from agd.gemini.client_errors import client_error


def error(**fields: Any) -> GatewayError:
    """Return the error for a failure."""
    return client_error(UpstreamFailure(FailureKind.STATUS, fields.pop("message", "m"), **fields))


def told(**fields: Any) -> tuple[int, str, str | None]:
    """Return status, type and code of what is told."""
    found = error(**fields)
    return found.status, found.type, found.code


class ClientErrorTests(SynchronousTestCase):
    """client_error."""

    def test_G30_table(self) -> None:
        """Every status has the client's error of the table."""
        overloaded = (503, "server_error", "upstream_overloaded")
        table = {
            400: (400, "invalid_request_error", None),
            401: (503, "server_error", "upstream_auth_error"),
            403: (403, "permission_error", "permission_denied"),
            404: (404, "invalid_request_error", "model_not_found"),
            408: (504, "server_error", "upstream_timeout"),
            413: (413, "invalid_request_error", "request_too_large"),
            429: (429, "requests", "rate_limit_exceeded"),
            499: (504, "server_error", "upstream_timeout"),
            500: (502, "server_error", "upstream_error"),
            501: (501, "server_error", "upstream_unimplemented"),
            504: (504, "server_error", "upstream_timeout"),
            **dict.fromkeys((502, 503, 520, 521, 522, 523, 524, 529), overloaded),
        }
        for status, expected in table.items():
            self.assertEqual(told(status=status), expected)

    def test_G30_account_trouble(self) -> None:
        """A disabled account, or a region or billing problem of it, is the gateway's: 503."""
        self.assertEqual(told(status=403, reason="SERVICE_DISABLED")[::2], (503, "upstream_auth_error"))
        self.assertEqual(told(status=400, grpc="FAILED_PRECONDITION")[::2], (503, "upstream_precondition_failed"))

    def test_G30_context_length(self) -> None:
        """A prompt that is too long has OpenAI's code and names the field."""
        found = error(status=400, message="The input token count (9) exceeds the maximum number of tokens allowed (8).")
        self.assertEqual((found.status, found.code, found.param), (400, "context_length_exceeded", "messages"))

    def test_G31_key_trouble_is_not_the_clients(self) -> None:
        """A refused upstream key is 503, and its words are not repeated."""
        for fields in (
            {"status": 400, "reason": "API_KEY_INVALID"},
            {"status": 401},
            {"status": 403, "reason": "BILLING_DISABLED"},
        ):
            found = error(message="API key not valid.", **fields)
            self.assertEqual((found.status, found.code), (503, "upstream_auth_error"))
            self.assertNotIn("API key", found.message)

    def test_G33_daily_quota(self) -> None:
        """A quota of the day is insufficient_quota; the delay is kept."""
        found = error(status=429, quota_ids=("XPerDayY",), retry_after=9.0)
        self.assertEqual((found.type, found.code, found.retry_after), ("insufficient_quota", "insufficient_quota", 9.0))

    def test_G36_trouble_of_the_provider_is_no_429(self) -> None:
        """No server error is told as a rate limit."""
        for status in range(500, 600):
            self.assertGreaterEqual(error(status=status).status, 500)

    def test_G38_no_retry(self) -> None:
        """What is final says so to OpenAI's clients; what may pass does not; a delay is kept."""
        for status in (400, 403, 404, 413, 501):
            self.assertIn(("X-Should-Retry", "false"), error(status=status).headers)
        for status in (401, 408, 429, 500, 503):
            self.assertEqual(error(status=status).headers, ())
        self.assertEqual(error(status=503, retry_after=3.0).retry_after, 3.0)

    def test_other_kinds(self) -> None:
        """Failures without a status are 502, and a timeout 504."""
        found = {kind: client_error(UpstreamFailure(kind, "m")) for kind in FailureKind}
        self.assertEqual(
            {kind: (error.status, error.code) for kind, error in found.items()},
            {
                FailureKind.STATUS: (502, "upstream_error"),
                FailureKind.CONNECT: (502, "upstream_unreachable"),
                FailureKind.TIMEOUT: (504, "upstream_timeout"),
                FailureKind.EMPTY: (502, "upstream_empty_response"),
                FailureKind.CUT: (502, "upstream_stream_interrupted"),
                FailureKind.MALFORMED: (502, "upstream_malformed_response"),
            },
        )

    @given(
        st.sampled_from(FailureKind),
        st.one_of(st.none(), st.integers(300, 599)),
        st.text(max_size=40),
        st.sampled_from(["", "API_KEY_INVALID", "QUOTA_EXHAUSTED", "odd"]),
    )
    def test_G32_G41_every_error_has_a_shape(
        self, kind: FailureKind, status: int | None, words: str, reason: str
    ) -> None:
        """Status, type and code are of a fixed kind, whatever the provider said, and the status is never 401."""
        found = client_error(UpstreamFailure(kind, words, status=status, reason=reason))
        self.assertTrue(400 <= found.status < 600 and found.status != 401)
        self.assertRegex(found.type, "^[a-z_]+$")
        self.assertRegex(found.code or "none", "^[a-z_]+$")
        self.assertIn(found.param, (None, "messages", "model"))
