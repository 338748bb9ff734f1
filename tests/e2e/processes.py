"""Child processes of the tests: started in an empty home, waited for with a deadline, stopped with SIGTERM."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from attrs import define, field

T = TypeVar("T")

START_SECONDS = 20.0
"""How long a process may take to answer: generous, because a loaded machine is no failure."""
STOP_SECONDS = 10.0
_KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "SYSTEMROOT", "COVERAGE_PROCESS_START")


def script(name: str) -> str:
    """Return the path of a console script of this Python's environment. Raises ``AssertionError`` without one."""
    found = shutil.which(name, path=os.pathsep.join((str(Path(sys.executable).parent), sysconfig.get_path("scripts"))))
    found = found or shutil.which(name)
    assert found is not None, f"no {name} beside {sys.executable}: is the project installed?"
    return found


def environment(home: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return what a newcomer's shell has: a path and an empty home; no key and no setting of agd's."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return {**kept, "HOME": str(home), "PYTHONUNBUFFERED": "1", **(more or {})}


def free_port() -> int:
    """Return a TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def until(what: str, look: Callable[[], T | None], seconds: float = START_SECONDS, pause: float = 0.02) -> T:
    """Look again and again until there is something to return. Raises ``AssertionError`` naming ``what`` in the end."""
    deadline = time.monotonic() + seconds
    while (found := look()) is None or found is False:
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(pause)
    return found


@define(eq=False)
class Child:
    """One process; what it writes, to either stream, goes to a file in its folder, which is removed with it."""

    folder: Path
    _process: subprocess.Popen[bytes] = field(repr=False)

    @classmethod
    def start(cls, command: Sequence[str], folder: Path, more: Mapping[str, str] | None = None) -> Child:
        """Start a command with ``folder`` as its home and working directory."""
        with (folder / "output").open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment(folder, more),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        return cls(folder, process)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def output(self) -> str:
        """Everything written so far."""
        return (self.folder / "output").read_text("utf-8", "replace")

    def running(self) -> bool:
        """Tell whether it has not ended."""
        return self._process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def wait(self, seconds: float = STOP_SECONDS) -> int:
        """Wait for the end and return the exit status. Raises ``AssertionError`` when it does not end."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {seconds:g} s:\n{self.output}") from None

    def stop(self) -> int:
        """Send SIGTERM, wait, and return the exit status."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def discard(self) -> None:
        """Make sure that it is gone, with its folder."""
        if self.running():
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def temporary_folder() -> Path:
    """Make an empty folder for a process; ``Child.discard`` removes it."""
    return Path(tempfile.mkdtemp(prefix="agd-e2e-"))


def run(
    command: Sequence[str], folder: Path, more: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end and return what it wrote. Raises ``TimeoutExpired`` when it does not end."""
    return subprocess.run(
        command,
        cwd=folder,
        env=environment(folder, more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
