"""Several things that are only worth something all together."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, FirstError, gatherResults

T = TypeVar("T")
Job = Callable[[], Coroutine[Deferred[Any], Any, T]]


async def together(jobs: Sequence[Job[T]], at_once: int, drop: Callable[[T], object] | None = None) -> list[T]:
    """Do all jobs, so many at a time, and return their results in order.

    The first that fails, or whoever waits giving up, ends those that are under way, and no other is begun; results
    that are there by then are given to ``drop``.
    """
    if len(jobs) == 1:
        return [await jobs[0]()]
    waiting, results = enumerate(jobs), dict[int, T]()
    workers: list[Deferred[None]] = []
    try:
        workers += [Deferred.fromCoroutine(_work(waiting, results)) for _ in range(min(at_once, len(jobs)))]
        await gatherResults(workers, consumeErrors=True)
        return [results.pop(number) for number in range(len(jobs))]
    except FirstError as first:
        return first.subFailure.raiseException()
    finally:
        for worker in workers:
            worker.cancel()
        if drop is not None:
            for result in results.values():
                drop(result)


async def _work(waiting: Iterator[tuple[int, Job[T]]], results: dict[int, T]) -> None:
    """Do one job after another, until none waits or one fails."""
    for number, job in waiting:
        results[number] = await job()
