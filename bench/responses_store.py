"""What a turn of a stored conversation costs, however many responses are stored: ``python -m bench.responses_store``.

A turn reads the chain behind ``previous_response_id`` and stores the next response, through the worker and a file, as
the daemon does, but for the thread. It is measured with 10 responses in the store and with 10,000; the requirement is
that the two cost about the same. Both stores take turns in many rounds; the ratio compares what was measured within one
round, and is the median of all rounds, so that a disk that others use as well disturbs both sides alike.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TypeVar

from attrs import define
from twisted.internet.defer import Deferred, execute

from agd.store.database import open_database
from agd.store.record import Record
from agd.store.responses import ResponseStore
from agd.store.retention import Limits
from agd.store.worker import Worker

NOW = 1_764_000_000
FEW, MANY = 10, 10_000
TURNS = 10
ROUNDS = 60
OWNERS = 20
WORDS = "The quick brown fox jumps over the lazy dog, as it has done since the first typewriter. "

T = TypeVar("T")


def made(owner: str, id: str, previous: str | None) -> Record:
    """Make a response of some 4 kB."""
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": WORDS * 5}]}
    body = {"id": id, "object": "response", "status": "completed", "instructions": WORDS * 10}
    return Record(
        id=id,
        owner=owner,
        created=NOW,
        previous=previous,
        status="completed",
        background=False,
        input=({**item, "id": f"{id}_in"},),
        body={**body, "output": [{**item, "id": f"{id}_out", "role": "assistant"}]},
    )


@define
class Shelf:
    """A store in a file, filled with conversations of ten turns of many owners."""

    store: ResponseStore
    stored: int = 0
    owner: str = ""
    last: str | None = None

    @classmethod
    def filled(cls, path: Path, stored: int) -> Shelf:
        """Fill a store."""
        worker = Worker(execute)
        worker.open(open_database(str(path)))
        shelf = cls(ResponseStore(worker, Limits.of(30, 2**40, memory=False)))
        while shelf.stored < stored:
            shelf.owner = f"key:{shelf.stored // TURNS % OWNERS}"
            shelf.last = None
            for _ in range(TURNS):
                shelf.save()
        return shelf

    def save(self) -> None:
        """Store the next response of the conversation."""
        id = f"resp_{self.stored}"
        done(self.store.save(made(self.owner, id, self.last)))
        self.last, self.stored = id, self.stored + 1

    def turn(self) -> None:
        """Continue the last conversation."""
        chain = done(self.store.chain(self.owner, self.last or "", NOW))
        assert chain is not None and len(chain) == TURNS
        self.save()

    def undo(self) -> None:
        """Take the last response out again, so that the next turn finds the same store."""
        self.stored -= 1
        assert done(self.store.delete(self.owner, f"resp_{self.stored}"))
        self.last = f"resp_{self.stored - 1}"


def done(waited: Deferred[T]) -> T:
    """Give the result of what is done already. Raises what it failed with."""
    results: list[T] = []
    waited.addCallback(results.append)
    waited.addErrback(lambda failure: failure.raiseException())
    return results[0]


def main() -> None:
    """Print what a turn costs in both, and the ratio."""
    with TemporaryDirectory() as folder:
        shelves = [Shelf.filled(Path(folder, f"{stored}.db"), stored) for stored in (FEW, MANY)]
        rounds = [_round(shelves, backwards=number % 2 == 1) for number in range(ROUNDS)]
    for stored, seconds in zip((FEW, MANY), zip(*rounds, strict=True), strict=True):
        print(f"{stored:6} responses stored: {median(seconds) * 1e3:.2f} ms for a turn after {TURNS} others")
    print(f"ratio: {median(many / few for few, many in rounds):.2f}")


def _round(shelves: Sequence[Shelf], *, backwards: bool) -> list[float]:
    """Measure each once. In every other round the last comes first: none must bear what the other left to the disk."""
    if backwards:
        return _round(shelves[::-1], backwards=False)[::-1]
    return [_turn(shelf) for shelf in shelves]


def _turn(shelf: Shelf) -> float:
    began = time.perf_counter()
    shelf.turn()
    seconds = time.perf_counter() - began
    shelf.undo()
    return seconds


if __name__ == "__main__":
    main()
