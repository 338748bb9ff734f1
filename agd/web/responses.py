"""The Responses API over HTTP: what its routes do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import define, frozen

from agd.conversation import Event
from agd.encoding import encode
from agd.errors import GatewayError
from agd.protocols import sse
from agd.protocols.errors import read_body
from agd.protocols.fields import invalid, shown
from agd.protocols.responses.narration import Frame
from agd.protocols.responses.paging import is_count, read_page
from agd.protocols.responses.parameters import check_included
from agd.protocols.responses.stream import framed
from agd.responses.engine import Engine
from agd.responses.journal import Reading
from agd.responses.turn import Turn
from agd.web.answering import Answering, sized
from agd.web.bodies import json_body
from agd.web.headers import SPENT, session
from agd.web.request import Request


@define(eq=False)
class Responses:
    """What is asked of the engine over HTTP, each time by the owner of the request's key."""

    engine: Engine
    _answering: Answering

    async def create(self, request: Request) -> bytes | None:
        """Make a response: whole, streamed, or in the background."""
        body, owner = _asked(request)
        turn = await request.carry_out(self.engine.begin(body, owner, request.trail))
        if turn.asked.background:
            run = await request.carry_out(self.engine.launch(turn))
            if turn.prompt.stream:
                await self._follow(request, Reading(run.journal), 0)
                return None
            return self._answering.whole(request, run.queued)
        if turn.prompt.stream:
            await self._answering.stream(request, _Telling(turn), turn.open)
            return None
        return self._answering.whole(request, await request.carry_out(turn.whole()))

    async def compact(self, request: Request) -> bytes:
        """Make a conversation short."""
        body, owner = _asked(request)
        return self._answering.whole(request, await request.carry_out(self.engine.compact(body, owner, request.trail)))

    async def count(self, request: Request) -> bytes:
        """Count the tokens of an input."""
        body, owner = _asked(request)
        return self._answering.whole(request, await request.carry_out(self.engine.count(body, owner, request.trail)))

    async def retrieve(self, request: Request, id_: str) -> bytes | None:
        """Show a response, or tell its events from a point on."""
        query, owner = _query(request), _owner(request)
        check_included(_included(request))
        if _flag(query, "stream"):
            begin = _number(query, "starting_after") + 1
            await self._follow(request, await request.carry_out(self.engine.events(owner, id_, begin)), begin)
            return None
        return sized(request, encode(await request.carry_out(self.engine.retrieve(owner, id_))))

    async def delete(self, request: Request, id_: str) -> bytes:
        """Delete a response."""
        return sized(request, encode(await request.carry_out(self.engine.delete(_owner(request), id_))))

    async def cancel(self, request: Request, id_: str) -> bytes:
        """End a response that runs in the background."""
        return sized(request, encode(await request.carry_out(self.engine.cancel(_owner(request), id_))))

    async def input_items(self, request: Request, id_: str) -> bytes:
        """List what a response was asked with."""
        page = read_page(_query(request))
        check_included(_included(request))
        return sized(request, encode(await request.carry_out(self.engine.input_items(_owner(request), id_, page))))

    async def _follow(self, request: Request, reading: Reading, begin: int) -> None:
        async def opened() -> Reading:
            return reading

        await self._answering.stream(request, _Reciting(begin), opened)


@frozen
class _Telling:
    """Tells a turn as server-sent events. See ``agd.web.stream.Teller``."""

    _turn: Turn

    def write(self, events: Sequence[Event]) -> bytes:
        return framed(self._turn.narration.write(events))

    async def close(self) -> bytes:
        return framed(await self._turn.conclude()) + sse.DONE

    async def fail(self, error: GatewayError) -> bytes:
        return framed(await self._turn.fail(error)) + sse.DONE


@define
class _Reciting:
    """Tells a journal, in which the end of the response stands as well; ``_next`` is the number of the next event."""

    _next: int

    def write(self, frames: Sequence[Frame]) -> bytes:
        self._next += len(frames)
        return framed(frames)

    async def close(self) -> bytes:
        return sse.DONE

    async def fail(self, error: GatewayError) -> bytes:
        """Agd itself ends the stream; the response goes on, and its events can be asked for again."""
        told = {"code": error.code, "message": error.message, "param": error.param}
        nested = {"error": {"type": error.type, **told}}
        return sse.named("error", encode({"type": "error", "sequence_number": self._next, **told, **nested}))


def _asked(request: Request) -> tuple[dict[str, Any], str]:
    """Return a request's body and owner. Its headers have then been read; an answer may take long."""
    body, owner = read_body(json_body(request)), _owner(request)
    request.requestHeaders = SPENT
    return body, owner


def _owner(request: Request) -> str:
    """Say whose a request is."""
    request.trail.owner = request.site.door.tenant(request.requestHeaders)
    request.trail.said = session(request.requestHeaders)
    return request.trail.owner


def _query(request: Request) -> dict[str, str]:
    return {
        name.decode("utf-8", "replace"): values[-1].decode("utf-8", "replace") for name, values in request.args.items()
    }


def _included(request: Request) -> list[str]:
    """Return what the query wants included; clients write the list as ``include`` or as ``include[]``."""
    named = (values for name, values in request.args.items() if name.partition(b"[")[0] == b"include")
    return [value.decode("utf-8", "replace") for values in named for value in values]


def _flag(query: Mapping[str, str], name: str) -> bool:
    value = query.get(name, "false")
    if value not in {"true", "false"}:
        raise invalid(name, f"{shown(value)} is not one of 'true', 'false'.")
    return value == "true"


def _number(query: Mapping[str, str], name: str) -> int:
    value = query.get(name, "-1")
    if value != "-1" and not is_count(value):
        raise invalid(name, f"{shown(value)} is not the number of an event.")
    return int(value)
