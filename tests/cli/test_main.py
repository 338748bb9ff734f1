"""The ``agd`` command."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

from twisted.scripts import twistd
from twisted.trial.unittest import SynchronousTestCase

from agd import __version__
from agd.cli import main

PROJECT = Path(__file__).parents[2]
GOOD = '[proxy]\nport = 9000\n[[accounts]]\napi_key = "made-up"\n'


class CommandTestCase(SynchronousTestCase):
    """Runs the command in an environment of its own."""

    def setUp(self) -> None:
        """Leave nothing of the real environment but the search path."""
        self.patch(os, "environ", {"PATH": os.environ.get("PATH", ""), "HOME": os.path.abspath(self.mktemp())})
        self.out, self.err = StringIO(), StringIO()

    def agd(self, *arguments: str) -> int | str | None:
        """Run the command and return its exit status."""
        with redirect_stdout(self.out), redirect_stderr(self.err):
            try:
                return main(arguments)
            except SystemExit as end:
                return end.code

    def file(self, text: str | bytes) -> str:
        """Write a configuration and return its path."""
        path = Path(self.mktemp())
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)


class MainTests(CommandTestCase):
    """The command's own options."""

    def test_version(self) -> None:
        """--version prints name and version."""
        self.assertEqual(self.agd("--version"), 0)
        self.assertEqual(self.out.getvalue(), f"agd {__version__}\n")

    def test_usage(self) -> None:
        """No subcommand, or an unknown one, is wrong usage."""
        self.assertEqual((self.agd(), self.agd("fly")), (2, 2))
        self.assertIn("usage: agd", self.err.getvalue())


class CheckTests(CommandTestCase):
    """``agd check``."""

    def test_right(self) -> None:
        """A sound file is ok, with a short summary on stdout and nothing on stderr."""
        path = self.file(GOOD)
        self.assertEqual(self.agd("check", path), 0)
        lines = self.out.getvalue().splitlines()
        self.assertEqual(lines[:3], [f"{path}: ok", "accounts: 1", "auth mode: off"])
        self.assertEqual(lines[3], f"store: {os.environ['HOME']}/.local/state/agd/agd.db")
        self.assertEqual(lines[4], "listener: tcp:port=9000:backlog=1024:interface=127.0.0.1")
        self.assertEqual(self.err.getvalue(), "")

    def test_wrong(self) -> None:
        """Every problem is a line of stderr, and the status is 1."""
        path = self.file('[proxy]\nport = "x"\nprot = 1\n')
        self.assertEqual(self.agd("check", path), 1)
        lines = self.err.getvalue().splitlines()
        self.assertEqual(len(lines), 2)
        self.assertTrue(all(line.startswith(f"{path}: proxy.") for line in lines))
        self.assertEqual(self.out.getvalue(), "")

    def test_meaning(self) -> None:
        """A mapping that loops and a missing client key are told together."""
        path = self.file('[proxy]\nallow_lan_access = true\n[proxy.custom_mapping]\na = "b"\nb = "a"\n')
        self.assertEqual(self.agd("check", path), 1)
        lines = self.err.getvalue().splitlines()
        self.assertIn("proxy.api_key", lines[0])
        self.assertIn("custom_mapping", lines[1])

    def test_warnings(self) -> None:
        """Warnings go to stderr and the status stays 0."""
        path = self.file("")
        self.assertEqual(self.agd("check", path), 0)
        self.assertIn(f"{path}: warning: no accounts", self.err.getvalue())
        self.assertIn(f"{path}: ok", self.out.getvalue())

    def test_search(self) -> None:
        """Without a file the usual places are searched."""
        path = self.file(GOOD)
        os.environ["AGD_CONFIG"] = path
        self.assertEqual(self.agd("check"), 0)
        self.assertIn(f"{path}: ok", self.out.getvalue())

    def test_unreadable(self) -> None:
        """A missing file, a folder and a file that is not text are problems, not tracebacks."""
        for path in ("/nowhere/agd.toml", os.getcwd(), self.file(b"\xff\xfe")):
            self.assertEqual(self.agd("check", path), 1)
        self.assertEqual(len(self.err.getvalue().splitlines()), 3)

    def test_secret_beside_the_file(self) -> None:
        """A relative file: secret is looked for beside the configuration."""
        key = Path(self.file("made-up\n"))
        path = key.with_name("beside.toml")
        path.write_text(f'[[accounts]]\napi_key = "file:{key.name}"\n')
        self.assertEqual(self.agd("check", str(path)), 0)

    def test_process(self) -> None:
        """The command works as a process, with its exit status and both streams."""
        for text, status in ((GOOD, 0), ("zzz = 1\n", 1)):
            path = self.file(text)
            done = subprocess.run(
                [sys.executable, "-c", "import sys; from agd.cli import main; sys.exit(main())", "check", path],
                env={**os.environ, "PYTHONPATH": str(PROJECT)},
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
            self.assertEqual(done.returncode, status, done.stderr)
            self.assertIn(f"{path}: ", done.stdout if status == 0 else done.stderr)
            self.assertEqual("" if status == 0 else done.stdout, "")


class RunTests(CommandTestCase):
    """``agd run``."""

    def test_arguments(self) -> None:
        """Everything after run is handed to twistd untouched."""
        seen: list[list[str]] = []
        self.patch(sys, "argv", ["agd"])
        self.patch(twistd, "run", lambda: seen.append(list(sys.argv)))
        self.assertIsNone(self.agd("run", "--help", "--", "-x", "check"))
        self.assertEqual(seen, [["twistd", "-n", "--pidfile=", "agd", "--help", "--", "-x", "check"]])
