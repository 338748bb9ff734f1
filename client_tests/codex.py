"""How the tests run Codex: https://developers.openai.com/codex, the command ``codex exec``, in an empty home.

Its configuration is what ``agd client-config codex`` prints, and beside it only what keeps it from asking anybody but
agd: no analytics, no look for updates, no plugins (whose catalogue it would fetch). Whoever it asks all the same meets
a proxy that lets nothing through and remembers who it was.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import define, field, frozen

from agd.cli.recipes import Target, codex
from client_tests.clients import CLIENT_KEY, CLIENT_SECONDS, INSTALLED, PROJECT, SIGNED, ClientTestCase

KEY_VARIABLE = "AGD_CLIENT_KEY"
PATCHES = "gpt-5.5"
"""A name for which Codex offers ``apply_patch`` as a custom tool; agd maps it to ``SIGNED``."""
PROGRAMS = "gpt-6.1-sol"
"""A name for which Codex offers its tools to programs, declared by an ``additional_tools`` item."""
_LAUNCHER = PROJECT / "client_tests" / "node" / "node_modules" / "@openai" / "codex" / "bin" / "codex.js"
_QUIET_FIRST = "check_for_update_on_startup = false\n"
_QUIET_LAST = "[analytics]\nenabled = false\n[features]\nplugins = false\n"
_OPTIONS = ("--strict-config", "--json", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox")


@frozen
class Told:
    """What a run of Codex told: its exit status, its events (``--json``) and what it wrote beside them."""

    status: int
    events: list[dict[str, Any]]
    words: str

    def items(self, kind: str) -> list[dict[str, Any]]:
        """Return the finished items of a type: ``agent_message``, ``command_execution``, ``file_change``, …"""
        items = [event["item"] for event in self.events if event["type"] == "item.completed"]
        return [item for item in items if item["type"] == kind]

    @property
    def said(self) -> list[str]:
        """The messages of the model."""
        return [item["text"] for item in self.items("agent_message")]

    @property
    def errors(self) -> list[str]:
        """What went wrong, or was tried again."""
        return [event["message"] for event in self.events if event["type"] == "error"]

    @property
    def thread(self) -> str:
        """The id of the conversation."""
        (started,) = (event for event in self.events if event["type"] == "thread.started")
        thread: str = started["thread_id"]
        return thread

    @property
    def ending(self) -> dict[str, Any]:
        """The last event."""
        return self.events[-1]


@define(eq=False)
class Gatekeeper:
    """An HTTP proxy that lets nobody through; ``asked`` is the first line of each request."""

    asked: list[str] = field(factory=list)
    _listener: socket.socket = field(factory=lambda: socket.create_server(("127.0.0.1", 0)))

    def __attrs_post_init__(self) -> None:
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        """Close for good."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # closed
            with connection:
                connection.settimeout(CLIENT_SECONDS)
                line = connection.recv(4096).partition(b"\r\n")[0]
                self.asked.append(line.decode("latin-1") or "(nothing)")


class CodexTestCase(ClientTestCase):
    """Tests with Codex in an empty home, with ``websocket`` as the configuration says."""

    websocket = False
    variable: str | None = KEY_VARIABLE
    """What the configuration names for the key."""
    key = CLIENT_KEY
    first = ""
    """Lines of the configuration before its first table."""

    def setUp(self) -> None:
        """Make its home, an empty folder to work in, and the proxy."""
        super().setUp()
        self.work = self.folder / "work"
        self.work.mkdir()
        (self.folder / ".codex").mkdir()
        self.gatekeeper = Gatekeeper()
        self.addCleanup(self.gatekeeper.close)

    def tearDown(self) -> None:
        """See that Codex asked nobody but agd."""
        self.assertEqual(self.gatekeeper.asked, [])
        super().tearDown()

    def codex(self, *words: str, model: str = SIGNED, more: str = "") -> Told:
        """Run ``codex exec`` to its end; ``more`` is configuration that begins in the provider's table."""
        return ending(self.begin(*words, model=model, more=more))

    def begin(self, *words: str, model: str = SIGNED, more: str = "") -> subprocess.Popen[str]:
        """Start ``codex exec``; whoever does so must see to its end."""
        self.configure(model, more)
        node = INSTALLED / "bin" / "node"
        self.assertTrue(node.exists() and _LAUNCHER.exists(), "no Codex: make test-clients installs it")
        command = [str(node), str(_LAUNCHER), "exec", *_OPTIONS, "-C", str(self.work), *words]
        return subprocess.Popen(
            command,
            cwd=self.work,
            env=self._environment(self._own()),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # a process group of its own, as a terminal gives it
        )

    def configure(self, model: str, more: str) -> None:
        """Write ``config.toml``."""
        target = Target(self.base_url, model, self.variable, self.websocket)
        text = _QUIET_FIRST + self.first + codex(target) + more + _QUIET_LAST
        (self.folder / ".codex" / "config.toml").write_text(text, "utf-8")

    def _own(self) -> Mapping[str, str]:
        proxy = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), self.gatekeeper.url)
        key = {self.variable: self.key} if self.variable else {}
        return {**key, "CODEX_HOME": str(self.folder / ".codex"), **proxy}

    def completed(self, told: Told) -> Told:
        """See that a run ended well."""
        self.assertEqual((told.status, told.ending.get("type")), (0, "turn.completed"), self.explained(told))
        return told

    def explained(self, told: Told) -> str:
        """Return what there is to say about a run that went wrong."""
        return f"{told}\nagd:\n{self.log}"

    @property
    def contents(self) -> list[dict[str, Any]]:
        """The conversation as the upstream got it last."""
        contents: list[dict[str, Any]] = self.simulator.last["body"]["contents"]
        return contents

    @property
    def results(self) -> list[str]:
        """What the upstream was told last that its calls gave, as JSON, in order."""
        parts = [part for content in self.contents for part in content["parts"]]
        return [json.dumps(part["functionResponse"]) for part in parts if "functionResponse" in part]


def ending(child: subprocess.Popen[str]) -> Told:
    """Wait for the end of a run and return what it told. Raises ``TimeoutExpired`` when it does not end."""
    try:
        out, err = child.communicate(timeout=CLIENT_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        raise
    return Told(child.returncode, [json.loads(line) for line in out.splitlines()], err)


def interrupt(child: subprocess.Popen[str]) -> Told:
    """Send SIGINT to all its processes, as Ctrl-C does, and return what it told."""
    os.killpg(child.pid, signal.SIGINT)
    return ending(child)


def call(name: str, /, **args: Any) -> dict[str, Any]:
    """Return a call for ``SimulatorProcess.cue``."""
    return {"name": name, "args": args}


def shell(command: str) -> dict[str, Any]:
    """Return a call of Codex's shell tool."""
    return call("exec_command", cmd=command)


def patch(lines: Sequence[str]) -> dict[str, Any]:
    """Return a call of ``apply_patch``, whose one argument is the patch."""
    return call("apply_patch", input="\n".join(["*** Begin Patch", *lines, "*** End Patch"]))
