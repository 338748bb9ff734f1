"""The tables of the configuration, each field with its kind, its default and what it is for.

``docs/configuration.md`` is made from these: see ``settings_of``.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from attrs import field, frozen

from agd.options import Options
from agd.settings.account import Account
from agd.settings.addresses import BaseUrl, HostName, Origin
from agd.settings.admin import Admin
from agd.settings.clients import ClientKey
from agd.settings.credentials import check_account
from agd.settings.kinds import Boolean, Choice, Integer, Number, Seconds, Text
from agd.settings.patience import Patience, patience
from agd.settings.scheduling import Scheduling
from agd.settings.secret import Secret, SecretText
from agd.settings.store import Store
from agd.settings.structure import ArrayOf, OpenTables, TableOf, TablesOf, TextMap, setting
from agd.settings.telemetry import LogTable, MetricsTable
from agd.settings.translation import Translation

T = TypeVar("T")

ExposeAccount = Literal["email", "id", "off"]
"""How much of the serving account an answer's header names."""


def _read_only(mapping: Mapping[str, T]) -> Mapping[str, T]:
    return MappingProxyType(dict(mapping))


def _read_only_texts(mapping: Mapping[str, str]) -> Mapping[str, str]:
    return _read_only(mapping)


def _read_only_tables(tables: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Mapping[str, Any]]:
    return MappingProxyType({name: MappingProxyType(dict(table)) for name, table in tables.items()})


def _in_order(mapping: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(mapping.items())


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
            ArrayOf(TableOf(ClientKey), distinct=("name",)), "Several client keys, each with a name; not with api_key."
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
    allow_readable_secrets: bool = field(
        default=False,
        metadata=setting(
            Boolean(), "Take files with secrets that everybody on this machine can read; otherwise they are refused."
        ),
    )
    scheduling: Scheduling = field(
        factory=Scheduling,
        metadata=setting(TableOf(Scheduling), "Which account is asked, and how long requests wait for one."),
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
        converter=_read_only_texts,
        eq=_in_order,  # the order decides between wildcards, so another order is another mapping
        metadata=setting(
            TextMap(), "Model names of clients to upstream models; between equal wildcards the first one wins."
        ),
    )


@frozen
class Retry:
    """How hard agd tries."""

    max_attempts: int = field(
        default=3,
        metadata=setting(
            Integer(1, 10),
            "Upstream attempts for one request, the first included; accounts found used up for the day do not count.",
        ),
    )
    budget: float = field(
        default=1.0,
        metadata=setting(
            Number(0, 10, closed=True),
            "Repeats allowed for each request, on average, while an upstream fails or cannot be reached: 1 doubles its "
            "load at most.",
        ),
    )
    breaker_failures: int = field(
        default=10,
        metadata=setting(
            Integer(0), "Requests in a row that an upstream must fail to be left alone for a while; 0: never."
        ),
    )
    breaker_seconds: float = field(
        default=5.0,
        metadata=setting(
            Seconds(), "How long it is left alone at first, before one request tries it; doubled up to a minute."
        ),
    )


@frozen
class Upstream:
    """Where the models are, and how long agd waits for them."""

    base_url: str = field(
        default="https://generativelanguage.googleapis.com",
        metadata=setting(BaseUrl(), "Where the Gemini API stands, without the version; a path prefix is allowed."),
    )
    connect_seconds: float | None = patience(
        "How long a connection may take to come about, its proxy and TLS included; when not given, 10."
    )
    first_byte_seconds: float | None = patience(
        "How long the head of an answer may take, the connection included; when not given, 300, and 600 for models "
        "that think long."
    )
    first_event_seconds: float | None = patience(
        "How long the first event of an answer may take; when not given, 300, and 600 for models that think long."
    )
    idle_seconds: float | None = patience(
        "How long an answer that has begun may fall silent; when not given, 120, and 300 for models that think long."
    )
    total_seconds: float | None = patience("How long an answer may take in all; when not given, 3600.")
    header_hold_seconds: float = field(
        default=10.0,
        metadata=setting(
            Seconds(zero=True),
            "How long the client's headers wait for the first event, so that the status is still the true one.",
        ),
    )
    limits: Mapping[str, Patience] = field(
        factory=dict,
        converter=_read_only,
        metadata=setting(
            TablesOf(Patience),
            "Other limits for some models: names or patterns with ``*``, of which the one with more literal characters "
            "comes before the other.",
        ),
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
    admin: Admin = field(factory=Admin, metadata=setting(TableOf(Admin), "How the daemon is operated while it runs."))
    log: LogTable = field(factory=LogTable, metadata=setting(TableOf(LogTable), "How the log is written."))
    metrics: MetricsTable = field(
        factory=MetricsTable,
        metadata=setting(TableOf(MetricsTable), "Who may read the metrics, beside the operator at the admin socket."),
    )
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
            ArrayOf(TableOf(Account, rule=check_account), distinct=("email", "id")),
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
