"""The routes of OpenAI's API and the two for operators."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from attrs import define
from klein import Klein
from twisted.internet.defer import CancelledError
from twisted.logger import Logger
from twisted.python.failure import Failure
from werkzeug.exceptions import HTTPException, NotFound

from agd.encoding import encode
from agd.errors import GatewayError
from agd.gateway import Gateway
from agd.keys.refusals import no_such_model
from agd.protocols.endpoint import Context, Endpoint
from agd.protocols.endpoints import CHAT, COMPLETIONS
from agd.protocols.errors import read_body
from agd.protocols.models import model_list, model_object
from agd.web.answering import Answering, sized
from agd.web.bodies import json_body
from agd.web.errors import from_werkzeug, internal_error
from agd.web.headers import SPENT, session
from agd.web.request import Request
from agd.web.websocket import Sockets

if TYPE_CHECKING:
    from agd.web.responses import Responses


@define(eq=False, slots=False)
class OpenAI:
    """The resource: ``OpenAI(...).app.resource()``. ``now`` gives unix seconds, ``mint_id`` random hex digits.

    ``responses`` gives the Responses API, which is loaded when it is first asked. ``metrics`` gives the content type
    and the text of the metrics, None where they are not for clients.
    """

    gateway: Gateway
    responses: Callable[[], Responses]
    answering: Answering
    sockets: Sockets
    now: Callable[[], float]
    mint_id: Callable[[], str]
    metrics: Callable[[], tuple[str, bytes] | None] = lambda: None

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
    async def create_response(self, request: Request) -> bytes | None:
        """Responses."""
        self._require_account()
        return await self.responses().create(request)

    @app.route("/v1/responses/compact", methods=["POST"])
    async def compact_response(self, request: Request) -> bytes:
        """A conversation made short."""
        self._require_account()
        return await self.responses().compact(request)

    @app.route("/v1/responses/input_tokens", methods=["POST"])
    async def count_input_tokens(self, request: Request) -> bytes:
        """How many tokens an input has."""
        self._require_account()
        return await self.responses().count(request)

    @app.route("/v1/responses/<id_>", methods=["GET"])
    async def response(self, request: Request, id_: str) -> bytes | None:
        """A stored response, or its events."""
        return await self.responses().retrieve(request, id_)

    @app.route("/v1/responses/<id_>", methods=["DELETE"])
    async def delete_response(self, request: Request, id_: str) -> bytes:
        """Delete a stored response."""
        return await self.responses().delete(request, id_)

    @app.route("/v1/responses/<id_>/cancel", methods=["POST"])
    async def cancel_response(self, request: Request, id_: str) -> bytes:
        """End a response that runs in the background."""
        return await self.responses().cancel(request, id_)

    @app.route("/v1/responses/<id_>/input_items", methods=["GET"])
    async def input_items(self, request: Request, id_: str) -> bytes:
        """What a response was asked with."""
        return await self.responses().input_items(request, id_)

    @app.route("/v1/responses", methods=["GET"])
    def socket(self, request: Request) -> None:
        """Responses over a WebSocket; there is nothing else to get here."""
        self.sockets.open(request)

    @app.route("/v1/models", methods=["GET"])
    def models(self, request: Request) -> bytes:
        """Every name that the key can ask for; 503 while nobody could be asked."""
        self._require_account()
        names = self.gateway.offers(request.site.door.tenant(request.requestHeaders))
        return sized(request, encode(model_list(names, self.gateway.catalogue.since)))

    @app.route("/v1/models/<path:name>", methods=["GET"])
    def model(self, request: Request, name: str) -> bytes:
        """One name; 404 where a request for it would be 404 as well."""
        self._require_account()
        catalogue = self.gateway.catalogue
        request.trail.model = self.gateway.router.resolve(name, catalogue.known)
        owner = request.site.door.tenant(request.requestHeaders)
        if not self.gateway.turnstile.visible(owner, (name, request.trail.model)):
            raise no_such_model(name)
        self.answering.tell(request)
        return sized(request, encode(model_object(name, catalogue.since)))

    @app.route("/healthz", methods=["GET"])
    def healthz(self, request: Request) -> bytes:
        """The process is alive."""
        return sized(request, b'{"status":"ok"}')

    @app.route("/readyz", methods=["GET"])
    def readyz(self, request: Request) -> bytes:
        """Some account can be asked; else 503 with the reason."""
        reason = "agd is shutting down" if request.site.draining else self.gateway.pool.unready()
        if reason is not None:
            raise GatewayError(503, reason, type="server_error", code="not_ready")
        return sized(request, b'{"status":"ready"}')

    @app.route("/metrics", methods=["GET"])
    def show_metrics(self, request: Request) -> bytes:
        """The metrics, where the configuration has them here."""
        page = self.metrics()
        if page is None:
            raise NotFound
        content_type, body = page
        request.setHeader("Content-Type", content_type)
        return sized(request, body)

    def _require_account(self) -> None:
        reason = self.gateway.pool.unready()
        if reason is not None:
            raise GatewayError(503, reason, type="server_error", code="no_usable_account")

    # ------------------------------------------------------------------ the way of a request

    async def _answer(self, request: Request, endpoint: Endpoint) -> bytes | None:
        self._require_account()
        options, trail = self.gateway.options, request.trail
        prompt = endpoint.read(read_body(json_body(request)), options)
        context = Context(self.mint_id(), int(self.now()), prompt, options)
        trail.owner, trail.said = request.site.door.tenant(request.requestHeaders), session(request.requestHeaders)
        request.requestHeaders = SPENT  # all that they say has been read; an answer may take long
        request.prepath = request.postpath = []
        if prompt.stream:
            from agd.web.stream import Speaker  # noqa: PLC0415 - with the first stream: idle memory is counted

            asking = partial(self.gateway.open, prompt, trail)
            streaming = self.answering.stream(request, Speaker(endpoint.stream(context)), asking)
            del asking, context, prompt  # once the answer has begun nobody needs what was asked: it may be large
            await streaming
            return None
        answer = await request.carry_out(self.gateway.complete(prompt, trail))
        return self.answering.whole(request, endpoint.render(answer, context))

    # ------------------------------------------------------------------ errors

    @app.handle_errors(GatewayError)
    def _gateway_error(self, request: Any, failure: Failure) -> None:
        self.answering.tell(request)
        error: Any = failure.value
        request.write_error(error)

    @app.handle_errors(HTTPException)
    def _routing_error(self, request: Any, failure: Failure) -> None:
        error: Any = failure.value
        method, path = request.summary()
        request.write_error(from_werkzeug(error, method, path, request.base_url))

    @app.handle_errors(CancelledError)
    def _cancelled(self, request: Any, failure: Failure) -> None:
        """The client left: Klein cancelled the route, and there is nobody to answer. Else it is a mistake."""
        if not request.is_left:
            self._mistake(request, failure)

    @app.handle_errors(Exception)
    def _mistake(self, request: Any, failure: Failure) -> None:
        self._log.failure("answering {id} failed", failure=failure, id=request.trail.request_id)
        if request.startedWriting:
            # Ending it normally would make a broken answer look complete.
            request.abandon(500)
            return
        self.answering.tell(request)
        request.write_error(internal_error())
