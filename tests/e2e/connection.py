"""A client's raw connection, for tests that leave in the middle or read slowly: what an HTTP library hides."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Mapping
from types import TracebackType
from typing import Any

TIMEOUT = 20.0


class Connection:
    """One TCP connection to 127.0.0.1 with one request on it."""

    def __init__(self, port: int, path: str, body: dict[str, Any], headers: Mapping[str, str] | None = None) -> None:
        """Send a POST and read nothing yet."""
        data = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        self._socket = socket.create_connection(("127.0.0.1", port), TIMEOUT)
        self._socket.sendall(f"{head}Content-Length: {len(data)}\r\nConnection: close\r\n\r\n".encode() + data)
        self.received = b""

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._socket.close()

    def read_until(self, mark: bytes) -> None:
        """Read until the mark has come. Raises ``AssertionError`` when the answer ends before."""
        while mark not in self.received:
            data = self._socket.recv(65536)
            assert data, f"ended without {mark!r}: {self.received!r}"
            self.received += data

    def read_all(self) -> bytes:
        """Read to the end and return everything."""
        while data := self._socket.recv(65536):
            self.received += data
        return self.received

    def vanish(self) -> None:
        """Reset the connection, as a client does whose process is killed."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()
