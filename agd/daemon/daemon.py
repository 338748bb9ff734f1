"""The parts of a running agd, put together once and given new settings while they run."""

from __future__ import annotations

import random
import secrets
import time
from typing import TYPE_CHECKING, Any

from attrs import define
from twisted.internet.defer import Deferred

from agd.accounts.account import Account
from agd.accounts.catalogue import Catalogue
from agd.accounts.pool import Pool
from agd.clientele import Bookkeeper, Clientele
from agd.daemon import fitting
from agd.daemon.late import Documents, LateResponses, fetcher
from agd.gateway import Gateway
from agd.gemini.models import bundled_models
from agd.keys.turnstile import Turnstile
from agd.launch import Launch
from agd.roster import accounts_of, scheduling_of
from agd.store.store import Store
from agd.telemetry import Telemetry
from agd.telemetry.log import Log
from agd.transport.ways import Ways
from agd.upstream.client import UpstreamClient
from agd.upstream.tokens import Tokens
from agd.web.answering import Answering, Policy
from agd.web.openai import OpenAI
from agd.web.site import Site
from agd.web.websocket import Sockets

if TYPE_CHECKING:
    from agd.telemetry.metrics import Metrics


@define(eq=False)
class Daemon:
    """One agd. ``apply`` may be called at any time: requests that run keep what they began with."""

    site: Site
    gateway: Gateway
    ways: Ways
    store: Store
    telemetry: Telemetry
    clientele: Clientele
    _books: Bookkeeper
    _responses: LateResponses
    _answering: Answering
    _policy: Policy
    _sockets: Sockets
    _launch: Launch

    def __attrs_post_init__(self) -> None:
        self.clientele.changed = self._renew_door

    @classmethod
    def build(cls, launch: Launch, reactor: Any) -> Daemon:
        """Put the parts together. Nothing listens and no upstream is asked yet."""
        settings = launch.settings
        accounts = accounts_of(settings)

        def metrics() -> Metrics:
            return daemon.make_metrics()

        def public_metrics() -> tuple[str, bytes] | None:
            return daemon.public_metrics()

        telemetry = Telemetry(Log(settings.log.format), metrics)
        store = fitting.store(launch, reactor)
        turnstile = Turnstile()
        books = Bookkeeper(turnstile, store.clients, reactor)
        turnstile.changed = books.changed
        clientele = Clientele(turnstile, store.clients, time.time, secrets.token_bytes)
        clientele.configure(settings)
        ways = Ways(reactor)
        tokens = Tokens(fetcher(ways, reactor), reactor, random.random)
        upstream = UpstreamClient(ways, tokens, reactor, fitting.mint_call_id, fitting.patience(settings))
        pool = Pool.of(accounts, scheduling_of(settings))
        fitting.tolerate(pool, settings)
        gateway = Gateway(
            pool=pool,
            catalogue=Catalogue(frozenset(bundled_models()), int(time.time())),
            router=fitting.router(settings),
            upstream=upstream,
            documents=Documents(reactor),
            signatures=fitting.signatures(settings),
            max_attempts=settings.retry.max_attempts,
            clock=reactor,
            observer=telemetry,
            renew=fitting.renewer(launch, upstream),
            options=settings.options,
            overrides=settings.models,
            dialect=fitting.dialect(accounts),
            turnstile=turnstile,
        )
        policy = fitting.policy(launch)
        answering = Answering(policy, reactor)
        responses = LateResponses(gateway, store, answering)
        sockets = Sockets(lambda: responses().engine)
        fitting.open_sockets(sockets, settings)
        api = OpenAI(gateway, responses, answering, sockets, time.time, fitting.mint, public_metrics)
        site = Site(
            api.app.resource(),
            fitting.door(launch, store, clientele),
            clock=reactor,
            mint_id=lambda: "req_" + secrets.token_hex(12),
            observer=telemetry,
            max_body_bytes=settings.proxy.max_body_bytes,
        )
        daemon = cls(
            site, gateway, ways, store, telemetry, clientele, books, responses, answering, policy, sockets, launch
        )
        return daemon

    def apply(self, launch: Launch) -> None:
        """Take new settings, all but the listeners. Accounts that were disabled get another chance."""
        settings, self._launch = launch.settings, launch
        self.gateway.pool.configure(scheduling_of(settings))
        fitting.tolerate(self.gateway.pool, settings)
        self.use_accounts(accounts_of(settings))
        self.gateway.router = fitting.router(settings)
        self.gateway.max_attempts = settings.retry.max_attempts
        self.gateway.renew = fitting.renewer(launch, self.gateway.upstream)
        self.gateway.overrides = settings.models
        if fitting.store_size(settings.options) != fitting.store_size(self.gateway.options):
            self.gateway.signatures = fitting.signatures(settings)
        self.gateway.options = settings.options
        self.gateway.upstream.patience = fitting.patience(settings)
        fresh = fitting.policy(launch)
        self._policy.expose_account = fresh.expose_account
        self._policy.header_hold_seconds = fresh.header_hold_seconds
        self._policy.client_stall_seconds = fresh.client_stall_seconds
        fitting.open_sockets(self._sockets, settings)
        self.clientele.configure(settings)
        self.site.max_body_bytes = settings.proxy.max_body_bytes
        self.store.responses.limits = fitting.retention(launch)
        self.telemetry.log.format = settings.log.format
        if settings.metrics.public:
            self.telemetry.metrics()

    def make_metrics(self) -> Metrics:
        """Begin to count and to measure; what that takes is loaded now."""
        from agd.telemetry.gauges import Present  # noqa: PLC0415 - idle memory is counted
        from agd.telemetry.metrics import Metrics  # noqa: PLC0415

        gateway = self.gateway
        metrics = Metrics(
            Present(
                clock=gateway.clock,
                accounts=lambda: gateway.pool.overview(gateway.clock.seconds()),
                models=lambda: gateway.catalogue.known,
                streams=lambda: self._answering.streams,
                connections=lambda: self.site.connections,
                sockets=lambda: self.site.sockets,
                waiting=lambda: len(gateway.waiting),
                store_failures=lambda: self.store.worker.failures,
            )
        )
        gateway.upstream.gap = metrics.gap
        return metrics

    def unready(self) -> str | None:
        """Say why no request could be answered now, None: one could."""
        return "agd is shutting down" if self.site.draining else self.gateway.pool.unready()

    def public_metrics(self) -> tuple[str, bytes] | None:
        """Return the metrics where clients may have them."""
        return self.telemetry.metrics().page() if self._launch.settings.metrics.public else None

    def open_store(self) -> None:
        """Open the store and let those in whose keys stand there. Raises ``StoreError``."""
        self.store.open()
        self.clientele.load(self.store.kept)

    def close_store(self) -> Deferred[Any]:
        """Write what is not on disk yet, then close the store."""
        self._books.close()  # the store carries out what it was asked before it closes
        return self.store.close()

    def _renew_door(self) -> None:
        self.site.door = fitting.door(self._launch, self.store, self.clientele)

    def take_up_state(self, wall: float) -> None:
        """Take up what the last daemon knew of the accounts, before anybody is asked. Raises ``ValueError``."""
        found, self.store.accounts.found = self.store.accounts.found, None
        if found is not None:
            self.gateway.pool.restore(found, self.gateway.clock.seconds(), wall)

    def keep_state(self, wall: float, *, whole: bool = True) -> Deferred[None]:
        """Put down what is known of the accounts, all of it or what has changed since.

        Fires when it is on disk, fails with ``StoreError``.
        """
        pool, changed = self.gateway.pool, self.gateway.pool.unkept.take()
        some = None if whole else changed
        snapshot = pool.snapshot(self.gateway.clock.seconds(), wall, some)
        return self.store.accounts.save(snapshot, int(wall), whole=some is None)

    def finish_background(self, grace: float, clock: Any) -> Deferred[Any]:
        """Let responses that run in the background end; after ``grace`` seconds they fail."""
        return self._responses.finish(grace, clock)

    def cut_short(self) -> None:
        """End everything that still runs now."""
        self.site.cut_short()
        self._responses.hurry()

    def use_accounts(self, accounts: tuple[Account, ...]) -> None:
        """Ask these accounts from now on."""
        # Before the pool, which serves those who wait: nobody is to meet what was known of an old credential.
        self.gateway.upstream.keep_only(accounts)
        self.gateway.pool.replace(accounts)
        self.gateway.dialect = fitting.dialect(accounts)
        self.gateway.catalogue.keep_only(account.id for account in accounts)

    def close_upstreams(self) -> Deferred[Any]:
        """Let go of the upstreams: give up getting tokens, close what is kept open; fires when that is done."""
        self.gateway.upstream.tokens.close()
        return self.ways.close()
