"""Every recorded answer of the real provider, played as an upstream, comes through agd to each kind of client.

What is expected is read from the recordings by plain means that share no code with agd.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from attrs import define, field
from openai.types import responses
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import TypeAdapter
from twisted.trial.unittest import SynchronousTestCase

from tests.e2e.exchange import Reply, ask, chat, text_of
from tests.e2e.recorded_upstream import RecordedUpstream
from tests.e2e.stage import DaemonProcess, strike_all
from tests.gemini.test_recordings import MALFORMED, STREAMED_CALLS, documents, parts_of
from tests.shared_data import recordings

CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"
ERRORS = {429: (429, "rate_limit_exceeded"), 400: (400, None)}
RESPONSE_EVENT: TypeAdapter[Any] = TypeAdapter(responses.ResponseStreamEvent)

Calls = list[tuple[str, Any]]


@define
class Told:
    """What a client was told: visible text, calls, why it ended, how many tokens."""

    text: str
    calls: Calls
    finish: str
    total: int | None
    signatures: list[str | None] = field(factory=list)


def expected(recording: dict[str, Any]) -> Told:
    """Read a recording."""
    found = documents(recording["response"]["text"].encode())
    parts = parts_of(found)
    calls = STREAMED_CALLS.get(recording["id"]) or [
        (part["functionCall"]["name"], part["functionCall"].get("args", {})) for part in parts if "functionCall" in part
    ]
    reasons = [c["finishReason"] for one in found for c in one.get("candidates", []) if "finishReason" in c]
    reason = reasons[-1] if reasons else "BLOCKED"
    finish = {"STOP": "tool_calls" if calls else "stop", "MAX_TOKENS": "length"}.get(reason, "content_filter")
    totals = [
        one["usageMetadata"]["totalTokenCount"] for one in found if "totalTokenCount" in one.get("usageMetadata", {})
    ]
    signatures = [part.get("thoughtSignature") for part in parts if "name" in part.get("functionCall", {})]
    return Told("".join(map(visible, parts)), calls, finish, totals[-1] if totals else None, signatures)


def visible(part: dict[str, Any]) -> str:
    """Return what a reader sees of a part."""
    if "text" in part and not part.get("thought"):
        return str(part["text"])
    if "executableCode" in part:
        code = part["executableCode"]
        return fence(code["language"].lower(), code["code"])
    if "codeExecutionResult" in part:
        return fence("", part["codeExecutionResult"].get("output", ""))
    return ""


def fence(language: str, text: str) -> str:
    """Return a block of code in Markdown."""
    return f"\n```{language}\n{text.removesuffix(chr(10))}\n```\n"


def is_malformed(recording: dict[str, Any]) -> bool:
    """Tell whether the model's call was malformed, which is no answer."""
    return any(f'"{word}"' in recording["response"]["text"] for word in MALFORMED)


def of_chat(reply: Reply) -> Told:
    """Read a plain chat answer, which the SDK must be able to read as well."""
    ChatCompletion.model_validate(reply.json)
    (choice,) = reply.json["choices"]
    calls = choice["message"].get("tool_calls", [])
    return Told(
        choice["message"]["content"] or "",
        [(call["function"]["name"], json.loads(call["function"]["arguments"])) for call in calls],
        choice["finish_reason"],
        reply.json["usage"]["total_tokens"] if "usage" in reply.json else None,
        list(map(signature, calls)),
    )


def signature(call: dict[str, Any]) -> str | None:
    """Return the thought signature of a call, where Google's own compatible endpoint has it."""
    found: str | None = call.get("extra_content", {}).get("google", {}).get("thought_signature")
    return found


def of_chat_stream(reply: Reply) -> Told:
    """Read a streamed chat answer, every chunk of which the SDK must be able to read."""
    assert reply.is_done, reply
    for event in reply.events:
        ChatCompletionChunk.model_validate(event)
    pieces: dict[int, list[str]] = {}
    choices = [choice for event in reply.events for choice in event["choices"]]
    deltas = [call for choice in choices for call in choice["delta"].get("tool_calls", [])]
    for call in deltas:
        function = call["function"]
        pieces.setdefault(call["index"], [function.get("name", ""), ""])[1] += function["arguments"]
    usage = reply.events[-1].get("usage")
    return Told(
        text_of(reply.events),
        [(name, json.loads(arguments)) for _, (name, arguments) in sorted(pieces.items())],
        choices[-1]["finish_reason"],
        usage["total_tokens"] if usage else None,
        [signature(call) for call in deltas if "id" in call],
    )


def of_response(reply: Reply) -> Told:
    """Read a plain Response, which the SDK must be able to read as well."""
    return told_by(reply.json)


def of_response_stream(reply: Reply) -> Told:
    """Read a streamed Response, every event of which the SDK must be able to read; its end holds all of it."""
    assert reply.is_done, reply
    for event in reply.events:
        RESPONSE_EVENT.validate_python(event)
    told = told_by(reply.events[-1]["response"])
    deltas = (event["delta"] for event in reply.events if event["type"] == "response.output_text.delta")
    assert "".join(deltas) == told.text, reply
    return told


def told_by(response: dict[str, Any]) -> Told:
    """Read a Response object."""
    responses.Response.model_validate(response)
    contents = [part for item in response["output"] if item["type"] == "message" for part in item["content"]]
    calls = [item for item in response["output"] if item["type"] == "function_call"]
    cause = (response["incomplete_details"] or {}).get("reason")
    finish = {"max_output_tokens": "length", None: "tool_calls" if calls else "stop"}.get(cause, cause)
    return Told(
        "".join(part.get("text", "") for part in contents),
        [(call["name"], json.loads(call["arguments"])) for call in calls],
        str(finish),
        response["usage"]["total_tokens"] if response["usage"] else None,
        list(map(signature, calls)),
    )


class RecordingTests(SynchronousTestCase):
    """All of them, on three routes."""

    def setUp(self) -> None:
        """Start an upstream with the recordings, and a daemon with one account there."""
        strike_all()
        self.recordings = list(recordings())
        upstream = RecordedUpstream(self.recordings)
        self.base_url = upstream.__enter__().base_url
        self.addCleanup(upstream.__exit__, None, None, None)
        self.daemon = DaemonProcess.start(self.configuration(0))
        self.addCleanup(self.daemon.child.discard)

    def configuration(self, number: int) -> str:
        """Return a configuration with an account that was never used."""
        account = f'email = "recorded{number}@example.com"\napi_key = "made-up-{number}"\nbase_url = "{self.base_url}"'
        return f"[[accounts]]\n{account}\n"

    def answers(self) -> Iterator[dict[str, Any]]:
        """Yield the recordings that are answers."""
        for recording in self.recordings:
            if recording["response"]["status"] == 200 and not is_malformed(recording):
                yield recording

    def ask(self, path: str, recording: dict[str, Any], *, stream: bool, form: str = "") -> Reply:
        """Ask agd for what was recorded; the upstream sends it in a form of its own."""
        text = f"{recording['id']}|{form}"
        if path == RESPONSES:
            body = {"model": "gemini-2.5-flash", "input": text, "stream": stream}
        else:
            body = chat(text, stream=stream)
            body |= {"stream_options": {"include_usage": True}} if stream else {}
        return ask(self.daemon.port, path, body)

    def check(self, path: str, read: Callable[[Reply], Told], *, stream: bool, form: str = "") -> None:
        """Compare every answer with its recording; nearly all recordings are answers."""
        seen = 0
        for recording in self.answers():
            reply = self.ask(path, recording, stream=stream, form=form)
            self.assertEqual(reply.status, 200, (recording["id"], reply))
            self.assertEqual(read(reply), expected(recording), recording["id"])
            seen += 1
        self.assertGreater(seen, 170)

    def test_chat(self) -> None:
        """Plain chat answers."""
        self.check(CHAT, of_chat, stream=False)

    def test_chat_stream(self) -> None:
        """Streamed chat answers."""
        self.check(CHAT, of_chat_stream, stream=True)

    def test_responses(self) -> None:
        """Plain Responses."""
        self.check(RESPONSES, of_response, stream=False)

    def test_responses_stream(self) -> None:
        """Streamed Responses."""
        self.check(RESPONSES, of_response_stream, stream=True)

    def test_envelope(self) -> None:
        """Chat answers, plain and streamed, from an upstream that puts each document into Code Assist's envelope."""
        self.check(CHAT, of_chat, stream=False, form="envelope")
        self.check(CHAT, of_chat_stream, stream=True, form="envelope")

    def test_tiny_pieces(self) -> None:
        """Chat answers, plain and streamed, that arrive in pieces of a few bytes."""
        self.check(CHAT, of_chat, stream=False, form="bytes")
        self.check(CHAT, of_chat_stream, stream=True, form="bytes")

    def test_malformed(self) -> None:
        """A malformed call is an error, never a call: 502, or an error event where the answer had begun."""
        malformed = [one for one in self.recordings if one["response"]["status"] == 200 and is_malformed(one)]
        self.assertNotEqual(malformed, [])
        for recording in malformed:
            reply = self.ask(CHAT, recording, stream=False)
            self.assertEqual((reply.status, reply.error["code"]), (502, "upstream_malformed_response"), recording["id"])
            reply = self.ask(CHAT, recording, stream=True)
            self.assertEqual(reply.events[-1]["error"]["code"], "upstream_malformed_response", recording["id"])
            self.assertFalse(reply.is_done, recording["id"])
            reply = self.ask(RESPONSES, recording, stream=True)
            self.assertEqual(reply.events[-1]["type"], "response.failed", recording["id"])

    def test_errors(self) -> None:
        """Recorded refusals keep their status and words, on either route, streamed or not."""
        refused = [one for one in self.recordings if one["response"]["status"] != 200]
        self.assertNotEqual(refused, [])
        ways = [(path, stream) for path in (CHAT, RESPONSES) for stream in (False, True)]
        tries = ((recording, *way) for recording in refused for way in ways)
        for number, (recording, path, stream) in enumerate(tries, 1):
            self.daemon.reload(self.configuration(number))
            reply = self.ask(path, recording, stream=stream)
            told = json.loads(recording["response"]["text"])["error"]
            self.assertEqual((reply.status, reply.error["code"]), ERRORS[told["code"]], recording["id"])
            self.assertEqual(reply.error["message"], told["message"], recording["id"])
            self.assertEqual("retry-after" in reply.headers, told["code"] == 429, recording["id"])
