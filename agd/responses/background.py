"""Responses that run without a client: queued, in progress, ended; watched, resumed and cancelled by their ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred, gatherResults
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

    def stop(self, error: GatewayError) -> Deferred[Any]:
        """End all with an error; fires when each is stored so."""
        return gatherResults([Deferred.fromCoroutine(run.end(error)) for run in list(self._runs.values())])

    def _gone(self, run: Run) -> None:
        del self._runs[run.turn.owner, run.turn.id]


@define(eq=False)
class Run:
    """One response on its way, and all that has been told of it."""

    turn: Turn
    journal: Journal = field(factory=Journal)
    _work: Deferred[None] | None = None
    _waiting: list[Deferred[None]] = field(factory=list)
    _error: GatewayError | None = None
    _ending: bool = False

    async def queue(self) -> None:
        """Store the response as queued: if agd dies, it will be found failed. Raises ``GatewayError``."""
        self.journal.add(self.turn.narration.queued())
        if not await self.turn.keep():
            message = "The response cannot be stored now, and without that it cannot run in the background."
            raise GatewayError(503, message, type="server_error", code="store_unavailable")

    def start(self) -> Deferred[None]:
        """Run. Fires at the end, however the response ended."""
        self._work = Deferred.fromCoroutine(self._run())
        return self._work

    def resource(self) -> dict[str, Any]:
        """Return the Response as it stands."""
        return self.turn.narration.resource(stored=True)

    async def cancel(self) -> dict[str, Any]:
        """End it as cancelled; return what it is then."""
        await self.end(None)
        return self.resource()

    async def end(self, error: GatewayError | None) -> None:
        """End it, as failed with an error or as cancelled, unless it is ending already; return when it has ended."""
        ended: Deferred[None] = Deferred()
        self._waiting.append(ended)
        if self._work is not None and not self._ending:
            self._error = error
            self._work.cancel()
        await ended

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
        _log.info(
            "{request} background {id} ended {status} after {attempts} attempt(s){trouble}",
            request=self.turn.trail.request_id,
            id=self.turn.id,
            status=self.turn.narration.status,
            attempts=self.turn.trail.attempts,
            trouble="".join(f" | {failure}" for failure in self.turn.trail.failures),
        )

    async def _answer(self) -> None:
        turn = self.turn
        try:
            self.journal.add(turn.narration.begin())
            await (await turn.open()).pour(self)
        except CancelledError:
            self._ending = True
            frames = await (turn.fail(self._error) if self._error is not None else turn.cancel())
        except GatewayError as error:
            self._ending = True
            frames = await turn.fail(error)
        except UpstreamFailure as failure:
            self._ending = True
            turn.trail.failures.append(f"mid-stream: {failure}")
            frames = await turn.fail(client_error(failure))
        else:
            self._ending = True
            frames = await turn.conclude()
        self.journal.add(frames)


def _log_mistake(failure: Failure) -> None:
    """Tell of a mistake of agd's: nobody waits for the response, so nobody else would."""
    _log.failure("a background response failed", failure=failure)
