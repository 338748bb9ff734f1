"""What is said to an HTTP proxy: CONNECT (RFC 9110, 9.3.6), with Basic credentials where it wants them (RFC 7617)."""

from __future__ import annotations

from attrs import define, field

from agd import __version__
from agd.transport.tunnels import Negotiation, ProxyError

_HEAD_BYTES = 16_384
_END = b"\r\n\r\n"


@define(eq=False)
class Connect(Negotiation):
    """CONNECT to a host; ``credentials`` is the value of ``Proxy-Authorization``, "" for none."""

    _host: str
    _port: int
    _credentials: str = field(default="", repr=False)
    _head: bytes = field(default=b"", init=False)

    def greeting(self) -> bytes:
        """Return the request."""
        authority = f"[{self._host}]:{self._port}" if ":" in self._host else f"{self._host}:{self._port}"
        lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}", f"User-Agent: agd/{__version__}"]
        if self._credentials:
            lines.append(f"Proxy-Authorization: {self._credentials}")
        return ("\r\n".join(lines)).encode("latin-1") + _END

    def feed(self, data: bytes) -> tuple[bytes, bytes | None]:
        """Read the answer's head: any 2xx is a yes, and what follows it is the other side's. Raises ``ProxyError``."""
        self._head += data
        head, end, beyond = self._head.partition(_END)
        if not end:
            if len(self._head) > _HEAD_BYTES:
                raise ProxyError("it answered with a head without end")
            return b"", None
        version, _, rest = head.partition(b"\r\n")[0].partition(b" ")
        status = rest[:3]
        if not version.startswith(b"HTTP/1.") or not status.isdigit():
            raise ProxyError("it does not speak HTTP")
        if not status.startswith(b"2"):
            raise ProxyError(f"it refused the connection with {status.decode()}")
        return b"", beyond
