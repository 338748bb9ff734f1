"""The HTTP server under the routes: what is refused at the head of a request, and a drain that loses nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.web.http_headers import Headers
from twisted.web.resource import IResource
from twisted.web.server import Site as TwistedSite

from agd.errors import GatewayError
from agd.gateway import Trail
from agd.web.auth import Door
from agd.web.browsers import is_preflight, permissions
from agd.web.channel import LINGER_SECONDS, Channel
from agd.web.errors import error_reason, raw_response
from agd.web.headers import request_id
from agd.web.paths import canonical, path_of
from agd.web.request import Request


class AccessObserver(Protocol):
    """Told of every answer that left, also of refusals."""

    def answered(self, method: str, path: str, status: int, seconds: float, trail: Trail) -> None:
        """An answer is complete, or its client left (499)."""


class Site(TwistedSite):
    """The server: its door and its limit may be replaced while it runs."""

    protocol = Channel  # type: ignore[assignment]  # Twisted annotates its own wrapper for HTTP/2
    requestFactory = Request
    noisy = False

    def __init__(
        self,
        resource: IResource,
        door: Door,
        *,
        clock: IReactorTime,
        mint_id: Callable[[], str],
        observer: AccessObserver,
        max_body_bytes: int,
    ) -> None:
        TwistedSite.__init__(self, resource, parsePOSTFormSubmission=False, reactor=clock)
        self.door = door
        self.clock = clock
        self.mint_id = mint_id
        self.max_body_bytes = max_body_bytes
        self.draining = False
        self._observer = observer
        self._channels: set[Channel] = set()
        self._drained: list[Deferred[None]] = []
        self._lingering: IDelayedCall | None = None

    # ------------------------------------------------------------------ the head of a request

    def check_head(self, method: bytes, uri: bytes, headers: Headers, length: int | None) -> None:
        """Raise ``GatewayError`` for a request that need not be read further."""
        if not is_preflight(method, headers):
            path = canonical(path_of(uri).decode("ascii", "replace"), method.decode("ascii", "replace"))
            self.door.check(path, headers)
        if length is not None and length > self.max_body_bytes:
            raise self.too_large()

    def too_large(self) -> GatewayError:
        """Make the answer for a body beyond the limit."""
        message = f"The request body is larger than the {self.max_body_bytes} bytes that proxy.max_body_bytes allows"
        return GatewayError(413, message, code="request_too_large")

    def owner(self, headers: Headers) -> str:
        """Say for reports whose a request is; empty for one without a valid key where one is asked for."""
        try:
            return self.door.tenant(headers)
        except GatewayError:
            return ""

    # ------------------------------------------------------------------ what happened

    def answered(self, request: Request, status: int) -> None:
        """Report an answer."""
        self.report(*request.summary(), status, request.began, request.trail)

    def report(self, method: str, path: str, status: int, began: float, trail: Trail) -> None:
        """Report an answer to what was begun at that time of the site's clock."""
        self._observer.answered(method, path, status, self.clock.seconds() - began, trail)

    def refusal(self, error: GatewayError, method: bytes, uri: bytes, headers: Headers, began: float) -> bytes:
        """Write and report the answer to what is refused before it becomes a request; ``-`` for what is not known."""
        trail = Trail(request_id(headers, self.mint_id), failures=[error_reason(error)], owner=self.owner(headers))
        self.report(
            method.decode("ascii", "replace"), path_of(uri).decode("ascii", "replace"), error.status, began, trail
        )
        told = [("X-Request-Id", trail.request_id), *permissions(self.door, headers)]
        return raw_response(error, told, with_body=method != b"HEAD")

    def log(self, request: Any) -> None:
        """Twisted's own access line is not written: ``answered`` tells more, also of requests that broke off."""

    # ------------------------------------------------------------------ drain

    def opened(self, channel: Channel) -> None:
        """Count a connection in; one that was accepted in the moment of the drain is closed again."""
        self._channels.add(channel)
        if self.draining:
            channel.close_when_idle()

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._channels)

    @property
    def sockets(self) -> int:
        """How many of them are WebSockets."""
        return sum(channel.is_upgraded for channel in self._channels)

    def closed(self, channel: Channel) -> None:
        """Count a connection out."""
        self._channels.discard(channel)
        if not self._channels:
            if self._lingering is not None and self._lingering.active():
                self._lingering.cancel()
            drained, self._drained = self._drained, []
            for waiting in drained:
                waiting.callback(None)

    def drain(self, grace: float) -> Deferred[None]:
        """Let running requests end and close all else; after ``grace`` seconds cut short what is left.

        The Deferred fires when no connection is open: only then has everything written been sent.
        """
        self.draining = True
        for channel in list(self._channels):
            channel.close_when_idle()
        if not self._channels:
            return succeed(None)
        drained: Deferred[None] = Deferred()
        self._drained.append(drained)
        overdue = self.clock.callLater(grace, self.cut_short)

        def done(result: Any) -> None:
            if overdue.active():
                overdue.cancel()

        return drained.addCallback(done)

    def cut_short(self) -> None:
        """End what still runs with an error that says why; abort the connections that do not close after that."""
        error = GatewayError(503, "agd is shutting down", type="server_error", code="shutting_down")
        for channel in list(self._channels):
            channel.cut_short(error)
        if self._channels and self._lingering is None:
            self._lingering = self.clock.callLater(LINGER_SECONDS, self._abort_all)

    def _abort_all(self) -> None:
        for channel in list(self._channels):
            channel.abort()
