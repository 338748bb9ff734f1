"""What is said to a SOCKS 5 proxy (RFC 1928), with user and password where it wants them (RFC 1929).

The name of the host goes to the proxy as it is, also where it is an address in text.
"""

from __future__ import annotations

from ipaddress import ip_address

from attrs import define, field

from agd.transport.tunnels import Negotiation, ProxyError

_VERSION = 5
_ANYBODY, _PASSWORD = 0, 2
_CONNECT = 1
_ADDRESS_LENGTHS = {1: 4, 4: 16}
_NAME, _NAME_BYTES = 3, 255
_REPLIES = (
    "", "general failure", "the connection is not allowed", "the network is unreachable", "the host is unreachable",
    "the connection was refused", "the time to live has expired", "CONNECT is not supported",
    "this type of address is not supported",
)  # fmt: skip


@define(eq=False)
class Socks5(Negotiation):
    """CONNECT to a host by SOCKS 5."""

    _host: str
    _port: int
    _username: str = field(default="", repr=False)
    _password: str = field(default="", repr=False)
    _heard: bytes = field(default=b"", init=False)
    _awaited: str = field(default="method", init=False)

    def greeting(self) -> bytes:
        """Offer no authentication, and the password where there is one."""
        methods = bytes([_ANYBODY, _PASSWORD] if self._username or self._password else [_ANYBODY])
        return bytes([_VERSION, len(methods)]) + methods

    def feed(self, data: bytes) -> tuple[bytes, bytes | None]:
        """Take the proxy's choice of a method, its word on the password, its reply. Raises ``ProxyError``."""
        self._heard += data
        said = b""
        while (answer := self._step()) is not None:
            said += answer
            if self._awaited == "":
                return said, self._heard
        return said, None

    def _step(self) -> bytes | None:
        """Take one whole message and return the answer to it; None when it has not all come."""
        if self._awaited == "reply":
            return self._reply()
        if len(self._heard) < 2:
            return None
        first, second = self._heard[0], self._heard[1]
        self._heard = self._heard[2:]
        return self._method(first, second) if self._awaited == "method" else self._admission(second)

    def _method(self, version: int, method: int) -> bytes:
        if version != _VERSION:
            raise ProxyError("it does not speak SOCKS 5")
        if method == _ANYBODY:
            return self._request()
        if method != _PASSWORD or not (self._username or self._password):
            raise ProxyError("it takes none of the ways to log in")
        self._awaited = "admission"
        name, password = self._username.encode(), self._password.encode()
        return bytes([1, len(name)]) + name + bytes([len(password)]) + password

    def _admission(self, status: int) -> bytes:
        if status != 0:
            raise ProxyError("it refused the user or the password")
        return self._request()

    def _request(self) -> bytes:
        self._awaited = "reply"
        return bytes([_VERSION, _CONNECT, 0]) + _address(self._host) + self._port.to_bytes(2, "big")

    def _reply(self) -> bytes | None:
        heard = self._heard
        if len(heard) >= 2 and heard[1] != 0:
            code = heard[1]
            raise ProxyError(_REPLIES[code] if code < len(_REPLIES) else f"it refused the connection with {code}")
        if len(heard) < 5:
            return None
        kind = heard[3]
        if kind != _NAME and kind not in _ADDRESS_LENGTHS:
            raise ProxyError("it does not speak SOCKS 5")
        length = 4 + (1 + heard[4] if kind == _NAME else _ADDRESS_LENGTHS[kind]) + 2
        if len(heard) < length:
            return None
        self._heard, self._awaited = heard[length:], ""
        return b""


def _address(host: str) -> bytes:
    try:
        address = ip_address(host)
    except ValueError:
        name = host.encode("ascii")
        if len(name) > _NAME_BYTES:
            raise ProxyError("the name of the host is longer than SOCKS 5 can say") from None
        return bytes([_NAME, len(name)]) + name
    return bytes([1 if address.version == 4 else 4]) + address.packed
