"""The parts of a running agd, put together once and given new settings while they run."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from attrs import define
from twisted.internet.defer import Deferred, succeed
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from agd.accounts.account import Account
from agd.accounts.breaker import Tolerance
from agd.accounts.catalogue import Catalogue
from agd.accounts.pool import Pool
from agd.clientele import Bookkeeper, Clientele
from agd.gateway import Gateway
from agd.gemini.dialects import USUAL
from agd.gemini.models import bundled_models
from agd.keys.turnstile import Turnstile
from agd.launch import Launch
from agd.options import Options
from agd.roster import accounts_of, rereader, scheduling_of
from agd.routing import Router
from agd.settings import Patience as PatienceTable
from agd.settings import Settings, Upstream, effective_auth_mode
from agd.signatures.store import SignatureStore
from agd.store.retention import Limits as Retention
from agd.store.store import Place, Store
from agd.telemetry import Telemetry
from agd.telemetry.log import Log
from agd.transport.ways import Ways
from agd.upstream.client import UpstreamClient
from agd.upstream.limits import Patience
from agd.upstream.tokens import Fetch, Tokens
from agd.web.answering import Answering, Policy
from agd.web.auth import Door
from agd.web.openai import OpenAI
from agd.web.site import Site
from agd.web.websocket import Sockets

if TYPE_CHECKING:
    from agd.accounts.credentials import Token
    from agd.telemetry.metrics import Metrics
    from agd.upstream.documents import Document
    from agd.upstream.media import Source
    from agd.web.responses import Responses

LIMITS = ("connect", "first_byte", "first_event", "idle", "total")
"""The limits that a configuration may give: in ``Limits`` under these names, in the tables with ``_seconds`` behind."""


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
    _responses: _Responses
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
        store = _store(launch, reactor)
        turnstile = Turnstile()
        books = Bookkeeper(turnstile, store.clients, reactor)
        turnstile.changed = books.changed
        clientele = Clientele(turnstile, store.clients, time.time, secrets.token_bytes)
        clientele.configure(settings)
        ways = Ways(reactor)
        tokens = Tokens(_fetcher(ways, reactor), reactor, random.random)
        upstream = UpstreamClient(ways, tokens, reactor, _mint_call_id, _patience(settings))
        pool = Pool.of(accounts, scheduling_of(settings))
        _configure(pool, settings)
        gateway = Gateway(
            pool=pool,
            catalogue=Catalogue(frozenset(bundled_models()), int(time.time())),
            router=_router(settings),
            upstream=upstream,
            documents=_Documents(reactor),
            signatures=_signatures(settings),
            max_attempts=settings.retry.max_attempts,
            clock=reactor,
            observer=telemetry,
            renew=_renewer(launch, upstream),
            options=settings.options,
            overrides=settings.models,
            dialect=_dialect(accounts),
            turnstile=turnstile,
        )
        policy = _policy(launch)
        answering = Answering(policy, reactor)
        responses = _Responses(gateway, store, answering)
        sockets = Sockets(lambda: responses().engine)
        _use(sockets, settings)
        api = OpenAI(gateway, responses, answering, sockets, time.time, _mint, public_metrics)
        site = Site(
            api.app.resource(),
            _door(launch, store, clientele),
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
        _configure(self.gateway.pool, settings)
        self.use_accounts(accounts_of(settings))
        self.gateway.router = _router(settings)
        self.gateway.max_attempts = settings.retry.max_attempts
        self.gateway.renew = _renewer(launch, self.gateway.upstream)
        self.gateway.overrides = settings.models
        if _store_size(settings.options) != _store_size(self.gateway.options):
            self.gateway.signatures = _signatures(settings)
        self.gateway.options = settings.options
        self.gateway.upstream.patience = _patience(settings)
        fresh = _policy(launch)
        self._policy.expose_account = fresh.expose_account
        self._policy.header_hold_seconds = fresh.header_hold_seconds
        self._policy.client_stall_seconds = fresh.client_stall_seconds
        _use(self._sockets, settings)
        self.clientele.configure(settings)
        self.site.max_body_bytes = settings.proxy.max_body_bytes
        self.store.responses.limits = _retention(launch)
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
        self.site.door = _door(self._launch, self.store, self.clientele)

    def take_up_state(self, wall: float) -> None:
        """Take up what the last daemon knew of the accounts, before anybody is asked. Raises ``ValueError``."""
        found, self.store.accounts.found = self.store.accounts.found, None
        if found is not None:
            self.gateway.pool.restore(found, self.gateway.clock.seconds(), wall)

    def keep_state(self, wall: float) -> Deferred[None]:
        """Put down what is known of the accounts; fires when it is on disk, fails with ``StoreError``."""
        snapshot = self.gateway.pool.snapshot(self.gateway.clock.seconds(), wall)
        return self.store.accounts.save(snapshot, int(wall))

    def finish_background(self, grace: float, clock: Any) -> Deferred[Any]:
        """Let responses that run in the background end; after ``grace`` seconds they fail."""
        return self._responses.finish(grace, clock)

    def cut_short(self) -> None:
        """End everything that still runs now."""
        self.site.cut_short()
        self._responses.hurry()

    def use_accounts(self, accounts: tuple[Account, ...]) -> None:
        """Ask these accounts from now on."""
        self.gateway.pool.replace(accounts)
        self.gateway.dialect = _dialect(accounts)
        self.gateway.catalogue.keep_only(account.id for account in accounts)
        self.gateway.upstream.keep_only(accounts)

    def close_upstreams(self) -> Deferred[Any]:
        """Let go of the upstreams: give up getting tokens, close what is kept open; fires when that is done."""
        self.gateway.upstream.tokens.close()
        return self.ways.close()


@define(eq=False)
class _Documents:
    """Fetches documents. What that takes is loaded with the first one: most daemons never fetch any."""

    _reactor: Any
    _source: Source | None = None

    async def fetch(self, url: str, declared: str | None, max_bytes: int, seconds: float) -> Document:
        """Fetch a document. Raises ``BadRequest``."""
        from agd.upstream.fetcher import Fetcher  # noqa: PLC0415 - see above

        if self._source is None:
            self._source = Fetcher(self._reactor)
        return await self._source.fetch(url, declared, max_bytes, seconds)


@define(eq=False)
class _Responses:
    """The Responses API. What that takes is loaded when it is first asked: idle memory is counted."""

    _gateway: Gateway
    _store: Store
    _answering: Answering
    _made: Responses | None = None

    def __call__(self) -> Responses:
        """Return the API's routes."""
        if self._made is None:
            from agd.responses.engine import Engine  # noqa: PLC0415 - see above
            from agd.web.responses import Responses  # noqa: PLC0415

            engine = Engine(self._gateway, self._store.responses, self._store.ring, time.time, _mint)
            self._made = Responses(engine, self._answering)
        return self._made

    def finish(self, grace: float, clock: Any) -> Deferred[Any]:
        """See ``Daemon.finish_background``."""
        return succeed(None) if self._made is None else self._made.engine.background.finish(grace, clock)

    def hurry(self) -> None:
        """Let what runs in the background fail."""
        if self._made is not None:
            self._made.engine.background.hurry()


def _fetcher(ways: Ways, reactor: Any) -> Fetch:
    """Make what gets tokens. What that takes is loaded with the first account that is proven by one."""

    async def fetch(account: Account) -> Token:
        from agd.upstream.exchange import Exchange  # noqa: PLC0415 - see above

        return await Exchange(ways, reactor, time.time).fetch(account)

    return fetch


def _dialect(accounts: Sequence[Account]) -> str:
    """Return the dialect of the first account, the likeliest to be asked."""
    return accounts[0].kind if accounts else USUAL


def _configure(pool: Pool, settings: Settings) -> None:
    retry = settings.retry
    pool.upstreams.tolerance = Tolerance(retry.breaker_failures, retry.breaker_seconds)
    pool.upstreams.ratio = retry.budget


def _router(settings: Settings) -> Router:
    return Router.build(settings.proxy.custom_mapping, settings.proxy.default_model)


def _signatures(settings: Settings) -> SignatureStore:
    return SignatureStore(*_store_size(settings.options))


def _store_size(options: Options) -> tuple[int, float]:
    return options.signature_entries, options.signature_seconds


def _patience(settings: Settings) -> Patience:
    families = {pattern: _given(given) for pattern, given in settings.upstream.limits.items()}
    return Patience(_given(settings.upstream), families, settings.proxy.client_stall_seconds)


def _given(table: PatienceTable | Upstream) -> Mapping[str, float]:
    """Return the limits that a table of the configuration gives, by the names of ``Limits``."""
    found = {name: getattr(table, f"{name}_seconds") for name in LIMITS}
    return {name: seconds for name, seconds in found.items() if seconds is not None}


def _store(launch: Launch, reactor: Any) -> Store:
    threads = ThreadPool(minthreads=1, maxthreads=1, name="agd-store")
    return Store.of(
        Place(launch.store_path, launch.state_directory),
        _retention(launch),
        threads=threads,
        in_thread=partial(deferToThreadPool, reactor, threads),
        clock=reactor,
        now=time.time,
        random=secrets.token_bytes,
    )


def _retention(launch: Launch) -> Retention:
    kept = launch.settings.store
    return Retention.of(kept.max_age_days, kept.max_bytes, memory=launch.store_path is None)


def _policy(launch: Launch) -> Policy:
    expose = launch.settings.effective_expose_account(launch.loopback_only)
    settings = launch.settings
    return Policy(expose, settings.upstream.header_hold_seconds, settings.proxy.client_stall_seconds)


def _use(sockets: Sockets, settings: Settings) -> None:
    sockets.enabled = settings.proxy.websocket
    sockets.stall_seconds = settings.proxy.client_stall_seconds
    sockets.hold_seconds = settings.upstream.header_hold_seconds


def _door(launch: Launch, store: Store, clientele: Clientele) -> Door:
    proxy = launch.settings.proxy
    return Door.of(
        effective_auth_mode(launch.settings, launch.loopback_only),
        (),
        proxy.allowed_hosts,
        proxy.cors_origins,
        mac=store.ring.owner_mac,
        guests=clientele.guests(),
    )


def _renewer(launch: Launch, upstream: UpstreamClient) -> Callable[[Account], Account | None]:
    """Make what renews a refused credential: it is read again where it comes from, or another token is made."""
    reread = rereader(launch.settings, launch.reading)

    def renew(account: Account) -> Account | None:
        return reread(account) or (account if upstream.tokens.can_renew(account) else None)

    return renew


def _mint() -> str:
    return secrets.token_hex(16)


def _mint_call_id() -> str:
    return "call_" + secrets.token_hex(12)
