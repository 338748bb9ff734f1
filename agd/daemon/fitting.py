"""What each part is made of: the settings, in the form that the part wants them in."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from agd.accounts.account import Account
from agd.accounts.breaker import Tolerance
from agd.accounts.pool import Pool
from agd.clientele import Clientele
from agd.gemini.dialects import USUAL
from agd.launch import Launch
from agd.options import Options
from agd.roster import rereader
from agd.routing import Router
from agd.settings import Patience as PatienceTable
from agd.settings import Settings, Upstream, effective_auth_mode
from agd.signatures.store import SignatureStore
from agd.store.retention import Limits as Retention
from agd.store.store import Place, Store
from agd.upstream.client import UpstreamClient
from agd.upstream.limits import Patience
from agd.web.answering import Policy
from agd.web.auth import Door
from agd.web.websocket import Sockets

LIMITS = ("connect", "first_byte", "first_event", "idle", "total")
"""The limits that a configuration may give: in ``Limits`` under these names, in the tables with ``_seconds`` behind."""


def dialect(accounts: Sequence[Account]) -> str:
    """Return the dialect of the first account, the likeliest to be asked."""
    return accounts[0].kind if accounts else USUAL


def tolerate(pool: Pool, settings: Settings) -> None:
    """Let upstreams fail as often as the settings allow."""
    retry = settings.retry
    pool.upstreams.tolerance = Tolerance(retry.breaker_failures, retry.breaker_seconds)
    pool.upstreams.ratio = retry.budget


def router(settings: Settings) -> Router:
    """Make the table of model names."""
    return Router.build(settings.proxy.custom_mapping, settings.proxy.default_model)


def signatures(settings: Settings) -> SignatureStore:
    """Make what remembers thought signatures."""
    return SignatureStore(*store_size(settings.options))


def store_size(options: Options) -> tuple[int, float]:
    """Tell how many signatures are remembered, and for how many seconds."""
    return options.signature_entries, options.signature_seconds


def patience(settings: Settings) -> Patience:
    """Return the time limits of each model family, as far as they are given."""
    families = {pattern: _given(given) for pattern, given in settings.upstream.limits.items()}
    return Patience(_given(settings.upstream), families, settings.proxy.client_stall_seconds)


def _given(table: PatienceTable | Upstream) -> Mapping[str, float]:
    """Return the limits that a table of the configuration gives, by the names of ``Limits``."""
    found = {name: getattr(table, f"{name}_seconds") for name in LIMITS}
    return {name: seconds for name, seconds in found.items() if seconds is not None}


def store(launch: Launch, reactor: Any) -> Store:
    """Make the store; it is opened later."""
    threads = ThreadPool(minthreads=1, maxthreads=1, name="agd-store")
    return Store.of(
        Place(launch.store_path, launch.state_directory),
        retention(launch),
        threads=threads,
        in_thread=partial(deferToThreadPool, reactor, threads),
        clock=reactor,
        now=time.time,
        random=secrets.token_bytes,
    )


def retention(launch: Launch) -> Retention:
    """Return how long responses are kept, and how much of them."""
    kept = launch.settings.store
    return Retention.of(kept.max_age_days, kept.max_bytes, memory=launch.store_path is None)


def policy(launch: Launch) -> Policy:
    """Return what answers tell and how long they wait."""
    expose = launch.settings.effective_expose_account(launch.loopback_only)
    settings = launch.settings
    return Policy(expose, settings.upstream.header_hold_seconds, settings.proxy.client_stall_seconds)


def open_sockets(sockets: Sockets, settings: Settings) -> None:
    """Let clients have WebSockets, or not."""
    sockets.enabled = settings.proxy.websocket
    sockets.stall_seconds = settings.proxy.client_stall_seconds
    sockets.hold_seconds = settings.upstream.header_hold_seconds


def door(launch: Launch, store: Store, clientele: Clientele) -> Door:
    """Make what lets clients in."""
    proxy = launch.settings.proxy
    return Door.of(
        effective_auth_mode(launch.settings, launch.loopback_only),
        (),
        proxy.allowed_hosts,
        proxy.cors_origins,
        mac=store.ring.owner_mac,
        guests=clientele.guests(),
    )


def renewer(launch: Launch, upstream: UpstreamClient) -> Callable[[Account], Account | None]:
    """Make what renews a refused credential: it is read again where it comes from, or another token is made."""
    reread = rereader(launch.settings, launch.reading)

    def renew(account: Account) -> Account | None:
        return reread(account) or (account if upstream.tokens.can_renew(account) else None)

    return renew


def mint() -> str:
    """Make an id, 32 hexadecimal digits."""
    return secrets.token_hex(16)


def mint_call_id() -> str:
    """Make the id of a tool call that the provider gave none."""
    return "call_" + secrets.token_hex(12)
