"""Questions and answers over the admin socket's HTTP."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from agd.admin import Plain, Question, Route
from agd.errors import GatewayError
from tests.admin.sockets import Asker


@define(eq=False)
class Echo:
    """Offers a little of everything."""

    pending: list[Deferred[object]] = field(factory=list)
    cancelled: list[object] = field(factory=list)

    def routes(self) -> Iterable[Route]:
        """Everything."""
        yield Route("GET", "/echo", lambda question: dict(question.query))
        yield Route("POST", "/echo", lambda question: dict(question.body))
        yield Route("GET", "/plain", lambda _: Plain(b"agd_up 1\n"))
        yield Route("GET", "/needs", lambda question: question.text("account"))
        yield Route("GET", "/late", self._late)
        yield Route("GET", "/refuse", self._refuse)
        yield Route("GET", "/mistake", lambda question: question.body["nothing"])

    def _late(self, _: Question) -> Deferred[object]:
        self.pending.append(Deferred(self.cancelled.append))
        return self.pending[-1]

    def _refuse(self, _: Question) -> object:
        raise GatewayError(404, "no such thing", code="unknown_account")


class SiteTests(SynchronousTestCase):
    """``site``."""

    def setUp(self) -> None:
        self.echo = Echo()
        self.asker = Asker([self.echo])

    def test_json(self) -> None:
        """Query and body reach the route, and what it returns is the answer."""
        self.assertEqual(self.asker.get("/echo?a=1&b=x%20y"), (200, {"a": "1", "b": "x y"}))
        self.assertEqual(self.asker.post("/echo", a=[1]), (200, {"a": [1]}))

    def test_plain(self) -> None:
        """What is no JSON goes out as it is."""
        self.asker.send("GET", "/plain")
        self.assertEqual(self.asker.answer, (200, "agd_up 1\n"))

    def test_errors(self) -> None:
        """Everything that goes wrong is an error object with its status."""
        wanted = [
            ("GET", "/nothing", 404, "unknown_url"),
            ("POST", "/plain", 405, "method_not_allowed"),
            ("GET", "/refuse", 404, "unknown_account"),
            ("GET", "/needs", 400, None),
        ]
        for method, path, status, code in wanted:
            found, body = self.asker.get(path) if method == "GET" else self.asker.post(path)
            self.assertEqual((found, body["error"]["code"]), (status, code), path)
        self.asker.send("POST", "/echo", b"[1]")
        self.assertEqual(self.asker.answer[0], 400)

    def test_no_text(self) -> None:
        """A query that is not UTF-8 is told so."""
        code, told = self.asker.get("/needs?name=%ff")
        self.assertEqual((code, told["error"]["message"]), (400, "the query is no text in UTF-8"))

    def test_mistake(self) -> None:
        """A mistake of agd's is told as one and logged."""
        status, body = self.asker.get("/mistake")
        self.assertEqual((status, body["error"]["type"]), (500, "server_error"))
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)

    def test_late(self) -> None:
        """An answer that takes its time is waited for."""
        self.asker.send("GET", "/late")
        self.assertEqual(self.asker.transport.value(), b"")
        self.echo.pending[0].callback({"done": True})
        self.assertEqual(self.asker.answer, (200, '{"done":true}'))

    def test_left(self) -> None:
        """What is asked for somebody who leaves is given up."""
        self.asker.send("GET", "/late")
        self.asker.protocol.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(self.echo.cancelled, self.echo.pending)
