"""The reactor's clock: nobody sets it."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from twisted.internet.selectreactor import SelectReactor
from twisted.trial.unittest import SynchronousTestCase

from agd.steadiness import clock, steady

PROBE = """
import time
from twisted.internet import reactor
from agd.tap import Options, makeService
options = Options()
options.parseOptions(["--simulate", "--listen", "tcp:0:interface=127.0.0.1"])
makeService(options)
print(abs(reactor.seconds() - time.time()))
"""
YEAR = 365 * 86400
"""Seconds. A steady clock counts from the machine's start, the time of day from 1970."""


class SteadinessTests(SynchronousTestCase):
    """``steady``."""

    def reactor(self) -> SelectReactor:
        """Make a reactor that never runs."""
        reactor = SelectReactor()
        self.addCleanup(reactor.removeAll)
        return reactor

    def test_timers(self) -> None:
        """Timers are counted by the steady clock."""
        reactor = self.reactor()
        self.assertTrue(steady(reactor))
        before = clock()()
        call = reactor.callLater(100, lambda: None)
        self.assertTrue(before + 100 <= call.getTime() <= clock()() + 100)

    def test_waiting(self) -> None:
        """A reactor whose timers count by another clock keeps that."""
        reactor = self.reactor()
        reactor.callLater(100, lambda: None)
        self.assertFalse(steady(reactor))
        self.assertLess(abs(reactor.seconds() - time.time()), 60)

    def test_daemon(self) -> None:
        """The daemon's reactor does so."""
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": ":".join(sys.path),
            "HOME": os.path.abspath(self.mktemp()),
        }
        done = subprocess.run(
            [sys.executable, "-c", PROBE], env=environment, capture_output=True, text=True, check=True
        )
        self.assertGreater(float(done.stdout), 10 * YEAR)
