"""One request on its way: it becomes calls, and the calls' answers become one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from attrs import define, evolve

from agd.accounts.session import session_key
from agd.conversation import Answer, Event, Prompt
from agd.conversation.names import named_notice, naming
from agd.conversation.session import weightier
from agd.gateway.flow import Flow, fold
from agd.gateway.notices import tell
from agd.gateway.passage import Passage
from agd.gateway.plan import MAX_CHOICES, Call, Plan, make_plan, silence
from agd.gateway.quest import Quest
from agd.gateway.together import together
from agd.gateway.trail import Trail
from agd.keys.amount import NOTHING, Estimate
from agd.keys.estimate import estimate
from agd.keys.tab import Moment
from agd.signatures.calls import observe, restore
from agd.upstream.confluence import Confluence, Settled
from agd.upstream.media import fetch_media
from agd.upstream.relay import Relay

if TYPE_CHECKING:
    from agd.gateway.gateway import Gateway, Work

Source = Relay | Confluence | Settled
"""What a streamed answer is poured from."""

AT_ONCE = 8
"""How many whole answers of one request are asked for at a time; streams are all open at once."""


@define(eq=False)
class Inquiry:
    """Carries out what ``Gateway`` is asked, with its parts."""

    _gateway: Gateway
    _trail: Trail

    async def open(self, prompt: Prompt) -> Source:
        """See ``Gateway.open``."""
        with naming(prompt):
            passage = self._admit(prompt)
            with passage:
                return await self._opened(prompt, passage)

    async def complete(self, prompt: Prompt) -> Answer:
        """See ``Gateway.complete``."""
        with naming(prompt):
            passage = self._admit(prompt)
            with passage:
                return await self._completed(prompt, passage)

    async def count(self, prompt: Prompt) -> int:
        """See ``Gateway.count``."""
        with naming(prompt):
            passage = self._admit(prompt, lambda: NOTHING)
            with passage:
                plan = await self._plan(prompt)
                tokens = await Quest(self._gateway, self._trail, plan, plan.calls[0]).count()
            passage.settle(0)
            return tokens

    def reserve(self, prompt: Prompt) -> None:
        """See ``Gateway.reserve``."""
        self._trail.passage = self._admit(prompt)

    def _admit(self, prompt: Prompt, guess: Callable[[], Estimate] | None = None) -> Passage:
        """Let a request in as far as its owner's key allows, or take the place that it has. Raises ``GatewayError``."""
        gateway, trail = self._gateway, self._trail
        kept, trail.passage = trail.passage, None
        if kept is not None:
            return kept
        trail.wanted, trail.model = prompt.model, gateway.router.resolve(prompt.model, gateway.catalogue.known)
        names, now = (trail.wanted, trail.model), self._moment()
        wanted = guess or partial(estimate, prompt)
        ticket = gateway.turnstile.admit(trail.owner, names, now, wanted, again=trail.is_counted)
        trail.is_counted, trail.standing = True, ticket.standing(now)
        return Passage(ticket, self._moment)

    def _moment(self) -> Moment:
        return Moment(self._gateway.clock.seconds(), self._gateway.wall())

    async def _opened(self, prompt: Prompt, passage: Passage) -> Source:
        trail = self._trail
        trail.streams = True
        plan = await self._plan(prompt)
        if prompt.silent:
            passage.settle(0)
            return Settled(tuple(silence(prompt)))
        relays = await together([partial(self._open, plan, call) for call in plan.calls], MAX_CHOICES, _drop)
        passage.follow(relays)
        if prompt.tools:
            for relay in relays:
                relay.watch(partial(self._remember, trail.owner))
        flow = Flow.of(plan, partial(tell, trail, prompt))
        return relays[0] if flow.is_idle else Confluence(relays, flow)

    async def _completed(self, prompt: Prompt, passage: Passage) -> Answer:
        plan = await self._plan(prompt)
        if prompt.silent:
            passage.settle(0)
            return _folded(silence(prompt))
        answers = await together([partial(self._collect, plan, call) for call in plan.calls], AT_ONCE)
        passage.answered(answers)
        for events in answers if prompt.tools else ():
            self._remember(self._trail.owner, events)
        return fold(plan, answers)

    async def _plan(self, prompt: Prompt) -> Plan:
        """Route, fetch what the prompt names by address, put remembered signatures back, translate."""
        gateway, trail = self._gateway, self._trail
        options, overrides = gateway.options, gateway.overrides
        trail.wanted = prompt.model
        trail.model = gateway.router.resolve(prompt.model, gateway.catalogue.known)
        prompt = evolve(prompt, session=weightier(prompt.session, trail.said))
        trail.session = session_key(prompt, trail.owner)
        trail.note(prompt.notices, strict=options.strict_parameters)
        prompt = await fetch_media(prompt, gateway.documents, options)
        before = gateway.stopwatch()
        prompt = restore(prompt, trail.owner, gateway.signatures, gateway.clock.seconds())
        plan = make_plan(prompt, trail.model, options, overrides, gateway.dialect)
        trail.translate += gateway.stopwatch() - before
        trail.note([named_notice(prompt, notice) for notice in plan.notices], strict=options.strict_parameters)
        return plan

    def _open(self, plan: Plan, call: Call) -> Work[Relay]:
        return Quest(self._gateway, self._trail, plan, call).stream()

    def _collect(self, plan: Plan, call: Call) -> Work[Sequence[Event]]:
        return Quest(self._gateway, self._trail, plan, call).whole()

    def _remember(self, owner: str, events: Iterable[Event]) -> None:
        """Keep the signatures of an answer's calls for their owner, before any call is left out (B40)."""
        observe(events, owner, self._gateway.signatures, self._gateway.clock.seconds())


def _drop(relay: Relay) -> None:
    relay.dismiss()


def _folded(events: Iterable[Event]) -> Answer:
    answer = Answer()
    for event in events:
        answer.add(event)
    return answer
