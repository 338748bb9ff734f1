"""Counting a prompt's tokens through the pool."""

from __future__ import annotations

from agd.gateway import Trail
from agd.gemini.requests import write_request
from tests.gateways import MODEL, GatewayTestCase, prompt
from tests.upstream.script import refusal
from tests.upstream.wire import start


class CountTests(GatewayTestCase):
    """One count."""

    def test_counted(self) -> None:
        """What is counted is what would be asked, of the model that the name leads to."""
        trail = Trail("req_1")
        counted = self.successResultOf(start(self.gateway.count(prompt("alias"), trail)))
        self.assertEqual(counted, len(write_request(prompt(), MODEL).body))
        self.assertEqual(trail.model, MODEL)

    def test_rotates(self) -> None:
        """An account that is exhausted is passed over, as for any other question."""
        self.actor.lines["one"] = [refusal(429, retry_after=30.0)]
        self.successResultOf(start(self.gateway.count(prompt(), Trail("req_1"))))
        self.assertEqual(self.actor.asked, ["one", "two"])
