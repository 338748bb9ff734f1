"""By which way an account is reached: straight, or through a proxy of its own, and whose certificates it trusts."""

from __future__ import annotations

from base64 import b64encode
from typing import Literal, cast
from urllib.parse import unquote, urlsplit

from attrs import field, frozen

Scheme = Literal["http", "https", "socks5"]
"""How a proxy is spoken to: CONNECT over TCP, CONNECT over TLS, or SOCKS 5."""

_PORTS = {"http": 80, "https": 443, "socks5": 1080}


@frozen
class Proxy:
    """A proxy. Names of hosts are looked up by the proxy itself, never here."""

    scheme: Scheme
    host: str
    port: int
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @classmethod
    def read(cls, url: str) -> Proxy:
        """Read ``http://``, ``https://`` or ``socks5://`` (also ``socks5h://``) ``[user:password@]host[:port]``.

        Raises ``ValueError`` for anything else, in words without the URL.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:  # its words quote the URL
            raise ValueError("a URL whose host or port is none") from None
        scheme = "socks5" if parts.scheme == "socks5h" else parts.scheme
        if scheme not in _PORTS:
            raise ValueError("a URL that is neither http, https nor socks5")
        if not parts.hostname or parts.path not in {"", "/"} or parts.query or parts.fragment:
            raise ValueError("a URL that is more or less than scheme, credentials, host and port")
        username, password = unquote(parts.username or ""), unquote(parts.password or "")
        if scheme == "socks5" and max(len(username.encode()), len(password.encode())) > 255:
            raise ValueError("a name or password of more than 255 bytes, which SOCKS 5 cannot say")
        return cls(cast(Scheme, scheme), parts.hostname, port or _PORTS[scheme], username, password)

    @property
    def basic(self) -> str:
        """The credentials of a ``Proxy-Authorization`` header (RFC 7617), "" when there are none."""
        if not (self.username or self.password):
            return ""
        return "Basic " + b64encode(f"{self.username}:{self.password}".encode()).decode()


@frozen
class WayOut:
    """One way. ``ca`` holds the certificates, in PEM, of whom alone it trusts; empty: those of the system."""

    proxy: Proxy | None = None
    ca: str = field(default="", repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must show nowhere."""
        proxy = self.proxy
        return () if proxy is None else tuple(filter(None, (proxy.password, proxy.basic.removeprefix("Basic "))))


STRAIGHT = WayOut()
"""No proxy, and the certificates that the system trusts."""
