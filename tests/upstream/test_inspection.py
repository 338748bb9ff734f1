"""Single questions to the provider over a network in memory."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred

from agd.encoding import encode
from agd.errors import FailureKind, UpstreamFailure
from agd.upstream.inspection import SECONDS, Inspector
from tests.upstream.cases import ClientTestCase
from tests.upstream.wire import Connection, account, error, response

T = TypeVar("T")


class InspectionTests(ClientTestCase):
    """Whole requests and whole answers."""

    def setUp(self) -> None:
        super().setUp()
        self.inspector = Inspector(self.wire.ways, self.wire.client.tokens, self.wire.reactor, str)

    def begin(self, asking: Coroutine[Deferred[Any], Any, T]) -> tuple[Deferred[T], Connection]:
        """Send a request."""
        asked = Deferred.fromCoroutine(asking)
        return asked, self.wire.connect()

    def ask(self) -> tuple[Deferred[dict[str, Any]], Connection]:
        """Ask a model."""
        return self.begin(self.inspector.ask(account(), "gemini/x", {"contents": []}))

    def failure(self, answer: bytes) -> UpstreamFailure:
        """Return what an answer fails with."""
        asked, connection = self.ask()
        connection.send(answer)
        self.wire.pool.drop_idle()
        failure = self.failureResultOf(asked, UpstreamFailure).value
        assert isinstance(failure, UpstreamFailure)
        return failure

    def test_ask(self) -> None:
        """A question is a generateContent request with the account's key, and its answer the document as it is."""
        asked, connection = self.ask()
        self.assertTrue(connection.asked.startswith(b"POST /v1beta/models/gemini%2Fx:generateContent HTTP/1.1"))
        self.assertTrue(connection.asked.endswith(b'{"contents":[]}'))
        self.assertEqual(connection.headers["x-goog-api-key"], ["key-one"])
        connection.send(response(b'{"candidates":[{}]}'))
        self.assertEqual(self.successResultOf(asked), {"candidates": [{}]})

    def test_refusal(self) -> None:
        """An error status is told in the provider's words, and so is an error inside a 200."""
        failure = self.failure(response(error(400, "INVALID_ARGUMENT", "Penalty is not enabled"), 400))
        self.assertEqual((failure.status, failure.message), (400, "Penalty is not enabled"))
        failure = self.failure(response(error(429, "RESOURCE_EXHAUSTED", "Quota")))
        self.assertEqual((failure.status, failure.message), (429, "Quota"))

    def test_malformed(self) -> None:
        """What is no JSON object is a malformed answer."""
        for body in (b"<html>", b"[]", b""):
            self.assertIs(self.failure(response(body)).kind, FailureKind.MALFORMED)

    def test_late(self) -> None:
        """An answer that does not come in time ends the question."""
        asked, _ = self.ask()
        self.wire.reactor.advance(SECONDS)
        self.assertIs(self.failureResultOf(asked, UpstreamFailure).value.kind, FailureKind.TIMEOUT)

    def test_stale(self) -> None:
        """A kept connection that had died is no answer: the question is sent once more, on a new one."""
        asked, connection = self.ask()
        connection.send(response(b"{}"))
        self.successResultOf(asked)
        again = Deferred.fromCoroutine(self.inspector.ask(account(), "gemini/x", {"contents": []}))
        connection.close()
        fresh = self.wire.connect()
        self.assertNoResult(again)
        fresh.send(response(b'{"candidates":[]}'))
        self.assertEqual(self.successResultOf(again), {"candidates": []})

    def test_unreachable(self) -> None:
        """A new connection that breaks is told as it is."""
        asked, connection = self.ask()
        connection.reset()
        self.assertIs(self.failureResultOf(asked, UpstreamFailure).value.kind, FailureKind.CONNECT)

    def test_output_limit(self) -> None:
        """The limit is read from the model's entry; one without it has none."""
        for entry, limit in (({"outputTokenLimit": 65536}, 65536), ({}, None), ({"outputTokenLimit": "many"}, None)):
            asked, connection = self.begin(self.inspector.output_limit(account(), "gemini-x"))
            self.assertTrue(connection.asked.startswith(b"GET /v1beta/models/gemini-x HTTP/1.1"))
            connection.send(response(encode(entry), 200, "Connection: close"))
            self.assertEqual(self.successResultOf(asked), limit)
