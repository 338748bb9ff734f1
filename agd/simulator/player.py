"""Playing a script on one HTTP request: paced by a clock, paused by a slow reader, ended by one that leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime
from twisted.python.failure import Failure
from twisted.web.server import Request
from zope.interface import implementer

from agd.simulator.ledger import Call
from agd.simulator.script import Act, Body, End, Head, Raw, Wait


@implementer(IPushProducer)
@define(eq=False)
class Player:
    """Carries out acts until the end. ``on_end(outcome, how)`` is told once: complete, fault or aborted.

    While the transport is full nothing is made: the script, which is lazy, stands still.
    """

    _request: Request
    _script: Iterator[Act]
    _call: Call
    _clock: IReactorTime
    _on_end: Callable[[str, str], None]
    _timer: IDelayedCall | None = field(default=None, init=False)
    _paused: bool = field(default=False, init=False)
    _over: bool = field(default=False, init=False)
    _headed: bool = field(default=False, init=False)

    @property
    def _transport(self) -> Any:
        """What lies under HTTP; twisted.web types it as less than the TCP transport it is."""
        return self._request.transport

    def start(self) -> None:
        """Begin. The request must not be answered by anyone else."""
        self._request.notifyFinish().addErrback(self._left)
        self._request.registerProducer(self, True)
        self._go()

    def pauseProducing(self) -> None:
        """The transport is full."""
        self._paused = True

    def resumeProducing(self) -> None:
        """The transport has room again; a pause of the script that is still running is kept."""
        self._paused = False
        if self._timer is None:
            self._go()

    def stopProducing(self) -> None:
        """The connection is lost; ``notifyFinish`` tells the same and is acted on."""

    def _go(self) -> None:
        self._timer = None
        while not (self._paused or self._over):
            act = next(self._script, None)
            if act is None:
                return
            if isinstance(act, Wait):
                self._timer = self._clock.callLater(act.seconds, self._go)
                return
            self._carry_out(act)

    def _carry_out(self, act: Head | Body | Raw | End) -> None:
        match act:
            case Body(data, chunk):
                self._call.chunks += chunk
                self._request.write(data)
            case Head():
                self._head(act)
            case Raw(data):
                self._transport.write(data)
            case End(how, outcome):
                self._end(how, outcome)

    def _head(self, head: Head) -> None:
        self._headed = True
        self._call.status = head.status
        self._request.setResponseCode(head.status)
        self._request.setHeader("content-type", head.content_type)
        for name, value in head.headers.items():
            self._request.setHeader(name, value)

    def _end(self, how: str, outcome: str) -> None:
        if how == "stall":
            self._stall()
            return
        self._over = True
        self._on_end(outcome, how)
        self._request.unregisterProducer()
        if how == "reset":
            self._transport.abortConnection()
        elif how == "close":
            self._transport.loseConnection()
        else:
            self._request.finish()

    def _stall(self) -> None:
        """Stay silent until the client leaves; headers that were played are sent."""
        self._script = iter(())
        if self._headed:
            self._request.write(b"")

    def _left(self, _reason: Failure) -> None:
        if self._over:
            return
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._on_end("aborted", "aborted")
