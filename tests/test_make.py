"""``make run``: what it starts, with a twistd that only says how it was called."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.private import write_private

PROJECT = Path(__file__).parents[1]


class RunTests(SynchronousTestCase):
    """The arguments of twistd."""

    def setUp(self) -> None:
        """An environment that is installed already, and an empty home."""
        self.home = Path(self.mktemp()).absolute()
        tools = self.home / "venv" / "bin"
        tools.mkdir(parents=True)
        for name in ("python", "twistd"):
            tool = tools / name
            tool.write_text('#!/bin/sh\necho "called: $@"\n')
            tool.chmod(0o700)
        (self.home / "venv" / ".runtime").touch()

    def called(self, *arguments: str, **environment: str) -> str:
        """Return how twistd was called."""
        command = ["make", "--no-print-directory", "run", f"VENV={self.home / 'venv'}", *arguments]
        surroundings = {"PATH": os.environ["PATH"], "HOME": str(self.home), **environment}
        done = subprocess.run(
            command, cwd=PROJECT, env=surroundings, capture_output=True, text=True, check=True, timeout=60
        )
        [said] = [line for line in done.stdout.splitlines() if line.startswith("called: ")]
        return said.removeprefix("called: ")

    def test_simulated(self) -> None:
        """Without a configuration and a key answers are simulated, at the port that was asked for in either way."""
        self.assertEqual(self.called(), "-n --pidfile= agd --port 8045 --simulate")
        self.assertEqual(self.called("PORT=9045"), "-n --pidfile= agd --port 9045 --simulate")
        self.assertEqual(self.called(PORT="9045"), "-n --pidfile= agd --port 9045 --simulate")

    def test_key(self) -> None:
        """With a key they are real."""
        self.assertEqual(self.called(GEMINI_API_KEY="made-up"), "-n --pidfile= agd --port 8045")

    def test_configuration(self) -> None:
        """A configuration says the port itself, unless another one is asked for."""
        place = self.home / ".config" / "agd" / "agd.toml"
        place.parent.mkdir(parents=True)
        write_private(place, "")
        self.assertEqual(self.called(), "-n --pidfile= agd")
        self.assertEqual(self.called("PORT=9045"), "-n --pidfile= agd --port 9045")
