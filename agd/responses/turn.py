"""One Response while it is made: asked of the gateway, told frame by frame, kept for what may follow."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define, evolve, field
from twisted.logger import Logger

from agd.conversation import Notice, Prompt
from agd.emulation.truncation import without_oldest
from agd.errors import GatewayError, StoreError
from agd.gateway import Trail
from agd.gateway.inquiry import Source
from agd.gemini.causes import fitting_share
from agd.protocols.endpoint import Context
from agd.protocols.responses.answer import render, with_choices
from agd.protocols.responses.asked import Asked, asked_of
from agd.protocols.responses.listing import listed
from agd.protocols.responses.narration import Frame, Narration
from agd.protocols.responses.resource import resource
from agd.responses.compaction import summarising, summary_of
from agd.responses.journal import Journal, pack
from agd.store.record import Record
from agd.upstream.confluence import Settled

if TYPE_CHECKING:
    from agd.responses.engine import Engine

T = TypeVar("T")
Ask = Callable[[Prompt, Trail], Awaitable[T]]

NOT_STORED = Notice("store", "the response could not be stored: it cannot be retrieved or continued by its id")

_log = Logger("agd")


@define(eq=False)
class Turn:
    """One Response. Either ``whole`` is called, or ``open`` and then, when all was poured, ``conclude`` or ``fail``.

    ``record`` is what was made of it, there after its end; also of one that is not stored, for a connection's memory.
    """

    context: Context
    owner: str
    trail: Trail
    narration: Narration
    _engine: Engine
    _ahead: list[Frame] = field(factory=list, init=False)
    journal: Journal | None = field(default=None, init=False)
    """Where the frames stand that were told before the end, if they are to be stored as well."""
    record: Record | None = field(default=None, init=False)
    stored: bool = field(default=False, init=False)
    """Whether the store has the response as ``record`` says."""

    @property
    def id(self) -> str:
        """The Response's id."""
        return f"resp_{self.context.token}"

    @property
    def prompt(self) -> Prompt:
        """What is asked."""
        return self.context.prompt

    @property
    def asked(self) -> Asked:
        """What of the request the answer needs."""
        return asked_of(self.prompt)

    @property
    def generate(self) -> bool:
        """False for a warm-up: what is sent is kept, and nothing is asked of a model."""
        return self.asked.generate

    # ------------------------------------------------------------------ asking

    def report(self) -> None:
        """Report the end of a response that ran in the background."""
        self._engine.gateway.ended(self.id, self.narration.status, self.trail)

    async def open(self) -> Source:
        """Ask for a streamed answer. Raises ``GatewayError`` while nothing of it is there."""
        if self.asked.compacts:
            await self._compact()
            return Settled(())
        return await self._fitting(self._engine.gateway.open)

    async def whole(self) -> dict[str, Any]:
        """Ask for the whole answer, keep it, and return the Response. Raises ``GatewayError``."""
        narration = self.narration
        if self.asked.compacts:
            await self._compact()
            narration.settle()
            return await self._kept(narration.resource, narration.memory)
        answer = await self._fitting(self._engine.gateway.complete)
        told, memory = render(answer, self.context, narration.seal, stored=True, now=narration.now)
        kept = await self._kept(lambda stored: {**told, "store": stored}, memory)
        return with_choices(kept, answer, self.context)

    async def _compact(self) -> None:
        """Let the model summarise what was sent; that is the answer."""
        answer = await self._fitting(lambda prompt, trail: self._engine.gateway.complete(summarising(prompt), trail))
        self._ahead = self.narration.compact(self._engine.seal(self.owner)({"summary": summary_of(answer)}))

    async def _fitting(self, ask: Ask[T]) -> T:
        """Ask; where the conversation is too long and the client allows it, again without its oldest rounds (I34)."""
        prompt = self.prompt
        while True:
            try:
                return await ask(prompt, self.trail)
            except GatewayError as error:
                shorter = self._shortened(prompt, error)
                if shorter is None:
                    raise
                prompt = shorter

    def _shortened(self, prompt: Prompt, error: GatewayError) -> Prompt | None:
        if error.code != "context_length_exceeded" or self.asked.truncation != "auto":
            return None
        messages = without_oldest(prompt.messages, fitting_share(error.message))
        if messages is None:
            return None
        left_out = len(self.prompt.messages) - len(messages)
        self.trail.note([Notice("truncation", f"the {left_out} oldest turns were left out: the model takes no more")])
        return evolve(prompt, messages=messages)

    # ------------------------------------------------------------------ the end

    async def conclude(self) -> list[Frame]:
        """Everything was poured: return the last frames, when the Response is stored."""
        if self.asked.compacts:
            return await self._ended([*self._ahead, *self.narration.settle()])
        frames = self.narration.finish()
        if self.narration.status == "failed":
            self.trail.failures.append("the answer ended without a finish reason")
        return await self._ended(frames)

    async def fail(self, error: GatewayError) -> list[Frame]:
        """Return the frames that end the Response as failed, when that is stored."""
        return await self._ended(self.narration.break_off(error))

    async def cancel(self) -> list[Frame]:
        """Return the frames that end the Response as cancelled, when that is stored."""
        return await self._ended(self.narration.cancel())

    async def warm_up(self) -> list[Frame]:
        """Remember what was sent; return the frames of an answer in which nothing was generated."""
        return await self._ended(self.narration.settle())

    async def queue(self) -> bool:
        """Store the Response as it is before it runs; tell whether that could be done."""
        return await self._save(self._record(self.narration.resource(True), ()))

    async def forsake(self) -> None:
        """Let the Response that was stored as queued have failed: as it ended it could not be stored."""
        error = GatewayError(500, "The response could not be stored.", type="server_error", code="store_unavailable")
        body = resource(self.context, "failed", asked=self.asked, stored=True, error=error)
        await self._save(self._record(body, ()))

    async def _ended(self, frames: list[Frame]) -> list[Frame]:
        """Keep the Response, then return its last frames with the terminal one, which tells whether it is stored."""
        wanted = self.asked.store
        told = [*frames, *self.narration.terminal(stored=wanted)]
        packed = None if self.journal is None else pack([*self.journal.frames, *told])
        body = await self._kept(self.narration.resource, self.narration.memory, packed)
        if body["store"] == wanted:
            return told
        self.narration.beside = partial(noticed, self.trail)
        return [*frames, *self.narration.terminal(stored=False)]

    async def _kept(
        self, told: Callable[[bool], dict[str, Any]], memory: Sequence[Any], journal: bytes | None = None
    ) -> dict[str, Any]:
        """Keep the Response as far as its client wants it; return it as it then is."""
        stored = self.asked.store
        body = told(stored)
        record = self._record(body, memory, journal)
        return body if not stored or await self._save(record) else told(False)

    async def _save(self, record: Record) -> bool:
        self.stored = False
        try:
            await self._engine.store.save(record, int(self._engine.now()))
        except StoreError as error:
            _log.error("{request}: {id} is not stored: {error}", request=self.trail.request_id, id=self.id, error=error)
            self.trail.note([NOT_STORED])
            return False
        self.stored = True
        return True

    def _record(self, body: dict[str, Any], memory: Sequence[Any], journal: bytes | None = None) -> Record:
        asked = self.asked
        self.record = Record(
            id=self.id,
            owner=self.owner,
            created=self.context.created,
            previous=asked.repeated.get("previous_response_id"),
            status=body["status"],
            background=asked.background,
            input=tuple(listed(asked.items, self.context.token)),
            body=body,
            memory=tuple(memory),
            journal=journal,
        )
        return self.record


def noticed(trail: Trail) -> dict[str, Any]:
    """Return notices as they stand in a Response whose answer has no head to tell them in, or had sent it by then."""
    if not trail.notices:
        return {}
    return {"x_agd": {"notices": [{"param": each.param, "message": each.message} for each in trail.notices]}}
