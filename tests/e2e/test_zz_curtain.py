"""The last of the end-to-end tests: the stage that still stands is struck where a failure counts."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.e2e.stage import strike_all


class CurtainTests(SynchronousTestCase):
    """Trial runs modules by name, so this one is the last of its package."""

    def test_clean_end(self) -> None:
        """The last daemon ends cleanly, without a traceback, and without a key in its log: else this raises."""
        strike_all()
