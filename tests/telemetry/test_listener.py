"""The operators' own port."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from agd.telemetry.listener import site


class ListenerTests(SynchronousTestCase):
    """What it answers."""

    reason: str | None = None

    def ask(self, path: str, method: str = "GET") -> bytes:
        """Send a request and return all that comes back."""
        server = site(lambda: ("text/plain; version=0.0.4", b"agd_x 1\n"), lambda: self.reason, Clock())
        protocol = server.buildProtocol(None)
        transport = StringTransport()
        protocol.makeConnection(transport)
        protocol.dataReceived(f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer: bytes = transport.value()
        return answer

    def test_metrics(self) -> None:
        """The page is made for each request."""
        answer = self.ask("/metrics")
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 OK"), answer)
        self.assertIn(b"text/plain; version=0.0.4", answer)
        self.assertTrue(answer.endswith(b"agd_x 1\n"))

    def test_readiness(self) -> None:
        """It says why nobody could be answered."""
        self.assertTrue(self.ask("/readyz").startswith(b"HTTP/1.1 200 OK"))
        self.reason = "no account is usable"
        answer = self.ask("/readyz")
        self.assertTrue(answer.startswith(b"HTTP/1.1 503"), answer)
        self.assertIn(b'"reason":"no account is usable"', answer)

    def test_nothing_else(self) -> None:
        """There is nothing else here, and nothing to send to it."""
        self.assertTrue(self.ask("/v1/models").startswith(b"HTTP/1.1 404"))
        self.assertTrue(self.ask("/metrics", "POST").startswith(b"HTTP/1.1 405"))
