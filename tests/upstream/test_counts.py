"""Asking an upstream how many tokens a prompt has."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from agd.errors import FailureKind, UpstreamFailure
from agd.upstream.client import COUNT_SECONDS
from tests.upstream.wire import OUTGOING, Wire, account, error, response, start


class CountTests(SynchronousTestCase):
    """One question."""

    def setUp(self) -> None:
        self.wire = Wire()

    def count(self) -> Deferred[int]:
        """Ask."""
        return start(self.wire.client.count(account(), "gemini-x", OUTGOING))

    def failure(self, counting: Deferred[int]) -> UpstreamFailure:
        """Return how asking failed."""
        found = self.failureResultOf(counting, UpstreamFailure).value
        assert isinstance(found, UpstreamFailure)
        return found

    def test_counted(self) -> None:
        """The request goes to ``:countTokens`` with the account's key in its header, and the total comes back."""
        counting = self.count()
        connection = self.wire.connect()
        self.assertIn(b"POST /v1beta/models/gemini-x:countTokens HTTP/1.1", connection.asked)
        self.assertEqual(connection.headers["x-goog-api-key"], ["key-one"])
        connection.send(response(b'{"totalTokens":7}'))
        self.assertEqual(self.successResultOf(counting), 7)

    def test_refused(self) -> None:
        """An error status is the failure that it is for any other question."""
        counting = self.count()
        self.wire.connect().send(response(error(429, "RESOURCE_EXHAUSTED"), 429))
        self.assertEqual(self.failure(counting).status, 429)

    def test_late(self) -> None:
        """An upstream that says nothing is given up."""
        counting = self.count()
        connection = self.wire.connect()
        self.wire.reactor.advance(COUNT_SECONDS)
        self.assertIs(self.failure(counting).kind, FailureKind.TIMEOUT)
        self.assertTrue(connection.ended)
