"""An upstream that plays recordings of the real provider: the one whose id is the last text of the request.

A recording is played in the operation that was recorded; where a plain answer is asked for as a stream, its document
is sent as the only event, as the provider does with a short answer.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

MODEL = "gemini-2.5-flash"
_PIECE = 1021
"""Bytes sent at once: a prime, so that pieces end within words and characters."""


class RecordedUpstream:
    """A context manager: a server on loopback with every recording."""

    def __init__(self, recordings: Iterable[dict[str, Any]]) -> None:
        by_id = {recording["id"]: recording for recording in recordings}
        handler = type("Handler", (_Handler,), {"recordings": by_id})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def base_url(self) -> str:
        """Where accounts find it."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> RecordedUpstream:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    recordings: Mapping[str, dict[str, Any]]

    def do_GET(self) -> None:
        entry = {"name": f"models/{MODEL}", "supportedGenerationMethods": ["generateContent"]}
        self._send(200, "application/json", json.dumps({"models": [entry]}).encode())

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        recording = self.recordings[body["contents"][-1]["parts"][-1]["text"]]
        response = recording["response"]
        text, content_type = response["text"].encode(), response["headers"]["content-type"]
        if response["status"] == 200 and ":streamGenerateContent" in self.path and recording["op"] == "generateContent":
            text, content_type = b"data: " + json.dumps(json.loads(text)).encode() + b"\r\n\r\n", "text/event-stream"
        self._send(response["status"], content_type, text)

    def _send(self, status: int, content_type: str, data: bytes) -> None:
        """Send an answer in chunks, as the provider does."""
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in _pieces(data):
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: Any) -> None:
        """Write nothing."""


def _pieces(data: bytes) -> Iterator[bytes]:
    return (data[start : start + _PIECE] for start in range(0, len(data), _PIECE))
