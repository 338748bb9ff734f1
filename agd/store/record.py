"""One stored response, and how it stands in the database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import field, frozen

from agd.encoding import InvalidJSON, decode, encode
from agd.errors import StoreError

_FOUND_BY_BYTES = 1024


@frozen
class Record:
    """A response as its owner may have it back. ``owner`` and ``id`` together name it.

    ``input`` are the request's own items, ``body`` is the public Response object, ``memory`` what the provider needs to
    be given back and the items cannot show, ``journal`` the events of a background response as they were sent.
    ``created`` is in Unix seconds; ``previous`` is the id of the response that this one continues.
    """

    id: str
    owner: str
    created: int
    previous: str | None
    status: str
    background: bool
    input: tuple[dict[str, Any], ...] = field(repr=False)
    body: dict[str, Any] = field(repr=False)
    memory: tuple[dict[str, Any], ...] = field(default=(), repr=False)
    journal: bytes | None = field(default=None, repr=False)

    @property
    def items(self) -> Iterator[Mapping[str, Any]]:
        """The items of input and output, in order."""
        yield from self.input
        yield from self.body.get("output", ())


@frozen
class Contents:
    """What a record says, as JSON in UTF-8."""

    input: bytes
    body: bytes
    memory: bytes
    journal: bytes | None

    @classmethod
    def of(cls, record: Record) -> Contents:
        """Write a record as it is now. Raises ``StoreError`` for what is no JSON."""
        try:
            return cls(encode(record.input), encode(record.body), encode(record.memory), record.journal)
        except (InvalidJSON, TypeError, ValueError) as error:
            raise StoreError(f"{record.id} cannot be written as JSON: {error}") from None

    @property
    def size(self) -> int:
        """How many bytes they take, with the rows and indexes that they are found by."""
        return sum(len(each) for each in self.values if each) + _FOUND_BY_BYTES

    @property
    def values(self) -> tuple[bytes | None, ...]:
        """The columns of the table ``contents`` after its key."""
        return self.input, self.body, self.memory, self.journal


def item_ids(record: Record) -> Iterator[str]:
    """Yield the ids of a record's items, each once."""
    yield from dict.fromkeys(item["id"] for item in record.items if isinstance(item.get("id"), str))


def record_of(row: tuple[Any, ...]) -> Record:
    """Read a row: id, owner, created, previous, status, background, input, body, memory, journal."""
    name, owner, created, previous, status, background, items, body, memory, journal = row
    return Record(
        id=name,
        owner=owner,
        created=created,
        previous=previous,
        status=status,
        background=bool(background),
        input=tuple(decode(items)),
        body=decode(body),
        memory=tuple(decode(memory)),
        journal=journal,
    )
