"""Responses that run without a client: queued, in progress, ended; watched, resumed and cancelled by their ids."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Any

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from agd.conversation import Event
from agd.errors import GatewayError, UpstreamFailure
from agd.gemini.client_errors import client_error
from agd.protocols.responses.narration import Frame
from agd.responses.journal import Journal

if TYPE_CHECKING:
    from agd.responses.turn import Turn

MOST = 256
"""How many may run at a time: each is an upstream call, and its events are in memory."""

_log = Logger("agd")


@define(eq=False)
class Background:
    """What runs now, by owner and id."""

    _runs: dict[tuple[str, str], Run] = field(factory=dict)
    _closing: bool = False

    def find(self, owner: str, id_: str) -> Run | None:
        """Return a response that still runs."""
        return self._runs.get((owner, id_))

    async def launch(self, turn: Turn) -> Run:
        """Store a response as queued and let it run. Raises ``GatewayError`` for one too many, or without a store."""
        if self._closing:
            raise _shutting_down()
        if len(self._runs) >= MOST:
            message = f"{MOST} responses are running in the background; try again later."
            raise GatewayError(429, message, type="requests", code="rate_limit_exceeded", retry_after=10.0)
        run = Run(turn)
        # It takes its place before it is stored: a second one must not slip in while that is awaited.
        self._runs[turn.owner, turn.id] = run
        run.start().addBoth(lambda _: self._gone(run))
        try:
            await run.accepted
        except CancelledError:
            run.stop(None)  # its client left before it could hear of it, so nobody will ever ask for it
            raise
        return run

    def finish(self, grace: float, clock: IReactorTime) -> Deferred[Any]:
        """Let all that runs end; what runs after ``grace`` seconds fails. Fires when everything is stored."""
        self._closing = True
        overdue = clock.callLater(grace, self.hurry)

        def done(result: Any) -> Any:
            if overdue.active():
                overdue.cancel()
            return result

        return gatherResults([run.ended() for run in self._runs.values()]).addBoth(done)

    def hurry(self) -> None:
        """Let all that runs fail now."""
        for run in list(self._runs.values()):
            run.stop(_shutting_down())

    def _gone(self, run: Run) -> None:
        del self._runs[run.turn.owner, run.turn.id]
        run.turn.trail.let_go()  # where it came to nothing before anybody was asked


@define(eq=False)
class Run:
    """One response on its way, and all that has been told of it."""

    turn: Turn
    journal: Journal = field(factory=Journal)
    accepted: Deferred[None] = field(factory=Deferred, init=False)
    """Fires when it is stored as queued; fails with ``GatewayError`` where that cannot be."""
    queued: dict[str, Any] = field(factory=dict, init=False)
    """The Response as it was queued."""
    _work: Deferred[None] | None = None
    _waiting: list[Deferred[None]] = field(factory=list)
    _error: GatewayError | None = None
    _ending: bool = False

    def start(self) -> Deferred[None]:
        """Run. Fires at the end, however the response ended."""
        if self.turn.prompt.stream:
            self.follow()
        self._work = Deferred.fromCoroutine(self._run())
        return self._work.addErrback(self._mistaken).addErrback(_log_mistake).addBoth(self._over)

    def follow(self) -> Journal:
        """Return the events, to be read: from now on they are kept, so that they can be read on after the end."""
        self.turn.journal = self.journal
        return self.journal

    def resource(self) -> dict[str, Any]:
        """Return the Response as it stands."""
        return self.turn.narration.resource(True)

    async def cancel(self) -> dict[str, Any]:
        """End it as cancelled, unless it is ending already; return what it is then."""
        ended = self.ended()
        self.stop(None)
        await ended
        return self.resource()

    def stop(self, error: GatewayError | None) -> None:
        """Begin to end it, as failed with an error or as cancelled, unless it is ending already."""
        if self._work is not None and not self._ending:
            self._ending, self._error = True, error
            self._work.cancel()

    def ended(self) -> Deferred[None]:
        """Return what fires when it has ended and is stored."""
        ended: Deferred[None] = Deferred()
        self._waiting.append(ended)
        return ended

    def take(self, events: Sequence[Event]) -> None:
        """Tell events to whoever follows; see ``agd.upstream.relay.Sink``."""
        self.journal.add(self.turn.narration.write(events))

    async def _run(self) -> None:
        """Store it as queued and let the model answer; then tell and store the end, which is not cancelled any more."""
        turn = self.turn
        try:
            await self._queue()
            self.journal.add(turn.narration.begin())
            opening = Deferred.fromCoroutine(turn.open())
            # Only now: what is known when the question has been sent is told in the head of the answer.
            self.accepted.callback(None)
            await (await opening).pour(self)
        except CancelledError:
            end = turn.cancel() if self._error is None else turn.fail(self._error)
        except Unstorable as error:
            self._ending = True
            self.accepted.errback(error)
            return
        except GatewayError as error:
            end = turn.fail(error)
        except UpstreamFailure as failure:
            turn.trail.failures.append(f"mid-stream: {failure}")
            end = turn.fail(client_error(failure))
        else:
            end = turn.conclude()
        await self._end(end)

    async def _queue(self) -> None:
        """Store the response as queued: if agd dies, it will be found failed. Raises ``Unstorable``."""
        self.journal.add(self.turn.narration.queued())
        self.queued = self.resource()
        if not await self.turn.queue():
            raise Unstorable

    async def _end(self, end: Awaitable[Sequence[Frame]]) -> None:
        """Tell the end when it is stored. What cannot be stored so has failed: it must not seem to run for ever."""
        self._ending = True
        self.journal.add(await end)
        if not self.turn.stored:
            await self.turn.forsake()
        self.turn.report()

    def _mistaken(self, failure: Failure) -> Deferred[None]:
        """Tell of a mistake of agd's, which nobody waits to hear of, and let the response have failed."""
        _log_mistake(failure)
        message = "agd could not answer because of a mistake of its own; its log has the details"
        error = GatewayError(500, message, type="server_error", code="internal_error")
        return Deferred.fromCoroutine(self._end(self.turn.fail(error)))

    def _over(self, _: object) -> None:
        """Whatever came of it, let nobody wait any more."""
        self._ending = True
        self.journal.close()
        if not self.accepted.called:
            self.accepted.callback(None)
        waiting, self._waiting = self._waiting, []
        for ended in waiting:
            ended.callback(None)


class Unstorable(GatewayError):
    """A response cannot run in the background, because it cannot be stored."""

    def __init__(self) -> None:
        message = "The response cannot be stored now, and without that it cannot run in the background."
        super().__init__(503, message, type="server_error", code="store_unavailable")


def _shutting_down() -> GatewayError:
    return GatewayError(503, "agd is shutting down", type="server_error", code="shutting_down")


def _log_mistake(failure: Failure) -> None:
    """Tell of a mistake of agd's in the log."""
    _log.failure("a background response failed", failure=failure)
