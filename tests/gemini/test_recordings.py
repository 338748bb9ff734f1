"""Every recorded answer of the real provider, against a reading of the recording that shares no code with agd."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Answer, Choice, Code, Media, Opaque, Part, Text, Thought, ToolCall, Usage
from agd.encoding import decode, encode
from agd.errors import FailureKind, UpstreamFailure
from agd.gemini.answers import AnswerReader
from agd.gemini.failures import read_failure
from agd.gemini.framing import Framer
from tests.shared_data import recordings

MALFORMED = {"UNEXPECTED_TOOL_CALL", "MALFORMED_FUNCTION_CALL"}
STREAMED_CALLS = {
    "ai-google-stream-no-args-tool-call-chunks-0": [
        ("read_theme", {}),
        ("read_screen", {"id": "A"}),
        ("read_screen", {"id": "B"}),
        ("read_screen", {"id": "C"}),
    ],
    "ai-google-stream-tool-call-arguments-chunks-0": [
        ("getWeather", {"location": "Boston"}),
        ("getWeather", {"location": "San Francisco"}),
    ],
}
"""Calls whose arguments come in pieces, written down by hand."""


def answers() -> Iterator[tuple[str, bytes]]:
    """Yield name and body of every successful recording."""
    for recording in recordings():
        if recording["response"]["status"] == 200:
            yield recording["id"], recording["response"]["text"].encode()


def documents(body: bytes) -> list[dict[str, Any]]:
    """Read the responses in a body by plain means."""
    text = body.decode()
    if not text.lstrip().startswith(("{", "[")):
        return [json.loads(line[5:]) for line in text.split("\n") if line.startswith("data:")]
    value = json.loads(text)
    return value if isinstance(value, list) else [value]


def read(pieces: list[bytes], wrap: Callable[[bytes], bytes] = bytes) -> Answer:
    """Fold what framer and reader make of the pieces."""
    numbers = count()
    framer, reader, answer = Framer(), AnswerReader(lambda: f"call_{next(numbers)}"), Answer()

    def take(payloads: list[bytes]) -> None:
        for payload in payloads:
            for event in reader.feed(wrap(payload)):
                answer.add(event)

    for piece in pieces:
        take(framer.feed(piece))
    take(framer.close())
    for event in reader.close():
        answer.add(event)
    return answer


def parts_of(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return all parts of the first candidate, in order."""
    candidates = [candidate for item in found for candidate in item.get("candidates", [])]
    return [part for candidate in candidates for part in candidate.get("content", {}).get("parts", [])]


def _signature(part: Part) -> str | None:
    return part.signature if isinstance(part, Text | Thought | ToolCall | Media | Code) else None


class RecordingTests(SynchronousTestCase):
    """All of them."""

    def check(self, name: str, found: list[dict[str, Any]], answer: Answer) -> None:
        """Compare one fold with the recording."""
        parts = parts_of(found)
        choice = answer.choices[0]
        text = "".join(part["text"] for part in parts if "text" in part and not part.get("thought"))
        thoughts = "".join(part["text"] for part in parts if "text" in part and part.get("thought"))
        self.assertEqual("".join(part.text for part in choice.parts if isinstance(part, Text)), text, name)
        self.assertEqual("".join(part.text for part in choice.parts if isinstance(part, Thought)), thoughts, name)
        calls = STREAMED_CALLS.get(name) or [
            (part["functionCall"]["name"], part["functionCall"].get("args", {}))
            for part in parts
            if "functionCall" in part
        ]
        made = [part for part in choice.parts if isinstance(part, ToolCall)]
        self.assertEqual([(call.name, json.loads(call.arguments)) for call in made], calls, name)
        self.assertEqual(len({call.id for call in made}), len(made), name)
        code = [part for part in parts if "executableCode" in part or "codeExecutionResult" in part]
        self.assertEqual(sum(isinstance(part, Code) for part in choice.parts), len(code), name)
        self.check_signatures(name, parts, choice)
        opaque = [part for part in parts if "toolCall" in part or "toolResponse" in part]
        self.assertEqual([part.data for part in choice.parts if isinstance(part, Opaque)], opaque, name)
        self.check_sources(name, found, choice, text)
        self.check_end(name, found, answer, bool(calls))
        self.check_usage(name, found, answer.usage)

    def check_signatures(self, name: str, parts: list[dict[str, Any]], choice: Choice) -> None:
        """Compare the signatures of all that can be given back with one, in order (C01, C06, C07)."""
        signed = [part["thoughtSignature"] for part in parts if "thoughtSignature" in part]
        kept = [
            part.data if isinstance(part, Opaque) else {"thoughtSignature": _signature(part)} for part in choice.parts
        ]
        self.assertEqual([part["thoughtSignature"] for part in kept if part.get("thoughtSignature")], signed, name)

    def check_sources(self, name: str, found: list[dict[str, Any]], choice: Choice, text: str) -> None:
        """Every support that was recorded is cited once for each source, and stands at its words (F19 to F23)."""
        metadata = [c.get("groundingMetadata", {}) for item in found for c in item.get("candidates", [])]
        supports = [support for told in metadata for support in told.get("groundingSupports", [])]
        words = [support["segment"]["text"] for support in supports for _ in support["groundingChunkIndices"]]
        self.assertEqual([text[citation.start : citation.end] for citation in choice.citations], words, name)
        self.assertEqual("groundingMetadata" in choice.details, any(metadata), name)

    def check_end(self, name: str, found: list[dict[str, Any]], answer: Answer, called: bool) -> None:
        """Compare how the answer ended."""
        native = [c["finishReason"] for item in found for c in item.get("candidates", []) if "finishReason" in c]
        blocks = [item["promptFeedback"]["blockReason"] for item in found if "promptFeedback" in item]
        expected = {"STOP": "tool_calls" if called else "stop", "MAX_TOKENS": "length"}
        (last,) = native or blocks
        self.assertEqual(answer.choices[0].native, last, name)
        self.assertEqual(answer.choices[0].reason, expected.get(last, "content_filter"), name)
        self.assertEqual(bool(answer.choices[0].refusal), last not in expected, name)

    def check_usage(self, name: str, found: list[dict[str, Any]], usage: Usage | None) -> None:
        """Compare the tokens; no recording counts thoughts twice."""
        last: dict[str, Any] = {}
        for item in found:
            last.update(item.get("usageMetadata", {}))
        if "totalTokenCount" not in last:
            self.assertIsNone(usage, name)
            return
        assert usage is not None
        self.assertEqual(usage.total, last["totalTokenCount"], name)
        self.assertEqual(usage.reasoning, last.get("thoughtsTokenCount", 0), name)
        self.assertEqual(usage.prompt, last["promptTokenCount"] + last.get("toolUsePromptTokenCount", 0), name)
        self.assertEqual(usage.cached, last.get("cachedContentTokenCount", 0), name)

    def check_all(self, read_body: Callable[[bytes], Answer]) -> None:
        """Read every recording in one manner."""
        seen = 0
        for name, body in answers():
            found = documents(body)
            reasons = {candidate.get("finishReason") for item in found for candidate in item.get("candidates", [])}
            if reasons & MALFORMED:
                failure = self.assertRaises(UpstreamFailure, read_body, body)
                self.assertEqual(failure.kind, FailureKind.MALFORMED, name)
            else:
                self.check(name, found, read_body(body))
            seen += 1
        self.assertGreater(seen, 100)

    def test_whole(self) -> None:
        """A body read at once gives what it says."""
        self.check_all(lambda body: read([body]))

    def test_in_small_pieces(self) -> None:
        """A body read byte by byte, or in small pieces when it is long, gives the same."""

        def pieces(body: bytes) -> list[bytes]:
            size = 1 if len(body) < 6000 else 7
            return [body[i : i + size] for i in range(0, len(body), size)]

        self.check_all(lambda body: read(pieces(body)))

    def test_G11_in_envelope(self) -> None:
        """Every payload in the envelope of Code Assist gives the same."""

        def wrap(payload: bytes) -> bytes:
            return encode({"response": decode(payload), "traceId": "t"})

        self.check_all(lambda body: read([body], wrap))

    def test_G26_array_and_events_agree(self) -> None:
        """The same responses as one array, and as events, fold to the same answer."""
        for name, body in answers():
            if STREAMED_CALLS.keys() & {name} or any(word in body.decode() for word in MALFORMED):
                continue
            found = documents(body)
            events = b"".join(b"data: " + json.dumps(item).encode() + b"\r\n\r\n" for item in found)
            self.assertEqual(read([json.dumps(found).encode()]), read([events]), name)

    def test_failures(self) -> None:
        """Recorded errors keep status, name and delay."""
        seen = {}
        for recording in recordings():
            response = recording["response"]
            if response["status"] == 200:
                continue
            failure = read_failure(response["status"], response["text"].encode())
            error = json.loads(response["text"])["error"]
            self.assertEqual((failure.status, failure.grpc), (error["code"], error["status"]))
            self.assertEqual(failure.message, error["message"])
            seen[response["status"]] = failure
        self.assertEqual(seen[429].retry_after, 34.4)
        self.assertEqual(seen[429].quota_ids, ("GenerateRequestsPerMinutePerProjectPerModel-FreeTier",))
        self.assertIsNone(seen[400].retry_after)
