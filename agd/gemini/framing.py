"""Cutting a response body into JSON payloads, at whatever byte the network cut it.

Gemini answers in three framings: server-sent events (``alt=sse``; WHATWG HTML, section 9.2), a JSON array that
grows while the model speaks (a stream without ``alt=sse``, also the form of its errors), and one JSON document
(``generateContent``). The first byte that is not blank tells which. Everything works on bytes, so a character that
two reads share is never broken, and every byte is searched once, whatever the size of an event.
"""

from __future__ import annotations

import re
from typing import NoReturn

from attrs import define, field

from agd.encoding import InvalidJSON, decode
from agd.errors import FailureKind, UpstreamFailure

_BLANK = b" \t\r\n"
_BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"[\r\n]")
_STRUCTURE = re.compile(rb'["{}\[\]]')
_IN_STRING = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_BETWEEN = re.compile(rb"[^\s,]")


@define
class Framer:
    """One response body. ``max_event_bytes`` limits what a single payload may hold in memory."""

    _max_event_bytes: int = 64 * 1024 * 1024
    _head: bytes = b""
    _framing: _Events | _Documents | None = None

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes and return the payloads they complete.

        Raises ``UpstreamFailure`` (MALFORMED) for a payload over the limit, or for what is no JSON between documents.
        """
        if self._framing is not None:
            return self._framing.feed(data)
        self._head = (self._head + data).lstrip(_BLANK)
        if _BOM.startswith(self._head):
            return []
        head = self._head.removeprefix(_BOM).lstrip(_BLANK)
        if not head:
            return []
        kind = _Documents if head[0] in b"{[" else _Events
        self._framing = kind(self._max_event_bytes)
        self._head = b""
        return self._framing.feed(head)

    def close(self) -> list[bytes]:
        """Return what is left at the end of the body. Raises ``UpstreamFailure`` (CUT) for half a document."""
        return [] if self._framing is None else self._framing.close()


@define
class _Events:
    """Server-sent events: only ``data`` matters; ``event``, ``id``, ``retry`` and comments are read over."""

    _limit: int
    _buffer: bytearray = field(factory=bytearray)
    _searched: int = 0
    _after_cr: bool = False
    _data: list[bytes] = field(factory=list)
    _size: int = 0

    def feed(self, data: bytes) -> list[bytes]:
        """Read lines that end in LF, CRLF or CR; a CR ends its line at once, and an LF right behind it is skipped."""
        if self._after_cr and data:
            data = data.removeprefix(b"\n")
            self._after_cr = False
        self._buffer += data
        payloads: list[bytes] = []
        start = 0
        while (end := _LINE_END.search(self._buffer, max(start, self._searched))) is not None:
            self._line(bytes(self._buffer[start : end.start()]), payloads)
            start = self._behind(end.start())
        del self._buffer[:start]
        self._searched = len(self._buffer)
        _check(self._size + self._searched, self._limit)
        return payloads

    def _behind(self, end: int) -> int:
        """Return where the next line begins, when this one's end stands at ``end``."""
        if self._buffer[end] != 0x0D:
            return end + 1
        self._after_cr = end + 1 == len(self._buffer)
        return end + 2 if self._buffer[end + 1 : end + 2] == b"\n" else end + 1

    def _line(self, line: bytes, payloads: list[bytes]) -> None:
        if not line:
            payloads.extend(self._dispatch())
            return
        name, _, value = line.partition(b":")
        if name == b"data":
            value = value.removeprefix(b" ")
            self._data.append(value)
            self._size += len(value)
            _check(self._size, self._limit)

    def _dispatch(self) -> list[bytes]:
        payload = b"\n".join(self._data).strip(_BLANK)
        self._data.clear()
        self._size = 0
        return [] if payload in {b"", b"[DONE]"} else [payload]

    def close(self) -> list[bytes]:
        """Return the event that no blank line ended, if it is whole."""
        payloads: list[bytes] = []
        self._line(bytes(self._buffer), payloads)
        self._buffer.clear()
        payloads += self._dispatch()
        for payload in payloads:
            try:
                decode(payload)
            except InvalidJSON:
                _cut()
        return payloads


@define
class _Documents:
    """JSON objects one after the other, bare or as the elements of an array that may still be growing."""

    _limit: int
    _buffer: bytearray = field(factory=bytearray)
    _position: int = 0
    _depth: int = 0
    _in_string: bool = False
    _arrays: int = 0

    def feed(self, data: bytes) -> list[bytes]:
        """Follow strings and brackets only; whether the text between them is JSON, its decoder will say."""
        self._buffer += data
        payloads: list[bytes] = []
        while (document := self._next()) is not None:
            payloads.append(document)
        _check(len(self._buffer), self._limit)
        return payloads

    def _next(self) -> bytes | None:
        if self._depth == 0 and not self._enter():
            return None
        while self._depth:
            if not self._step():
                return None
        document = bytes(self._buffer[: self._position])
        _check(len(document), self._limit)
        del self._buffer[: self._position]
        self._position = 0
        return document

    def _enter(self) -> bool:
        """Go on to the next object, through commas and brackets of arrays around it; False when it has not come yet."""
        while (found := _BETWEEN.search(self._buffer)) is not None:
            byte = self._buffer[found.start()]
            if byte == ord("{"):
                del self._buffer[: found.start()]
                self._depth, self._position = 1, 1
                return True
            if byte not in b"[]":
                raise UpstreamFailure(FailureKind.MALFORMED, "the body holds something that is not a JSON object")
            self._arrays += 1 if byte == ord("[") else -1
            del self._buffer[: found.end()]
        self._buffer.clear()
        return False

    def _step(self) -> bool:
        """Go to the next byte that matters inside an object; False when it has not come yet."""
        if self._in_string:
            return self._leave_string()
        found = _STRUCTURE.search(self._buffer, self._position)
        if found is None:
            self._position = len(self._buffer)
            return False
        self._position = found.end()
        byte = self._buffer[found.start()]
        if byte == ord('"'):
            self._in_string = True
        else:
            self._depth += 1 if byte in b"{[" else -1
        return True

    def _leave_string(self) -> bool:
        """Go behind the string's end; False when it has not come, or only half of an escape has."""
        found = _IN_STRING.match(self._buffer, self._position)
        self._position = self._position if found is None else found.end()
        if self._buffer[self._position : self._position + 1] != b'"':
            return False
        self._position += 1
        self._in_string = False
        return True

    def close(self) -> list[bytes]:
        """Every complete object has been returned already."""
        if self._depth or self._arrays > 0:
            _cut()
        return []


def _check(size: int, limit: int) -> None:
    if size > limit:
        raise UpstreamFailure(FailureKind.MALFORMED, f"one event of the answer is larger than {limit} bytes")


def _cut() -> NoReturn:
    raise UpstreamFailure(FailureKind.CUT, "the answer ended in the middle of a JSON document")
