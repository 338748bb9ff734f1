"""Responses that run without a client: queued, in progress, ended; watched, resumed and cancelled by their ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from agd.conversation import Event
from agd.errors import GatewayError, UpstreamFailure
from agd.gemini.client_errors import client_error
from agd.responses.journal import Journal

if TYPE_CHECKING:
    from agd.responses.turn import Turn

MOST = 256
"""How many may run at a time: each is an upstream call, and its events are in memory."""

SHUTTING_DOWN = GatewayError(503, "agd is shutting down", type="server_error", code="shutting_down")

_log = Logger("agd")


@define(eq=False)
class Background:
    """What runs now, by owner and id."""

    _runs: dict[tuple[str, str], Run] = field(factory=dict)

    def find(self, owner: str, id_: str) -> Run | None:
        """Return a response that still runs."""
        return self._runs.get((owner, id_))

    async def launch(self, turn: Turn) -> Run:
        """Store a response as queued and let it run. Raises ``GatewayError`` for one too many, or without a store."""
        if len(self._runs) >= MOST:
            message = f"{MOST} responses are running in the background; try again later."
            raise GatewayError(429, message, type="requests", code="rate_limit_exceeded", retry_after=10.0)
        run = Run(turn)
        # It takes its place before it is stored: a second one must not slip in while that is awaited.
        self._runs[turn.owner, turn.id] = run
        try:
            await run.queue()
        except BaseException:
            self._gone(run)
            raise
        run.start().addErrback(_log_mistake).addBoth(lambda _: self._gone(run))
        return run

    def finish(self, grace: float, clock: IReactorTime) -> Deferred[Any]:
        """Let all that runs end; what runs after ``grace`` seconds fails. Fires when everything is stored."""
        overdue = clock.callLater(grace, self._hurry)

        def done(result: Any) -> Any:
            if overdue.active():
                overdue.cancel()
            return result

        return gatherResults([run.ended() for run in self._runs.values()]).addBoth(done)

    def _hurry(self) -> None:
        for run in list(self._runs.values()):
            run.stop(SHUTTING_DOWN)

    def _gone(self, run: Run) -> None:
        del self._runs[run.turn.owner, run.turn.id]
        run.turn.trail.let_go()  # where it came to nothing before anybody was asked


@define(eq=False)
class Run:
    """One response on its way, and all that has been told of it."""

    turn: Turn
    journal: Journal = field(factory=Journal)
    queued: dict[str, Any] = field(factory=dict, init=False)
    """The Response as it was queued."""
    _work: Deferred[None] | None = None
    _waiting: list[Deferred[None]] = field(factory=list)
    _error: GatewayError | None = None
    _ending: bool = False

    async def queue(self) -> None:
        """Store the response as queued: if agd dies, it will be found failed. Raises ``GatewayError``."""
        if self.turn.prompt.stream:
            self.turn.journal = self.journal
        self.journal.add(self.turn.narration.queued())
        self.queued = self.resource()
        if not await self.turn.queue():
            message = "The response cannot be stored now, and without that it cannot run in the background."
            raise GatewayError(503, message, type="server_error", code="store_unavailable")

    def start(self) -> Deferred[None]:
        """Run. Fires at the end, however the response ended."""
        self._work = Deferred.fromCoroutine(self._run())
        return self._work

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
        try:
            await self._answer()
        finally:
            self.journal.close()
            waiting, self._waiting = self._waiting, []
            for ended in waiting:
                ended.callback(None)
        self.turn.report()

    async def _answer(self) -> None:
        """Let the model answer, then tell and store the end, which is not cancelled any more."""
        turn = self.turn
        try:
            self.journal.add(turn.narration.begin())
            await (await turn.open()).pour(self)
        except CancelledError:
            end = turn.cancel() if self._error is None else turn.fail(self._error)
        except GatewayError as error:
            end = turn.fail(error)
        except UpstreamFailure as failure:
            turn.trail.failures.append(f"mid-stream: {failure}")
            end = turn.fail(client_error(failure))
        else:
            end = turn.conclude()
        self._ending = True
        self.journal.add(await end)


def _log_mistake(failure: Failure) -> None:
    """Tell of a mistake of agd's: nobody waits for the response, so nobody else would."""
    _log.failure("a background response failed", failure=failure)
