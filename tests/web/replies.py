"""Reading what an HTTP/1.1 server sent, strictly: anything that is not well formed raises ``AssertionError``."""

from __future__ import annotations

from typing import Any

from attrs import define

from agd.encoding import decode


@define
class Reply:
    """One answer. ``complete`` tells whether its body came to the end that its head promises."""

    status: int
    headers: dict[str, str]
    body: bytes
    complete: bool

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return decode(self.body)

    @property
    def error(self) -> dict[str, Any]:
        """The object of an error in OpenAI's shape, and nothing else."""
        assert self.headers["content-type"] == "application/json", self.headers
        assert list(self.json) == ["error"], self.json
        error: dict[str, Any] = self.json["error"]
        assert set(error) == {"message", "type", "param", "code"}, error
        return error

    @property
    def events(self) -> list[str]:
        """The blocks of an event stream."""
        return self.body.decode().removesuffix("\n\n").split("\n\n") if self.body else []


def read_replies(data: bytes) -> list[Reply]:
    """Read answers one after the other, interim ones (1xx) left out."""
    replies = []
    while data:
        head, mark, data = data.partition(b"\r\n\r\n")
        assert mark, f"no end of a head: {head!r}"
        status, headers = _read_head(head.decode("ascii"))
        if status < 200:
            continue
        body, complete, data = _read_body(status, headers, data)
        replies.append(Reply(status, headers, body, complete))
    return replies


def _read_head(head: str) -> tuple[int, dict[str, str]]:
    line, *fields = head.split("\r\n")
    version, status, reason = line.split(" ", 2)
    assert version in ("HTTP/1.1", "HTTP/1.0"), line
    assert reason, line
    headers: dict[str, str] = {}
    for field in fields:
        name, mark, value = field.partition(": ")
        assert mark, field
        assert name.lower() not in headers, f"{name} twice"
        headers[name.lower()] = value
    return int(status), headers


def _read_body(status: int, headers: dict[str, str], data: bytes) -> tuple[bytes, bool, bytes]:
    if status == 204:
        return b"", True, data
    if headers.get("transfer-encoding") == "chunked":
        return _read_chunks(data)
    if "content-length" in headers:
        length = int(headers["content-length"])
        return data[:length], len(data) >= length, data[length:]
    return data, False, b""


def _read_chunks(data: bytes) -> tuple[bytes, bool, bytes]:
    body = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        length = int(size, 16)
        assert data[length : length + 2] == b"\r\n", data
        body, data = body + data[:length], data[length + 2 :]
        if not length:
            return body, True, data
    return body, False, b""
