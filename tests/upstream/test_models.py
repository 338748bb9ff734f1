"""Listing an account's models over a network in memory."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from agd.errors import FailureKind
from tests.upstream.cases import ClientTestCase
from tests.upstream.wire import Connection, account, error, response


class ModelsTests(ClientTestCase):
    """The list of an account's models."""

    @staticmethod
    def page(name: str, token: str = "") -> bytes:
        """Write one page with one model."""
        entry = f'{{"name":"models/{name}","supportedGenerationMethods":["generateContent"]}}'
        return response(f'{{"models":[{entry}],"nextPageToken":"{token}"}}'.encode())

    def list_models(self) -> tuple[Deferred[list[str]], Connection]:
        """Begin to list."""
        listing = Deferred.fromCoroutine(self.wire.client.models(account()))
        return listing, self.wire.connect()

    def test_pages(self) -> None:
        """Pages are asked for until one names no next, each with the token of the one before, quoted."""
        listing, connection = self.list_models()
        self.assertTrue(connection.asked.startswith(b"GET /v1beta/models?pageSize=1000 HTTP/1.1"))
        self.assertEqual(connection.headers["x-goog-api-key"], ["key-one"])
        self.assertNotIn("content-type", connection.headers)
        connection.send(self.page("a", "t&1"))
        self.assertIn(b"?pageSize=1000&pageToken=t%261 HTTP/1.1", connection.asked)
        connection.send(self.page("b"))
        self.assertEqual(self.successResultOf(listing), ["a", "b"])
        self.assert_nothing_left()

    def test_pages_without_end(self) -> None:
        """An upstream that always names a next page is not asked for ever."""
        listing, connection = self.list_models()
        for _ in range(20):
            self.assertNoResult(listing)
            connection.send(self.page("a", "again"))
        self.assertEqual(len(self.successResultOf(listing)), 20)

    def test_malformed(self) -> None:
        """What is no list of models is a malformed answer."""
        listing, connection = self.list_models()
        connection.send(response(b'{"models":7}'))
        self.failed_with(listing, FailureKind.MALFORMED)

    def test_refused_key(self) -> None:
        """A refused key is told with the provider's reason."""
        details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]
        listing, connection = self.list_models()
        connection.send(response(error(400, "INVALID_ARGUMENT", "bad key", details), 400))
        self.assertEqual(self.failed_with(listing, FailureKind.STATUS).reason, "API_KEY_INVALID")

    def test_too_late(self) -> None:
        """A list that does not come in time is given up, and its connection with it."""
        listing, connection = self.list_models()
        self.wire.reactor.advance(30)
        self.failed_with(listing, FailureKind.TIMEOUT)
        self.assertTrue(connection.ended)
