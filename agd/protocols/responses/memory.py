"""Provider state that an answer's public items cannot show, as JSON entries, and its way back into the history.

The provider wants its own parts back (PITFALLS C05-C07, B44): signatures on the very parts that had them, signed
thoughts, parts that mean nothing to anybody else. A Responses client sends items back, which hold none of it. So each
answer leaves entries behind; ``gathering`` makes them. Either the store keeps them beside the response, or they
travel sealed in ``encrypted_content`` of a reasoning item. An entry is one of

- ``{"kind": "call", "id": CALL_ID, "signature": S}``;
- ``{"kind": "text", "id": ITEM_ID, "length": N, "signatures": [[END, S or null], ...], "inner": [[K, PART], ...]}``:
  the words of a message were several parts, of which each ends at an offset in code points; ``inner``, which may be
  absent, holds what stood before the part of number K: ``{"opaque": DATA}`` or ``{"code": CODE, "length": code points
  of its Markdown}``. With ``"after"`` in the place of ``"id"`` it is an empty signed text of no message;
- ``{"kind": "thought", "after": ITEM_ID or null, "text": T, "signature": S}``;
- ``{"kind": "opaque", "after": ITEM_ID or null, "data": DATA}``;
- ``{"kind": "image", "id": ITEM_ID, "signature": S}``;
- ``{"kind": "code", "id": ITEM_ID, "part": CODE}``: CODE has the fields of ``conversation.Code``, empty ones left out.

``after: null`` means in front of the answer: ``"before"``, where it is known, is the answer's first item. Entries that
were found in a client's input may have ``"at"``: how many messages had been read where their carrier stood; that helps
where the client has dropped the items' own ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from agd.conversation import Message
from agd.protocols.responses.desk import Desk, Entry, Place

_KINDS = ("text", "code", "call", "image", "thought", "opaque")


def entries_in(sealed: Any, at: int | None = None) -> tuple[Entry, ...]:
    """Return the entries in what a reasoning item's ``encrypted_content`` was opened to; none in anything else.

    ``at`` is how many messages had been read where that item stood.
    """
    if not isinstance(sealed, list):
        return ()
    found = [entry for entry in sealed if isinstance(entry, dict) and entry.get("kind") in _KINDS]
    return tuple(found if at is None else [{**entry, "at": at} for entry in found])


def restore(messages: Sequence[Message], places: Mapping[str, Place], entries: Iterable[Entry]) -> tuple[Message, ...]:
    """Return the messages with the provider's state back where it was; what fits nowhere (any more) is left out.

    ``places`` says for the id of each item read where its parts are.
    """
    told = list(entries)
    if not told:
        return tuple(messages)
    desk = Desk(messages, places)
    # First what makes several parts out of one, then what stands between parts.
    for entry in sorted(told, key=lambda entry: entry["kind"] != "text" or "id" not in entry):
        desk.put(entry)
    return desk.messages()
