"""A server of the admin socket over a transport in memory."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from attrs import define, field
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from agd.admin import Part
from agd.admin.site import site


@define(eq=False)
class Asker:
    """Asks parts as the command does."""

    parts: Iterable[Part]
    transport: StringTransport = field(factory=StringTransport)
    protocol: Any = None

    def send(self, method: str, path: str, body: bytes = b"") -> None:
        """Send a request on a connection of its own."""
        self.protocol = site(lambda: self.parts, Clock()).buildProtocol(None)
        self.transport = StringTransport()
        self.protocol.makeConnection(self.transport)
        head = f"{method} {path} HTTP/1.1\r\nHost: agd\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        self.protocol.dataReceived(head.encode() + body)

    @property
    def answer(self) -> tuple[int, str]:
        """What came: status and body."""
        head, _, body = self.transport.value().partition(b"\r\n\r\n")
        return int(head.split()[1]), body.decode()

    def get(self, path: str) -> tuple[int, Any]:
        """Ask and return status and JSON."""
        self.send("GET", path)
        return self._read()

    def post(self, path: str, **body: object) -> tuple[int, Any]:
        """Have something done; return status and JSON."""
        self.send("POST", path, json.dumps(body).encode())
        return self._read()

    def _read(self) -> tuple[int, Any]:
        status, body = self.answer
        return status, json.loads(body)
