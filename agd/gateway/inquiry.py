"""One request on its way: it becomes calls, and the calls' answers become one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from attrs import define

from agd.accounts.session import session_key
from agd.conversation import Answer, Event, Prompt
from agd.conversation.names import named_notice, naming
from agd.gateway.flow import Flow, fold
from agd.gateway.notices import tell
from agd.gateway.plan import MAX_CHOICES, Call, Plan, make_plan, silence
from agd.gateway.quest import Quest
from agd.gateway.together import together
from agd.gateway.trail import Trail
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
            return await self._opened(prompt)

    async def complete(self, prompt: Prompt) -> Answer:
        """See ``Gateway.complete``."""
        with naming(prompt):
            return await self._completed(prompt)

    async def count(self, prompt: Prompt) -> int:
        """See ``Gateway.count``."""
        with naming(prompt):
            plan = await self._plan(prompt)
            return await Quest(self._gateway, self._trail, plan, plan.calls[0]).count()

    async def _opened(self, prompt: Prompt) -> Source:
        trail, plan = self._trail, await self._plan(prompt)
        if prompt.silent:
            return Settled(tuple(silence(prompt)))
        relays = await together([partial(self._open, plan, call) for call in plan.calls], MAX_CHOICES, _drop)
        if prompt.tools:
            for relay in relays:
                relay.watch(partial(self._remember, trail.owner))
        flow = Flow.of(plan, partial(tell, trail, prompt))
        return relays[0] if flow.is_idle else Confluence(relays, flow)

    async def _completed(self, prompt: Prompt) -> Answer:
        plan = await self._plan(prompt)
        if prompt.silent:
            return _folded(silence(prompt))
        answers = await together([partial(self._collect, plan, call) for call in plan.calls], AT_ONCE)
        for events in answers if prompt.tools else ():
            self._remember(self._trail.owner, events)
        return fold(plan, answers)

    async def _plan(self, prompt: Prompt) -> Plan:
        """Route, fetch what the prompt names by address, put remembered signatures back, translate."""
        gateway, trail = self._gateway, self._trail
        options, overrides = gateway.options, gateway.overrides
        trail.wanted = prompt.model
        trail.model = gateway.router.resolve(prompt.model, gateway.catalogue.known)
        trail.session = session_key(prompt, trail.owner)
        trail.note(prompt.notices, strict=options.strict_parameters)
        prompt = await fetch_media(prompt, gateway.documents, options)
        prompt = restore(prompt, trail.owner, gateway.signatures, gateway.clock.seconds())
        plan = make_plan(prompt, trail.model, options, overrides, gateway.dialect)
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
