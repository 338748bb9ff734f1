"""The acts of one answer on the wire, in order: pure, so that every fault can be read and tested without a socket."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from attrs import field, frozen

from agd.encoding import encode
from agd.simulator.chunks import Answer
from agd.simulator.faults import Fault, FaultKind
from agd.simulator.pace import Pace
from agd.simulator.rpc_status import Status

JSON_TYPE = "application/json; charset=UTF-8"

Envelope = Callable[[dict[str, Any]], dict[str, Any]]
"""Puts around a response what stands around it on the wire."""


@frozen
class Wait:
    """Nothing happens for some seconds."""

    seconds: float


@frozen
class Head:
    """The status and headers of the answer; they leave with the first bytes after them."""

    status: int
    content_type: str
    headers: Mapping[str, str] = field(factory=dict)


@frozen
class Body:
    """Bytes of the body; ``chunk`` when they are one chunk of an answer."""

    data: bytes
    chunk: bool = True


@frozen
class Raw:
    """Bytes that leave past HTTP."""

    data: bytes


@frozen
class End:
    """The end, in the manner of ``how``: finish, close, reset, stall, or finish_stale (the next request is dropped)."""

    how: str
    outcome: str = "complete"


Act = Wait | Head | Body | Raw | End


@frozen
class Framing:
    """How responses stand in a body: what goes before the first, between two, after each and at the end."""

    content_type: str
    first: bytes = b""
    between: bytes = b""
    after: bytes = b""
    last: bytes = b""


SSE = Framing("text/event-stream", b"data: ", b"data: ", b"\r\n\r\n")
ARRAY = Framing(JSON_TYPE, b"[", b",\r\n", b"", b"]")
DOCUMENT = Framing(JSON_TYPE)


@frozen
class Reading:
    """A body in pieces, with the pauses between them."""

    pieces: Iterator[bytes]
    framing: Framing
    first: float
    pause: float


def streamed(answer: Answer, pace: Pace, framing: Framing, envelope: Envelope = dict) -> Reading:
    """Give a streamed answer: one piece for each response, in its envelope."""
    pieces = (
        (framing.between if index else framing.first) + encode(envelope(response)) + framing.after
        for index, response in enumerate(answer.stream(pace.chunk_words))
    )
    return Reading(pieces, framing, pace.first_chunk_seconds, pace.chunk_seconds)


def whole(answer: Answer, pace: Pace, envelope: Envelope = dict) -> Reading:
    """Give an answer in one document, after the time that its stream would take; in two pieces, to be cut between."""
    document = encode(envelope(answer.whole()))
    middle = len(document) // 2
    seconds = pace.first_chunk_seconds + pace.chunk_seconds * (answer.beats(pace.chunk_words) - 1)
    return Reading(iter((document[:middle], document[middle:])), DOCUMENT, seconds, 0)


def refusal(status: Status, framing: Framing) -> Iterator[Act]:
    """Play an error answer; where an array of responses was asked for, Google sends the error in an array."""
    yield Head(status.http, JSON_TYPE)
    yield Body(_error(status, framing), chunk=False)
    yield End("finish")


def play(reading: Reading, fault: Fault | None) -> Iterator[Act]:
    """Play an answer, with the fault that the request meets."""
    if fault is None:
        return _ordinary(reading)
    return _delayed(fault.seconds, _FAULTS[fault.kind](reading, fault))


def _ordinary(reading: Reading, how: str = "finish") -> Iterator[Act]:
    yield from _begun(reading, None)
    if reading.framing.last:
        yield Body(reading.framing.last, chunk=False)
    yield End(how)


def _begun(reading: Reading, chunks: int | None) -> Iterator[Act]:
    """Play the head and the first ``chunks`` pieces (None: all)."""
    pause = reading.first
    if chunks != 0 and pause:
        yield Wait(pause)
    yield Head(200, reading.framing.content_type)
    for index, piece in enumerate(islice(reading.pieces, chunks)):
        if index and reading.pause:
            yield Wait(reading.pause)
        yield Body(piece)


def _delayed(seconds: float, acts: Iterator[Act]) -> Iterator[Act]:
    if seconds:
        yield Wait(seconds)
    yield from acts


def _status(reading: Reading, fault: Fault) -> Iterator[Act]:
    written = fault.body is not None
    yield Head(fault.status, fault.content_type if written else JSON_TYPE, fault.headers)
    yield Body((fault.body or "").encode() if written else _error(fault.error(), reading.framing), chunk=False)
    yield End("finish", "fault")


def _reset(_reading: Reading, _fault: Fault) -> Iterator[Act]:
    yield End("reset", "fault")


def _stall(reading: Reading, fault: Fault) -> Iterator[Act]:
    if fault.chunks is not None:
        yield from _begun(reading, fault.chunks)
    yield End("stall", "fault")


def _cut(reading: Reading, fault: Fault) -> Iterator[Act]:
    # The last piece carries the finish reason, so one piece is held back whatever the count.
    held = _all_but_last(reading.pieces)
    yield from _begun(Reading(held, reading.framing, reading.first, reading.pause), _or(fault.chunks, 1))
    yield End({"clean": "finish"}.get(fault.how, fault.how), "fault")


def _empty(reading: Reading, _fault: Fault) -> Iterator[Act]:
    yield Head(200, reading.framing.content_type)
    yield End("finish", "fault")


def _error_in_200(reading: Reading, fault: Fault) -> Iterator[Act]:
    yield from _broken_off(reading, _or(fault.chunks, 0), encode(fault.error().as_json()))


def _garbage(reading: Reading, fault: Fault) -> Iterator[Act]:
    text = "}{ this is no JSON" if fault.body is None else fault.body
    if fault.chunks is not None:
        yield from _broken_off(reading, fault.chunks, text.encode())
    else:
        yield Raw((fault.body or "\x00\x01 this is no HTTP\r\n\r\n").encode())
        yield End("close", "fault")


def _broken_off(reading: Reading, chunks: int, data: bytes) -> Iterator[Act]:
    """Play some pieces, then ``data`` in the place of the next one. A document holds nothing but ``data``."""
    framing = reading.framing
    if framing is DOCUMENT:
        chunks = 0
    yield from _begun(reading, chunks)
    yield Body((framing.between if chunks else framing.first) + data + framing.after + framing.last, chunk=False)
    yield End("finish", "fault")


def _error(status: Status, framing: Framing) -> bytes:
    document: Any = status.as_json()
    return encode([document] if framing is ARRAY else document)


def _all_but_last(pieces: Iterator[bytes]) -> Iterator[bytes]:
    before = next(pieces, None)
    for piece in pieces:
        if before is not None:
            yield before
        before = piece


def _or(count: int | None, default: int) -> int:
    return default if count is None else count


_FAULTS = {
    FaultKind.PASS: lambda reading, _: _ordinary(reading),
    FaultKind.SLOW_HEADERS: lambda reading, _: _ordinary(reading),
    FaultKind.CLOSE_IDLE: lambda reading, _: _ordinary(reading, "finish_stale"),
    FaultKind.STATUS: _status,
    FaultKind.RESET: _reset,
    FaultKind.STALL: _stall,
    FaultKind.CUT: _cut,
    FaultKind.EMPTY: _empty,
    FaultKind.ERROR_IN_200: _error_in_200,
    FaultKind.GARBAGE: _garbage,
}
