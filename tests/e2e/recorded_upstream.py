"""An upstream that plays recordings of the real provider: the one whose id is the last text of the request.

A recording is played in the operation that was recorded. Where a plain answer is asked for as a stream, its document is
sent as the only event, as the provider does with a short answer; where a stream is asked for as a plain answer, its
documents are sent as an array, as the provider does without ``alt=sse``. After the id may stand ``|`` and a form:
``bytes`` sends the answer in tiny pieces, ``envelope`` puts every document into the envelope of Code Assist.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from tests.gemini.test_recordings import documents

MODEL = "gemini-2.5-flash"
_PIECE = 1021
"""Bytes sent at once: a prime, so that pieces end within words and characters."""
_TINY = 11
"""Bytes sent at once where the cutting is what is tested."""


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
        name, _, form = body["contents"][-1]["parts"][-1]["text"].partition("|")
        recording = self.recordings[name]
        response = recording["response"]
        text, content_type = response["text"].encode(), response["headers"]["content-type"]
        stream = ":streamGenerateContent" in self.path
        if response["status"] == 200 and (form == "envelope" or stream != (recording["op"] != "generateContent")):
            found = documents(text)
            whole = [{"response": one, "traceId": "made-up"} for one in found] if form == "envelope" else found
            text, content_type = as_events(whole) if stream else as_document(whole)
        self._send(response["status"], content_type, text, _TINY if form == "bytes" else _PIECE)

    def _send(self, status: int, content_type: str, data: bytes, size: int = _PIECE) -> None:
        """Send an answer in chunks, as the provider does."""
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in (data[start : start + size] for start in range(0, len(data), size)):
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: Any) -> None:
        """Write nothing."""


def as_events(found: list[Any]) -> tuple[bytes, str]:
    """Write documents as a stream of events."""
    return b"".join(b"data: " + json.dumps(one).encode() + b"\r\n\r\n" for one in found), "text/event-stream"


def as_document(found: list[Any]) -> tuple[bytes, str]:
    """Write documents as one: itself where there is one only, else an array."""
    return json.dumps(found[0] if len(found) == 1 else found).encode(), "application/json; charset=UTF-8"
