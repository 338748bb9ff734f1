"""Start-up, idle memory, memory per stream: ``python -m bench.footprint``.

Starts the installed daemon as its own process, five times for the start-up, and once more before the simulator with
300 streams at once. Everything stays on loopback and ends by itself.
"""

from __future__ import annotations

import asyncio
import statistics
import time

from tests.e2e.exchange import ask, chat
from tests.e2e.stage import DaemonProcess, Stage
from tests.e2e.test_many_streams import STREAMS, Crowd

STARTS = 5
TEXT = "hello [[words=100 chunk=4 pause=0.2 first=0.5]]"


def main() -> None:
    """Print the three figures."""
    seconds, resident = zip(*(_start() for _ in range(STARTS)), strict=True)
    print(f"start to first answered /healthz: {statistics.median(seconds):.2f} s (median of {STARTS})")
    print(f"resident memory idle: {statistics.median(resident) / 2**20:.1f} MiB")
    print(f"resident memory for each of {STREAMS} streams at once: {_per_stream() / 1000:.1f} kB")


def _start() -> tuple[float, int]:
    began = time.monotonic()
    daemon = DaemonProcess.start("")
    seconds = time.monotonic() - began
    memory = daemon.memory()
    daemon.child.stop()
    daemon.child.discard()
    return seconds, memory


def _per_stream() -> float:
    stage = Stage.set_up("", accounts=2)
    try:
        port = stage.daemon.port
        for _ in range(10):
            ask(port, "/v1/chat/completions", chat("hello", stream=True))
        idle = stage.daemon.memory()
        return (asyncio.run(_peak(stage)) - idle) / STREAMS
    finally:
        stage.strike()


async def _peak(stage: Stage) -> int:
    crowd, over = Crowd(stage.daemon.port), asyncio.Event()
    measured = asyncio.create_task(_watch(stage.daemon, over))
    await asyncio.gather(*(crowd.stay(TEXT) for _ in range(STREAMS)))
    over.set()
    return await measured


async def _watch(daemon: DaemonProcess, over: asyncio.Event) -> int:
    peak = 0
    while not over.is_set():
        peak = max(peak, daemon.memory())
        await asyncio.sleep(0.05)
    return peak


if __name__ == "__main__":
    main()
