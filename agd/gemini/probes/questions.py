"""The requests that are sent to find out what a model accepts (``generateContent`` of the Gemini API, v1beta)."""

from __future__ import annotations

import base64
import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import field, frozen

from agd.gemini.contents import BYPASS

LADDERS: Mapping[str, tuple[int, ...]] = {
    "candidate_count": (2, 8),
    "logprobs": (1, 5, 20),
    "stops": (5, 6),
    "name_length": (64, 128),
}
"""For each trait that is a highest number: the numbers that are asked for."""

LEVELS = ("minimal", "low", "medium", "high")
"""What ``thinkingLevel`` can be at all, from the lowest up."""

MEDIA = ("image", "audio", "text")
"""The kinds of media of which a few bytes are sent."""

_TOKENS = 16
_BEYOND = 10_000_000


def _pattern(words: str) -> re.Pattern[str]:
    return re.compile(words, re.IGNORECASE)


@frozen
class Question:
    """One request. ``refusal`` finds in the words of a 400 that it is the thing asked about that is refused."""

    name: str
    body: Mapping[str, Any]
    refusal: re.Pattern[str] = field(converter=_pattern)


def baseline() -> Question:
    """Return the request that a model must accept before anything else is asked."""
    return Question("baseline", _request(), "(?!)")


def questions() -> tuple[Question, ...]:
    """Return all others, the same for every model, so that their number is known before."""
    return (*_thinking(), *_ladders(), *_tools(), *_rounds(), *_media(), *_rest())


def _thinking() -> Iterator[Question]:
    for level in LEVELS:
        yield Question(f"level.{level}", _configured(thinkingConfig={"thinkingLevel": level.upper()}), "thinking")
    words = "thinking|budget"
    yield Question("budget", _configured(thinkingConfig={"thinkingBudget": 1024}), words)
    # Refused by all that know budgets; what the refusal says of the range is the answer, and it costs nothing.
    yield Question("budget.range", _configured(thinkingConfig={"thinkingBudget": _BEYOND}), words)
    puzzle = "Is 2027 a prime number? Answer yes or no."
    yield Question("budget.none", _configured(puzzle, thinkingConfig={"thinkingBudget": 0}), words)


def _ladders() -> Iterator[Question]:
    for count in LADDERS["candidate_count"]:
        yield Question(f"candidate_count.{count}", _configured(candidateCount=count), "candidate")
    for count in LADDERS["logprobs"]:
        yield Question(f"logprobs.{count}", _configured(responseLogprobs=True, logprobs=count), "logprobs")
    for count in LADDERS["stops"]:
        stops = [f"~stop{number}~" for number in range(count)]
        yield Question(f"stops.{count}", _configured(stopSequences=stops), "stop.?sequences?")
    for length in LADDERS["name_length"]:
        yield Question(f"name_length.{length}", _request(tools=_functions("f" * length)), "name|length")


def _tools() -> Iterator[Question]:
    functions = _functions("probe")
    validated = {"functionCallingConfig": {"mode": "VALIDATED"}}
    yield Question("validated_mode", _request(tools=functions, toolConfig=validated), "validated|mode")
    json = _configured(responseMimeType="application/json")
    yield Question("json_with_tools", {**json, "tools": functions}, "function|tool|mime")
    # A page to read is the provider tool that costs nothing while nobody asks for it.
    both = [*functions, {"urlContext": {}}]
    words = "tool|function"
    yield Question("tools", _request(tools=both), words)
    told = {"includeServerSideToolInvocations": True}
    yield Question("tools.told", _request(tools=both, toolConfig=told), words)


def _rounds() -> Iterator[Question]:
    yield Question("unsigned", _round({}, {}), r"thought.?signature")
    signature = {"thoughtSignature": BYPASS}
    yield Question("ids", _round({"id": "call_1"}, {"id": "call_1"}, signature), r"\bids?\b")
    picture = [{"inlineData": {"mimeType": "image/png", "data": _PNG}}]
    words = r"function.?response|multimodal|\"parts\""
    yield Question("result_media", _round({}, {"parts": picture}, signature), words)


def _media() -> Iterator[Question]:
    words = r"modalit|mime.?type|not (?:supported|enabled)"
    for kind, mime, data in (("image", "image/png", _PNG), ("audio", "audio/wav", _WAV), ("text", "text/plain", _TEXT)):
        yield Question(f"media.{kind}", _parts({"text": "What is this?"}, _inline(mime, data)), words)
    yield Question("media_alone", _parts(_inline("image/png", _PNG)), "text|empty|prompt")
    words, level = "media.?resolution", "MEDIA_RESOLUTION_LOW"
    detailed = {**_inline("image/png", _PNG), "mediaResolution": {"level": level}}
    yield Question("resolution.part", _parts({"text": "What is this?"}, detailed), words)
    yield Question("resolution.request", _configured(mediaResolution=level), words)


def _rest() -> Iterator[Question]:
    schema = {"type": "object", "properties": {"a": {"type": ["string", "null"]}}, "additionalProperties": False}
    json = _configured(responseMimeType="application/json", responseJsonSchema=schema)
    yield Question("json_schema", json, "json.?schema|schema")
    yield Question("penalties", _configured(presencePenalty=0.1, frequencyPenalty=0.1), "penalt")
    # No model makes all of them at once; the refusal lists what it does make.
    yield Question("modalities", _configured(responseModalities=["TEXT", "IMAGE", "AUDIO"]), "modalities")
    begun = {"contents": [_said("user", "Count to three."), _said("model", "One,")], **_limited()}
    yield Question("prefill", begun, "turn|role|prefill")


def _configured(text: str = "Say OK.", **config: Any) -> dict[str, Any]:
    return {"contents": [_said("user", text)], **_limited(**config)}


def _request(**fields: Any) -> dict[str, Any]:
    return {**_configured(), **fields}


def _limited(**config: Any) -> dict[str, Any]:
    return {"generationConfig": {"maxOutputTokens": _TOKENS, **config}}


def _parts(*parts: Mapping[str, Any]) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": list(parts)}], **_limited()}


def _said(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"text": text}]}


def _inline(mime: str, data: str) -> dict[str, Any]:
    return {"inlineData": {"mimeType": mime, "data": data}}


def _functions(name: str) -> list[dict[str, Any]]:
    return [{"functionDeclarations": [{"name": name, "description": "Never call this."}]}]


def _round(
    call: Mapping[str, Any], result: Mapping[str, Any], signature: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return a conversation in which a function was called and has answered."""
    called = {"functionCall": {"name": "probe", "args": {}, **call}, **(signature or {})}
    answered = {"functionResponse": {"name": "probe", "response": {"output": "done"}, **result}}
    contents = [_said("user", "Probe."), {"role": "model", "parts": [called]}, {"role": "user", "parts": [answered]}]
    return _request(contents=contents, tools=_functions("probe"))


def _png() -> bytes:
    """Return a picture of 16 by 16 white points (https://www.w3.org/TR/png-3/); smaller ones are not always read."""
    rows = b"".join(b"\0" + b"\xff" * 48 for _ in range(16))
    header = struct.pack(">IIBBBBB", 16, 16, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _wav() -> bytes:
    """Return a tenth of a second of silence at 8 kHz (RIFF WAVE, 8 bits, one channel)."""
    sound = b"\x80" * 800
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 8000, 1, 8)
    data = form + struct.pack("<4sI", b"data", len(sound)) + sound
    return struct.pack("<4sI4s", b"RIFF", 4 + len(data), b"WAVE") + data


_PNG, _WAV, _TEXT = (base64.b64encode(data).decode() for data in (_png(), _wav(), b"A note."))
