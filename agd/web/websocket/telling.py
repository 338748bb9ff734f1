"""One turn on a socket: from the client's ``response.create`` to the last frame of its response."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from attrs import define, field, frozen
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime

from agd.conversation import Event
from agd.errors import ClientLostError, GatewayError, UpstreamFailure
from agd.gateway import Trail
from agd.gateway.inquiry import Source
from agd.gemini.client_errors import client_error
from agd.web.errors import error_reason
from agd.web.websocket.engine import Engine, Frame, Turn
from agd.web.websocket.frames import error_frame, request_body, tagged
from agd.web.websocket.memory import Memory

T = TypeVar("T")

LEFT = 499
"""The status of a turn whose client left or called it off, as others log it."""


@frozen(eq=False)
class Asked:
    """A ``response.create`` that was taken: the event as it came, its lane, and how many bytes it has."""

    event: Mapping[str, Any]
    stream_id: str | None
    size: int


class Outlet(Protocol):
    """Where a turn's frames go."""

    @property
    def paused(self) -> bool:
        """Whether the client does not keep up."""

    def say(self, messages: Iterable[bytes]) -> None:
        """Send messages, all in one write."""

    def drop(self) -> None:
        """Drop the connection: there is nobody to tell anything."""


@define(eq=False)
class Telling:
    """One turn. It is the sink of its own answer; frames leave within the upstream's read."""

    trail: Trail
    began: float
    lane: str | None
    _asked: Asked | None
    _previous: object
    _size: int
    _outlet: Outlet
    _memory: Memory
    _turn: Turn | None = field(default=None, init=False)
    _source: Source | None = field(default=None, init=False)
    _work: Deferred[Any] | None = field(default=None, init=False)
    _ending: Exception | None = field(default=None, init=False)
    _begun: bool = field(default=False, init=False)

    @classmethod
    def of(cls, asked: Asked, trail: Trail, began: float, outlet: Outlet, memory: Memory) -> Telling:
        """Make the turn that was asked for. What was asked is let go of when it is read: an answer may take long."""
        previous = asked.event.get("previous_response_id")
        return cls(trail, began, asked.stream_id, asked, previous, asked.size, outlet, memory)

    async def tell(self, engine: Engine, clock: IReactorTime, hold_seconds: float) -> int:
        """Carry the turn out, whatever comes of it. Gives the status for the log."""
        try:
            await self._answer(engine, clock, hold_seconds)
        except GatewayError as error:
            return await self._fail(error)
        except UpstreamFailure as failure:
            self.trail.failures.append(f"mid-stream: {failure}")
            return await self._fail(client_error(failure))
        except ClientLostError as lost:
            self.trail.failures.append(str(lost))
            self._outlet.drop()
            return LEFT
        return 200

    def take(self, events: Sequence[Event]) -> None:
        """Send what these events say."""
        if self._turn is not None:
            self._say(self._turn.narration.write(events))

    def cut_short(self, ending: Exception) -> None:
        """End the turn with an error; one that only has to be concluded is let conclude."""
        if self._work is not None:
            self._ending = ending
            self._work.cancel()

    def pause(self) -> None:
        """The client does not keep up."""
        if self._source is not None:
            self._source.pauseProducing()

    def resume(self) -> None:
        """The client reads again."""
        if self._source is not None:
            self._source.resumeProducing()

    @property
    def begun(self) -> bool:
        """Whether the client has heard of a response."""
        return self._begun

    @property
    def response_id(self) -> str | None:
        """The id of the response, once there is one."""
        return None if self._turn is None else self._turn.id

    # ------------------------------------------------------------------ the way of a turn

    async def _answer(self, engine: Engine, clock: IReactorTime, hold_seconds: float) -> None:
        turn = self._turn = await self._carry_out(self._read(engine))
        if turn.generate:
            await self._carry_out(self._generate(turn, clock, hold_seconds))
            frames = await turn.conclude()
        else:
            frames = await turn.warm_up()
        self._remember(turn, frames)
        self._say(frames)

    async def _read(self, engine: Engine) -> Turn:
        asked, self._asked = self._asked, None
        body = request_body(asked.event if asked is not None else {})
        return await engine.begin(body, self.trail.owner, self.trail, self._memory.local(self._previous))

    async def _generate(self, turn: Turn, clock: IReactorTime, hold_seconds: float) -> None:
        """Open, and tell everything but the end. What takes long to open begins without a first event.

        From then on nothing can be sent until there is something to tell; pings go on, though not every client counts
        them as life (Codex does not).
        """
        hold = clock.callLater(hold_seconds, self._begin, turn)
        try:
            source = await turn.open()
        finally:
            if hold.active():
                hold.cancel()
        self._begin(turn)
        self._source = source
        try:
            if self._outlet.paused:
                source.pauseProducing()
            await source.pour(self)
        finally:
            self._source = None

    async def _carry_out(self, work: Coroutine[Deferred[Any], Any, T]) -> T:
        """Await what can be called off. Raises what ``cut_short`` was given when that ends it."""
        self._work = running = Deferred.fromCoroutine(work)
        try:
            return await running
        except CancelledError:
            if self._ending is not None:
                raise self._ending from None
            raise
        finally:
            self._work = None

    async def _fail(self, error: GatewayError) -> int:
        """Tell the client: with an error frame, or as the end of the response that it has heard of."""
        self.trail.failures.append(error_reason(error))
        called_off = isinstance(error, CalledOff)
        if not called_off:
            self._memory.evict(self._previous, self.lane)
        if self._begun and self._turn is not None:
            self._say(await (self._turn.cancel() if called_off else self._turn.fail(error)))
        else:
            self._outlet.say([error_frame(error, self.trail.request_id, self.lane)])
        return LEFT if called_off else error.status

    def _begin(self, turn: Turn) -> None:
        self._begun = True
        self._say(turn.narration.begin())

    def _say(self, frames: Sequence[Frame]) -> None:
        if frames:
            self._outlet.say(tagged(data, self.lane) for _, data in frames)

    def _remember(self, turn: Turn, frames: Sequence[Frame]) -> None:
        """Keep a response that nobody stores. Its last frame holds all of it but the input, so it tells the size.

        One that is stored is found in the store, as long as it is there: its owner may delete it.
        """
        if turn.narration.status == "failed":
            self._memory.evict(self._previous, self.lane)
        if turn.record is not None and not turn.stored:
            size = self._size + (len(frames[-1][1]) if frames else 0)
            self._memory.keep(turn.record, self.lane, size)


class CalledOff(GatewayError):
    """The client sent ``response.cancel``."""

    def __init__(self) -> None:
        super().__init__(400, "The response was cancelled by response.cancel", code="response_cancelled")
