"""SIGKILL at any moment loses no response that was told to be safe, and corrupts nothing."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path
from threading import Timer

from tests.store.stage import ANN, StoreTestCase

PROJECT = Path(__file__).parents[2]
ROUNDS = 8
MOST = 120
PATIENCE_SECONDS = 60.0
"""After so long a process that says nothing is killed, and the test fails."""


class KillTests(StoreTestCase):
    """A process that saves all the time."""

    def test_I29_killed(self) -> None:
        """Killed at any moment, again and again, it has stored whatever it said, with all that came before it."""
        dice = random.Random(4)
        told = [id for _ in range(ROUNDS) for id in self.killed_after(dice.randint(1, MOST))]
        self.assertGreaterEqual(len(told), ROUNDS)
        database = self.open_file()
        self.worker.open(database)
        self.assertEqual(self.query("PRAGMA integrity_check"), [("ok",)])
        self.assertEqual(self.query("PRAGMA foreign_key_check"), [])
        for id in told:
            name, _, number = id.rpartition("_")
            self.assertEqual(self.ids(ANN, id), [f"{name}_{turn}" for turn in range(int(number) + 1)])

    def killed_after(self, lines: int) -> list[str]:
        """Let a process save into the file, kill it when it has told so many, and give all that it told."""
        command = [sys.executable, "-m", "tests.store.saver", str(self.file)]
        environ = {**os.environ, "PYTHONPATH": str(PROJECT)}
        with subprocess.Popen(command, cwd=PROJECT, env=environ, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            overdue = Timer(PATIENCE_SECONDS, process.kill)
            overdue.start()
            told = [process.stdout.readline() for _ in range(lines)]
            process.kill()
            told += process.stdout.readlines()
            overdue.cancel()
        self.assertEqual(process.returncode, -9, "it ended by itself: see the test's output")
        whole = [line.strip() for line in told if line.endswith("\n")]
        self.assertGreaterEqual(len(whole), lines, "it told too little for too long")
        return whole
