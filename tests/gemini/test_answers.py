"""Reading answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import count
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import (
    CodePart,
    Event,
    Finished,
    FinishReason,
    MediaPart,
    RefusalDelta,
    TextDelta,
    ThoughtDelta,
    ToolCallDelta,
    ToolCallDone,
    ToolCallStart,
    Usage,
    UsageReport,
)
from agd.errors import FailureKind, UpstreamFailure
from agd.gemini.answers import AnswerReader

NAMES: Mapping[str, str] = {"f_1": "f/1"}


def reader() -> AnswerReader:
    """Return a reader whose minted ids count."""
    numbers = count()
    return AnswerReader(lambda: f"call_{next(numbers)}", NAMES)


def chunk(*parts: Any, finish: str | None = None, index: int | None = None, **more: Any) -> dict[str, Any]:
    """Write one GenerateContentResponse with one candidate."""
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}}
    if finish:
        candidate["finishReason"] = finish
    if index is not None:
        candidate["index"] = index
    return {"candidates": [candidate], **more}


def text(words: str) -> dict[str, Any]:
    """Write a text part."""
    return {"text": words}


def call(name: str | None = "f", signature: str | None = None, **fields: Any) -> dict[str, Any]:
    """Write a functionCall part."""
    function = {**({"name": name} if name else {}), **fields}
    return {"functionCall": function, **({"thoughtSignature": signature} if signature else {})}


def run(*chunks: Any) -> list[Event]:
    """Read chunks to the end."""
    answer = reader()
    events = [event for item in chunks for event in answer.feed(json.dumps(item).encode())]
    return events + answer.close()


class PartTests(SynchronousTestCase):
    """Parts to events."""

    def fed(self, *chunks: Any) -> list[Event]:
        """Return the events before the end."""
        answer = reader()
        return [event for item in chunks for event in answer.feed(json.dumps(item).encode())]

    def test_B24_B25_every_part_in_order(self) -> None:
        """Several texts and calls of one chunk all come, in order."""
        events = self.fed(chunk(text("a"), text("b"), call(args={"x": 1}), text("c")))
        self.assertEqual(
            events,
            [
                TextDelta("a"),
                TextDelta("b"),
                ToolCallStart(0, "call_0", "f"),
                ToolCallDelta(0, '{"x":1}'),
                ToolCallDone(0),
                TextDelta("c"),
            ],
        )

    def test_B22_B23_index_counts_over_the_stream(self) -> None:
        """Calls are counted per choice over all chunks."""
        events = self.fed(chunk(call(), call()), chunk(text("t"), call()), chunk(call(), index=1))
        starts = [(event.choice, event.index) for event in events if isinstance(event, ToolCallStart)]
        self.assertEqual(starts, [(0, 0), (0, 1), (0, 2), (1, 0)])

    def test_B03_B04_ids(self) -> None:
        """The provider's id is kept when it is new; identical calls have different ids."""
        events = self.fed(chunk(call(id="u1"), call(id="u1"), call(id=""), call(id=None), call(id=3)))
        ids = [event.id for event in events if isinstance(event, ToolCallStart)]
        self.assertEqual(ids, ["u1", "call_0", "call_1", "call_2", "call_3"])

    def test_B15_absent_arguments(self) -> None:
        """A call without arguments has an empty object."""
        for part in (call(), call(args=None), call(args={})):
            self.assertEqual(self.fed(chunk(part))[1], ToolCallDelta(0, "{}"))

    def test_B16_B17_B20_B21_arguments_exact(self) -> None:
        """Nulls, strings, large numbers, fractions, order and characters stay."""
        arguments = '{"z":null,"a":"true","n":12345678901234567890,"x":1.0,"ü":"é😀"}'
        payload = '{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":' + arguments + "}}]}}]}"
        self.assertEqual(reader().feed(payload.encode())[1], ToolCallDelta(0, arguments))

    def test_B30_names_go_back(self) -> None:
        """A name that was changed on the way up is the client's own again."""
        start = self.fed(chunk(call("f_1")))[0]
        self.assertEqual(start, ToolCallStart(0, "call_0", "f/1"))

    def test_C01_signature(self) -> None:
        """A call carries its own signature, and only it."""
        events = self.fed(chunk(call(signature="S"), call()))
        signatures = [event.signature for event in events if isinstance(event, ToolCallStart)]
        self.assertEqual(signatures, ["S", None])

    def test_B27_partial_call(self) -> None:
        """A streamed call comes whole, when its last piece is there."""
        pieces = [
            chunk(call("f", signature="S", willContinue=True)),
            chunk(
                call(
                    None, partialArgs=[{"jsonPath": "$.a", "stringValue": "B", "willContinue": True}], willContinue=True
                )
            ),
            chunk(call(None, partialArgs=[{"jsonPath": "$.a", "stringValue": "o"}], willContinue=True)),
        ]
        self.assertEqual(self.fed(*pieces), [])
        self.assertEqual(
            self.fed(*pieces, chunk(call(None))),
            [ToolCallStart(0, "call_0", "f", "S"), ToolCallDelta(0, '{"a":"Bo"}'), ToolCallDone(0)],
        )

    def test_new_name_ends_a_partial_call(self) -> None:
        """A call that begins ends the one before it; the same id goes on with it."""
        events = self.fed(
            chunk(call("f", id="1", willContinue=True)),
            chunk(call("f", id="1", args={"a": 1}, willContinue=True)),
            chunk(call("g", id="2")),
        )
        self.assertEqual([e.name for e in events if isinstance(e, ToolCallStart)], ["f", "g"])
        self.assertEqual(events[1], ToolCallDelta(0, '{"a":1}'))

    def test_nameless_call(self) -> None:
        """A piece of no call, and arguments that are no object, are malformed."""
        for part in (call(None, args={}), call(args=[1]), call(partialArgs=[3])):
            failure = self.assertRaises(UpstreamFailure, self.fed, chunk(part))
            self.assertEqual(failure.kind, FailureKind.MALFORMED)

    def test_C11_C16_thoughts(self) -> None:
        """Thoughts are thoughts, and their pictures are hidden."""
        picture = {"mimeType": "image/png", "data": "QQ=="}
        events = self.fed(
            chunk({"text": "hm", "thought": True}, {"inlineData": picture, "thought": True}, text("<think>"))
        )
        self.assertEqual(events, [ThoughtDelta("hm"), TextDelta("<think>")])

    def test_F17_F18_media_and_code_in_order(self) -> None:
        """Pictures and code come where they stood."""
        events = self.fed(
            chunk(
                text("a"),
                {"executableCode": {"language": "PYTHON", "code": "print(1)"}},
                {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n"}},
                {"inlineData": {"mimeType": "image/png", "data": "QQ=="}},
                text("b"),
            )
        )
        self.assertEqual(
            events,
            [
                TextDelta("a"),
                CodePart("print(1)", "python"),
                CodePart("1\n", result=True),
                MediaPart("image/png", "QQ=="),
                TextDelta("b"),
            ],
        )

    def test_B44_unknown_parts(self) -> None:
        """Parts for the provider alone, empty ones, and nonsense give nothing."""
        events = self.fed(
            chunk(
                {"toolCall": {"id": "1"}, "thoughtSignature": "S"},
                {"toolResponse": {"id": "1"}},
                {"fileData": {"fileUri": "x"}},
                {"text": "", "thoughtSignature": "S"},
                {"text": None},
                {"text": 3},
                {},
                None,
                "x",
            )
        )
        self.assertEqual(events, [])

    def test_F08_F09_content_missing(self) -> None:
        """A candidate without content, or parts, is no crash and no event."""
        contents: list[Any] = [{}, {"parts": None}, {"parts": []}, None, []]
        for content in contents:
            self.assertEqual(self.fed({"candidates": [{"content": content}]}), [])
        self.assertEqual(self.fed({"candidates": [{}]}, {"candidates": None}, {"candidates": [None]}, {}), [])

    def test_usage_only_chunk(self) -> None:
        """A chunk of usage or metadata alone gives nothing at once."""
        self.assertEqual(self.fed({"usageMetadata": {"promptTokenCount": 1}, "modelVersion": "m"}), [])


class EnvelopeTests(SynchronousTestCase):
    """What a payload may be wrapped in."""

    def test_G11_code_assist(self) -> None:
        """The envelope of Code Assist is opened."""
        self.assertEqual(run({"response": chunk(text("a"), finish="STOP"), "traceId": "t"})[0], TextDelta("a"))

    def test_G09_list(self) -> None:
        """A list of responses is read one by one."""
        events = run([chunk(text("a")), chunk(text("b"), finish="STOP")])
        self.assertEqual(events, [TextDelta("a"), TextDelta("b"), Finished(FinishReason.STOP, "STOP")])

    def test_G10_error(self) -> None:
        """An error object is the failure it would be as an answer of its own."""
        error = {"error": {"code": 429, "message": "Please retry in 2s.", "status": "RESOURCE_EXHAUSTED"}}
        for payload in (error, [error], {"response": error}):
            failure = self.assertRaises(UpstreamFailure, reader().feed, json.dumps(payload).encode())
            self.assertEqual((failure.kind, failure.status, failure.retry_after), (FailureKind.STATUS, 429, 2.0))

    def test_G07_G09_not_a_response(self) -> None:
        """What is no JSON object is malformed."""
        for payload in (b"{oops", b"3", b"null", b"[]", b'["x"]', b"\xff", b'"x"'):
            failure = self.assertRaises(UpstreamFailure, reader().feed, payload)
            self.assertEqual(failure.kind, FailureKind.MALFORMED, payload)

    @given(st.recursive(st.one_of(st.none(), st.booleans(), st.text(max_size=3)), st.lists, max_leaves=3))
    def test_any_json_is_read_or_refused(self, value: object) -> None:
        """A senseless value at any known place never crashes the reader."""
        for key in ("candidates", "usageMetadata", "promptFeedback", "response"):
            part = {"functionCall": value, "text": value, "inlineData": value, "executableCode": value}
            answer = reader()
            try:
                answer.feed(json.dumps({key: value, **chunk(part)}).encode())
                answer.feed(json.dumps({key: value}).encode())
                answer.close()
            except UpstreamFailure:
                continue


class FinishTests(SynchronousTestCase):
    """How answers end."""

    def reason(self, native: str, *parts: Any) -> FinishReason:
        """Return the reason that ``native`` gives behind some parts."""
        (finished,) = (event for event in run(chunk(*parts, finish=native)) if isinstance(event, Finished))
        self.assertEqual(finished.native, native)
        return finished.reason

    def test_F01_stop(self) -> None:
        """STOP is stop, or tool_calls behind a call, even of an earlier chunk (B28)."""
        self.assertEqual(self.reason("STOP", text("a")), FinishReason.STOP)
        self.assertEqual(self.reason("STOP", call()), FinishReason.TOOL_CALLS)
        self.assertEqual(run(chunk(call()), chunk(finish="STOP"))[-1], Finished(FinishReason.TOOL_CALLS, "STOP"))

    def test_F04_B29_length_and_filter_win_over_calls(self) -> None:
        """A call in a cut or filtered answer does not make it tool_calls."""
        self.assertEqual(self.reason("MAX_TOKENS", call()), FinishReason.LENGTH)
        self.assertEqual(self.reason("SAFETY", call()), FinishReason.CONTENT_FILTER)

    def test_F03_filters(self) -> None:
        """Every filter is content_filter."""
        for native in (
            "SAFETY", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "RECITATION", "IMAGE_SAFETY",
            "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "MODEL_ARMOR",
        ):  # fmt: skip
            self.assertEqual(self.reason(native, text("a")), FinishReason.CONTENT_FILTER)

    def test_F01_others(self) -> None:
        """Other endings, known or not, are stop behind visible output, and failures without."""
        for native in ("LANGUAGE", "OTHER", "IMAGE_OTHER", "NO_IMAGE", "FINISH_REASON_UNSPECIFIED", "NEW"):
            self.assertEqual(self.reason(native, text("a")), FinishReason.STOP)
            failure = self.assertRaises(UpstreamFailure, run, chunk({"text": "t", "thought": True}, finish=native))
            self.assertEqual(failure.kind, FailureKind.MALFORMED)

    def test_F05_B45_malformed(self) -> None:
        """A malformed call is a failure that tells the provider's words, even behind text."""
        for native in (
            "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE",
            "MISSING_THOUGHT_SIGNATURE",
        ):  # fmt: skip
            item = chunk(text("a"), finish=native)
            item["candidates"][0]["finishMessage"] = "Call f(key=AbCdEfGh) failed"
            failure = self.assertRaises(UpstreamFailure, run, item)
            self.assertEqual(failure.kind, FailureKind.MALFORMED)
            self.assertIn(native, failure.message)
            self.assertIn("failed", failure.message)
            self.assertNotIn("AbCdEfGh", failure.message)

    def test_unfinished_partial_call(self) -> None:
        """Half a call is dropped behind MAX_TOKENS, and is malformed behind STOP."""
        half = call("f", willContinue=True)
        self.assertEqual(run(chunk(half, finish="MAX_TOKENS")), [Finished(FinishReason.LENGTH, "MAX_TOKENS")])
        failure = self.assertRaises(UpstreamFailure, run, chunk(half, finish="STOP"))
        self.assertEqual(failure.kind, FailureKind.MALFORMED)

    def test_F06_empty_stop(self) -> None:
        """STOP with nothing at all passes."""
        self.assertEqual(
            run({"candidates": [{"content": {}, "finishReason": "STOP"}]}), [Finished(FinishReason.STOP, "STOP")]
        )

    def test_F07_prompt_blocked(self) -> None:
        """A blocked prompt is a refusal that names the reason, and content_filter."""
        feedback = {"blockReason": "MODEL_ARMOR", "blockReasonMessage": "Jailbreak."}
        refusal, finished = run({"promptFeedback": feedback}, {"promptFeedback": feedback})
        assert isinstance(refusal, RefusalDelta)
        self.assertIn("MODEL_ARMOR", refusal.text)
        self.assertIn("Jailbreak.", refusal.text)
        self.assertEqual(finished, Finished(FinishReason.CONTENT_FILTER, "MODEL_ARMOR"))

    def test_block_in_the_middle(self) -> None:
        """A block behind some text ends the choice as filtered, not as cut."""
        events = run(chunk(text("a")), {"promptFeedback": {"blockReason": "OTHER"}})
        self.assertEqual(events, [TextDelta("a"), Finished(FinishReason.CONTENT_FILTER, "OTHER")])

    def test_F12_refusal_without_output(self) -> None:
        """A filtered answer without output says why; one with output does not."""
        refusal, finished = run(chunk(finish="SAFETY"))
        assert isinstance(refusal, RefusalDelta)
        self.assertIn("SAFETY", refusal.text)
        self.assertEqual(finished, Finished(FinishReason.CONTENT_FILTER, "SAFETY"))
        self.assertEqual(len(run(chunk(text("a"), finish="SAFETY"))), 2)

    def test_F10_F11_finish_comes_last(self) -> None:
        """Text behind the finish reason passes, and usage in another chunk counts."""
        events = run(
            chunk(text("a"), finish="STOP"),
            chunk(text("b")),
            {"usageMetadata": {"promptTokenCount": 2, "candidatesTokenCount": 3}},
        )
        self.assertEqual(
            events,
            [TextDelta("a"), TextDelta("b"), Finished(FinishReason.STOP, "STOP"), UsageReport(Usage(2, 3))],
        )

    def test_E10_candidates_apart(self) -> None:
        """Every candidate ends for itself, in order."""
        events = run(chunk(text("b"), index=1, finish="MAX_TOKENS"), chunk(text("a"), finish="STOP"))
        self.assertEqual(
            events,
            [
                TextDelta("b", 1),
                TextDelta("a"),
                Finished(FinishReason.STOP, "STOP"),
                Finished(FinishReason.LENGTH, "MAX_TOKENS", 1),
            ],
        )

    def test_nothing_at_all(self) -> None:
        """An answer without a candidate is empty."""
        for chunks in ((), ({"usageMetadata": {"promptTokenCount": 1}},)):
            self.assertEqual(self.assertRaises(UpstreamFailure, run, *chunks).kind, FailureKind.EMPTY)

    def test_G15_no_finish_reason(self) -> None:
        """An answer that stops before its end, in any candidate, is cut."""
        for chunks in ([chunk(text("a"))], [chunk(text("a"), finish="STOP"), chunk(text("b"), index=1)]):
            self.assertEqual(self.assertRaises(UpstreamFailure, run, *chunks).kind, FailureKind.CUT)
