"""The HTTP over the socket: from a request to a question, from an answer or an error to JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from inspect import isawaitable
from typing import Any

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from agd.admin.routes import Part, Plain, Question, Route
from agd.encoding import encode
from agd.errors import BadRequest, GatewayError
from agd.protocols.errors import error_object, read_body

_log = Logger("agd")

Parts = Callable[[], Iterable[Part]]


def site(parts: Parts, reactor: Any) -> Site:
    """Make the server. ``parts`` are made with the first request: most daemons run for long without any."""
    made = Site(_Root(parts), parsePOSTFormSubmission=False, reactor=reactor)
    made.noisy = False
    made.log = lambda request: None  # type: ignore[method-assign]  # the operator's questions are no requests of clients
    return made


@define(eq=False, slots=False)
class _Root(Resource):
    """All paths."""

    isLeaf = True
    _parts: Parts
    _routes: Mapping[tuple[str, str], Route] = field(factory=dict, init=False)

    def __attrs_pre_init__(self) -> None:
        Resource.__init__(self)

    def render(self, request: Request) -> Any:
        """Answer, now or later."""
        asked = Deferred.fromCoroutine(self._answer(request))
        # Cancelled, not only forgotten: an account is not tested for somebody who has left.
        request.notifyFinish().addErrback(lambda _: asked.cancel())
        asked.addCallbacks(_tell, _excuse, callbackArgs=(request,), errbackArgs=(request,))
        asked.addErrback(lambda failure: _log.failure("an admin answer was lost", failure=failure))
        return NOT_DONE_YET

    async def _answer(self, request: Request) -> object:
        if not self._routes:
            self._routes = {(each.method, each.path): each for part in self._parts() for each in part.routes()}
        route = self._find(request.method.decode("ascii", "replace"), request.path.decode("ascii", "replace"))
        answer = route.answer(_question(request))
        return await answer if isawaitable(answer) else answer

    def _find(self, method: str, path: str) -> Route:
        route = self._routes.get((method, path))
        if route is not None:
            return route
        if any(path == known for _, known in self._routes):
            raise GatewayError(405, f"{method} is not allowed on {path}", code="method_not_allowed")
        message = f"There is no {path} here: daemon and command are of different versions"
        raise GatewayError(404, message, code="unknown_url")


def _question(request: Request) -> Question:
    try:
        query = {name.decode(): values[-1].decode() for name, values in (request.args or {}).items()}
    except UnicodeDecodeError:
        raise BadRequest("the query is no text in UTF-8") from None
    body = request.content.read() if request.content is not None else b""
    return Question(query, read_body(body) if body else {})


def _tell(answer: object, request: Request) -> None:
    plain = answer if isinstance(answer, Plain) else Plain(encode(answer), "application/json")
    _write(request, 200, plain)


def _excuse(failure: Failure, request: Request) -> None:
    if failure.check(CancelledError):
        return
    error = failure.value
    if not isinstance(error, GatewayError):
        _log.failure("answering an admin request failed", failure=failure)
        error = GatewayError(500, "a mistake of agd's own; its log has the details", type="server_error")
    _write(request, error.status, Plain(encode(error_object(error)), "application/json"))


def _write(request: Request, status: int, answer: Plain) -> None:
    request.setResponseCode(status)
    request.setHeader("Content-Type", answer.content_type)
    request.setHeader("Content-Length", str(len(answer.body)))
    request.write(answer.body)
    request.finish()
