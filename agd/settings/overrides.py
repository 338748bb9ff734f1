"""Values that replace what the file says: environment variables, and above them the command line's options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from attrs import frozen

ENVIRONMENT: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "AGD_PORT": ("proxy", "port"),
        "AGD_ALLOW_LAN_ACCESS": ("proxy", "allow_lan_access"),
        "AGD_AUTH_MODE": ("proxy", "auth_mode"),
        "AGD_API_KEY": ("proxy", "api_key"),
        "AGD_DEFAULT_MODEL": ("proxy", "default_model"),
        "AGD_BASE_URL": ("upstream", "base_url"),
    }
)
"""Environment variable -> table and key it overrides. A variable that is empty counts as not set."""

ACCOUNT_VARIABLES = ("GEMINI_API_KEY", "GOOGLE_API_KEY")
"""The variables that stand for the only account when none is configured, the first one set wins."""

_ALSO_REPLACED = {("proxy", "api_key"): "api_keys"}


@frozen
class Override:
    """A text that replaces the value of ``table.key``.

    ``origin`` names it in problems and is the source of a secret given so: ``env:AGD_PORT``, ``--port``.
    The text is kept out of the repr, since it may be a secret.
    """

    origin: str
    table: str
    key: str
    text: str

    def __repr__(self) -> str:
        return f"Override({self.origin!r}, {self.table}.{self.key})"


def environment_overrides(environ: Mapping[str, str]) -> tuple[Override, ...]:
    """Return the overrides that environment variables ask for."""
    return tuple(
        Override(f"env:{name}", table, key, environ[name])
        for name, (table, key) in ENVIRONMENT.items()
        if environ.get(name)
    )


def with_overrides(document: Mapping[str, Any], overrides: Iterable[Override]) -> dict[str, Any]:
    """Return the document with every override in its place; a later one replaces an earlier one.

    A client key given so replaces both forms of the file, ``api_key`` and ``api_keys``.
    """
    merged = dict(document)
    for override in overrides:
        table = merged.get(override.table, {})
        if isinstance(table, Mapping):  # otherwise reading it will say what is wrong
            replaced = _ALSO_REPLACED.get((override.table, override.key))
            kept = {key: value for key, value in table.items() if key != replaced}
            merged[override.table] = {**kept, override.key: override}
    return merged


def with_account_of_environment(document: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the document with an account made of ``GEMINI_API_KEY`` where it has no ``accounts`` at all."""
    name = next((name for name in ACCOUNT_VARIABLES if environ.get(name)), None)
    if name is None or "accounts" in document:
        return dict(document)
    return {**document, "accounts": [{"api_key": f"env:{name}"}]}
