"""What most tests stand on: one simulator and one daemon that asks it, shared by all tests with the same settings.

Trial has no fixtures of a class, so a stage is set up by the first test that needs it and struck by the first test
that needs another one, or at the end of the process.
"""

from __future__ import annotations

import atexit
import itertools
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from attrs import define, field
from twisted.trial.unittest import SynchronousTestCase

from tests.e2e.exchange import ask
from tests.e2e.processes import Child, free_port, script, temporary_folder, until
from tests.private import write_private

CLEAN_END = -signal.SIGTERM
"""A process that was told to stop ends with the signal itself after its work is done: twistd's way, and systemd's."""


@define(eq=False)
class SimulatorProcess:
    """``python -m agd.simulator`` and its control surface. ``faulted``: some account has met or will meet a fault."""

    child: Child
    port: int
    keys: tuple[str, ...]
    faulted: bool = False

    @classmethod
    def start(cls, accounts: int) -> SimulatorProcess:
        """Start one that speaks fast, and read where it listens."""
        command = [sys.executable, "-m", "agd.simulator", "--port", "0", "--accounts", str(accounts)]
        command += ["--words", "20", "--chunk-seconds", "0.002", "--first-chunk-seconds", "0.005"]
        child = Child.start(command, temporary_folder())
        words = until("the simulator's line", lambda: child.output.split() if "\n" in child.output else None)
        port = int(words[words.index("on") + 1].rpartition(":")[2])
        return cls(child, port, tuple(words[words.index("keys") + 1 :]))

    @property
    def base_url(self) -> str:
        """Where accounts find it."""
        return f"http://127.0.0.1:{self.port}"

    def fault(self, key: str, fault: dict[str, Any] | list[dict[str, Any]]) -> None:
        """Let the requests of a key meet one fault always, or a list of faults in order."""
        self.faulted = True
        reply = ask(self.port, f"/simulator/faults/{key}", fault, method="PUT")
        assert reply.status == 200, reply

    def cue(self, *answers: dict[str, Any]) -> None:
        """Let the next answers be these, whoever asks: ``text``, ``thought``, ``calls`` of ``name`` and ``args``."""
        reply = ask(self.port, "/simulator/cues", list(answers), method="PUT")
        assert reply.status == 200, reply

    def forget(self) -> None:
        """Clear faults, cues and the record of calls."""
        ask(self.port, "/simulator/faults", method="DELETE")
        ask(self.port, "/simulator/cues", method="DELETE")
        ask(self.port, "/simulator/calls", method="DELETE")

    @property
    def record(self) -> dict[str, Any]:
        """Calls that were, and how many are live, aborted and counted in all."""
        record: dict[str, Any] = ask(self.port, "/simulator/calls").json
        return record

    @property
    def asked(self) -> list[str]:
        """The keys of the calls that were, in order."""
        return [call["key"] for call in self.record["calls"]]

    @property
    def last(self) -> dict[str, Any]:
        """The last generate request as it arrived."""
        last: dict[str, Any] = ask(self.port, "/simulator/last").json
        return last


@define(eq=False)
class DaemonProcess:
    """``twistd -n agd`` with a configuration file of its own."""

    child: Child
    port: int
    _reloads: int = 0

    @classmethod
    def start(cls, configuration: str, options: Sequence[str] = (), home: Path | None = None) -> DaemonProcess:
        """Start a daemon and wait until it answers ``/healthz``; ``home`` is one that an earlier daemon left behind."""
        folder, port = home or temporary_folder(), free_port()
        write_private(folder / "agd.toml", configuration)
        command = [script("twistd"), "-n", "--pidfile=", "agd", "--port", str(port), "--config", "agd.toml", *options]
        daemon = cls(Child.start(command, folder), port)
        try:
            await_health(daemon.child, port)
        except AssertionError:
            daemon.child.discard()
            raise
        return daemon

    def reload(self, configuration: str) -> None:
        """Change the configuration, send SIGHUP, and wait until it is taken."""
        write_private(self.child.folder / "agd.toml", configuration)
        before = self.child.output.count("configuration reloaded")
        self.child.signal(signal.SIGHUP)
        until("the reload", lambda: self.child.output.count("configuration reloaded") > before or None)

    def memory(self) -> int:
        """Return the resident memory in bytes."""
        with open(f"/proc/{self.child.pid}/status", encoding="ascii") as status:
            (line,) = (line for line in status if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024


def await_health(child: Child, port: int) -> None:
    """Wait until ``/healthz`` answers, be it that it wants a key.

    Raises ``AssertionError`` with the output of a process that ended instead.
    """

    def answers() -> bool | None:
        assert child.running(), f"ended with {child.wait()}:\n{child.output}"
        try:
            return ask(port, "/healthz").status in {200, 401}
        except ConnectionError:
            return None

    until("/healthz", answers)


@define(eq=False)
class Stage:
    """The two processes. ``settings`` is TOML beside the accounts; it may hold tables."""

    simulator: SimulatorProcess
    daemon: DaemonProcess
    _settings: str
    _casts: Any = field(factory=lambda: itertools.count(1))

    @classmethod
    def set_up(cls, settings: str, accounts: int) -> Stage:
        """Start simulator and daemon."""
        simulator = SimulatorProcess.start(accounts)
        try:
            daemon = DaemonProcess.start(settings + accounts_toml(simulator, "example.com"))
        except BaseException:
            simulator.child.discard()
            raise
        return cls(simulator, daemon, settings)

    def recast(self) -> None:
        """Give the daemon accounts that it has never seen, in the simulator's order, and forget all that was."""
        self.simulator.forget()
        self.simulator.faulted = False
        domain = f"cast{next(self._casts)}.example.com"
        self.daemon.reload(self._settings + accounts_toml(self.simulator, domain))

    def clear(self) -> None:
        """Leave nothing over from the test before."""
        if self.simulator.faulted:
            self.recast()
        else:
            self.simulator.forget()

    def strike(self) -> None:
        """Stop both processes. Raises ``AssertionError`` when the daemon does not end cleanly."""
        daemon = self.daemon.child
        try:
            status, output = daemon.stop(), daemon.output
        finally:
            daemon.discard()
            self.simulator.child.discard()
        assert status == CLEAN_END, f"the daemon ended with {status}:\n{output}"
        assert "Traceback" not in output, output
        secret = next((key for key in self.simulator.keys if key in output), None)
        assert secret is None, f"{secret} is in the log:\n{output}"


def accounts_toml(simulator: SimulatorProcess, domain: str) -> str:
    """Return an ``[[accounts]]`` table for each of the simulator's keys: account1@DOMAIN, account2@DOMAIN, …"""
    return "".join(
        f'\n[[accounts]]\nemail = "account{number}@{domain}"\napi_key = "{key}"\nbase_url = "{simulator.base_url}"\n'
        for number, key in enumerate(simulator.keys, 1)
    )


_standing: dict[tuple[str, int], Stage] = {}


class StagedTestCase(SynchronousTestCase):
    """Tests on a stage. ``settings`` is the TOML before the accounts, ``accounts`` their number."""

    settings: ClassVar[str] = ""
    accounts: ClassVar[int] = 2
    stage: Stage

    def setUp(self) -> None:
        """Enter the stage, with nothing left over from the test before."""
        wanted = (self.settings, self.accounts)
        if wanted not in _standing:
            strike_all()
            _standing[wanted] = Stage.set_up(self.settings, self.accounts)
        self.stage = _standing[wanted]
        self.stage.clear()

    @property
    def port(self) -> int:
        """Where the daemon listens."""
        return self.stage.daemon.port

    @property
    def simulator(self) -> SimulatorProcess:
        """The upstream."""
        return self.stage.simulator


def strike_all() -> None:
    """Strike every stage that stands."""
    while _standing:
        _standing.popitem()[1].strike()


atexit.register(strike_all)
