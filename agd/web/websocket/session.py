"""What a client asks on one socket, and in which order it is carried out.

A lane is named by ``stream_id``, or is the default one. Its turns run one after another as they came; lanes run side by
side, ``MAX_IN_FLIGHT`` turns at a time, and what goes beyond that waits. These rules and figures are those of OpenAI's
guide to WebSocket mode.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Protocol

from attrs import define, field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from agd.errors import BadRequest, ClientLostError, GatewayError
from agd.protocols.errors import read_body
from agd.web.errors import error_reason, internal_error
from agd.web.websocket.engine import Engine
from agd.web.websocket.frames import error_frame, stream_id_of
from agd.web.websocket.memory import Memory
from agd.web.websocket.telling import Asked, CalledOff, Outlet, Telling
from agd.web.websocket.visitor import Visitor

MAX_IN_FLIGHT = 16
MAX_LANES = 32
"""Named lanes in the life of a connection."""
MAX_WAITING = 64
"""Turns that may wait on one connection; all of them together may be as large as one message."""
LIFETIME_MINUTES = 60


class Line(Outlet, Protocol):
    """The socket, as a session sees it."""

    def close(self, code: int, reason: str) -> None:
        """Close in good order, after what was said."""


@frozen
class Farewell:
    """Why a socket takes no further turns: what it answers to them, and how it closes once nothing runs."""

    error: GatewayError
    code: int
    reason: str


@define(eq=False)
class Session:
    """The turns of one socket. Whatever goes wrong with one is told on its lane, and the others go on."""

    _line: Line
    _visitor: Visitor
    _engine: Engine
    _clock: IReactorTime
    _hold_seconds: float
    _memory: Memory = field(factory=Memory)
    _lanes: set[str] = field(factory=set, init=False)
    _waiting: list[Asked] = field(factory=list, init=False)
    _running: dict[str | None, Telling] = field(factory=dict, init=False)
    _farewell: Farewell | None = field(default=None, init=False)
    _expired: bool = field(default=False, init=False)
    _lost: bool = field(default=False, init=False)
    _starting: bool = field(default=False, init=False)

    _log = Logger()

    # ------------------------------------------------------------------ what the socket tells

    def received(self, message: bytes) -> None:
        """Take a message of the client's."""
        stream_id = None
        try:
            event = read_body(message)
            stream_id = stream_id_of(event)
            self._obey(event, stream_id, len(message))
        except GatewayError as error:
            self.refuse(error, stream_id)
        self._settle()

    def refuse(self, error: GatewayError, stream_id: str | None = None) -> None:
        """Tell that something the client sent is not carried out, and report that."""
        trail = self._visitor.trail()
        trail.failures.append(error_reason(error))
        self._visitor.report(error.status, self._clock.seconds(), trail)
        self._line.say([error_frame(error, trail.request_id, stream_id)])

    def pause(self) -> None:
        """The client does not read: no answer is read for it either."""
        for telling in list(self._running.values()):
            telling.pause()

    def resume(self) -> None:
        """The client reads again."""
        for telling in list(self._running.values()):
            telling.resume()

    def lost(self, why: str) -> None:
        """The client is gone: give up everything at once."""
        self._lost = True
        self._waiting.clear()
        self._cut_short(ClientLostError(why))

    # ------------------------------------------------------------------ how it ends

    def expire(self) -> None:
        """The connection has lived as long as it may: what was taken is carried out, and no more."""
        self._expired = True
        self._settle()

    def leave(self, farewell: Farewell) -> None:
        """Take no further turns and give up those that wait; close when those that run have ended."""
        self._farewell = self._farewell or farewell
        waiting, self._waiting = self._waiting, []
        for asked in waiting:
            self.refuse(farewell.error, asked.stream_id)
        self._settle()

    def cut_short(self, farewell: Farewell) -> None:
        """Leave, and end what runs with the farewell's error."""
        self._farewell = None
        self.leave(farewell)
        self._cut_short(farewell.error)

    def _cut_short(self, ending: Exception) -> None:
        for telling in list(self._running.values()):
            telling.cut_short(ending)

    def _settle(self) -> None:
        """Close the connection if it is only to be closed."""
        if self._running or self._waiting or self._lost:
            return
        if self._expired and self._farewell is None:
            self._farewell = _expiry()
            self.refuse(self._farewell.error)
        if self._farewell is not None:
            self._line.close(self._farewell.code, self._farewell.reason)

    # ------------------------------------------------------------------ what the client wants

    def _obey(self, event: Mapping[str, Any], stream_id: str | None, size: int) -> None:
        match event.get("type"):
            case "response.create":
                self._accept(Asked(event, stream_id, size))
            case "response.cancel":
                self._cancel(event, stream_id)
            case "response.processed":
                pass  # Codex 0.129 to 0.137 could say that it has stored a response; nothing depends on it here
            case None:
                raise BadRequest("A message needs a 'type'", "type", "missing_required_parameter")
            case _:
                message = "Unknown 'type': a message is response.create, response.cancel or response.processed"
                raise BadRequest(message, "type", "unknown_event_type")

    def _accept(self, asked: Asked) -> None:
        if self._expired and self._farewell is None:
            self._farewell = _expiry()
        if self._farewell is not None:
            raise self._farewell.error
        if asked.stream_id is not None and asked.stream_id not in self._lanes:
            self._open_lane(asked.stream_id)
        if self._waiting:
            self._check_room(asked)
        self._waiting.append(asked)
        self._start_what_can()

    def _open_lane(self, stream_id: str) -> None:
        if len(self._lanes) >= MAX_LANES:
            message = f"A connection has at most {MAX_LANES} values of 'stream_id': use one again, or connect once more"
            raise BadRequest(message, "stream_id", "websocket_stream_limit_reached")
        self._lanes.add(stream_id)

    def _check_room(self, asked: Asked) -> None:
        waiting = sum(each.size for each in self._waiting)
        if len(self._waiting) >= MAX_WAITING or waiting + asked.size > self._visitor.site.max_body_bytes:
            message = "Too much waits on this connection already: let a response end first"
            raise GatewayError(429, message, type="rate_limit_error", code="websocket_queue_full")

    def _cancel(self, event: Mapping[str, Any], stream_id: str | None) -> None:
        """End the response that runs on the lane, or the one of that id on whatever lane."""
        wanted = event.get("response_id")
        if wanted is not None and not isinstance(wanted, str):
            raise BadRequest("'response_id' must be a string", "response_id", "invalid_type")
        for lane, telling in self._running.items():
            if (lane == stream_id or (wanted and stream_id is None)) and wanted in (None, telling.response_id):
                telling.cut_short(CalledOff())
                return
        message = "No such response is running"
        raise BadRequest(message, "response_id" if wanted else None, "response_cancel_not_active")

    # ------------------------------------------------------------------ one turn after another

    def _start_what_can(self) -> None:
        """Start every turn whose lane is free, in the order in which they came. Some end before they have begun."""
        if self._starting:
            return
        self._starting = True
        while (asked := self._next()) is not None:
            self._waiting.remove(asked)
            self._start(asked)
        self._starting = False

    def _next(self) -> Asked | None:
        if len(self._running) >= MAX_IN_FLIGHT:
            return None
        return next((asked for asked in self._waiting if asked.stream_id not in self._running), None)

    def _start(self, asked: Asked) -> None:
        try:
            self._visitor.check()
        except GatewayError as error:
            self.refuse(error, asked.stream_id)
            self.cut_short(Farewell(error, 1008, error.code or error.type))
            return
        telling = Telling.of(asked, self._visitor.trail(), self._clock.seconds(), self._line, self._memory)
        self._running[asked.stream_id] = telling
        told = Deferred.fromCoroutine(telling.tell(self._engine, self._clock, self._hold_seconds))
        told.addErrback(partial(self._mistake, telling)).addCallback(self._ended, telling)

    def _mistake(self, telling: Telling, failure: Failure) -> int:
        """Answer a mistake of agd's. A response that the client has heard of cannot be ended truthfully any more."""
        error = internal_error()
        self._log.failure("answering {id} failed", failure=failure, id=telling.trail.request_id)
        telling.trail.failures.append(error_reason(error))
        if telling.begun:
            self._line.close(1011, error.code or error.type)
        else:
            self._line.say([error_frame(error, telling.trail.request_id, telling.lane)])
        return error.status

    def _ended(self, status: int, telling: Telling) -> None:
        del self._running[telling.lane]
        self._visitor.report(status, telling.began, telling.trail)
        self._start_what_can()
        self._settle()


def _expiry() -> Farewell:
    message = f"Responses websocket connection limit reached ({LIFETIME_MINUTES} minutes): connect again to continue"
    code = "websocket_connection_limit_reached"
    return Farewell(BadRequest(message, code=code), 1000, code)
