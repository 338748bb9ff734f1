"""The loop at the heart: what is asked becomes calls, the calls' answers become one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from attrs import define, field
from twisted.internet.interfaces import IReactorTime

from agd.accounts.account import Account, ApiKey
from agd.accounts.catalogue import Catalogue
from agd.accounts.pool import Pool
from agd.conversation import Answer, Event, Notice, Prompt
from agd.conversation.names import named_notice, naming
from agd.errors import BadRequest
from agd.gateway.flow import Flow, fold
from agd.gateway.plan import MAX_CHOICES, Call, Plan, make_plan, silence
from agd.gateway.quest import Quest
from agd.gateway.together import together
from agd.gateway.trail import Observer, Trail, tell
from agd.gemini.models import NO_OVERRIDES, Overrides
from agd.options import DEFAULT, Options
from agd.routing import Router
from agd.signatures import SignatureStore, observe, restore
from agd.upstream.client import UpstreamClient
from agd.upstream.confluence import Confluence, Settled
from agd.upstream.media import Source as Documents
from agd.upstream.media import fetch_media
from agd.upstream.relay import Relay

Source = Relay | Confluence | Settled
"""What a streamed answer is poured from."""

AT_ONCE = 8
"""How many whole answers of one request are asked for at a time; streams are all open at once."""


@define(eq=False)
class Gateway:
    """Answers prompts from a pool of accounts. ``reread`` looks whether an account's credential has been renewed."""

    pool: Pool
    catalogue: Catalogue
    router: Router
    upstream: UpstreamClient
    documents: Documents
    signatures: SignatureStore
    max_attempts: int
    clock: IReactorTime
    observer: Observer
    reread: Callable[[Account], ApiKey | None]
    options: Options = DEFAULT
    overrides: Overrides = field(default=NO_OVERRIDES)

    async def open(self, prompt: Prompt, trail: Trail) -> Source:
        """Start a streamed answer; return with the first event of each call in hand. Raises ``GatewayError``."""
        with naming(prompt):
            return await self._opened(prompt, trail)

    async def complete(self, prompt: Prompt, trail: Trail) -> Answer:
        """Get a whole answer; one that breaks off is asked for again elsewhere. Raises ``GatewayError``."""
        with naming(prompt):
            return await self._completed(prompt, trail)

    async def count(self, prompt: Prompt, trail: Trail) -> int:
        """Count the tokens of a prompt as the model that answers it counts them. Raises ``GatewayError``."""
        with naming(prompt):
            plan = await self._plan(prompt, trail)
            return await Quest(self, trail, plan, plan.calls[0]).count()

    async def _opened(self, prompt: Prompt, trail: Trail) -> Source:
        plan = await self._plan(prompt, trail)
        if prompt.silent:
            return Settled(tuple(silence(prompt)))
        relays = await together([partial(self._open, plan, call, trail) for call in plan.calls], MAX_CHOICES, _drop)
        if prompt.tools:
            for relay in relays:
                relay.watch(partial(self._remember, trail.owner))
        flow = Flow.of(plan, partial(tell, trail, prompt))
        return relays[0] if flow.is_idle else Confluence(relays, flow)

    async def _completed(self, prompt: Prompt, trail: Trail) -> Answer:
        plan = await self._plan(prompt, trail)
        if prompt.silent:
            return _folded(silence(prompt))
        answers = await together([partial(self._collect, plan, call, trail) for call in plan.calls], AT_ONCE)
        for events in answers if prompt.tools else ():
            self._remember(trail.owner, events)
        return fold(plan, answers)

    async def _plan(self, prompt: Prompt, trail: Trail) -> Plan:
        """Route, fetch what the prompt names by address, put remembered signatures back, translate."""
        options, overrides = self.options, self.overrides
        trail.wanted = prompt.model
        trail.model = self.router.resolve(prompt.model, self.catalogue.known)
        _note(trail, prompt.notices, options)
        prompt = await fetch_media(prompt, self.documents, options)
        prompt = restore(prompt, trail.owner, self.signatures, self.clock.seconds())
        plan = make_plan(prompt, trail.model, options, overrides)
        _note(trail, [named_notice(prompt, notice) for notice in plan.notices], options)
        return plan

    async def _open(self, plan: Plan, call: Call, trail: Trail) -> Relay:
        return await Quest(self, trail, plan, call).stream()

    async def _collect(self, plan: Plan, call: Call, trail: Trail) -> Sequence[Event]:
        return await Quest(self, trail, plan, call).whole()

    def _remember(self, owner: str, events: Iterable[Event]) -> None:
        """Keep the signatures of an answer's calls for their owner, before any call is left out (B40)."""
        observe(events, owner, self.signatures, self.clock.seconds())


def _note(trail: Trail, notices: Iterable[Notice], options: Options) -> None:
    """Tell the client. Raises ``BadRequest`` where nothing may be carried out otherwise than asked."""
    told = tuple(notices)
    trail.note(told)
    if options.strict_parameters and told:
        notice = told[0]
        raise BadRequest(f"{notice.message} (translation.strict_parameters is on)", notice.param)


def _drop(relay: Relay) -> None:
    relay.dismiss()


def _folded(events: Iterable[Event]) -> Answer:
    answer = Answer()
    for event in events:
        answer.add(event)
    return answer
