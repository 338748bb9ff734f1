"""Responses by plain means: requests with a client's key, and what is told of them."""

from __future__ import annotations

from typing import Any

from tests.e2e.exchange import Reply, ask
from tests.protocols.responses.legality import check_stream

MODEL = "gemini-3-flash"
PATH = "/v1/responses"


def bearer(key: str | None) -> dict[str, str]:
    """Return the header with a client's key, or none."""
    return {"Authorization": f"Bearer {key}"} if key else {}


def create(port: int, key: str | None = None, **body: Any) -> Reply:
    """Ask for a response; ``stream=True`` for its events."""
    return ask(port, PATH, {"model": MODEL, **body}, bearer(key))


def made(port: int, key: str | None = None, **body: Any) -> dict[str, Any]:
    """Return a Response that must come about."""
    reply = create(port, key, **body)
    assert reply.status == 200, reply
    response: dict[str, Any] = reply.json
    return response


def told(port: int, key: str | None = None, **body: Any) -> list[dict[str, Any]]:
    """Return the events of a response that must be told by the rules, up to whatever end."""
    reply = create(port, key, stream=True, **body)
    assert reply.status == 200, reply
    assert reply.headers["content-type"].startswith("text/event-stream"), reply
    return check_stream(reply.body)


def look(port: int, response_id: str, key: str | None = None, more: str = "", method: str | None = None) -> Reply:
    """Look a response up; ``more`` is what follows its id in the address, ``method`` another than GET."""
    return ask(port, f"{PATH}/{response_id}{more}", None, bearer(key), method=method)
