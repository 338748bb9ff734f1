"""The routes of OpenAI's API and the two for operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from attrs import define, evolve
from klein import Klein
from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers
from werkzeug.exceptions import HTTPException

from agd.conversation import Prompt
from agd.conversation.session import HEADER, said, weightier
from agd.encoding import encode
from agd.errors import GatewayError, UpstreamFailure
from agd.gateway import Gateway, Source
from agd.gemini.client_errors import client_error
from agd.protocols.endpoint import Context, Endpoint
from agd.protocols.endpoints import CHAT, COMPLETIONS, RESPONSES
from agd.protocols.errors import read_body
from agd.protocols.models import model_list, model_object
from agd.upstream.relay import ClientLostError
from agd.web.bodies import json_body
from agd.web.errors import from_werkzeug, internal_error
from agd.web.headers import printable
from agd.web.request import Request
from agd.web.stream import EventStream

_SESSION_HEADERS = ("session-id", "x-session-id")
_NOTICE_LENGTH = 4000
"""Most characters of X-Agd-Notices: some clients take 8 KB of headers; the log has all notices."""


@define
class Policy:
    """What of the configuration the routes need; replaced fields hold from the next request on."""

    expose_account: Literal["email", "id", "off"]
    header_hold_seconds: float


@define(eq=False, slots=False)
class OpenAI:
    """The resource: ``OpenAI(...).app.resource()``. ``now`` gives unix seconds, ``mint_id`` random hex digits."""

    gateway: Gateway
    policy: Policy
    clock: IReactorTime
    now: Callable[[], float]
    mint_id: Callable[[], str]

    app = Klein()
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    _log = Logger()

    # ------------------------------------------------------------------ routes

    @app.route("/v1/chat/completions", methods=["POST"])
    async def chat(self, request: Request) -> bytes | None:
        """Chat completions."""
        return await self._answer(request, CHAT)

    @app.route("/v1/completions", methods=["POST"])
    async def completions(self, request: Request) -> bytes | None:
        """Legacy completions."""
        return await self._answer(request, COMPLETIONS)

    @app.route("/v1/responses", methods=["POST"])
    async def responses(self, request: Request) -> bytes | None:
        """Responses."""
        return await self._answer(request, RESPONSES)

    @app.route("/v1/models", methods=["GET"])
    def models(self, request: Request) -> bytes:
        """Every name that can be asked for; 503 while nobody could be asked."""
        self._require_account()
        catalogue = self.gateway.catalogue
        return _sized(request, encode(model_list(self.gateway.router.names(catalogue.known), catalogue.since)))

    @app.route("/v1/models/<path:name>", methods=["GET"])
    def model(self, request: Request, name: str) -> bytes:
        """One name; 404 where a request for it would be 404 as well."""
        self._require_account()
        catalogue = self.gateway.catalogue
        request.trail.model = self.gateway.router.resolve(name, catalogue.known)
        self._tell(request)
        return _sized(request, encode(model_object(name, catalogue.since)))

    @app.route("/healthz", methods=["GET"])
    def healthz(self, request: Request) -> bytes:
        """The process is alive."""
        return _sized(request, b'{"status":"ok"}')

    @app.route("/readyz", methods=["GET"])
    def readyz(self, request: Request) -> bytes:
        """Some account can be asked; else 503 with the reason."""
        reason = "agd is shutting down" if request.site.draining else self.gateway.pool.unready()
        if reason is not None:
            raise GatewayError(503, reason, type="server_error", code="not_ready")
        return _sized(request, b'{"status":"ready"}')

    def _require_account(self) -> None:
        reason = self.gateway.pool.unready()
        if reason is not None:
            raise GatewayError(503, reason, type="server_error", code="no_usable_account")

    # ------------------------------------------------------------------ the way of a request

    async def _answer(self, request: Request, endpoint: Endpoint) -> bytes | None:
        self._require_account()
        options = self.gateway.options
        prompt = endpoint.read(read_body(json_body(request)), options)
        prompt = evolve(prompt, session=weightier(prompt.session, _session(request.requestHeaders)))
        context = Context(self.mint_id(), int(self.now()), prompt, options)
        request.trail.owner = request.site.door.tenant(request.requestHeaders)
        request.requestHeaders = Headers()  # all that they say has been read; an answer may take long
        if prompt.stream:
            await self._stream(request, endpoint, context)
            return None
        answer = await request.carry_out(self.gateway.complete(prompt, request.trail))
        self._tell(request)
        return _sized(request, encode(endpoint.render(answer, context)))

    async def _stream(self, request: Request, endpoint: Endpoint, context: Context) -> None:
        stream = EventStream(request, endpoint.stream(context), self.clock)
        try:
            relay = await request.carry_out(self._open(request, stream, context.prompt))
            await request.carry_out(stream.pour(relay))
        except GatewayError as error:
            if not stream.begun:
                raise
            stream.fail(error)
        except UpstreamFailure as failure:
            request.trail.failures.append(f"mid-stream: {failure}")
            stream.fail(client_error(failure))
        except ClientLostError as lost:
            request.trail.failures.append(str(lost))
            request.abandon()
        finally:
            stream.stop()

    async def _open(self, request: Request, stream: EventStream, prompt: Prompt) -> Source:
        """Wait for the first event, and send the head: then, or when it has been held back for long enough."""
        hold = self.clock.callLater(self.policy.header_hold_seconds, self._begin_waiting, request, stream)
        try:
            relay = await self.gateway.open(prompt, request.trail)
        finally:
            if hold.active():
                hold.cancel()
        if not stream.begun:
            self._tell(request)
            stream.begin()
        return relay

    def _begin_waiting(self, request: Request, stream: EventStream) -> None:
        # Which account will answer is not known yet, and a header that may turn out wrong is not sent.
        self._tell(request, account=False)
        stream.begin_waiting()

    # ------------------------------------------------------------------ headers that tell what happened

    def _tell(self, request: Request, *, account: bool = True) -> None:
        trail = request.trail
        if trail.model:
            request.setHeader("X-Mapped-Model", printable(trail.model))
        if account and trail.account is not None and self.policy.expose_account != "off":
            email = trail.account.email if self.policy.expose_account == "email" else ""
            request.setHeader("X-Account-Email", printable(email or trail.account.id))
        if trail.notices:
            compact = "; ".join(f"{notice.param}: {notice.message}" for notice in trail.notices)
            cut = "..." if len(compact) > _NOTICE_LENGTH else ""
            request.setHeader("X-Agd-Notices", printable(compact[:_NOTICE_LENGTH]) + cut)

    # ------------------------------------------------------------------ errors

    @app.handle_errors(GatewayError)
    def _gateway_error(self, request: Any, failure: Failure) -> None:
        self._tell(request)
        error: Any = failure.value
        request.write_error(error)

    @app.handle_errors(HTTPException)
    def _routing_error(self, request: Any, failure: Failure) -> None:
        error: Any = failure.value
        method, path = request.summary()
        request.write_error(from_werkzeug(error, method, path, request.base_url))

    @app.handle_errors(CancelledError)
    def _cancelled(self, request: Any, failure: Failure) -> None:
        """The client left: Klein cancelled the route, and there is nobody to answer."""

    @app.handle_errors(Exception)
    def _mistake(self, request: Any, failure: Failure) -> None:
        self._log.failure("answering {id} failed", failure=failure, id=request.trail.request_id)
        if request.startedWriting:
            # Ending it normally would make a broken answer look complete.
            request.abandon(500)
            return
        self._tell(request)
        request.write_error(internal_error())


def _session(headers: Headers) -> str | None:
    """Return what the headers say of the conversation."""
    return next((said(HEADER, value) for name in _SESSION_HEADERS for value in headers.getRawHeaders(name, [])), None)


def _sized(request: Request, body: bytes) -> bytes:
    request.setHeader("Content-Length", str(len(body)))
    return body
