"""Reading the configuration again while the daemon runs: on SIGHUP, when a file of it changes, and when asked."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable
from typing import Any

from twisted.application.internet import TimerService
from twisted.application.service import Service
from twisted.logger import Logger

from agd.daemon import Daemon
from agd.errors import ConfigurationError
from agd.launch import Launch
from agd.settings import check_auth

_log = Logger("agd")

LOOK_SECONDS = 2.0

Look = tuple[tuple[str, int, int, int], ...]
"""What files are like: name, inode, size and time of the last change of each; all 0 for one that is not there."""


class ReloadService(Service):
    """Reads the configuration again on SIGHUP. One that is wrong is reported and changes nothing.

    ``launch`` is the configuration that holds now. Its listeners stay those of the start, and so does what follows
    from them: a daemon that other machines can reach does not drop its authentication because a file now says
    that none of them should reach it. ``then`` is called after each reload. ``files`` are those of the configuration,
    ``taken`` is how they looked when they were last read. ``warns``: whether the log tells what is
    doubtful in them.
    """

    name = "reload"

    def __init__(
        self,
        daemon: Daemon,
        reactor: Any,
        launch: Launch,
        prepare: Callable[[], Launch],
        then: Callable[[], object],
        *,
        warns: bool = True,
    ) -> None:
        self.launch = launch
        self.files = launch.files
        self.taken = look_at(launch.files)
        self._daemon = daemon
        self._reactor = reactor
        self._prepare = prepare
        self._then = then
        self._warns = warns

    def startService(self) -> None:
        """Listen for the signal; it arrives between two byte codes, so the work is left to the reactor."""
        super().startService()
        signal.signal(signal.SIGHUP, lambda *_: self._reactor.callFromThread(self.reload))

    def reload(self) -> None:
        """Take the configuration as it is written now, or tell in the log what is wrong with it."""
        try:
            self.take()
        except ConfigurationError as error:
            _log.error("configuration not reloaded:\n{error}", error=str(error))

    def take(self) -> None:
        """Take the configuration as it is written now. Raises ``ConfigurationError``, and changes nothing then."""
        before = look_at(self.files)
        try:
            fresh = self._prepare()
            launch = fresh.started_as(self.launch)
            check_auth(launch.settings, launch.loopback_only, launch.source)
        except ConfigurationError as error:
            # What was wanted before is still looked at: the error may have kept agd from reading on.
            self._note(dict.fromkeys((*error.files, *self.files)), before)
            raise
        self._note(dict.fromkeys(fresh.files), before)
        self.launch = launch
        self._daemon.apply(launch)
        self._then()
        self._tell(fresh)

    def _note(self, files: Iterable[str], before: Look) -> None:
        """Remember what was read, as it was before: what has changed since then is read again."""
        known = {each[0]: each for each in before}
        self.files = tuple(files)
        self.taken = tuple(known.get(each[0], each) for each in look_at(self.files))

    def _tell(self, fresh: Launch) -> None:
        _log.info("configuration reloaded from {source}", source=fresh.source)
        if fresh.listeners != self.launch.listeners:
            listeners = ", ".join(self.launch.listeners)
            _log.warn("listeners change only at a restart: still listening on {listeners}", listeners=listeners)
        if fresh.store_path != self.launch.store_path:
            _log.warn("the store changes only at a restart: still {path}", path=self.launch.store_path or "in memory")
        if fresh.admin_socket != self.launch.admin_socket:
            _log.warn(
                "the admin socket changes only at a restart: still {path}", path=self.launch.admin_socket or "off"
            )
        for warning in self.launch.warnings if self._warns else ():
            _log.warn("{words}", words=warning)


class WatchService(TimerService):
    """Looks at the files of the configuration every two seconds, and has it read again when they have changed.

    Only what looks the same twice in a row is read: a file that is being written is left to be finished. A wrong
    configuration is told once, and looked at again when a file changes.
    """

    name = "watch"

    def __init__(self, reload: ReloadService, clock: Any, look: Callable[[Iterable[str]], Look] | None = None) -> None:
        TimerService.__init__(self, LOOK_SECONDS, self.look)
        self.clock = clock
        self._reload = reload
        self._look = look or look_at
        self._seen: Look | None = None

    def look(self) -> None:
        """Look once."""
        now = self._look(self._reload.files)
        settled, self._seen = now == self._seen, now
        if settled and now != self._reload.taken:
            self._reload.reload()


def look_at(paths: Iterable[str]) -> Look:
    """Look at files and folders; a folder changes when a file comes, goes or is replaced."""
    return tuple(_look_at(path) for path in paths)


def _look_at(path: str) -> tuple[str, int, int, int]:
    try:
        found = os.stat(path)
    except OSError:
        return path, 0, 0, 0
    return path, found.st_ino, found.st_size, found.st_mtime_ns
