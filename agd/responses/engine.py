"""The Responses API without its transports: what can be asked of a response, before, while and after it is made.

The owner is part of everything: what belongs to another one is not found, on every way (I51).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from attrs import define, evolve, field
from twisted.logger import Logger

from agd.conversation import Prompt
from agd.conversation.session import CHAIN, said
from agd.errors import BadRequest, GatewayError, StoreError
from agd.gateway import Gateway, Trail
from agd.protocols.endpoint import Context
from agd.protocols.endpoints import read_responses
from agd.protocols.fields import shown
from agd.protocols.responses.asked import asked_of
from agd.protocols.responses.listing import listed
from agd.protocols.responses.narration import Narration
from agd.protocols.responses.paging import Page, list_page
from agd.protocols.responses.past import Past, wanted
from agd.protocols.responses.recite import recite
from agd.protocols.usage import response_usage
from agd.responses.background import Background, Run
from agd.responses.compaction import kept_words, summarising, summary_of
from agd.responses.history import Local, recall
from agd.responses.journal import Journal, Reading, unpack
from agd.responses.turn import Turn, noticed
from agd.sealing import KeyRing, TooLarge
from agd.store.record import Record
from agd.store.responses import ResponseStore

T = TypeVar("T")

_log = Logger("agd")

_NOTHING_LOCAL: Local = {}


@define(eq=False)
class Engine:
    """Makes responses and keeps them. ``now`` gives unix seconds, ``mint`` random hexadecimal digits."""

    gateway: Gateway
    store: ResponseStore
    ring: KeyRing
    now: Callable[[], float]
    mint: Callable[[], str]
    background: Background = field(factory=Background)

    # ------------------------------------------------------------------ making

    async def begin(self, body: Mapping[str, Any], owner: str, trail: Trail, local: Local | None = None) -> Turn:
        """Read a request with all that it refers to. Raises ``GatewayError``.

        ``local``: responses that the client's connection knows beside those that are stored. Over HTTP there is none,
        and a warm-up, which only a connection remembers, is refused.
        """
        trail.owner = owner
        prompt = await self._read(body, owner, _NOTHING_LOCAL if local is None else local)
        if local is None and not asked_of(prompt).generate:
            raise BadRequest("A request that generates nothing is for WebSockets only.", "generate", "invalid_value")
        token = self.mint()
        context = Context(token, int(self.now()), _in_chain(prompt, token, trail), self.gateway.options)
        beside = dict if local is None else partial(noticed, trail)
        return Turn(context, owner, trail, Narration(context, self.seal(owner), self.now, beside), self)

    async def launch(self, turn: Turn) -> Run:
        """Let a response run without its client. Raises ``GatewayError``, also for one that its key does not allow."""
        self.gateway.reserve(turn.prompt, turn.trail)
        try:
            return await self.background.launch(turn)
        except BaseException:
            turn.trail.let_go()
            raise

    async def count(self, body: Mapping[str, Any], owner: str, trail: Trail) -> dict[str, Any]:
        """Return how many tokens a request's input has (OpenAI ``TokenCountsResource``). Raises ``GatewayError``."""
        trail.owner = owner
        prompt = await self._read(body, owner, _NOTHING_LOCAL)
        return {"object": "response.input_tokens", "input_tokens": await self.gateway.count(prompt, trail)}

    async def compact(self, body: Mapping[str, Any], owner: str, trail: Trail) -> dict[str, Any]:
        """Return a conversation made short (OpenAI ``CompactResource``). Raises ``GatewayError``."""
        trail.owner = owner
        past = await self._past(body, owner, _NOTHING_LOCAL)
        prompt = read_responses({**body, "store": False}, self.gateway.options, past)
        token = self.mint()
        answer = await self.gateway.complete(summarising(prompt), trail)
        sealed = self.seal(owner)({"summary": summary_of(answer)})
        items = [*past.items, *listed(asked_of(prompt).items, token)]
        return {
            "id": f"resp_{token}",
            "object": "response.compaction",
            "created_at": int(self.now()),
            "output": [*kept_words(items), {"id": f"cmp_{token}", "type": "compaction", "encrypted_content": sealed}],
            "usage": None if answer.usage is None else response_usage(answer.usage),
        }

    # ------------------------------------------------------------------ afterwards

    async def retrieve(self, owner: str, id_: str) -> dict[str, Any]:
        """Return a response as it stands. Raises ``GatewayError`` 404."""
        run = self.background.find(owner, id_)
        return run.resource() if run is not None else (await self._find(owner, id_)).body

    async def events(self, owner: str, id_: str, begin: int = 0) -> Reading:
        """Return a response's events from a number on, those to come as well. Raises ``GatewayError`` 404.

        Where they were not kept as they were told, they are told anew, in other numbers: at the least the end, which
        nobody can have seen who still asks for more.
        """
        run = self.background.find(owner, id_)
        if run is not None:
            return Reading(run.follow(), begin)
        record = await self._find(owner, id_)
        if record.journal is not None:
            return Reading(unpack(record.journal), begin)
        return Reading(Journal(recite(record.body, begin), closed=True))

    async def cancel(self, owner: str, id_: str) -> dict[str, Any]:
        """End a response that runs in the background; one that has ended stays as it is. Raises ``GatewayError``."""
        run = self.background.find(owner, id_)
        if run is not None:
            return await run.cancel()
        record = await self._find(owner, id_)
        if not record.background:
            message = "Only responses that were created with background: true can be cancelled."
            raise BadRequest(message, "response_id", "not_a_background_response")
        return record.body

    async def delete(self, owner: str, id_: str) -> dict[str, Any]:
        """Delete a response, ending it first if it still runs. Raises ``GatewayError`` 404."""
        run = self.background.find(owner, id_)
        if run is not None:
            await run.cancel()
        if not await self._stored(self.store.delete(owner, id_)):
            raise not_found(id_)
        return {"id": id_, "object": "response", "deleted": True}

    async def input_items(self, owner: str, id_: str, page: Page) -> dict[str, Any]:
        """Return a page of what a response was asked with. Raises ``GatewayError``."""
        run = self.background.find(owner, id_)
        record = run.turn.record if run is not None else None
        return list_page((record or await self._find(owner, id_)).input, page)

    # ------------------------------------------------------------------ within

    def seal(self, owner: str) -> Callable[[Any], str]:
        """Return what seals state for an owner; what is too large to travel is told in the log and left behind."""

        def seal(value: Any) -> str:
            try:
                return self.ring.seal(owner, value)
            except TooLarge as error:
                _log.warn("state of {owner} is too large to be sealed: {error}", owner=owner, error=error)
                return self.ring.seal(owner, [])

        return seal

    async def _read(self, body: Mapping[str, Any], owner: str, local: Local) -> Prompt:
        return read_responses(body, self.gateway.options, await self._past(body, owner, local))

    async def _past(self, body: Mapping[str, Any], owner: str, local: Local) -> Past:
        past = Past(open=partial(self.ring.open, owner))
        return await self._stored(recall(wanted(body), past, owner, self.store, local, now=int(self.now())))

    async def _find(self, owner: str, id_: str) -> Record:
        record = await self._stored(self.store.find(owner, id_))
        if record is None:
            raise not_found(id_)
        return record

    async def _stored(self, looking: Awaitable[T]) -> T:
        """Await the store. Raises ``GatewayError`` 503 where it fails."""
        try:
            return await looking
        except StoreError as error:
            _log.error("the store cannot be read: {error}", error=str(error))
            message = "agd's store of responses cannot be read now"
            raise GatewayError(503, message, type="server_error", code="store_unavailable") from None


def _in_chain(prompt: Prompt, token: str, trail: Trail) -> Prompt:
    """Let a response of which nobody says where it belongs begin a chain, if it is kept so that others can go on."""
    if prompt.session is not None or trail.said is not None or not asked_of(prompt).store:
        return prompt
    return evolve(prompt, session=said(CHAIN, f"resp_{token}"))


def not_found(id_: str) -> GatewayError:
    """Answer for an id that the owner has not: never stored, deleted, or another's."""
    return GatewayError(
        404, f"Response with id {shown(id_)} not found.", param="response_id", code="response_not_found"
    )
