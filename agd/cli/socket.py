"""Asking the running daemon, over its admin socket."""

from __future__ import annotations

import socket
import sys
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlencode

from attrs import frozen

from agd.encoding import InvalidJSON, decode, encode

SECONDS = 120.0
"""How long an answer may take: a test of an account asks its provider."""

_NOT_TEXT = "an argument is no text in UTF-8"


class NoDaemon(Exception):
    """Nobody listens; the text is a sentence for the operator."""


class Refused(Exception):
    """The daemon's answer is an error; the text is its message, ``details`` the whole of it."""

    def __init__(self, message: str, details: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.details = details


@frozen
class Daemon:
    """The daemon behind the socket at ``path``."""

    path: str

    def get(self, path: str, **query: str | None) -> Any:
        """Ask for something. Raises ``NoDaemon`` and ``Refused``."""
        try:
            given = urlencode({name: value for name, value in query.items() if value is not None})
        except UnicodeEncodeError:
            raise Refused(_NOT_TEXT, {}) from None
        return self._ask("GET", f"{path}?{given}" if given else path, None)

    def post(self, path: str, **body: object) -> Any:
        """Have something done. Raises ``NoDaemon`` and ``Refused``."""
        return self._ask("POST", path, {name: value for name, value in body.items() if value is not None})

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        connection = _Connection(self.path)
        try:
            connection.request(method, path, None if body is None else encode(body))
            response = connection.getresponse()
            answer = decode(response.read())
        except UnicodeEncodeError:
            raise Refused(_NOT_TEXT, {}) from None
        except (FileNotFoundError, ConnectionRefusedError):
            raise NoDaemon(f"no daemon listens on {self.path}: is agd running, as this user?") from None
        except PermissionError:
            raise NoDaemon(f"{self.path}: permission denied; say it as the user that agd runs as") from None
        except (OSError, HTTPException, InvalidJSON) as error:
            raise NoDaemon(f"{self.path}: {str(error) or type(error).__name__}") from None
        finally:
            connection.close()
        if response.status != 200:
            details = answer.get("error", {})
            raise Refused(str(details.get("message", f"status {response.status}")), details)
        return answer


class _Connection(HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("agd", timeout=SECONDS)
        self._path = path

    def connect(self) -> None:
        """Connect."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(SECONDS)
        self.sock.connect(self._path)


def complain(error: Exception) -> int:
    """Tell what went wrong and return the exit status for it."""
    print(f"agd: {error}", file=sys.stderr)
    return 1
