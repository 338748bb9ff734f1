"""A gateway over a scripted upstream, and what it told its observer."""

from __future__ import annotations

from typing import Any

from attrs import define, evolve, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from agd.accounts.account import Account
from agd.accounts.catalogue import Catalogue
from agd.accounts.credentials import ApiKey
from agd.accounts.pool import Pool
from agd.accounts.scheduling import Mode, Scheduling
from agd.accounts.verdict import Blame, Verdict
from agd.conversation import Answer, Message, Prompt, Text
from agd.errors import BadRequest, GatewayError, UpstreamFailure
from agd.gateway import Attempt, Gateway, Trail
from agd.routing import Router
from agd.signatures.store import SignatureStore
from agd.upstream.documents import Document
from tests.upstream.script import Actor
from tests.upstream.wire import account

MODEL = "gemini-2.5-flash"


WALL = 1_780_000_000.0
"""Unix seconds at the beginning of a test."""
LEAST_BUSY = Scheduling(Mode.PERFORMANCE_FIRST)


def pool_of(*names: str) -> Pool:
    """Make a pool in which no conversation sticks to an account: whoever is idle is asked in turn."""
    return Pool.of(map(account, names), LEAST_BUSY)


def prompt(model: str = MODEL, **more: Any) -> Prompt:
    """Make a prompt of one word."""
    return Prompt(model, (Message("user", (Text("hi"),)),), **more)


@define(eq=False)
class Witness:
    """Keeps what an observer is told."""

    failed_attempts: list[tuple[str, UpstreamFailure]] = field(factory=list)
    punishments: list[tuple[str, Blame]] = field(factory=list)
    attempts: list[Attempt] = field(factory=list)

    def failed(self, trail: Trail, account: Account, failure: UpstreamFailure, verdict: Verdict) -> None:
        """Keep a failed attempt."""
        self.failed_attempts.append((account.email.partition("@")[0], failure))

    def attempted(self, trail: Trail, attempt: Attempt) -> None:
        """Keep what an account was asked."""
        self.attempts.append(attempt)

    def ended(self, response_id: str, status: str, seconds: float, trail: Trail) -> None:
        """Nothing runs in the background here."""

    def punished(self, account: Account, model: str, failure: UpstreamFailure, verdict: Verdict) -> None:
        """Keep a punishment."""
        self.punishments.append((account.email.partition("@")[0], verdict.blame))


@define(eq=False)
class Library:
    """Documents by their address; a Deferred in the place of one is waited for."""

    documents: dict[str, Any] = field(factory=dict)
    asked: list[str] = field(factory=list)

    async def fetch(self, url: str, declared: str | None, max_bytes: int, seconds: float) -> Document:
        """Give the document, or refuse it."""
        self.asked.append(url)
        found = self.documents.get(url)
        if found is None:
            raise BadRequest("no such document", "messages", "invalid_image_url")
        document: Document = await found if isinstance(found, Deferred) else found
        return document


class GatewayTestCase(SynchronousTestCase):
    """A gateway with the accounts one, two, three and four, all in good standing."""

    names: tuple[str, ...] = ("one", "two", "three", "four")

    def setUp(self) -> None:
        self.clock = Clock()
        self.actor = Actor(self.clock)
        self.witness = Witness()
        self.fresh: dict[str, str] = {}
        self.renewed: list[str] = []
        upstream: Any = self.actor
        self.documents = Library()
        self.gateway = Gateway(
            pool=pool_of(*self.names),
            catalogue=Catalogue(frozenset({MODEL, "gemini-2.5-pro", "gemini-3-pro-preview"}), 0),
            router=Router.build({"alias": MODEL}),
            upstream=upstream,
            documents=self.documents,
            signatures=SignatureStore(100, 1000.0),
            max_attempts=3,
            clock=self.clock,
            observer=self.witness,
            renew=self.renew,
            wall=lambda: WALL + self.clock.seconds(),
            stopwatch=self.clock.seconds,
        )
        self.trail = Trail("req_1")

    def renew(self, account: Account) -> Account | None:
        """Give the account with the key that a test has put where the account's comes from."""
        self.renewed.append(account.email.partition("@")[0])
        key = self.fresh.get(self.renewed[-1])
        if key is None or account.credential == ApiKey(key):
            return None
        return evolve(account, credential=ApiKey(key))

    def complete(self, asked: Prompt | None = None) -> Deferred[Answer]:
        """Ask for a whole answer, with a new trail."""
        self.trail = Trail("req_1")
        return Deferred.fromCoroutine(self.gateway.complete(asked or prompt(), self.trail))

    def open(self, asked: Prompt | None = None) -> Deferred[Any]:
        """Ask for a streamed answer, with a new trail."""
        self.trail = Trail("req_1")
        return Deferred.fromCoroutine(self.gateway.open(asked or prompt(stream=True), self.trail))

    def answered_by(self) -> str:
        """Ask once, successfully, and return who answered."""
        self.successResultOf(self.complete())
        assert self.trail.account is not None
        return self.trail.account.email.partition("@")[0]

    def refused_with(self, asked: Deferred[Any], status: int) -> GatewayError:
        """Return the error of a request, which has this status."""
        error = self.failureResultOf(asked, GatewayError).value
        assert isinstance(error, GatewayError)
        self.assertEqual(error.status, status, error)
        return error
