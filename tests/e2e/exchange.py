"""One HTTP exchange by plain means: the tests' own client, which shares no code with agd or the SDK."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

TIMEOUT = 30.0


@frozen
class Reply:
    """Status, headers with names in lower case, and the whole body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        """The error object of OpenAI's shape."""
        error: dict[str, Any] = self.json["error"]
        return error

    @property
    def lines(self) -> list[str]:
        """The ``data`` fields of a stream of events, in order, comments left out."""
        return [line[6:] for line in self.body.decode().split("\n") if line.startswith("data: ")]

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events of a stream, decoded, without ``[DONE]``."""
        return [json.loads(line) for line in self.lines if line != "[DONE]"]

    @property
    def is_done(self) -> bool:
        """Whether the stream ended with its sentinel, once."""
        return self.lines[-1:] == ["[DONE]"] and self.lines.count("[DONE]") == 1


def ask(
    port: int,
    path: str,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    *,
    method: str | None = None,
    host: str = "127.0.0.1",
) -> Reply:
    """Send one request: POST with ``body`` as JSON (bytes as they are) where there is one, else GET."""
    return _exchange(http.client.HTTPConnection(host, port, timeout=TIMEOUT), path, body, headers or {}, method)


def ask_socket(place: Path, path: str) -> Reply:
    """Send a GET over a unix socket."""
    connection = http.client.HTTPConnection("agd", timeout=TIMEOUT)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(place))
    return _exchange(connection, path, None, {}, None)


def _exchange(
    connection: http.client.HTTPConnection, path: str, body: Any, headers: Mapping[str, str], method: str | None
) -> Reply:
    try:
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        content = {} if body is None else {"Content-Type": "application/json"}
        connection.request(method or ("GET" if body is None else "POST"), path, data, {**content, **headers})
        response = connection.getresponse()
        fields = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, fields, response.read())
    finally:
        connection.close()


def chat(text: str, *, stream: bool = False, model: str = "gemini-2.5-flash", **more: Any) -> dict[str, Any]:
    """Return the body of a chat request with one user message."""
    body: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": text}], **more}
    return {**body, "stream": True} if stream else body


def text_of(events: list[dict[str, Any]]) -> str:
    """Join the text of a chat stream's chunks."""
    return "".join(choice["delta"].get("content") or "" for event in events for choice in event.get("choices", []))
