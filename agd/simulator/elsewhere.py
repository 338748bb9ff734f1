"""The provider's other addresses: Vertex AI, Code Assist, and the token endpoint."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from agd.encoding import encode
from agd.simulator.ledger import Call
from agd.simulator.manners import CodeAssist, Vertex
from agd.simulator.player import Player
from agd.simulator.resources import Models, Visit, path_under
from agd.simulator.rpc_status import Refused
from agd.simulator.script import DOCUMENT, JSON_TYPE, Reading, play, refusal
from agd.simulator.simulation import Simulator

_LIST = "publishers/google/models"


class VertexModels(Models):
    """``/v1beta1``: publishers' models, which are listed for all projects together."""

    def __init__(self, simulator: Simulator, clock: IReactorTime, wall: Callable[[], float] = time.time) -> None:
        Models.__init__(self, simulator, clock, wall, Vertex())

    def _asked_for(self, request: Request) -> str:
        return path_under(request).removeprefix(_LIST)

    def _listing(self, visit: Visit) -> dict[str, Any]:
        page = super()._listing(visit)
        names = [{"name": f"publishers/google/{each['name']}", "launchStage": "GA"} for each in page.pop("models")]
        return {"publisherModels": names, **page}


class CodeAssistMethods(Models):
    """``/v1internal:METHOD``: the generate methods, and ``loadCodeAssist``."""

    def __init__(self, simulator: Simulator, clock: IReactorTime, wall: Callable[[], float] = time.time) -> None:
        Models.__init__(self, simulator, clock, wall, CodeAssist())

    def render_POST(self, request: Request) -> int:
        """Carry out the method that the path ends in."""
        return self._load(request) if self._named(request) == ":loadCodeAssist" else Models.render_POST(self, request)

    def _named(self, request: Request) -> str:
        return request.path.decode("latin-1").removeprefix("/v1internal")

    def _load(self, request: Request) -> int:
        call = Call(-1, "", "", "loadCodeAssist", self._clock.seconds())
        self._simulator.lookups += 1
        try:
            self._admit(Visit.of(request), call)
        except Refused as refused:
            acts = refusal(refused.status, DOCUMENT)
        else:
            project = self._simulator.project
            found = {"currentTier": {"id": "standard-tier"}} | ({"cloudaicompanionProject": project} if project else {})
            acts = play(Reading(iter((encode(found),)), DOCUMENT, 0, 0), None)
        Player(request, acts, call, self._clock, lambda _outcome, _how: None).start()
        return NOT_DONE_YET


class TokenEndpoint(Resource):
    """``/token``: grants in, access tokens out."""

    isLeaf = True

    def __init__(self, simulator: Simulator, clock: Any, wall: Callable[[], float] = time.time) -> None:
        Resource.__init__(self)
        self._simulator = simulator
        self._clock = clock
        self._wall = wall

    def render_POST(self, request: Request) -> int:
        """Decide at once, answer when it is time."""
        form = {name.decode(): values[-1].decode() for name, values in request.args.items()}
        url = f"http://{request.getHeader('host')}/token"
        verdict = self._simulator.office.decide(form, url, self._wall())
        request.setResponseCode(verdict.status)
        request.setHeader("content-type", JSON_TYPE)
        answering = self._clock.callLater(self._simulator.office.seconds, _answer, request, encode(verdict.document))
        request.notifyFinish().addErrback(lambda _: answering.cancel())
        return NOT_DONE_YET


def _answer(request: Request, body: bytes) -> None:
    request.write(body)
    request.finish()
