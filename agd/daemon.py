"""The parts of a running agd, put together once and given new settings while they run."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

from attrs import define
from treq.client import HTTPClient

from agd import settings as settings_module
from agd.accounts.account import Account, ApiKey
from agd.accounts.breaker import Tolerance
from agd.accounts.catalogue import Catalogue
from agd.accounts.pool import Pool
from agd.accounts.scheduling import Mode, Scheduling
from agd.accounts.terms import Terms
from agd.gateway import Gateway
from agd.gemini.models import bundled_models
from agd.launch import Launch, read_text
from agd.options import Options
from agd.routing import Router
from agd.settings import Settings, effective_auth_mode
from agd.settings.reading import Reading
from agd.settings.secret import SecretText
from agd.signatures import SignatureStore
from agd.telemetry import LogObserver
from agd.transport.agent import Body, make_agent
from agd.transport.agent import Pool as Connections
from agd.upstream.client import Limits, UpstreamClient
from agd.upstream.documents import Document
from agd.upstream.media import Source
from agd.web.auth import Door
from agd.web.openai import OpenAI, Policy
from agd.web.site import Site


@define(eq=False)
class Daemon:
    """One agd. ``apply`` may be called at any time: requests that run keep what they began with."""

    site: Site
    gateway: Gateway
    connections: Connections
    _policy: Policy

    @classmethod
    def build(cls, launch: Launch, reactor: Any) -> Daemon:
        """Put the parts together. Nothing listens and no upstream is asked yet."""
        settings = launch.settings
        observer = LogObserver()
        connections = Connections(reactor, settings.upstream.connect_seconds)
        http = HTTPClient(make_agent(reactor, connections), data_to_body_producer=Body)
        upstream = UpstreamClient(http, connections, reactor, _mint_call_id, _limits(settings))
        pool = Pool.of(accounts_of(settings), scheduling_of(settings))
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
            observer=observer,
            reread=_rereader(launch),
            options=settings.options,
            overrides=settings.models,
        )
        policy = _policy(launch)
        api = OpenAI(gateway, policy, reactor, time.time, lambda: secrets.token_hex(16))
        site = Site(
            api.app.resource(),
            _door(launch),
            clock=reactor,
            mint_id=lambda: "req_" + secrets.token_hex(12),
            observer=observer,
            max_body_bytes=settings.proxy.max_body_bytes,
        )
        return cls(site, gateway, connections, policy)

    def apply(self, launch: Launch) -> None:
        """Take new settings, all but the listeners. Accounts that were disabled get another chance."""
        settings = launch.settings
        self.gateway.pool.configure(scheduling_of(settings))
        _configure(self.gateway.pool, settings)
        self.use_accounts(accounts_of(settings))
        self.gateway.router = _router(settings)
        self.gateway.max_attempts = settings.retry.max_attempts
        self.gateway.reread = _rereader(launch)
        self.gateway.overrides = settings.models
        if _store_size(settings.options) != _store_size(self.gateway.options):
            self.gateway.signatures = _signatures(settings)
        self.gateway.options = settings.options
        self.gateway.upstream.limits = _limits(settings)
        self.connections.connect_seconds = settings.upstream.connect_seconds
        fresh = _policy(launch)
        self._policy.expose_account = fresh.expose_account
        self._policy.header_hold_seconds = fresh.header_hold_seconds
        self.site.door = _door(launch)
        self.site.max_body_bytes = settings.proxy.max_body_bytes

    def use_accounts(self, accounts: tuple[Account, ...]) -> None:
        """Ask these accounts from now on."""
        self.gateway.pool.replace(accounts)
        self.gateway.catalogue.keep_only(account.id for account in accounts)


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


def accounts_of(settings: Settings) -> tuple[Account, ...]:
    """Make the pool's accounts from the configured ones."""
    return tuple(
        Account.of_key(
            configured.email or "",
            configured.base_url or settings.upstream.base_url,
            configured.api_key.reveal(),
            terms_of(configured),
        )
        for configured in settings.accounts
    )


def terms_of(configured: settings_module.Account) -> Terms:
    """Make the terms of one configured account."""
    return Terms(
        configured.weight,
        configured.priority,
        configured.models,
        configured.max_concurrency,
        tuple(configured.limits.items()),
    )


def scheduling_of(settings: Settings) -> Scheduling:
    """Make what the pool is told of ``[proxy.scheduling]``."""
    told = settings.proxy.scheduling
    pinned = tuple(told.pinned.items())
    return Scheduling(Mode(told.mode), told.max_wait_seconds, told.queue_size, told.queue_seconds, pinned)


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


def _limits(settings: Settings) -> Limits:
    upstream = settings.upstream
    return Limits(upstream.first_event_seconds, upstream.idle_seconds, settings.proxy.client_stall_seconds)


def _policy(launch: Launch) -> Policy:
    expose = launch.settings.effective_expose_account(launch.loopback_only)
    return Policy(expose, launch.settings.upstream.header_hold_seconds)


def _door(launch: Launch) -> Door:
    proxy = launch.settings.proxy
    return Door.of(
        effective_auth_mode(launch.settings, launch.loopback_only),
        [(client.name, client.key.reveal()) for client in launch.settings.client_keys],
        proxy.allowed_hosts,
        proxy.cors_origins,
    )


def _rereader(launch: Launch) -> Callable[[Account], ApiKey | None]:
    """Make what looks a key up again in the file it came from: key files are replaced while agd runs."""
    sources = {
        account.id: configured.api_key.source
        for account, configured in zip(accounts_of(launch.settings), launch.settings.accounts, strict=True)
        if configured.api_key.source.startswith("file:")
    }

    def reread(account: Account) -> ApiKey | None:
        if account.id not in sources:
            return None
        reading = Reading(launch.source, {}, read_text)
        secret = SecretText().read(sources[account.id], "accounts", reading)
        # Where the file is no good, the account is disabled for its refused key: that tells the operator enough.
        return None if reading.problems else ApiKey(secret.reveal())

    return reread


def _mint_call_id() -> str:
    return "call_" + secrets.token_hex(12)
