"""The way of an answer to its client, the same for every protocol: when the head leaves, what it tells, how it ends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Literal

from attrs import define, field
from twisted.internet.interfaces import IReactorTime

from agd.encoding import encode
from agd.errors import ClientLostError, GatewayError, UpstreamFailure
from agd.web.headers import printable
from agd.web.request import Request
from agd.web.timing import server_timing

if TYPE_CHECKING:
    from agd.web.stream import EventStream, Pourable, Teller

_NOTICE_LENGTH = 4000
"""Most characters of X-Agd-Notices: some clients take 8 KB of headers; the log has all notices."""


@define
class Policy:
    """What of the configuration the routes need; replaced fields hold from the next request on."""

    expose_account: Literal["email", "id", "off"]
    header_hold_seconds: float
    client_stall_seconds: float = 300.0


@define(eq=False)
class Answering:
    """How answers leave."""

    policy: Policy
    _clock: IReactorTime
    streams: int = field(default=0, init=False)
    """How many event streams are open, or about to be."""

    def whole(self, request: Request, body: object) -> bytes:
        """Return a plain answer's bytes, its head told."""
        self.tell(request)
        return sized(request, encode(body))

    async def stream(self, request: Request, teller: Teller, ask: Callable[[], Awaitable[Pourable]]) -> None:
        """Stream what ``ask`` returns as soon as it is there. Raises ``GatewayError`` while nothing has left."""
        # With the first stream: idle memory is counted.
        from agd.gemini.client_errors import client_error  # noqa: PLC0415
        from agd.web.stream import EventStream  # noqa: PLC0415

        stream = EventStream(request, teller, self._clock, self.policy.client_stall_seconds)
        self.streams += 1
        try:
            opening = self._open(request, stream, ask)
            del ask  # it holds what was asked, and the answer may stream for long
            relay = await request.carry_out(opening)
            del opening
            await request.carry_out(stream.pour(relay))
            await request.conclude(stream.close())
        except GatewayError as error:
            if not stream.begun:
                raise
            await request.conclude(stream.fail(error))
        except UpstreamFailure as failure:
            request.trail.failures.append(f"mid-stream: {failure}")
            await request.conclude(stream.fail(client_error(failure)))
        except ClientLostError as lost:
            request.trail.failures.append(str(lost))
            request.abandon()
        finally:
            self.streams -= 1
            stream.stop()

    async def _open(self, request: Request, stream: EventStream, ask: Callable[[], Awaitable[Pourable]]) -> Pourable:
        """Wait for the first event, and send the head: then, or when it has been held back for long enough."""
        hold = self._clock.callLater(self.policy.header_hold_seconds, self._begin_waiting, request, stream)
        try:
            relay = await ask()
        finally:
            if hold.active():
                hold.cancel()
        if not stream.begun:
            self.tell(request)
            stream.begin()
        return relay

    def _begin_waiting(self, request: Request, stream: EventStream) -> None:
        # Which account will answer is not known yet, nor after how many attempts, and a header that may turn out
        # wrong is not sent.
        self.tell(request, account=False)
        stream.begin_waiting()

    def tell(self, request: Request, *, account: bool = True) -> None:
        """Write the headers that tell what became of the request."""
        trail = request.trail
        for name, value in trail.standing:
            request.setHeader(name, value)
        if trail.model:
            request.setHeader("X-Mapped-Model", printable(trail.model))
        if account and trail.account is not None and self.policy.expose_account != "off":
            email = trail.account.email if self.policy.expose_account == "email" else ""
            request.setHeader("X-Account-Email", printable(email or trail.account.id))
        if trail.wanted and account:
            request.setHeader("X-Agd-Attempts", str(trail.attempts))
        timing = server_timing(trail)
        if timing:
            request.setHeader("Server-Timing", timing)
        if trail.notices:
            compact = "; ".join(f"{notice.param}: {notice.message}" for notice in trail.notices)
            cut = "..." if len(compact) > _NOTICE_LENGTH else ""
            request.setHeader("X-Agd-Notices", printable(compact[:_NOTICE_LENGTH]) + cut)


def sized(request: Request, body: bytes) -> bytes:
    """Return a body, its length told."""
    request.setHeader("Content-Length", str(len(body)))
    return body
