"""The HTTP surface that speaks Gemini's REST: ``/v1beta/models`` and the generate methods under it."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote

from attrs import define
from twisted.internet.interfaces import IReactorTime
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from agd.encoding import InvalidJSON, decode, encode
from agd.simulator.catalogue import entry, page
from agd.simulator.faults import Fault
from agd.simulator.ledger import Call
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


def path_under(request: Request) -> str:
    """Give what of the path lies under the resource, decoded."""
    return "/".join(unquote(step.decode("latin-1")) for step in request.postpath or () if step)


def body_of(request: Request) -> bytes:
    """Give the whole body of a request that has been received."""
    content = request.content
    return b"" if content is None else content.read()


class Models(Resource):
    """``/v1beta/models``: ``GET`` lists or shows, ``POST {model}:{method}`` generates."""

    isLeaf = True

    def __init__(self, simulator: Simulator, clock: IReactorTime) -> None:
        Resource.__init__(self)
        self._simulator = simulator
        self._clock = clock

    def render_GET(self, request: Request) -> int:
        """List models in pages, or show one."""
        visit = _Visit.of(request)
        call = Call(-1, "", "", "models", self._clock.seconds())
        try:
            call.key_index = self._simulator.admit(visit.key, visit.key_in_query)
            acts = self._listed(visit, request)
        except Refused as refused:
            acts = refusal(refused.status, DOCUMENT)
        Player(request, acts, call, self._clock, lambda _outcome, _how: None).start()
        return NOT_DONE_YET

    def render_POST(self, request: Request) -> int:
        """Generate: ``generateContent`` or ``streamGenerateContent``."""
        model, _, op = path_under(request).partition(":")
        visit = _Visit.of(request)
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

    def _listed(self, visit: _Visit, request: Request) -> Iterator[Act]:
        name = path_under(request)
        found = _page(self._simulator, visit) if not name else None
        if found is None:
            self._simulator.served(name)
            found = entry(name)
        fault = self._simulator.faults.take(visit.key or "", "models", name)
        return play(Reading(iter((encode(found),)), DOCUMENT, 0, 0), fault)

    def _generated(self, visit: _Visit, call: Call, data: bytes) -> Iterator[Act]:
        framing = _framing(call.op, visit)
        try:
            call.key_index = self._simulator.admit(visit.key, visit.key_in_query)
            call.key = self._simulator.keys[call.key_index]
            fault, reading = self._read(call, data, framing)
        except Refused as refused:
            return refusal(refused.status, framing)
        return play(reading, fault)

    def _read(self, call: Call, data: bytes, framing: Framing) -> tuple[Fault | None, Reading]:
        if call.op not in {"generateContent", "streamGenerateContent", "countTokens"}:
            raise Refused(Status(404, "NOT_FOUND", f"Method {call.op!r} is not found."))
        self._simulator.served(call.model)
        if call.op == "countTokens":
            counted = encode({"totalTokens": self._simulator.count(call.model, data)})
            return self._simulator.faults.take(call.key, "count", call.model), Reading(iter((counted,)), DOCUMENT, 0, 0)
        answer, pace = self._simulator.answer(call.model, data)
        fault = self._simulator.faults.take(call.key, "generate", call.model)
        if fault is None or fault.speaks:
            answer = self._simulator.cues.applied(answer)
        return fault, whole(answer, pace) if framing is DOCUMENT else streamed(answer, pace, framing)

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
        if _KEY_HEADER in headers:
            headers[_KEY_HEADER] = f"key {call.key_index}"
        self._simulator.ledger.last = {
            "method": "POST",
            "path": path,
            "query": query,
            "headers": headers,
            "key_index": call.key_index,
            "body": _shown(data),
        }


@define
class _Visit:
    """What the address and headers of a request say."""

    key: str | None
    query: dict[str, str]

    @classmethod
    def of(cls, request: Request) -> _Visit:
        query = {name.decode("latin-1"): values[-1].decode("latin-1") for name, values in request.args.items()}
        return cls(request.getHeader(_KEY_HEADER), query)

    @property
    def key_in_query(self) -> bool:
        return "key" in self.query


def _framing(op: str, visit: _Visit) -> Framing:
    if op != "streamGenerateContent":
        return DOCUMENT
    return SSE if visit.query.get("alt") == "sse" else ARRAY


def _page(simulator: Simulator, visit: _Visit) -> dict[str, object]:
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
