"""The heart: what is asked, and all that is needed to have it answered.

What carries a request out (``inquiry``: translation, attempts, what is done to events) is loaded with the first one:
idle memory is counted.
"""
# ruff: noqa: PLC0415

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from agd.accounts.account import Account
from agd.accounts.catalogue import Catalogue
from agd.accounts.pool import Pool
from agd.gateway.trail import Observer, Trail
from agd.gateway.waiting import WaitingRoom
from agd.gemini.dialects import USUAL
from agd.gemini.models import NO_OVERRIDES, Overrides
from agd.keys.turnstile import Turnstile
from agd.options import DEFAULT, Options
from agd.routing import Router
from agd.signatures.store import SignatureStore
from agd.upstream.client import UpstreamClient

if TYPE_CHECKING:
    from agd.conversation import Answer, Prompt
    from agd.gateway.inquiry import Source
    from agd.upstream.media import Source as Documents

T = TypeVar("T")
Work = Coroutine[Deferred[Any], Any, T]


@define(eq=False)
class Gateway:
    """Answers prompts from a pool of accounts.

    ``renew`` is asked about an account whose credential was refused: it gives the account to be asked once more, with
    another credential or, where tokens prove it, as it is; None when there is no use in that. ``dialect`` is the one
    that requests are written in before it is known who will be asked; any other is written when it is wanted.
    ``turnstile`` lets in what its owner's key allows. ``wall`` gives unix seconds, for quotas that end with the day;
    ``stopwatch`` gives seconds that pass while the reactor's clock stands still.
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
    dialect: str = USUAL
    turnstile: Turnstile = field(factory=Turnstile)
    waiting: WaitingRoom = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.waiting = WaitingRoom(lambda: self.pool, self.clock, self.stopwatch)

    def open(self, prompt: Prompt, trail: Trail) -> Work[Source]:
        """Start a streamed answer; return with the first event of each call in hand. Raises ``GatewayError``."""
        from agd.gateway.inquiry import Inquiry

        return Inquiry(self, trail).open(prompt)

    def complete(self, prompt: Prompt, trail: Trail) -> Work[Answer]:
        """Get a whole answer; one that breaks off is asked for again elsewhere. Raises ``GatewayError``."""
        from agd.gateway.inquiry import Inquiry

        return Inquiry(self, trail).complete(prompt)

    def count(self, prompt: Prompt, trail: Trail) -> Work[int]:
        """Count the tokens of a prompt as the model that answers it counts them. Raises ``GatewayError``."""
        from agd.gateway.inquiry import Inquiry

        return Inquiry(self, trail).count(prompt)

    def reserve(self, prompt: Prompt, trail: Trail) -> None:
        """Let a request in that will be asked later, by its trail, which keeps its place. Raises ``GatewayError``."""
        from agd.gateway.inquiry import Inquiry

        Inquiry(self, trail).reserve(prompt)

    def ended(self, response_id: str, status: str, trail: Trail) -> None:
        """Report that a response which ran in the background is over."""
        seconds = 0.0 if trail.began is None else self.clock.seconds() - trail.began
        self.observer.ended(response_id, status, seconds, trail)

    def offers(self, owner: str) -> list[str]:
        """Return every name that an owner can ask for."""
        known, allows = self.catalogue.known, self.turnstile.visible
        return [name for name in self.router.names(known) if allows(owner, (name, self.router.resolve(name, known)))]
