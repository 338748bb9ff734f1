"""A process that stores responses as fast as it can and tells each one that is safe.

``test_kill`` starts it and kills it. Eight conversations go on at once, so that most batches hold several.
"""

from __future__ import annotations

import os
import sys
import time
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from agd.store.retention import Limits
from agd.store.store import Place, Store
from tests.store.stage import record

LANES = 8


def main(path: str) -> None:
    """Store until killed."""
    from twisted.internet import reactor as installed

    reactor: Any = installed  # Twisted says of it no more than that it runs
    threads = ThreadPool(0, 1, "store")
    store = Store.of(
        Place(path, None),
        Limits.of(30, 2**30, memory=False),
        threads=threads,
        in_thread=partial(deferToThreadPool, reactor, threads),
        clock=reactor,
        now=time.time,
        random=os.urandom,
    )
    store.open()
    for lane in range(LANES):
        Deferred.fromCoroutine(talk(store, f"resp_{os.getpid()}_{lane}"))
    reactor.run()


async def talk(store: Store, name: str) -> None:
    """Continue a conversation for ever; every second turn is long."""
    previous, number = None, 0
    while True:
        id, number = f"{name}_{number}", number + 1
        await store.responses.save(record(id, previous, created=int(time.time()), text="x" * (number % 2 * 20_000)))
        sys.stdout.write(f"{id}\n")
        sys.stdout.flush()
        previous = id


if __name__ == "__main__":
    main(sys.argv[1])
