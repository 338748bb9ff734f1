"""Who is told of what happens."""

from __future__ import annotations

import sys
from subprocess import run

from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from agd.telemetry import Telemetry
from agd.telemetry.log import Log
from agd.telemetry.metrics import Metrics
from tests.telemetry.trails import present, served


class TelemetryTests(SynchronousTestCase):
    """The one observer."""

    def test_counts_from_the_first_question(self) -> None:
        """Nothing is counted until somebody asks for metrics; from then on everything is, and logged as before."""
        clock = Clock()
        telemetry = Telemetry(Log(), lambda: Metrics(present(clock)))
        trail = served()
        with capturedLogs() as events:
            telemetry.answered("POST", "/v1/responses", 200, 1.0, trail)
            metrics = telemetry.metrics()
            telemetry.answered("POST", "/v1/responses", 200, 1.0, trail)
            telemetry.ended("resp_1", "completed", 1.0, trail)
            telemetry.attempted(trail, trail.tries[1])
        self.assertIs(telemetry.metrics(), metrics)
        self.assertEqual(len(events), 3)
        text = metrics.page()[1].decode()
        self.assertIn('route="/v1/responses",status="2xx"} 1.0', text)
        self.assertIn('agd_attempts_total{account="two@example.com",verdict="served"} 1.0', text)
        telemetry.stop()
        self.assertEqual(clock.getDelayedCalls(), [])

    def test_library_is_not_loaded(self) -> None:
        """A daemon that nobody asks for metrics does without their library."""
        code = "import agd.tap, sys; print('prometheus_client' in sys.modules)"
        ended = run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        self.assertEqual(ended.stdout.strip(), "False")
