"""``agd models`` as a part of the command line; ``tests/e2e/test_models_probe.py`` runs it."""

from __future__ import annotations

import subprocess
import sys

from agd.cli.survey import REQUESTS
from tests.cli.test_main import CommandTestCase


class ModelsTests(CommandTestCase):
    """The arguments, and what they cost the other commands."""

    def test_usage(self) -> None:
        """Without a command of its own, or with a pause that is none, it is wrong usage."""
        for arguments in (["models"], ["models", "lits"], ["models", "probe", "--pause=-1"]):
            self.assertEqual(self.agd(*arguments), 2, arguments)

    def test_help(self) -> None:
        """The help says how many requests a model takes, and what the exit status means."""
        self.assertEqual(self.agd("models", "probe", "--help"), 0)
        words = " ".join(self.out.getvalue().split())
        for part in (f"up to {REQUESTS} small requests", "Exit status: 0", "--account EMAIL_OR_ID", "--json"):
            self.assertIn(part, words)

    def test_no_account(self) -> None:
        """Without an account, or a configuration that can be used, it ends with 2 before anything is asked."""
        for text, words in (("", "no account is configured"), ("zzz = 1\n", "zzz")):
            self.assertEqual(self.agd("models", "probe", "--config", self.file(text)), 2)
            self.assertIn(words, self.err.getvalue())

    def test_light(self) -> None:
        """The command line loads no network and chooses no reactor, which is twistd's to do."""
        program = "import agd.cli, sys; print({'twisted.internet.reactor', 'treq', 'klein'} & set(sys.modules))"
        command = [sys.executable, "-c", program]
        done = subprocess.run(
            command, env={"PYTHONPATH": ":".join(sys.path)}, capture_output=True, text=True, check=True
        )
        self.assertEqual(done.stdout, "set()\n")
