"""Responses by plain means: requests with a client's key, and what every stream of events must be."""

from __future__ import annotations

import json
from typing import Any

from tests.e2e.exchange import Reply, ask

MODEL = "gemini-3-flash"
LAST = {"completed": "response.completed", "incomplete": "response.incomplete", "failed": "response.failed"}


def bearer(key: str | None) -> dict[str, str]:
    """Return the header with a client's key, or none."""
    return {"Authorization": f"Bearer {key}"} if key else {}


def create(port: int, key: str | None = None, **body: Any) -> Reply:
    """Ask for a response; ``stream=True`` for its events."""
    return ask(port, "/v1/responses", {"model": MODEL, **body}, bearer(key))


def retrieve(port: int, response_id: str, key: str | None = None, more: str = "") -> Reply:
    """Look a response up; ``more`` is what follows its id in the address."""
    return ask(port, f"/v1/responses/{response_id}{more}", None, bearer(key))


def events_of(reply: Reply) -> list[dict[str, Any]]:
    """Return the events of a stream, whose form is checked: event and type agree, the sentinel is the end.

    Raises ``AssertionError``.
    """
    assert reply.status == 200, reply
    assert reply.headers["content-type"].startswith("text/event-stream"), reply
    *blocks, end = reply.body.decode().split("\n\n")
    blocks = [block for block in blocks if not block.startswith(":")]
    assert (blocks.pop(), end) == ("data: [DONE]", ""), reply.body[-200:]
    events = []
    for block in blocks:
        name, _, data = block.partition("\n")
        event: dict[str, Any] = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}", block
        events.append(event)
    return events


def assert_legal(events: list[dict[str, Any]]) -> dict[str, Any]:
    """See that events are a whole response, and return the Response object of the last one.

    Numbered from 0 without gaps; created first, one terminal event last; items one after another, each with the index
    and id it keeps, whose parts are told within it; what the last event shows is what was told. Raises
    ``AssertionError``.
    """
    assert [event["sequence_number"] for event in events] == list(range(len(events))), events
    assert events[0]["type"] == "response.created", events[0]
    last = events[-1]
    assert last["type"] == LAST[last["response"]["status"]], last
    assert not set(LAST.values()) & {event["type"] for event in events[:-1]}, events
    assert {event["response"]["id"] for event in events if "response" in event} == {last["response"]["id"]}
    told = _items(events)
    assert last["response"]["output"] == told, (last["response"]["output"], told)
    response: dict[str, Any] = last["response"]
    return response


def _items(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the items as they were told to be done."""
    done: list[dict[str, Any]] = []
    opened: dict[str, Any] | None = None
    for event in events:
        kind = event["type"]
        if kind == "response.output_item.added":
            assert opened is None and event["output_index"] == len(done), event
            opened = event["item"]
        elif kind == "response.output_item.done":
            assert opened is not None and event["output_index"] == len(done), event
            assert (event["item"]["id"], event["item"]["type"]) == (opened["id"], opened["type"]), event
            done.append(event["item"])
            opened = None
        elif "output_index" in event:
            assert opened is not None and event["output_index"] == len(done), event
            assert event["item_id"] == opened["id"], event
    assert opened is None, opened
    return done


def text_of(response: dict[str, Any]) -> str:
    """Return the text of a Response object's messages."""
    return "".join(
        part["text"]
        for item in response["output"]
        if item["type"] == "message"
        for part in item["content"]
        if part["type"] == "output_text"
    )
