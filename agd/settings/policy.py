"""What the settings amount to, once it is known who can reach agd.

``loopback_only`` tells whether every listener can be reached from this machine only.
"""

from __future__ import annotations

from typing import Literal

from agd.errors import ConfigurationError, ConfigurationProblem
from agd.settings.tables import Settings

AuthMode = Literal["off", "strict", "all_except_health"]
"""Which requests need a key."""

_OPAQUE = "acct_"
"""How the ids begin that agd gives to accounts; which there are is not known from the configuration alone."""

EXAMPLE_KEY = "sk-antigravity"
"""The client key that stands in examples everywhere and therefore protects nothing."""


_CODE_ASSIST = (
    "account {} is asked through Gemini Code Assist: the provider's terms for it apply, which do not allow "
    "everybody to use it with other programs than the provider's own; agd calls itself agd there"
)


def effective_auth_mode(settings: Settings, loopback_only: bool) -> AuthMode:
    """Return which requests need a key; ``auto`` protects whatever can be reached from elsewhere."""
    if settings.proxy.auth_mode != "auto":
        return settings.proxy.auth_mode
    return "all_except_health" if _beyond_loopback(settings, loopback_only) else "off"


def check_auth(settings: Settings, loopback_only: bool, source: str) -> None:
    """Raise ``ConfigurationError`` when clients need a key and none is configured."""
    mode = effective_auth_mode(settings, loopback_only)
    if mode == "off" or settings.client_keys or relies_on_store(settings):
        return
    allowed = f'a key, since the effective auth_mode is {mode}; for keys of "agd keys create" alone, auth_mode itself'
    raise ConfigurationError(source, (ConfigurationProblem("proxy.api_key", "nothing", allowed),))


def relies_on_store(settings: Settings) -> bool:
    """Tell whether no key stands in the configuration because all are made by ``agd keys create``.

    It must be said that keys are wanted: whoever only opens agd to others is to be told that it would let nobody in.
    """
    return not settings.client_keys and settings.proxy.auth_mode in ("strict", "all_except_health")


def warnings(settings: Settings, loopback_only: bool) -> tuple[str, ...]:
    """Return what the user should know before relying on these settings, a sentence each."""
    found = []
    example = any(client.key.reveal() == EXAMPLE_KEY for client in settings.client_keys)
    if example and _beyond_loopback(settings, loopback_only):
        found.append(f'a client key is the example "{EXAMPLE_KEY}", and agd can be reached from other machines')
    if effective_auth_mode(settings, loopback_only) == "off" and _beyond_loopback(settings, loopback_only):
        found.append('auth_mode is "off", and agd can be reached from other machines: anybody can use its accounts')
    if relies_on_store(settings):
        found.append('no client key is configured: only keys of "agd keys create" are let in')
    if effective_auth_mode(settings, loopback_only) == "off" and any(key.has_terms for key in settings.client_keys):
        found.append("clients need no key (auth_mode), so no limit of proxy.api_keys holds")
    if not settings.accounts:
        found.append("no accounts are configured: no request can be answered")
    found += [_CODE_ASSIST.format(who) for who in _code_assist(settings)]
    known = {name for account in settings.accounts for name in (account.email, account.id)}
    for model, name in settings.proxy.scheduling.pinned.items():
        if name not in known and not name.startswith(_OPAQUE):
            found.append(f'proxy.scheduling.pinned."{model}" names "{name}", which no account has: it pins nothing')
    return tuple(found)


def _code_assist(settings: Settings) -> list[str]:
    accounts = enumerate(settings.accounts, 1)
    return [account.email or f"number {n}" for n, account in accounts if account.kind == "code-assist"]


def _beyond_loopback(settings: Settings, loopback_only: bool) -> bool:
    return settings.proxy.allow_lan_access or not loopback_only
