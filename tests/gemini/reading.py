"""How the tests of this room write an answer and read its events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import count
from typing import Any

from agd.conversation import Answer, Event
from agd.gemini.answers import AnswerReader

NAMES: Mapping[str, str] = {"f_1": "f/1"}


def reader(**settings: Any) -> AnswerReader:
    """Return a reader whose minted ids count."""
    numbers = count()
    return AnswerReader(lambda: f"call_{next(numbers)}", NAMES, **settings)


def chunk(*parts: Any, finish: str | None = None, index: int | None = None, **more: Any) -> dict[str, Any]:
    """Write one GenerateContentResponse with one candidate."""
    return {"candidates": [candidate(*parts, finish=finish, index=index)], **more}


def candidate(*parts: Any, finish: str | None = None, index: int | None = None, **more: Any) -> dict[str, Any]:
    """Write a candidate; ``more`` are further fields of it."""
    written: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, **more}
    if finish:
        written["finishReason"] = finish
    if index is not None:
        written["index"] = index
    return written


def beside(*parts: Any, **more: Any) -> dict[str, Any]:
    """Write a response whose one candidate has further fields."""
    return {"candidates": [candidate(*parts, **more)]}


def text(words: str, **more: Any) -> dict[str, Any]:
    """Write a text part."""
    return {"text": words, **more}


def call(name: str | None = "f", signature: str | None = None, **fields: Any) -> dict[str, Any]:
    """Write a functionCall part."""
    function = {**({"name": name} if name else {}), **fields}
    return {"functionCall": function, **({"thoughtSignature": signature} if signature else {})}


def fed(*chunks: Any, **settings: Any) -> list[Event]:
    """Return the events before the end."""
    answer = reader(**settings)
    return [event for item in chunks for event in answer.feed(json.dumps(item).encode())]


def run(*chunks: Any, **settings: Any) -> list[Event]:
    """Read chunks to the end."""
    answer = reader(**settings)
    events = [event for item in chunks for event in answer.feed(json.dumps(item).encode())]
    return events + answer.close()


def fold(*chunks: Any) -> Answer:
    """Read chunks to the end and fold them."""
    answer = Answer()
    for event in run(*chunks):
        answer.add(event)
    return answer
