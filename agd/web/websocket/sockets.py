"""Where WebSockets come from: a request that asks for one and may have it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from attrs import define
from werkzeug.exceptions import MethodNotAllowed

from agd.errors import GatewayError

if TYPE_CHECKING:
    from agd.web.channel import Upgraded
    from agd.web.request import Request
    from agd.web.websocket.engine import Engine


@define(eq=False)
class Sockets:
    """What every socket of a daemon is opened with; replaced fields hold from the next one on.

    ``engine`` gives what answers, which is loaded when it is first asked. Without one nobody would answer on a socket,
    and one is refused as if sockets were turned off.
    """

    engine: Callable[[], Engine] | None = None
    enabled: bool = True
    stall_seconds: float = 300.0
    hold_seconds: float = 10.0

    def open(self, request: Request) -> None:
        """Make a WebSocket of a request's connection. The door has let the request in already.

        Raises ``GatewayError``, and ``MethodNotAllowed`` for a plain GET.
        """
        from agd.web.websocket.handshake import accept, disabled, wants_upgrade  # noqa: PLC0415 - as below

        if not wants_upgrade(request.requestHeaders) or request.method != b"GET":
            raise MethodNotAllowed(["POST"])
        if self.engine is None or not self.enabled:
            raise disabled()
        if request.site.draining:
            raise GatewayError(503, "agd is shutting down", type="server_error", code="shutting_down")
        for name, value in accept(request.clientproto, request.requestHeaders):
            request.setHeader(name, value)
        request.upgrade(self._make(request, self.engine()))

    def _make(self, request: Request, engine: Engine) -> Upgraded:
        """Make the socket. What that takes is loaded with the first one: most daemons are never asked for any."""
        from agd.web.websocket.session import Session  # noqa: PLC0415 - see above
        from agd.web.websocket.socket import Socket  # noqa: PLC0415
        from agd.web.websocket.visitor import Visitor  # noqa: PLC0415

        site, clock = request.site, request.site.clock
        socket = Socket(request.channel, clock, lambda: site.max_body_bytes, self.stall_seconds)
        socket.begin(Session(socket, Visitor.of(request), engine, clock, self.hold_seconds))
        return socket
