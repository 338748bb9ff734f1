"""Errors of the provider."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.errors import FailureKind
from agd.gemini.failures import failure_within, read_failure

KEY = "AIza" + "SyMadeUpForThisTest_0123456789abcde"


def body(code: int, status: str, message: str, *details: dict[str, Any]) -> bytes:
    """Write a google.rpc.Status as the provider does."""
    error = {"code": code, "message": message, "status": status, "details": list(details)}
    return json.dumps({"error": error}, indent=2).encode()


def info(reason: str, **metadata: str) -> dict[str, Any]:
    """Write an ErrorInfo."""
    return {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "metadata": metadata}


RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.4s"}
QUOTA = {
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    "violations": [{"quotaId": "RequestsPerMinute-FreeTier"}, {"quotaId": "RequestsPerDay-FreeTier"}, {}],
}


class ReadingTests(SynchronousTestCase):
    """read_failure."""

    def test_G33_quota_details(self) -> None:
        """Delay, quota ids, reason and code name of a 429 are read."""
        failure = read_failure(429, body(429, "RESOURCE_EXHAUSTED", "Too much.", QUOTA, RETRY, info("RATE")))
        self.assertEqual(
            (failure.kind, failure.status, failure.grpc, failure.reason, failure.retry_after, failure.message),
            (FailureKind.STATUS, 429, "RESOURCE_EXHAUSTED", "RATE", 34.4, "Too much."),
        )
        self.assertEqual(failure.quota_ids, ("RequestsPerMinute-FreeTier", "RequestsPerDay-FreeTier"))

    def test_G33_delay_sources_in_order(self) -> None:
        """Details win over the header, and the header over the words."""
        words = "Please retry in 44.02s."
        reset = info("QUOTA_EXHAUSTED", quotaResetDelay="2m")
        self.assertEqual(read_failure(429, body(429, "X", words, reset), "7").retry_after, 120)
        self.assertEqual(read_failure(429, body(429, "X", words), "7").retry_after, 7)
        self.assertEqual(read_failure(429, body(429, "X", words)).retry_after, 44.02)
        for words in ("Wait.", "503", "5s"):
            self.assertIsNone(read_failure(429, body(429, "X", words)).retry_after)

    def test_G38_retry_after_as_a_date(self) -> None:
        """A header that is a date is read, in all forms of HTTP, when the time is known; nonsense is no delay."""
        for date in ("Thu, 01 Jan 1970 00:02:00 GMT", "Thursday, 01-Jan-70 00:02:00 GMT", "Thu Jan  1 00:02:00 1970"):
            self.assertEqual(read_failure(503, b"", date, now=20.0).retry_after, 100, date)
            self.assertIsNone(read_failure(503, b"", date).retry_after, date)
        self.assertEqual(read_failure(503, b"", "Thu, 01 Jan 1970 00:02:00 GMT", now=900.0).retry_after, 0)
        for nonsense in ("Thu, 99 Jan 1970 00:02:00 GMT", "Mon, soon, but not today", "Mon, 06 Nov 9999999999 08:49"):
            self.assertIsNone(read_failure(503, b"", nonsense, now=20.0).retry_after, nonsense)

    def test_G33_reset_time_stamp(self) -> None:
        """A time stamp is read when the time is known."""
        stamp = body(429, "X", "Wait.", info("Q", quotaResetTimeStamp="1970-01-01T00:02:00Z"))
        self.assertEqual(read_failure(429, stamp, now=20.0).retry_after, 100)
        self.assertIsNone(read_failure(429, stamp).retry_after)

    def test_G09_error_as_array(self) -> None:
        """An error inside a list is the same error."""
        failure = read_failure(503, b"[" + body(503, "UNAVAILABLE", "Overloaded.") + b"]")
        self.assertEqual((failure.grpc, failure.message), ("UNAVAILABLE", "Overloaded."))

    def test_G40_html_page(self) -> None:
        """Of an HTML page, only short words remain."""
        page = b"<!DOCTYPE html><html><head><style>p{color:red}</style></head><body><h1>Bad</h1> <b>gateway"
        failure = read_failure(502, page + b"</b>" + b"<p>x " * 500)
        self.assertTrue(failure.message.startswith("Bad gateway x"))
        self.assertNotIn("<", failure.message)
        self.assertLessEqual(len(failure.message), 300)

    def test_unreadable_bodies(self) -> None:
        """An empty, binary or senseless body still gives a failure with words."""
        for data in (b"", b"\xff\xfe", b"null", b"[]", b"3", b'{"error":7}', b'{"error":{"message":5,"details":[1]}}'):
            failure = read_failure(500, data)
            self.assertEqual((failure.kind, failure.status), (FailureKind.STATUS, 500))
            self.assertTrue(failure.message)

    def test_oauth_error(self) -> None:
        """The two plain texts of an OAuth error are message and reason."""
        failure = read_failure(400, b'{"error":"invalid_grant","error_description":"Token expired."}')
        self.assertEqual((failure.message, failure.reason), ("Token expired.", "invalid_grant"))

    def test_G39_secrets(self) -> None:
        """Nothing shaped like a credential is left in a message."""
        for text in (
            f"POST https://h/v1?key={KEY}&alt=sse",
            f"Consumer 'api_key:{KEY}'",
            f"Bearer {KEY}",
            "ya29.abcDEF",
        ):
            message = read_failure(400, body(400, "X", text)).message
            self.assertIn("[redacted]", message)
            self.assertNotIn("AIza", message)
            self.assertNotIn("abcDEF", message)

    def test_key_refused_by_reason_alone(self) -> None:
        """A refused key is known by ErrorInfo, never by a sentence: that can repeat what a client wrote."""
        words = 'Unknown name "API key not valid" at tools[0].'
        self.assertEqual(read_failure(400, body(400, "INVALID_ARGUMENT", words)).reason, "")
        self.assertEqual(read_failure(400, body(400, "X", "No.", info("API_KEY_INVALID"))).reason, "API_KEY_INVALID")

    def test_G10_error_inside_200(self) -> None:
        """An error object carries its own status, by code or by name."""
        for error, status in (({"code": 429}, 429), ({"code": 8, "status": "RESOURCE_EXHAUSTED"}, 429), ({}, 500)):
            failure = failure_within({"error": error})
            assert failure is not None
            self.assertEqual(failure.status, status)
        self.assertIsNone(failure_within({"candidates": []}))

    @given(st.binary(max_size=60))
    def test_never_raises(self, data: bytes) -> None:
        """Any body whatever gives a failure."""
        self.assertEqual(read_failure(418, data).status, 418)
