"""``python -m agd.simulator``: serve a simulated Gemini API on loopback until SIGTERM."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from agd.simulator.server import Simulator, listen, make_site


def read_options(arguments: Sequence[str]) -> Namespace:
    """Read the command line; exits with usage when it is wrong."""
    parser = ArgumentParser(prog="python -m agd.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="TCP port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--accounts", type=int, default=2, help="number of keys: sim-key-1, sim-key-2, ...")
    parser.add_argument("--words", type=int, default=40, help="usual length of an answer")
    parser.add_argument("--chunk-words", type=int, default=4, help="words in one chunk of a stream")
    parser.add_argument("--chunk-seconds", type=float, default=0.03, help="pause between chunks")
    parser.add_argument("--first-chunk-seconds", type=float, default=0.1, help="pause before the first chunk")
    return parser.parse_args(arguments)


async def serve(reactor: Any, options: Namespace) -> None:
    """Listen, say where in one line, and serve until the reactor stops."""
    simulator = Simulator(
        keys=tuple(f"sim-key-{number}" for number in range(1, options.accounts + 1)),
        words=options.words,
        chunk_words=options.chunk_words,
        chunk_seconds=options.chunk_seconds,
        first_chunk_seconds=options.first_chunk_seconds,
    )
    port = await listen(reactor, make_site(simulator, reactor), options.port)
    host: Any = port.getHost()
    keys = " ".join(simulator.keys)
    address = f"http://127.0.0.1:{host.port}"
    sys.stdout.write(f"simulator listening on {address} keys {keys}\n")
    sys.stdout.flush()
    forever: Deferred[None] = Deferred()
    await forever


def main() -> None:
    """Run the command."""
    react(lambda reactor: Deferred.fromCoroutine(serve(reactor, read_options(sys.argv[1:]))))


if __name__ == "__main__":
    main()
