"""What a field of the configuration allows: URLs, origins and host names."""

from __future__ import annotations

import re
from abc import abstractmethod
from ipaddress import AddressValueError, IPv6Address
from typing import Any

from attrs import frozen

from agd.settings.kinds import Plain
from agd.settings.reading import describe

HOST = r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])"
PORT = r"(?::(?P<port>[0-9]{1,5}))?"
"""Patterns of a host and of a port, to stand in others."""
_BASE_URL = re.compile(rf"(?P<scheme>(?i:https?))://{HOST}{PORT}(?P<path>/[^\x00-\x20?#\\\x7f-\U0010ffff]*)?")
_ORIGIN = re.compile(rf"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://{HOST}{PORT}")
_CLOUD_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._:-]*[A-Za-z0-9])?")
_HOST_NAME = re.compile(HOST)
_DEFAULT_PORTS = {"http": "80", "https": "443"}


@frozen
class Address(Plain):
    """An address in text; what it holds is shown only where no credential can be in it."""

    @abstractmethod
    def match(self, value: Any) -> re.Match[str] | None:
        """Return the parts of an address that is well formed, else None."""

    def fits(self, value: Any) -> bool:
        """Tell whether it is a well-formed address."""
        return self.match(value) is not None

    def found(self, value: Any) -> str:
        """Return the words for an address that does not fit, without its credentials or query."""
        if isinstance(value, str) and ("@" in value or "?" in value):
            return "a string with credentials or a query, not shown"
        return describe(value)


@frozen
class BaseUrl(Address):
    """Where an API stands: ``http(s)://host[:port][/prefix]``; read without the slash at its end."""

    @property
    def allowed(self) -> str:
        """Words for what is allowed."""
        return "an http or https URL, a path prefix allowed, without credentials, query and fragment"

    def match(self, value: Any) -> re.Match[str] | None:
        """Return the parts of a URL that is well formed, else None."""
        return _match(_BASE_URL, value)

    def convert(self, value: Any) -> str:
        """Return the URL without slashes at its end."""
        return str(value).rstrip("/")


@frozen
class Origin(Address):
    """An origin as browsers send it (RFC 6454, 6.2): ``scheme://host[:port]``, read in its canonical form."""

    @property
    def allowed(self) -> str:
        """Words for what is allowed."""
        return 'an origin, scheme://host[:port], such as "https://app.example"'

    def match(self, value: Any) -> re.Match[str] | None:
        """Return the parts of an origin that is well formed, else None."""
        return _match(_ORIGIN, value)

    def convert(self, value: Any) -> str:
        """Return the origin in lower case and without a port that its scheme implies."""
        origin = str(value).lower()
        scheme, _, _ = origin.partition("://")
        return origin.removesuffix(f":{_DEFAULT_PORTS[scheme]}") if scheme in _DEFAULT_PORTS else origin


@frozen
class HostName(Address):
    """A name or address as it stands in a Host header, without port; read in lower case."""

    @property
    def allowed(self) -> str:
        """Words for what is allowed."""
        return 'a host name or address without port, such as "agd.example" or "[::1]"'

    def match(self, value: Any) -> re.Match[str] | None:
        """Return the match of a well-formed host, else None."""
        return _match(_HOST_NAME, value)

    def convert(self, value: Any) -> str:
        """Return the name in lower case."""
        return str(value).lower()


@frozen
class CloudName(Plain):
    """The name of a Google Cloud project or location, as it stands in paths: letters, digits, ``-._:``."""

    @property
    def allowed(self) -> str:
        """Words for what is allowed."""
        return "a name as Google Cloud gives it: letters, digits, and - . _ : between them"

    def fits(self, value: Any) -> bool:
        """Tell whether it is such a name."""
        return isinstance(value, str) and _CLOUD_NAME.fullmatch(value) is not None


def _match(pattern: re.Pattern[str], value: Any) -> re.Match[str] | None:
    found = pattern.fullmatch(value) if isinstance(value, str) else None
    if found is None or not _is_host(found["host"]):
        return None
    port = found.groupdict().get("port")
    return found if port is None or 1 <= int(port) <= 65535 else None


def _is_host(host: str) -> bool:
    if not host.startswith("["):
        return ".." not in host
    try:
        IPv6Address(host[1:-1])
    except AddressValueError:
        return False
    return True
