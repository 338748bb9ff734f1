"""A client's WebSocket by plain means: one blocking connection, spoken by wsproto, with Responses' events on it."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    CloseConnection,
    Event,
    Ping,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)

TIMEOUT = 20.0
TERMINAL = frozenset({"response.completed", "response.incomplete", "response.failed", "error"})


class Refused(Exception):
    """The server answered the handshake otherwise: ``status`` and ``body``."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(status, body)
        self.status, self.body = status, body


class Closed(Exception):
    """The server is gone, or said farewell: ``args`` are the close code and the reason, if it did."""


class WebSocket:
    """An open connection to ``/v1/responses``. Raises ``Refused`` where there is to be none."""

    def __init__(self, port: int, headers: Mapping[str, str] | None = None, path: str = "/v1/responses") -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), TIMEOUT)
        self._protocol = WSConnection(ConnectionType.CLIENT)
        self._waiting: list[Event] = []
        extra = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
        self._send(Request(host=f"127.0.0.1:{port}", target=path, extra_headers=extra))
        self._shake_hands()

    def __enter__(self) -> WebSocket:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go, without a farewell."""
        self._socket.close()

    def create(self, **body: Any) -> None:
        """Send ``response.create``."""
        self._send(TextMessage(data=json.dumps({"type": "response.create", **body})))

    def ask(self, **body: Any) -> list[dict[str, Any]]:
        """Have a response created and return its events up to the terminal one."""
        self.create(**body)
        events = [self.receive()]
        while events[-1]["type"] not in TERMINAL:
            events.append(self.receive())
        return events

    def receive(self) -> dict[str, Any]:
        """Return the next event. Raises ``Closed``."""
        text = ""
        while True:
            event = self._next()
            assert isinstance(event, TextMessage), event
            text += event.data
            if event.message_finished:
                message: dict[str, Any] = json.loads(text)
                return message

    def _shake_hands(self) -> None:
        event = self._next()
        if isinstance(event, AcceptConnection):
            return
        assert isinstance(event, RejectConnection), event
        body, status = b"", event.status_code
        while event.has_body if isinstance(event, RejectConnection) else not event.body_finished:
            event = self._next()
            assert isinstance(event, RejectData), event
            body += event.data
        self.close()
        raise Refused(status, body)

    def _send(self, event: Event) -> None:
        self._socket.sendall(self._protocol.send(event))

    def _next(self) -> Event:
        """Return the next event but a ping, which is answered."""
        while True:
            while not self._waiting:
                data = self._socket.recv(65536)
                if not data:
                    raise Closed
                self._protocol.receive_data(data)
                self._waiting += self._protocol.events()
            event = self._waiting.pop(0)
            if isinstance(event, Ping):
                self._send(event.response())
                continue
            if isinstance(event, CloseConnection):
                raise Closed(event.code, event.reason)
            return event
