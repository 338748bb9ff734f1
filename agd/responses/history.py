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

_UNFINISHED = frozenset({"queued", "in_progress"})

Local = Mapping[str, Record]
"""Responses that only a connection of the client's knows, by id."""


async def recall(wanted: Wanted, past: Past, owner: str, store: ResponseStore, local: Local, *, now: int) -> Past:
    """Return ``past`` with all that is wanted. Raises ``BadRequest`` when the previous response is not there.

    ``now`` is in unix seconds: a stored conversation that is gone on from counts as used. A referenced item that
    nobody knows is left out; the reader refuses it by its path.
    """
    records = await _chain(wanted.previous, owner, store, local, now=now) if wanted.previous is not None else []
    items = _since_compaction(tuple(item for record in records for item in _items(record)))
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
    yield from record.input
    yield from record.body["output"]


def _since_compaction(items: tuple[Mapping[str, Any], ...]) -> tuple[Mapping[str, Any], ...]:
    """A compaction stands for everything before it."""
    marks = [index for index, item in enumerate(items) if item.get("type") == "compaction"]
    return items[marks[-1] :] if marks else items


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
