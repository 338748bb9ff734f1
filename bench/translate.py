"""What translation costs beside the JSON it works on: ``python -m bench.translate``.

A conversation with tools, calls and results, and one of words alone, are read as chat and written as Gemini's body, at
growing lengths. Told are the ratio to one JSON decode and encode of the same body (the requirement: at most 8 for 2,000
messages and 1 MB), and the slope of cost against length on a logarithmic scale (the requirement: at most 1.1).

All lengths and both sides take turns in many rounds. Ratio and slope compare what was measured within one round, and
are the median of all rounds, so that a machine that others use as well disturbs both sides alike; garbage collection
counts.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from attrs import frozen

from agd.encoding import decode, encode
from agd.gemini.requests import write_request
from agd.protocols.endpoints import CHAT

SIZES = (250, 500, 1000, 2000)
MODEL = "gemini-3-flash-preview"
ROUNDS = 60
WORDS = "The quick brown fox jumps over the lazy dog, as it has done since the first typewriter. "


def conversation(messages: int) -> bytes:
    """Make a chat body of that many messages, about 500 bytes each, in rounds of four: ask, call, result, answer."""
    turns: list[dict[str, Any]] = []
    for number in range(messages // 4):
        call = {"name": "look_up", "arguments": encode({"query": WORDS * 4, "page": number}).decode()}
        turns += [
            {"role": "user", "content": f"{number}: {WORDS * 5}"},
            {"role": "assistant", "tool_calls": [{"id": f"call_{number}", "type": "function", "function": call}]},
            {"role": "tool", "tool_call_id": f"call_{number}", "content": WORDS * 5},
            {"role": "assistant", "content": WORDS * 6},
        ]
    schema = {"type": "object", "properties": {"query": {"type": "string"}, "page": {"type": "integer"}}}
    tool = {"type": "function", "function": {"name": "look_up", "parameters": schema}}
    return encode({"model": MODEL, "messages": [*turns, {"role": "user", "content": "And now?"}], "tools": [tool]})


def words(messages: int) -> bytes:
    """Make a chat body of that many messages, about 500 bytes each, in which nothing is called."""
    turns = [
        {"role": ("user", "assistant")[number % 2], "content": f"{number}: {WORDS * 5}"} for number in range(messages)
    ]
    return encode({"model": MODEL, "messages": [*turns, {"role": "user", "content": "And now?"}]})


def translate(body: bytes) -> bytes:
    """Carry a request all the way: JSON, prompt, JSON."""
    return write_request(CHAT.read(decode(body)), MODEL).body


def parse(body: bytes) -> bytes:
    """Do what any gateway must do at least: one decode and one encode."""
    return encode(decode(body))


@frozen
class Sample:
    """What one round measured of one body, in seconds."""

    translation: float
    json: float

    @classmethod
    def of(cls, body: bytes) -> Sample:
        """Measure: JSON before and after the translation, of which the faster counts."""
        before, translation, after = _seconds(parse, body), _seconds(translate, body), _seconds(parse, body)
        return cls(translation, min(before, after))

    @property
    def ratio(self) -> float:
        """How many times JSON alone a translation costs."""
        return self.translation / self.json


def measure(name: str, make: Callable[[int], bytes]) -> None:
    """Print a row for each size, then the slope."""
    bodies = [make(size) for size in SIZES]
    rounds = [[Sample.of(body) for body in bodies] for _ in range(ROUNDS)]
    for size, body, samples in zip(SIZES, bodies, zip(*rounds, strict=True), strict=True):
        best, ratio = min(sample.translation for sample in samples), median(sample.ratio for sample in samples)
        print(f"{name} {size:5} messages, {len(body) / 1e6:.2f} MB: {best * 1e3:6.2f} ms, {ratio:.1f} x JSON alone")
    growth = median(samples[-1].translation / samples[0].translation for samples in rounds)
    print(f"{name} slope: {math.log(growth) / math.log(SIZES[-1] / SIZES[0]):.2f}")


def main() -> None:
    """Measure both conversations."""
    measure("tools", conversation)
    measure("words", words)


def _seconds(work: Callable[[bytes], object], body: bytes) -> float:
    began = time.perf_counter()
    work(body)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
