"""What a request refers to: the conversation before it, and single items by their ids.

Both are looked for among what the client's own connection holds (``local``), then in the store, always under the
owner's name: what another owner has stored is not there (I51).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import evolve

from agd.conversation.session import CHAIN, KEY, said
from agd.errors import BadRequest
from agd.protocols.fields import shown
from agd.protocols.responses.past import Past, Wanted
from agd.store.record import Record
from agd.store.responses import ResponseStore

_CALLS = frozenset(
    {"function_call", "custom_tool_call", "local_shell_call", "shell_call", "apply_patch_call", "tool_search_call"}
)
_UNFINISHED = frozenset({"queued", "in_progress"})

Local = Mapping[str, Record]
"""Responses that only a connection of the client's knows, by id."""


async def recall(wanted: Wanted, past: Past, owner: str, store: ResponseStore, local: Local, *, now: int) -> Past:
    """Return ``past`` with all that is wanted. Raises ``BadRequest`` when the previous response is not there.

    ``now`` is in unix seconds: a stored conversation that is gone on from counts as used. A referenced item that
    nobody knows is left out; the reader refuses it by its path.
    """
    records = await _chain(wanted.previous, owner, store, local, now=now) if wanted.previous is not None else []
    items = tuple(_window(records))
    memory = tuple(entry for record in records for entry in record.memory)
    references = await _referenced(wanted.references, owner, store, [*records, *local.values()])
    return evolve(past, items=items, memory=memory, references=references, session=_session(records))


async def _chain(newest: str, owner: str, store: ResponseStore, local: Local, *, now: int) -> list[Record]:
    """Return a response and all that it continues, oldest first."""
    records: list[Record] = []
    wanted: str | None = newest
    while wanted is not None:
        record = local.get(wanted)
        if record is None:
            stored = await store.chain(owner, wanted, now)
            if stored is None:
                raise _not_found(newest)
            records = [*records, *reversed(stored)]
            break
        records.append(record)
        wanted = record.previous
    if records[0].status in _UNFINISHED:
        raise BadRequest(
            f"Previous response with id {shown(newest)} is still {records[0].status}.",
            "previous_response_id",
            "previous_response_not_ready",
        )
    return records[::-1]


def _session(records: Sequence[Record]) -> str | None:
    """Say which conversation a chain is, in the words of its first request."""
    if not records:
        return None
    return said(KEY, records[0].body.get("prompt_cache_key")) or said(CHAIN, records[0].id)


def _items(record: Record) -> Iterator[Mapping[str, Any]]:
    """Yield what a turn said. A call that was never told to its end is none: nobody can have carried it out."""
    yield from record.input
    for item in record.body["output"]:
        if not (item["type"] in _CALLS and item.get("status") == "incomplete"):
            yield item


def _window(records: Sequence[Record]) -> list[Mapping[str, Any]]:
    """Return what the next turn is told of a conversation, oldest first: what was compacted is left out.

    A compaction that a turn has made stands for all before it. One that a client sent stands for all that was before
    that turn, for in its input the client may keep beside it what it wants. Declared tools stay declared.
    """
    window: list[Mapping[str, Any]] = []
    compacted = False
    for record in reversed(records):
        items = [item for item in _items(record) if not compacted or item["type"] == "additional_tools"]
        made = [at for at, item in enumerate(items) if at >= len(record.input) and item["type"] == "compaction"]
        if made:
            tools = [item for item in items[: made[-1]] if item["type"] == "additional_tools"]
            items = [*tools, *items[made[-1] :]]
        compacted = compacted or any(item["type"] == "compaction" for item in items)
        window[:0] = items
    return window


async def _referenced(
    ids: tuple[str, ...], owner: str, store: ResponseStore, records: Sequence[Record]
) -> Mapping[str, Mapping[str, Any]]:
    if not ids:
        return {}
    near = {str(item["id"]): item for record in records for item in _items(record) if "id" in item}
    far = [each for each in ids if each not in near]
    stored = await store.items(owner, far) if far else {}
    return {**stored, **{each: near[each] for each in ids if each in near}}


def _not_found(wanted: str) -> BadRequest:
    message = f"Previous response with id {shown(wanted)} not found."
    return BadRequest(message, "previous_response_id", "previous_response_not_found")
