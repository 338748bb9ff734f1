"""The tables of the configuration, each field with its kind, its default and what it is for.

``docs/configuration.md`` is made from these: see ``settings_of``.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

from attrs import field, frozen

from agd.options import Options
from agd.settings.addresses import BaseUrl, HostName, Origin
from agd.settings.kinds import Boolean, Choice, Integer, Seconds, Text
from agd.settings.secret import Secret, SecretText
from agd.settings.store import Store
from agd.settings.structure import ArrayOf, OpenTables, TableOf, TextMap, setting
from agd.settings.translation import Translation

ExposeAccount = Literal["email", "id", "off"]
"""How much of the serving account an answer's header names."""


def _read_only(mapping: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType(dict(mapping))


def _read_only_tables(tables: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Mapping[str, Any]]:
    return MappingProxyType({name: MappingProxyType(dict(table)) for name, table in tables.items()})


def _in_order(mapping: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(mapping.items())


@frozen
class ClientKey:
    """A key that clients may use, with the name it has in logs and metrics."""

    name: str = field(metadata=setting(Text(), "Whose key it is: its name in logs and metrics, unique."))
    key: Secret = field(metadata=setting(SecretText(), "The key itself."))


@frozen
class Proxy:
    """What agd offers to its clients."""

    port: int = field(default=8045, metadata=setting(Integer(0, 65535), "TCP port to listen on; 0 takes any free one."))
    allow_lan_access: bool = field(
        default=False,
        metadata=setting(Boolean(), "Listen on every interface rather than on this machine only."),
    )
    auth_mode: Literal["off", "strict", "all_except_health", "auto"] = field(
        default="auto",
        metadata=setting(
            Choice(("off", "strict", "all_except_health", "auto")),
            "Which requests need a key: none (off), all (strict), all but /healthz (all_except_health); "
            "auto is off on this machine only and all_except_health beyond it.",
        ),
    )
    api_key: Secret | None = field(
        default=None, metadata=setting(SecretText(), "The one key of all clients; its name is default.")
    )
    api_keys: tuple[ClientKey, ...] = field(
        default=(),
        metadata=setting(
            ArrayOf(TableOf(ClientKey), distinct="name"), "Several client keys, each with a name; not with api_key."
        ),
    )
    default_model: str = field(
        default="",
        metadata=setting(
            Text(empty=True), "Model for names that nothing maps; empty: such a name is answered with 404."
        ),
    )
    max_body_bytes: int = field(default=33554432, metadata=setting(Integer(1), "Largest request body taken, in bytes."))
    websocket: bool = field(
        default=True,
        metadata=setting(
            Boolean(),
            "Offer /v1/responses as a WebSocket too, with messages of at most max_body_bytes; if not, the upgrade is "
            "answered with 426, at which Codex turns to HTTP.",
        ),
    )
    expose_account: ExposeAccount | None = field(
        default=None,
        metadata=setting(
            Choice(("email", "id", "off")),
            "How an answer's header names the account that served it; when not given, email on this machine only "
            "and id beyond it.",
        ),
    )
    allowed_hosts: tuple[str, ...] = field(
        default=(),
        metadata=setting(ArrayOf(HostName()), "Further names accepted in a request's Host header when auth is off."),
    )
    cors_origins: tuple[str, ...] = field(
        default=(), metadata=setting(ArrayOf(Origin()), "Origins whose web pages may call agd from a browser.")
    )
    client_stall_seconds: float = field(
        default=300.0,
        metadata=setting(Seconds(), "A client that stops reading a stream is let go after so long."),
    )
    drain_seconds: float = field(
        default=30.0,
        metadata=setting(Seconds(zero=True), "How long running requests may take to finish after SIGTERM."),
    )
    custom_mapping: Mapping[str, str] = field(
        factory=dict,
        converter=_read_only,
        eq=_in_order,  # the order decides between wildcards, so another order is another mapping
        metadata=setting(
            TextMap(), "Model names of clients to upstream models; between equal wildcards the first one wins."
        ),
    )


@frozen
class Retry:
    """How hard agd tries."""

    max_attempts: int = field(
        default=3, metadata=setting(Integer(1, 10), "Upstream attempts for one request, the first included.")
    )


@frozen
class Upstream:
    """Where the models are, and how long agd waits for them."""

    base_url: str = field(
        default="https://generativelanguage.googleapis.com",
        metadata=setting(BaseUrl(), "Where the Gemini API stands, without the version; a path prefix is allowed."),
    )
    connect_seconds: float = field(
        default=10.0, metadata=setting(Seconds(), "How long a connection may take to come about.")
    )
    first_event_seconds: float = field(
        default=300.0, metadata=setting(Seconds(), "How long the first event of an answer may take.")
    )
    idle_seconds: float = field(
        default=120.0, metadata=setting(Seconds(), "How long an answer that has begun may fall silent.")
    )
    header_hold_seconds: float = field(
        default=10.0,
        metadata=setting(
            Seconds(zero=True),
            "How long the client's headers wait for the first event, so that the status is still the true one.",
        ),
    )


@frozen
class Account:
    """A credential of the pool."""

    api_key: Secret = field(metadata=setting(SecretText(), "The account's key for the Gemini API."))
    email: str | None = field(
        default=None, metadata=setting(Text(ascii=True), "Name of the account, unique; see expose_account.")
    )
    base_url: str | None = field(
        default=None, metadata=setting(BaseUrl(), "Another upstream for this account than upstream.base_url.")
    )


@frozen
class Settings:
    """The whole configuration."""

    proxy: Proxy = field(
        factory=Proxy,
        metadata=setting(TableOf(Proxy, rivals=("api_key", "api_keys")), "What agd offers to its clients."),
    )
    retry: Retry = field(factory=Retry, metadata=setting(TableOf(Retry), "How hard agd tries."))
    upstream: Upstream = field(
        factory=Upstream, metadata=setting(TableOf(Upstream), "Where the models are, and how long to wait for them.")
    )
    translation: Translation = field(
        factory=Translation,
        metadata=setting(
            TableOf(Translation), "How requests and answers are translated where more than one way is right."
        ),
    )
    store: Store = field(factory=Store, metadata=setting(TableOf(Store), "What is kept on disk, and for how long."))
    models: Mapping[str, Mapping[str, Any]] = field(
        factory=dict,
        converter=_read_only_tables,
        metadata=setting(
            OpenTables(),
            "What models can do, where agd's own table is wrong or too old: for every model whose name begins so, "
            "the keys given replace those of the table.",
        ),
    )
    accounts: tuple[Account, ...] = field(
        default=(),
        metadata=setting(
            ArrayOf(TableOf(Account), distinct="email"),
            "The pool of accounts; without any, GEMINI_API_KEY (or GOOGLE_API_KEY) of the environment is the account.",
        ),
    )

    @property
    def options(self) -> Options:
        """``translation`` as the translators take it."""
        return self.translation.options

    @property
    def client_keys(self) -> tuple[ClientKey, ...]:
        """The keys that clients may use, whichever form they were given in."""
        if self.proxy.api_key is not None:
            return (ClientKey("default", self.proxy.api_key),)
        return self.proxy.api_keys

    def effective_expose_account(self, loopback_only: bool) -> ExposeAccount:
        """Return how answers name their account, given whether every listener is on this machine only."""
        if self.proxy.expose_account is not None:
            return self.proxy.expose_account
        return "email" if loopback_only and not self.proxy.allow_lan_access else "id"
