"""A day in the life of a pool, on a clock: ``python -m bench.day``.

Fifty accounts with quotas of the minute and of the day, twenty thousand requests of some thousand conversations from
noon to noon in California, so that the quotas end once in between. Among the requests are some that every account
refuses; two outages; keys that are revoked; faults here and there. The table tells what became of it. Three lines
decide: no request went to an account that had said it rests, but for trials; of what the quotas allow at least 99 %
was served; and no good request failed while an account could have served it.
"""

from __future__ import annotations

import time
from collections import Counter
from random import Random
from typing import Any

from attrs import define, field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from agd.accounts.account import Account
from agd.accounts.breaker import LONGEST_BREAK
from agd.accounts.catalogue import Catalogue
from agd.accounts.pool import Pool
from agd.accounts.verdict import Verdict
from agd.conversation import Message, Prompt, Text
from agd.errors import GatewayError, UpstreamFailure
from agd.gateway import Attempt, Gateway, Trail
from agd.routing import Router
from agd.signatures.store import SignatureStore
from agd.upstream.relay import Collector
from bench.world import POISON, TICK, Ledger, World

MODEL = "gemini-2.5-flash"
NOON = 1_780_340_400.0
"""Noon in California on the first of June 2026, in unix seconds."""
DAY = 86_400.0


@frozen
class Plan:
    """What is simulated."""

    accounts: int = 50
    requests: int = 20_000
    per_minute: int = 6
    per_day: int = 160
    poison: float = 0.03
    turns: int = 5
    """Requests of one conversation, on average."""
    revoked: int = 3
    faults: int = 211
    seed: int = 5


@define(eq=False)
class Count:
    """What became of the requests."""

    served: int = 0
    failed: Counter[str] = field(factory=Counter)
    poison: Counter[str] = field(factory=Counter)
    poison_attempts: int = 0
    needless: list[str] = field(factory=list)
    """Good requests that failed although an account could have served them."""
    attempts: int = 0
    trials: int = 0
    waited: int = 0
    cooling: int = 0
    """Attempts at an account that had said it rests, and that were no trials."""
    moved: int = 0
    """Times that a conversation went on with another account than before."""


class Silent:
    """An observer that keeps nothing."""

    def failed(self, trail: Trail, account: Account, failure: UpstreamFailure, verdict: Verdict) -> None:
        """An attempt failed."""

    def attempted(self, trail: Trail, attempt: Attempt) -> None:
        """An account was given back."""

    def ended(self, response_id: str, status: str, seconds: float, trail: Trail) -> None:
        """A background response is over."""

    def punished(self, account: Account, model: str, failure: UpstreamFailure, verdict: Verdict) -> None:
        """An account rests."""


@define(eq=False)
class Day:
    """One run."""

    plan: Plan
    clock: Clock = field(factory=Clock)
    count: Count = field(factory=Count)
    world: World = field(init=False)
    gateway: Gateway = field(init=False)
    _random: Random = field(init=False)
    _where: dict[str, str] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        plan = self.plan
        self._random = Random(plan.seed)
        url = "https://upstream.example"
        accounts = [Account.of_key(f"a{n}@example.com", url, f"made-up-{n}") for n in range(plan.accounts)]
        self.world = World(self.clock, NOON, plan.per_minute, plan.per_day, faults=plan.faults)
        self.world.ledgers = {account.id: Ledger() for account in accounts}
        for number, account in enumerate(self._random.sample(accounts, plan.revoked), 1):
            self.world.revoked[account.id] = DAY * number / (plan.revoked + 2)
        self.world.outages = ((DAY * 0.15, DAY * 0.15 + 300), (DAY * 0.6, DAY * 0.6 + 600))
        self.gateway = self._made(Pool.of(accounts))

    def run(self) -> Count:
        """Let the day pass."""
        moments = sorted(self._random.uniform(0, DAY) for _ in range(self.plan.requests))
        conversations = max(1, self.plan.requests // self.plan.turns)
        for moment in moments:
            self._pass_until(moment)
            self._ask(self._random.randrange(conversations), poisonous=self._random.random() < self.plan.poison)
        self._pass_until(DAY + 120)
        return self.count

    @property
    def allowed(self) -> int:
        """What could be served: all good requests, or what the quotas of two days give where that is less."""
        alive = self.plan.accounts - len(self.world.revoked)
        revoked = sum(self.world.ledgers[account_id].served for account_id in self.world.revoked)
        good = self.count.served + sum(self.count.failed.values())
        return min(good, alive * 2 * self.plan.per_day + revoked)

    # ------------------------------------------------------------------ within

    def _made(self, pool: Pool) -> Gateway:
        world: Any = self.world
        nothing: Any = None
        return Gateway(
            pool=pool,
            catalogue=Catalogue(frozenset({MODEL}), 0),
            router=Router.build({}),
            upstream=world,
            documents=nothing,
            signatures=SignatureStore(100, 1000.0),
            max_attempts=3,
            clock=self.clock,
            observer=Silent(),
            renew=lambda account: None,
            wall=lambda: NOON + self.clock.seconds(),
        )

    def _pass_until(self, moment: float) -> None:
        """Let time pass from one thing that happens to the next."""
        while (calls := self.clock.getDelayedCalls()) and (first := min(call.getTime() for call in calls)) <= moment:
            self.clock.advance(max(0.0, first - self.clock.seconds()))
        self.clock.advance(max(0.0, moment - self.clock.seconds()))

    def _ask(self, conversation: int, *, poisonous: bool) -> None:
        words = f"{POISON} {self._random.random()}" if poisonous else f"conversation {conversation}"
        prompt = Prompt(MODEL, (Message("user", (Text(words),)),), stream=conversation % 3 == 0)
        trail = Trail(f"req_{words}", owner=f"owner{conversation % 7}")
        asked = Deferred.fromCoroutine(self._answer(prompt, trail))
        note = self._note_poison if poisonous else self._note
        asked.addCallback(lambda error: note(trail, error, str(conversation)))
        asked.addErrback(_stop)

    async def _answer(self, prompt: Prompt, trail: Trail) -> GatewayError | None:
        try:
            if prompt.stream:
                source = await self.gateway.open(prompt, trail)
                await source.pour(Collector())
            else:
                await self.gateway.complete(prompt, trail)
        except GatewayError as error:
            return error
        return None

    def _note_poison(self, trail: Trail, error: GatewayError | None, conversation: str) -> None:
        self._note_attempts(trail)
        self.count.poison[_named(error)] += 1
        self.count.poison_attempts += trail.attempts

    def _note(self, trail: Trail, error: GatewayError | None, conversation: str) -> None:
        self._note_attempts(trail)
        if error is None:
            self.count.served += 1
            assert trail.account is not None
            before = self._where.get(conversation, trail.account.id)
            self.count.moved += before != trail.account.id
            self._where[conversation] = trail.account.id
            return
        self.count.failed[_named(error)] += 1
        asked = {attempt.account.id for attempt in trail.tries}
        free = [each for each in self.world.ledgers if each not in asked and self.world.usable(each, LONGEST_BREAK)]
        if free:
            self.count.needless.append(f"{self.clock.seconds():.0f}: {error} {trail.failures}")

    def _note_attempts(self, trail: Trail) -> None:
        self.count.waited += trail.queue > 0
        for attempt in trail.tries:
            self.count.attempts += 1
            self.count.trials += attempt.is_trial
            told = self.world.ledgers[attempt.account.id].told
            rests = any(since < attempt.began < until - TICK for since, until in told)
            self.count.cooling += rests and not attempt.is_trial


def table(day: Day, seconds: float) -> str:
    """Return what is printed."""
    count, plan, world = day.count, day.plan, day.world
    refused = sum((ledger.refused for ledger in world.ledgers.values()), Counter[int]())
    rows: list[tuple[str, object]] = [
        ("accounts", plan.accounts),
        ("quota of each, by the minute and by the day", f"{plan.per_minute}, {plan.per_day}"),
        ("requests", plan.requests),
        ("good requests that were served", count.served),
        ("  of what the quotas allow", f"{count.served} of {day.allowed}, {count.served / day.allowed:.2%}"),
        ("good requests that were refused, by code", dict(count.failed)),
        ("  although an account could have served them", len(count.needless)),
        ("requests that every account refuses, by what was told", dict(count.poison)),
        ("  attempts at them", count.poison_attempts),
        ("attempts in all", count.attempts),
        ("  refused by the provider, by status (0: not reached)", dict(sorted(refused.items()))),
        ("  for trial of an account that rests", count.trials),
        ("  at an account that rests, and not for trial", count.cooling),
        ("requests that waited for an account", count.waited),
        ("conversations that moved, times", count.moved),
        ("real time", f"{seconds:.1f} s"),
    ]
    return "\n".join(f"{name:<56} {value}" for name, value in rows)


def main() -> None:
    """Run the day and print what became of it."""
    began = time.perf_counter()
    day = Day(Plan())
    day.run()
    print(table(day, time.perf_counter() - began))
    for line in day.count.needless[:10]:
        print("needless:", line)


def _named(error: GatewayError | None) -> str:
    return "served" if error is None else f"{error.status} {error.code}"


def _stop(failure: Any) -> None:
    """Let a mistake of the simulation, or of agd, end it."""
    raise SystemExit(failure.getTraceback())


if __name__ == "__main__":
    main()
