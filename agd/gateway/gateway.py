"""The loop at the heart: what is asked becomes calls, the calls' answers become one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from attrs import define, field
from twisted.internet.interfaces import IReactorTime

from agd.accounts.account import Account
from agd.accounts.catalogue import Catalogue
from agd.accounts.pool import Pool
from agd.accounts.session import session_key
from agd.conversation import Answer, Event, Prompt
from agd.conversation.names import named_notice, naming
from agd.gateway.flow import Flow, fold
from agd.gateway.passage import Passage
from agd.gateway.plan import DIALECT, MAX_CHOICES, Call, Plan, make_plan, silence
from agd.gateway.quest import Quest
from agd.gateway.together import together
from agd.gateway.trail import Observer, Trail, tell
from agd.gateway.waiting import WaitingRoom
from agd.gemini.models import NO_OVERRIDES, Overrides
from agd.keys.estimate import NOTHING, Estimate, estimate
from agd.keys.tab import Moment
from agd.keys.turnstile import Turnstile
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
    """Answers prompts from a pool of accounts.

    ``renew`` is asked about an account whose credential was refused: it gives the account to be asked once more, with
    another credential or, where tokens prove it, as it is; None when there is no use in that. ``dialect`` is the one
    that requests are written in before it is known who will be asked; any other is written when it is wanted.
    ``turnstile`` lets in what its owner's key allows.
    ``wall`` gives unix seconds, for quotas that end with the day; ``stopwatch`` gives seconds that pass while the
    reactor's clock stands still.
    """

    pool: Pool
    catalogue: Catalogue
    router: Router
    upstream: UpstreamClient
    documents: Documents
    signatures: SignatureStore
    max_attempts: int
    clock: IReactorTime
    observer: Observer
    renew: Callable[[Account], Account | None]
    wall: Callable[[], float] = time.time
    stopwatch: Callable[[], float] = time.perf_counter
    options: Options = DEFAULT
    overrides: Overrides = field(default=NO_OVERRIDES)
    dialect: str = DIALECT
    turnstile: Turnstile = field(factory=Turnstile)
    waiting: WaitingRoom = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.waiting = WaitingRoom(lambda: self.pool, self.clock, self.stopwatch)

    async def open(self, prompt: Prompt, trail: Trail) -> Source:
        """Start a streamed answer; return with the first event of each call in hand. Raises ``GatewayError``."""
        with naming(prompt):
            passage = self._admit(prompt, trail)
            with passage.opening():
                return await self._opened(prompt, trail, passage)

    async def complete(self, prompt: Prompt, trail: Trail) -> Answer:
        """Get a whole answer; one that breaks off is asked for again elsewhere. Raises ``GatewayError``."""
        with naming(prompt):
            passage = self._admit(prompt, trail)
            with passage.opening():
                return await self._completed(prompt, trail, passage)

    async def count(self, prompt: Prompt, trail: Trail) -> int:
        """Count the tokens of a prompt as the model that answers it counts them. Raises ``GatewayError``."""
        with naming(prompt):
            passage = self._admit(prompt, trail, lambda: NOTHING)
            with passage.opening():
                plan = await self._plan(prompt, trail)
                tokens = await Quest(self, trail, plan, plan.calls[0]).count()
            passage.settle(0)
            return tokens

    def reserve(self, prompt: Prompt, trail: Trail) -> None:
        """Let a request in that will be asked later, by its trail, which keeps its place. Raises ``GatewayError``."""
        trail.passage = self._admit(prompt, trail)

    def offers(self, owner: str) -> list[str]:
        """Return every name that an owner can ask for."""
        known, allows = self.catalogue.known, self.turnstile.visible
        return [name for name in self.router.names(known) if allows(owner, (name, self.router.resolve(name, known)))]

    def _admit(self, prompt: Prompt, trail: Trail, guess: Callable[[], Estimate] | None = None) -> Passage:
        """Let a request in as far as its owner's key allows, or take the place that it has. Raises ``GatewayError``."""
        kept, trail.passage = trail.passage, None
        if kept is not None:
            return kept
        trail.wanted, trail.model = prompt.model, self.router.resolve(prompt.model, self.catalogue.known)
        names, now = (trail.wanted, trail.model), self._moment()
        wanted = guess or partial(estimate, prompt)
        ticket = self.turnstile.admit(trail.owner, names, now, wanted, again=trail.is_counted)
        trail.is_counted, trail.standing = True, ticket.standing(now)
        return Passage(ticket, self._moment)

    def _moment(self) -> Moment:
        return Moment(self.clock.seconds(), self.wall())

    async def _opened(self, prompt: Prompt, trail: Trail, passage: Passage) -> Source:
        plan = await self._plan(prompt, trail)
        if prompt.silent:
            passage.settle(0)
            return Settled(tuple(silence(prompt)))
        relays = await together([partial(self._open, plan, call, trail) for call in plan.calls], MAX_CHOICES, _drop)
        passage.follow(relays)
        if prompt.tools:
            for relay in relays:
                relay.watch(partial(self._remember, trail.owner))
        flow = Flow.of(plan, partial(tell, trail, prompt))
        return relays[0] if flow.is_idle else Confluence(relays, flow)

    async def _completed(self, prompt: Prompt, trail: Trail, passage: Passage) -> Answer:
        plan = await self._plan(prompt, trail)
        if prompt.silent:
            passage.settle(0)
            return _folded(silence(prompt))
        answers = await together([partial(self._collect, plan, call, trail) for call in plan.calls], AT_ONCE)
        passage.answered(answers)
        for events in answers if prompt.tools else ():
            self._remember(trail.owner, events)
        return fold(plan, answers)

    async def _plan(self, prompt: Prompt, trail: Trail) -> Plan:
        """Route, fetch what the prompt names by address, put remembered signatures back, translate."""
        options, overrides = self.options, self.overrides
        trail.wanted = prompt.model
        trail.model = self.router.resolve(prompt.model, self.catalogue.known)
        trail.session = session_key(prompt, trail.owner)
        trail.note(prompt.notices, strict=options.strict_parameters)
        prompt = await fetch_media(prompt, self.documents, options)
        prompt = restore(prompt, trail.owner, self.signatures, self.clock.seconds())
        plan = make_plan(prompt, trail.model, options, overrides, self.dialect)
        trail.note([named_notice(prompt, notice) for notice in plan.notices], strict=options.strict_parameters)
        return plan

    async def _open(self, plan: Plan, call: Call, trail: Trail) -> Relay:
        return await Quest(self, trail, plan, call).stream()

    async def _collect(self, plan: Plan, call: Call, trail: Trail) -> Sequence[Event]:
        return await Quest(self, trail, plan, call).whole()

    def _remember(self, owner: str, events: Iterable[Event]) -> None:
        """Keep the signatures of an answer's calls for their owner, before any call is left out (B40)."""
        observe(events, owner, self.signatures, self.clock.seconds())


def _drop(relay: Relay) -> None:
    relay.dismiss()


def _folded(events: Iterable[Event]) -> Answer:
    answer = Answer()
    for event in events:
        answer.add(event)
    return answer
