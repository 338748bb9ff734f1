"""Cutting an answer into the responses that a stream carries, each with usage so far.

The shape is https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse. As in recordings of the real
API, models of the third family sign the first call, and end a text with an empty signed part.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

from attrs import frozen

from agd.encoding import encode_text
from agd.simulator.asked import Call
from agd.simulator.catalogue import is_gemini_3
from agd.simulator.signatures import sign
from agd.simulator.speech import Speech, count_words


@frozen
class Answer:
    """One answer of one model, ready to be cut; ``id`` is its responseId and the seed of its signatures."""

    speech: Speech
    model: str
    id: str

    def stream(self, chunk_words: int) -> Iterator[dict[str, Any]]:
        """Give the responses of a stream, ``chunk_words`` words of text in each; the last one has the finish reason."""
        pieces = self._pieces(chunk_words)
        parts, tokens = next(pieces)
        for following, count in pieces:
            yield self._response(parts, tokens)
            parts, tokens = following, count
        yield self._response(parts, tokens, self.speech.finish)

    def whole(self) -> dict[str, Any]:
        """Give the one response of an answer that is not streamed: the same parts, text in one piece."""
        pieces = list(self._pieces(max(len(self.speech.tokens), 1)))
        parts = list(chain.from_iterable(parts for parts, _ in pieces))
        plain = [part for part in parts if part != {"text": ""}]
        return self._response(plain or parts, pieces[-1][1], self.speech.finish)

    def beats(self, chunk_words: int) -> int:
        """Give how many responses ``stream`` makes."""
        return sum(1 for _ in self._pieces(chunk_words))

    def _pieces(self, size: int) -> Iterator[tuple[list[dict[str, Any]], int]]:
        """Give the parts of each response with the count of visible tokens up to there. Never empty."""
        speech, modern = self.speech, is_gemini_3(self.model)
        if speech.thought:
            yield [{"text": speech.thought, "thought": True}], 0
        done = 0
        for start in range(0, len(speech.tokens), size):
            done = min(start + size, len(speech.tokens))
            yield [{"text": "".join(speech.tokens[start:done])}], done
        for index, call in enumerate(speech.calls):
            done += count_words(encode_text(call.args)) + 2
            yield [self._call(call, modern, index == 0)], done
        if modern or not done:
            signed = modern and not speech.calls
            yield [{"text": ""} | ({"thoughtSignature": sign(self.id)} if signed else {})], done

    def _call(self, call: Call, modern: bool, first: bool) -> dict[str, Any]:
        made: dict[str, Any] = {"name": call.name, "args": call.args}
        part: dict[str, Any] = {"functionCall": made | ({"id": call.id} if modern else {})}
        if modern and first:
            part["thoughtSignature"] = sign(f"{self.id}{call.name}")
        return part

    def _response(self, parts: list[dict[str, Any]], tokens: int, finish: str = "") -> dict[str, Any]:
        candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}}
        if finish:
            candidate["finishReason"] = finish
        candidate["index"] = 0
        return {
            "candidates": [candidate],
            "usageMetadata": self._usage(tokens),
            "modelVersion": self.model,
            "responseId": self.id,
        }

    def _usage(self, tokens: int) -> dict[str, Any]:
        prompt, thoughts = self.speech.prompt_tokens, count_words(self.speech.thought)
        usage: dict[str, Any] = {
            "promptTokenCount": prompt,
            "candidatesTokenCount": tokens,
            "totalTokenCount": prompt + tokens + thoughts,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": prompt}],
        }
        return usage | ({"thoughtsTokenCount": thoughts} if thoughts else {})
