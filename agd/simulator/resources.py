"""The HTTP surface that speaks Gemini's REST: lists of models, and the generate methods, in every manner."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

from attrs import define
from twisted.internet.interfaces import IReactorTime
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from agd.encoding import InvalidJSON, decode, encode
from agd.simulator.catalogue import entry, page
from agd.simulator.faults import Fault
from agd.simulator.ledger import Call
from agd.simulator.manners import Gemini, json_object
from agd.simulator.player import Player
from agd.simulator.rpc_status import Refused, Status, invalid_argument
from agd.simulator.script import (
    ARRAY,
    DOCUMENT,
    SSE,
    Act,
    Framing,
    Reading,
    play,
    refusal,
    streamed,
    whole,
)
from agd.simulator.simulation import Simulator

_KEY_HEADER = "x-goog-api-key"
_TOKEN_HEADER = "authorization"  # noqa: S105 - the name of a header
GEMINI = Gemini()


def path_under(request: Request) -> str:
    """Give what of the path lies under the resource, decoded."""
    return "/".join(unquote(step.decode("latin-1")) for step in request.postpath or () if step)


def body_of(request: Request) -> bytes:
    """Give the whole body of a request that has been received."""
    content = request.content
    return b"" if content is None else content.read()


class Models(Resource):
    """One manner of asking: ``GET`` lists or shows, ``POST {model}:{method}`` generates.

    ``wall`` is the time in seconds since the epoch, by which access tokens end.
    """

    isLeaf = True

    def __init__(
        self,
        simulator: Simulator,
        clock: IReactorTime,
        wall: Callable[[], float] = time.time,
        manner: Gemini = GEMINI,
    ) -> None:
        Resource.__init__(self)
        self._simulator = simulator
        self._clock = clock
        self._wall = wall
        self._manner = manner

    def render_GET(self, request: Request) -> int:
        """List models in pages, or show one."""
        visit = Visit.of(request)
        call = Call(-1, "", "", "models", self._clock.seconds())
        try:
            self._admit(visit, call)
            acts = self._listed(visit, request, call)
        except Refused as refused:
            acts = refusal(refused.status, DOCUMENT)
        Player(request, acts, call, self._clock, lambda _outcome, _how: None).start()
        return NOT_DONE_YET

    def render_POST(self, request: Request) -> int:
        """Generate: ``generateContent`` or ``streamGenerateContent``; or count tokens."""
        model, _, op = self._named(request).partition(":")
        visit = Visit.of(request)
        call = Call(-1, "unknown", model, op, self._clock.seconds())
        self._simulator.ledger.open(call)
        if request.channel in self._simulator.stale:
            self._drop(request, call)
            return NOT_DONE_YET
        data = body_of(request)
        acts = self._generated(visit, call, data)
        self._remember(request, call, data)
        self._perform(request, acts, call)
        return NOT_DONE_YET

    def _named(self, request: Request) -> str:
        """Give ``{model}:{method}``, as a path names both."""
        return path_under(request)

    def _asked_for(self, request: Request) -> str:
        """Give the model that is to be shown, "" for the list."""
        return path_under(request)

    def _listing(self, visit: Visit) -> dict[str, Any]:
        """Give one page of the list."""
        return _page(self._simulator, visit)

    def _admit(self, visit: Visit, call: Call) -> None:
        """Let in whom a key or a token proves. Raises ``Refused``."""
        key = visit.key if visit.token is None else self._simulator.bearer(visit.token, self._wall())
        call.key_index = self._simulator.admit(key, visit.key_in_query)
        call.key = self._simulator.keys[call.key_index]

    def _listed(self, visit: Visit, request: Request, call: Call) -> Iterator[Act]:
        name = self._asked_for(request)
        found = self._listing(visit) if not name else None
        if found is None:
            self._simulator.served(name)
            found = entry(name)
        fault = self._simulator.faults.take(call.key, "models", name)
        return play(Reading(iter((encode(found),)), DOCUMENT, 0, 0), fault)

    def _generated(self, visit: Visit, call: Call, data: bytes) -> Iterator[Act]:
        framing = _framing(call.op, visit)
        try:
            self._admit(visit, call)
            fault, reading = self._read(call, data, framing)
        except Refused as refused:
            return refusal(refused.status, framing)
        return play(reading, fault)

    def _read(self, call: Call, data: bytes, framing: Framing) -> tuple[Fault | None, Reading]:
        if call.op not in {"generateContent", "streamGenerateContent", "countTokens"}:
            raise Refused(Status(404, "NOT_FOUND", f"Method {call.op!r} is not found."))
        call.model = self._manner.model(call.model)
        if call.op == "countTokens":
            return self._counted(call, data)
        call.model, data = self._manner.opened(call.model, data)
        self._simulator.served(call.model)
        answer, pace = self._simulator.answer(call.model, data)
        fault = self._simulator.faults.take(call.key, "generate", call.model)
        if fault is None or fault.speaks:
            answer = self._simulator.cues.applied(answer)
        envelope = self._manner.enveloped
        reading = whole(answer, pace, envelope) if framing is DOCUMENT else streamed(answer, pace, framing, envelope)
        return fault, reading

    def _counted(self, call: Call, data: bytes) -> tuple[Fault | None, Reading]:
        call.model, request = self._manner.counted(json_object(data), call.model)
        counted = self._simulator.count(call.model, request)
        reading = Reading(iter((encode({"totalTokens": counted}),)), DOCUMENT, 0, 0)
        return self._simulator.faults.take(call.key, "count", call.model), reading

    def _perform(self, request: Request, acts: Iterator[Act], call: Call) -> None:
        def ended(outcome: str, how: str) -> None:
            self._simulator.ledger.close(call, outcome, self._clock.seconds())
            if how == "finish_stale":
                self._simulator.stale.add(request.channel)

        Player(request, acts, call, self._clock, ended).start()

    def _drop(self, request: Request, call: Call) -> None:
        """Close a stale connection under a request, as a server does that timed it out a moment before."""
        self._simulator.ledger.close(call, "fault", self._clock.seconds())
        request.notifyFinish().addErrback(lambda _reason: None)
        request.loseConnection()

    def _remember(self, request: Request, call: Call, data: bytes) -> None:
        path, _, query = request.uri.decode("latin-1").partition("?")
        headers = {
            name.decode("latin-1").lower(): b", ".join(values).decode("latin-1")
            for name, values in request.requestHeaders.getAllRawHeaders()
        }
        for secret in {_KEY_HEADER, _TOKEN_HEADER} & set(headers):
            headers[secret] = f"key {call.key_index}"
        self._simulator.ledger.last = {
            "method": "POST",
            "path": path,
            "query": query,
            "headers": headers,
            "key_index": call.key_index,
            "body": _shown(data),
        }


@define
class Visit:
    """What the address and headers of a request say: who asks, by a key or a token."""

    key: str | None
    token: str | None
    query: dict[str, str]

    @classmethod
    def of(cls, request: Request) -> Visit:
        """Read a request."""
        query = {name.decode("latin-1"): values[-1].decode("latin-1") for name, values in request.args.items()}
        scheme, _, token = (request.getHeader(_TOKEN_HEADER) or "").partition(" ")
        return cls(request.getHeader(_KEY_HEADER), token if scheme.lower() == "bearer" else None, query)

    @property
    def key_in_query(self) -> bool:
        """Whether a key stands in the address, where it must not."""
        return "key" in self.query


def _framing(op: str, visit: Visit) -> Framing:
    if op != "streamGenerateContent":
        return DOCUMENT
    return SSE if visit.query.get("alt") == "sse" else ARRAY


def _page(simulator: Simulator, visit: Visit) -> dict[str, Any]:
    size, token = visit.query.get("pageSize", "0"), visit.query.get("pageToken", "0")
    if not size.isdecimal():
        raise invalid_argument(f"Invalid value at 'page_size' (TYPE_INT32), \"{size}\"")
    if not token.isdecimal():
        raise invalid_argument("Invalid page token.")
    return page(simulator.models, int(size), int(token))


def _shown(data: bytes) -> object:
    try:
        return decode(data)
    except InvalidJSON:
        return data.decode("utf-8", "replace")
