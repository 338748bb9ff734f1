"""The table of one account, in the configuration or in a file of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from attrs import field, frozen

from agd.settings.addresses import BaseUrl, CloudName
from agd.settings.credentials import Certificates, ProxyUrl, ServiceAccountFile, ServiceAccountText
from agd.settings.kinds import Choice, Text
from agd.settings.scheduling import limits, max_concurrency, models, priority, weight
from agd.settings.secret import Secret, SecretText
from agd.settings.structure import setting


@frozen
class Account:
    """A credential of the pool, and where and how it is used."""

    api_key: Secret | None = field(
        default=None,
        metadata=setting(SecretText(), "A key of the Gemini API, or with kind vertex of Vertex AI in express mode."),
    )
    service_account: ServiceAccountFile | None = field(
        default=None,
        metadata=setting(ServiceAccountText(), "Instead of a key: a Google service account, by its JSON file."),
    )
    credentials: Literal["default"] | None = field(
        default=None,
        metadata=setting(
            Choice(("default",)),
            "Instead of a key: what Google's library finds (Application Default Credentials, the metadata server); "
            "needs the extra agd[google].",
        ),
    )
    client_id: str | None = field(
        default=None,
        metadata=setting(Text(ascii=True), "Id of your own OAuth client, beside client_secret and refresh_token."),
    )
    client_secret: Secret | None = field(
        default=None, metadata=setting(SecretText(), "Secret of your own OAuth client.")
    )
    refresh_token: Secret | None = field(
        default=None,
        metadata=setting(SecretText(), "Instead of a key: a refresh token that was given to your own OAuth client."),
    )
    token_url: str | None = field(
        default=None, metadata=setting(BaseUrl(), "Where a refresh token is exchanged, when not at Google.")
    )
    email: str | None = field(
        default=None, metadata=setting(Text(ascii=True), "Name of the account, unique; see expose_account.")
    )
    id: str | None = field(
        default=None,
        metadata=setting(Text(ascii=True), "The account's id, unique; when not given, an opaque one is made."),
    )
    kind: Literal["gemini", "vertex", "code-assist"] = field(
        default="gemini",
        metadata=setting(
            Choice(("gemini", "vertex", "code-assist")),
            "What the account is for: the Gemini API, Vertex AI, or Gemini Code Assist, the last for organisations "
            "that are licensed for it.",
        ),
    )
    project: str | None = field(
        default=None,
        metadata=setting(
            CloudName(),
            "The Google Cloud project; a service account's own, and the one Code Assist names, when not given.",
        ),
    )
    location: str | None = field(
        default=None,
        metadata=setting(CloudName(), "The region of Vertex AI whose models are asked; global when not given."),
    )
    base_url: str | None = field(
        default=None,
        metadata=setting(
            BaseUrl(), "Another upstream than upstream.base_url or, for the other kinds, than Google's own."
        ),
    )
    proxy: Secret | None = field(
        default=None,
        metadata=setting(ProxyUrl(), "The proxy that all of this account's traffic goes through, and never around."),
    )
    ca: str | None = field(
        default=None,
        metadata=setting(Certificates(), "Whose certificates are trusted instead of those of the system."),
    )
    weight: float = weight()
    priority: int = priority()
    models: tuple[str, ...] = models()
    max_concurrency: int | None = max_concurrency()
    limits: Mapping[str, int] = limits()
