"""The configured accounts as the values that the pool is made of, and what is wrong with them beyond their tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from typing import Any

from attrs import evolve

from agd.accounts.account import Account, opaque_id
from agd.accounts.assertion import UnusableKey, check_key
from agd.accounts.credentials import (
    GOOGLE_TOKEN_URL,
    ApiKey,
    Credential,
    DefaultCredentials,
    RefreshToken,
    ServiceAccount,
)
from agd.accounts.scheduling import Mode, Scheduling
from agd.accounts.terms import Terms
from agd.accounts.way import STRAIGHT, Proxy, WayOut
from agd.errors import ConfigurationProblem
from agd.gemini.dialects import GLOBAL, default_base_url
from agd.settings import Account as Configured
from agd.settings import Settings
from agd.settings.credentials import ServiceAccountFile, ServiceAccountText
from agd.settings.reading import Reading
from agd.settings.secret import Secret, SecretText


def accounts_of(settings: Settings) -> tuple[Account, ...]:
    """Make the pool's accounts from the configured ones."""
    return tuple(account_of(configured, settings.upstream.base_url) for configured in settings.accounts)


def account_of(configured: Configured, gemini_url: str) -> Account:
    """Make one account; ``gemini_url`` is where the Gemini API stands for accounts that do not say."""
    kind, email = configured.kind, configured.email or ""
    location = configured.location or (GLOBAL if kind == "vertex" else "")
    base_url = configured.base_url or default_base_url(kind, location, gemini_url)
    credential, project = credential_of(configured), project_of(configured)
    more = () if kind == "gemini" and not project else (kind, project, location)
    id_ = configured.id or opaque_id(email, base_url, credential.identity, *more)
    return Account(id_, email, base_url, credential, kind, project, location, way_of(configured), terms_of(configured))


def credential_of(configured: Configured) -> Credential:
    """Make what proves an account. The tables have seen to it that there is one."""
    if configured.api_key is not None:
        return ApiKey(configured.api_key.reveal())
    if configured.service_account is not None:
        return _service_account(configured.service_account)
    if configured.refresh_token is not None and configured.client_secret is not None:
        return RefreshToken(
            configured.client_id or "",
            configured.client_secret.reveal(),
            configured.refresh_token.reveal(),
            configured.token_url or GOOGLE_TOKEN_URL,
        )
    return DefaultCredentials()


def project_of(configured: Configured) -> str:
    """Return the project: as it is written, or a service account's own where Vertex AI wants one."""
    if configured.project or configured.kind != "vertex" or configured.service_account is None:
        return configured.project or ""
    return configured.service_account.project


def way_of(configured: Configured) -> WayOut:
    """Return the account's way out. Raises ``ValueError`` for a proxy that the tables could not see to be wrong."""
    if configured.proxy is None and configured.ca is None:
        return STRAIGHT
    proxy = None if configured.proxy is None else Proxy.read(configured.proxy.reveal())
    return WayOut(proxy, configured.ca or "")


def terms_of(configured: Configured) -> Terms:
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


def account_problems(settings: Settings, sources: Sequence[str] = ()) -> Iterator[ConfigurationProblem]:
    """Find what only the parts that use an account can tell: keys, proxies, certificates, a library that is missing.

    ``sources``: for each account the file it stands in, empty for the configuration's own.
    """
    for place, configured in enumerate(settings.accounts):
        source = sources[place] if sources else ""
        for key, found, allowed in problems_of(configured):
            where = key if source else f"accounts[{place}].{key}"
            yield ConfigurationProblem(where, found, allowed, source)


def rereader(settings: Settings, reading: Callable[[int], Reading]) -> Callable[[Account], Account | None]:
    """Make what looks a refused credential up again in the file it came from: such files are replaced while agd runs.

    It gives the account with the new credential, None where there is none. ``reading`` begins a reading of what names
    the files, for the account at a place of the settings.
    """
    sources = {
        account.id: (place, configured)
        for place, (account, configured) in enumerate(zip(accounts_of(settings), settings.accounts, strict=True))
        if any(_is_file(secret) for secret in _secrets(configured))
    }

    def reread(account: Account) -> Account | None:
        if account.id not in sources:
            return None
        place, configured = sources[account.id]
        begun = reading(place)
        again = partial(_again, begun)
        fresh = evolve(
            configured,
            api_key=again(configured.api_key, SecretText()),
            service_account=again(configured.service_account, ServiceAccountText()),
            client_secret=again(configured.client_secret, SecretText()),
            refresh_token=again(configured.refresh_token, SecretText()),
        )
        # Where a file is no good, the account is disabled for what was refused: that tells the operator enough.
        if begun.problems or (credential := credential_of(fresh)) == account.credential:
            return None
        return evolve(account, credential=credential)

    return reread


def _service_account(file: ServiceAccountFile) -> ServiceAccount:
    key = file.private_key.reveal()
    return ServiceAccount(file.client_email, key, file.key_id, file.token_url or GOOGLE_TOKEN_URL)


def problems_of(configured: Configured) -> Iterator[tuple[str, str, str]]:
    """Find what is wrong with one account beyond its table: the key, what was found, what is allowed."""
    if configured.service_account is not None:
        try:
            check_key(configured.service_account.private_key.reveal())
        except UnusableKey as error:
            yield "service_account", str(error), "the JSON file of a service account as it was downloaded"
        if configured.kind == "vertex" and not project_of(configured):
            yield "project", "nothing, also not in the service account's file", "the project whose models are asked"
    if configured.credentials is not None and not _has_google():
        yield "credentials", '"default" without Google\'s library', 'the extra: pip install "agd[google]"'
    try:
        _check_way(way_of(configured))
    except ValueError as error:
        yield ("ca" if configured.ca else "proxy"), str(error), "certificates in PEM, and a proxy as documented"


def _check_way(way: WayOut) -> None:
    """Raise ``ValueError`` for certificates that cannot be read."""
    if way.ca:
        # Not above: it is TLS, which "agd check" has no other use for.
        from agd.transport.tls import read_certificates  # noqa: PLC0415

        read_certificates(way.ca)


def _has_google() -> bool:
    try:
        return find_spec("google.auth") is not None and find_spec("requests") is not None
    except ModuleNotFoundError:
        return False


def _secrets(configured: Configured) -> tuple[Secret | ServiceAccountFile | None, ...]:
    return configured.api_key, configured.service_account, configured.client_secret, configured.refresh_token


def _is_file(secret: Secret | ServiceAccountFile | None) -> bool:
    return secret is not None and secret.source.startswith("file:")


def _again(reading: Reading, secret: Secret | ServiceAccountFile | None, kind: SecretText) -> Any:
    """Read a secret again if it came from a file; otherwise it stays."""
    return kind.read(secret.source, "accounts", reading) if secret is not None and _is_file(secret) else secret
