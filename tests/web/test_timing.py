"""Where the time of a request went, as its client is told."""

from __future__ import annotations

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from agd.gateway import Trail
from agd.web.timing import server_timing
from tests.telemetry.trails import served


class ServerTimingTests(SynchronousTestCase):
    """The header's value."""

    def test_whole(self) -> None:
        """All that is known is told, in milliseconds: of the last attempt, where there were several."""
        told = "queue;dur=2, pick;dur=0.2, translate;dur=1, connect;dur=10, upstream;dur=190"
        self.assertEqual(server_timing(served()), told)

    def test_what_is_not_known(self) -> None:
        """What has not happened yet is left out, and a request that was not carried out has no times."""
        waiting = evolve(served(), tries=[], queue=0.0)
        self.assertEqual(server_timing(waiting), "queue;dur=0, pick;dur=0, translate;dur=1")
        self.assertEqual(server_timing(Trail("req_1")), "")
