"""Where the time of a request went, as a client is told it: ``Server-Timing`` (W3C Server Timing, section 4.2)."""

from __future__ import annotations

from collections.abc import Iterator

from agd.gateway import Trail


def server_timing(trail: Trail) -> str:
    """Return the header's value, in milliseconds, for what is known by now; empty where nothing is.

    ``queue`` and ``pick`` are of all attempts together, ``connect`` and ``upstream`` (from there to the first byte) of
    the last one.
    """
    return ", ".join(f"{name};dur={seconds * 1000:.3f}".rstrip("0").rstrip(".") for name, seconds in _spans(trail))


def _spans(trail: Trail) -> Iterator[tuple[str, float]]:
    if not trail.wanted:
        return
    yield "queue", trail.queue
    yield "pick", sum(attempt.pick for attempt in trail.tries)
    yield "translate", trail.translate
    last = trail.tries[-1] if trail.tries else None
    if last is not None and last.connect is not None:
        yield "connect", last.connect
        if last.head is not None:
            yield "upstream", max(0.0, last.head - last.connect)
