"""What a field of an account allows beside plain secrets, and which of its fields make sense together."""

from __future__ import annotations

import json
import os.path
import re
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from agd.settings.addresses import HOST, PORT, BaseUrl
from agd.settings.kinds import Kind
from agd.settings.reading import Reading, quoted, type_name
from agd.settings.secret import Secret, SecretText

Problem = tuple[str, str, str]
"""The key, what was found there, what is allowed."""

_PROXY = re.compile(rf"(?:https?|socks5h?)://(?:[\x21-\x7e]*@)?{HOST}{PORT}/?")
_CERTIFICATE = "-----BEGIN CERTIFICATE-----"
_OAUTH = ("client_id", "client_secret", "refresh_token")
_WAYS = ("api_key", "service_account", "credentials", *_OAUTH)
_ANY = 'api_key, service_account, credentials = "default", or client_id, client_secret and refresh_token together'


@frozen
class ServiceAccountFile:
    """What agd uses of a service account's JSON file; ``project`` is "" where the file names none."""

    client_email: str
    private_key: Secret
    key_id: str
    token_url: str | None
    project: str
    source: str


@frozen
class ServiceAccountText(SecretText):
    """The JSON of a service account: ``file:PATH``, ``env:NAME``, or itself."""

    @property
    def allowed(self) -> str:
        """Words for what is allowed."""
        return 'the JSON file of a service account, "file:PATH", or "env:NAME" with that JSON'

    def _checked(self, secret: Secret, what: str, path: str, reading: Reading) -> Any:
        """Return the ``ServiceAccountFile``; problems name the key of the file that is wrong, never its value."""
        try:
            document = json.loads(secret.reveal())
        except (ValueError, RecursionError):
            return reading.note(path, f"{what}, which is not JSON", self.allowed)
        if not isinstance(document, dict) or document.get("type") != "service_account":
            return reading.note(path, f'{what}, in which "type" is not "service_account"', self.allowed)
        for key in ("client_email", "private_key"):
            if not isinstance(document.get(key), str) or not document[key].strip():
                return reading.note(path, f"{what} without {quoted(key)}", self.allowed)
        url = document.get("token_uri")
        if url is not None and not BaseUrl().fits(url):
            return reading.note(path, f'{what} with a "token_uri" that is no URL', self.allowed)
        return ServiceAccountFile(
            document["client_email"],
            Secret(document["private_key"], secret.source),
            str(document.get("private_key_id") or ""),
            url,
            str(document.get("project_id") or ""),
            secret.source,
        )


@frozen
class ProxyUrl(SecretText):
    """A proxy's URL, which may hold a password and is therefore never shown."""

    @property
    def allowed(self) -> str:
        """Words for what is allowed."""
        return (
            'a proxy, "http://host:port", "https://host:port" or "socks5://host:port", USER:PASSWORD@ before the host '
            'where it wants them; also "env:NAME" or "file:PATH"'
        )

    def _checked(self, secret: Secret, what: str, path: str, reading: Reading) -> Any:
        if _PROXY.fullmatch(secret.reveal()) is None:
            return reading.note(path, f"{what} that is no proxy's URL", self.allowed)
        if "@" not in secret.reveal() and secret.source == "literal":
            reading.literals.remove(path)  # nobody's secret
        return secret


@frozen
class Certificates(Kind):
    """A file of certificates in PEM; its text is the value."""

    @property
    def allowed(self) -> str:
        """Words for what is allowed."""
        return 'a file of certificates in PEM, "file:PATH"'

    def read(self, value: Any, path: str, reading: Reading) -> Any:
        """Return the text of the file."""
        if not isinstance(value, str):
            return reading.note(path, type_name(value), self.allowed)
        scheme, _, name = value.partition(":")
        if scheme != "file" or not name.strip():
            return reading.note(path, quoted(value), self.allowed)
        try:
            text = reading.read_file(os.path.join(os.path.dirname(reading.source), name))
        except OSError as error:
            return reading.note(path, f"file {quoted(name)}: {error.strerror or 'not readable'}", self.allowed)
        except ValueError:
            return reading.note(path, f"file {quoted(name)}, which is not text", self.allowed)
        if _CERTIFICATE not in text:
            return reading.note(path, f"file {quoted(name)}, in which there is no certificate", self.allowed)
        return text


def check_account(given: Mapping[str, Any]) -> Iterator[Problem]:
    """Find what does not go together among the keys of one account, or is missing beside them.

    What an account needs depends on its kind, and on what proves it: exactly one of a key, a service account, Google's
    default credentials, or a refresh token with the operator's own OAuth client.
    """
    kind = given.get("kind", "gemini")
    ways = [key for key in _WAYS if key in given]
    oauth = [key for key in ways if key in _OAUTH]
    if not ways:
        yield "api_key", "nothing", _ANY
        return
    if len(ways) - len(oauth) + bool(oauth) > 1:
        yield ways[1], f"{ways[1]} beside {ways[0]}", _ANY
    if oauth:
        for key in _OAUTH:
            if key not in given:
                yield key, "nothing", f"{', '.join(_OAUTH)} together: agd has no OAuth client of its own"
    elif "token_url" in given:
        yield "token_url", "a token endpoint without a refresh_token", "token_url beside refresh_token only"
    yield from _check_kind(kind, given, ways)


def _check_kind(kind: Any, given: Mapping[str, Any], ways: list[str]) -> Iterator[Problem]:
    if kind == "code-assist" and "api_key" in given:
        yield (
            "api_key",
            "a key",
            "service_account, credentials or a refresh_token: kind code-assist takes no keys",
        )
    if kind == "vertex" and "api_key" in given and "location" in given and "project" not in given:
        yield "project", "nothing", "a project beside a location; a key in express mode needs neither"
    if kind == "vertex" and not {"api_key", "service_account"} & set(ways) and "project" not in given:
        yield "project", "nothing", "the Google Cloud project whose models are asked"
    if kind != "vertex" and "location" in given:
        yield "location", "a location", 'a location for kind "vertex" only'
