"""Listening on the unix socket: for the daemon's user alone, and never in the place of a daemon that lives."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import maybeDeferred
from twisted.internet.error import CannotListenError

from agd.admin.site import Parts, site
from agd.errors import StoreError
from agd.store.lock import Lock


class AdminService(Service):
    """The socket at ``path``. A socket that a dead daemon left there is replaced."""

    name = "admin"

    def __init__(self, path: str, parts: Parts, reactor: Any) -> None:
        self._path = path
        self._parts = parts
        self._reactor = reactor
        self._port: Any = None
        self._lock: Lock | None = None

    def startService(self) -> None:
        """Listen. Raises ``SystemExit`` with a sentence where that cannot be."""
        super().startService()
        try:
            Path(self._path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = Lock.take(self._path)
            make_room(self._path)
            self._port = self._listen()
        except StoreError:
            raise SystemExit(_in_use(self._path)) from None
        except (CannotListenError, OSError) as error:
            cause = getattr(error, "socketError", error)
            raise SystemExit(f"agd cannot listen on its admin socket {self._path}: {cause}; see admin.socket") from None

    def stopService(self) -> Any:
        """Stop listening; the socket's file goes with it."""
        super().stopService()
        port, self._port = self._port, None
        if port is None:
            return None
        # Somebody may have removed the socket, or its folder, which Twisted takes for a mistake.
        Path(self._path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        Path(self._path).touch()
        return maybeDeferred(port.stopListening).addBoth(self._release)

    def _release(self, result: Any) -> Any:
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()
        return result

    def _listen(self) -> Any:
        """Bind with the rights that the socket is to have: changed afterwards, it would be open for a moment."""
        before = os.umask(0o177)
        try:
            return self._reactor.listenUNIX(self._path, site(self._parts, self._reactor), mode=0o600)
        finally:
            os.umask(before)


def make_room(path: str) -> None:
    """Take away a socket that nobody listens on. Raises ``SystemExit`` where somebody does, or where it is none."""
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            raise SystemExit(f"agd cannot listen on its admin socket {path}: a file is there; see admin.socket")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
            return
    raise SystemExit(_in_use(path))


def _in_use(path: str) -> str:
    return f"agd cannot listen on its admin socket {path}: another agd does; stop that one, or see admin.socket"
