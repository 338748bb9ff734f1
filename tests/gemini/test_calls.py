"""Calls of an answer."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import (
    Event,
    Finished,
    FinishReason,
    TextDelta,
    ThoughtDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallDone,
    ToolCallStart,
)
from agd.errors import FailureKind, UpstreamFailure
from tests.gemini.reading import call, chunk, fed, fold, reader, run, text


def arguments(events: list[Event]) -> list[str]:
    """Return the arguments of all calls."""
    return [event.arguments for event in events if isinstance(event, ToolCallDelta)]


class CallTests(SynchronousTestCase):
    """Whole calls."""

    def test_B24_text_and_calls_of_one_chunk(self) -> None:
        """Text before, between and behind calls comes where it stood, and no call is lost."""
        events = fed(chunk(text("a"), call(args={"x": 1}), text("b"), call()))
        self.assertEqual(
            events,
            [
                TextDelta("a"),
                ToolCallStart(0, "call_0", "f"),
                ToolCallDelta(0, '{"x":1}'),
                ToolCallDone(0),
                TextDelta("b"),
                ToolCallStart(1, "call_1", "f"),
                ToolCallDelta(1, "{}"),
                ToolCallDone(1),
            ],
        )

    def test_B22_index_counts_calls_not_parts(self) -> None:
        """Calls are counted per choice over all chunks, whatever parts stand before them."""
        events = fed(chunk(text("t"), call()), chunk(call()), chunk(call(), index=1))
        starts = [(event.choice, event.index) for event in events if isinstance(event, ToolCallStart)]
        self.assertEqual(starts, [(0, 0), (0, 1), (1, 0)])

    def test_B23_index_goes_on_over_chunks_of_several_calls(self) -> None:
        """Two chunks of two calls count 0, 1, 2, 3."""
        events = fed(chunk(call(), call()), chunk(call(), call()))
        self.assertEqual([event.index for event in events if isinstance(event, ToolCallStart)], [0, 1, 2, 3])

    def test_B04_ids(self) -> None:
        """The provider's id is kept when it is new to the answer; identical calls have different ids."""
        events = fed(chunk(call(id="u1"), call(id="u1"), call(id=""), call(id=None), call(id=3)))
        ids = [event.id for event in events if isinstance(event, ToolCallStart)]
        self.assertEqual(ids, ["u1", "call_0", "call_1", "call_2", "call_3"])

    def test_B15_absent_arguments(self) -> None:
        """A call without arguments has an empty object."""
        for part in (call(), call(args=None), call(args={})):
            self.assertEqual(arguments(fed(chunk(part))), ["{}"])

    def test_B16_null_values(self) -> None:
        """A null stays a null, and the word a word."""
        self.assertEqual(arguments(fed(chunk(call(args={"a": None, "b": "null"})))), ['{"a":null,"b":"null"}'])

    def check_exact(self, written: str) -> None:
        """Check that arguments come out as they went in."""
        payload = '{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":' + written + "}}]}}]}"
        self.assertEqual(arguments(reader().feed(payload.encode())), [written])

    def test_B20_numbers(self) -> None:
        """Integers of any size are exact, and a fraction of nothing stays one."""
        self.check_exact('{"id":12345678901234567890,"x":1.0,"y":-0.1,"huge":' + "9" * 200 + "}")

    def test_B21_characters_and_order(self) -> None:
        """Characters are not escaped, and keys stay in their order."""
        self.check_exact('{"z":"é😀","ü":[],"a":"true"}')

    def test_B26_one_start_one_delta(self) -> None:
        """A call that came whole is a start with its name and no arguments, and one delta with all of them."""
        start, delta, done = fed(chunk(call("f", args={"a": 1})))
        self.assertEqual(
            (start, delta, done), (ToolCallStart(0, "call_0", "f"), ToolCallDelta(0, '{"a":1}'), ToolCallDone(0))
        )

    def test_B28_tool_calls_once_at_the_end(self) -> None:
        """A call of an early chunk makes the end tool_calls, which is told once and last."""
        events = run(chunk(call()), chunk(text("t")), chunk(finish="STOP"))
        finished = [event for event in events if isinstance(event, Finished)]
        self.assertEqual(finished, [Finished(FinishReason.TOOL_CALLS, "STOP")])
        self.assertEqual(events[-1:], finished)

    def test_B30_names_go_back(self) -> None:
        """A name that was changed on the way up is the client's own again."""
        self.assertEqual(fed(chunk(call("f_1")))[0], ToolCallStart(0, "call_0", "f/1"))

    def test_nested_too_deeply(self) -> None:
        """Arguments that cannot be written again are malformed, not a crash."""
        path = "$" + ".a" * 3000
        part = call(partialArgs=[{"jsonPath": path, "boolValue": True}])
        self.assertEqual(self.assertRaises(UpstreamFailure, fed, chunk(part)).kind, FailureKind.MALFORMED)

    def test_nameless_call(self) -> None:
        """A piece of no call, and arguments that are no object, are malformed."""
        for part in (call(None, args={}), call(args=[1]), call(partialArgs=[3])):
            failure = self.assertRaises(UpstreamFailure, fed, chunk(part))
            self.assertEqual(failure.kind, FailureKind.MALFORMED)


class SignatureTests(SynchronousTestCase):
    """Where signatures go."""

    def test_C01_call(self) -> None:
        """A call carries its own signature."""
        self.assertEqual(fed(chunk(call(signature="S")))[0], ToolCallStart(0, "call_0", "f", "S"))

    def test_C08_parallel_calls(self) -> None:
        """Only the call that was signed has a signature."""
        events = fed(chunk(call(signature="S"), call()), chunk(call()))
        signatures = [event.signature for event in events if isinstance(event, ToolCallStart)]
        self.assertEqual(signatures, ["S", None, None])

    def test_C05_borders_of_signed_parts(self) -> None:
        """A signed text is not joined with the text behind it, and two signed ones are never joined."""
        answer = fold(
            chunk(text("a"), text("b", thoughtSignature="S")),
            chunk(text("c"), text("d", thoughtSignature="T"), finish="STOP"),
        )
        parts = [(part.text, part.signature) for part in answer.choices[0].parts]  # type: ignore[union-attr] # texts all
        self.assertEqual(parts, [("ab", "S"), ("cd", "T")])

    def test_C06_empty_text(self) -> None:
        """A signature on an empty text, or on nothing at all, comes in its place."""
        signed = TextDelta("", 0, "S")
        self.assertEqual(fed(chunk(text("a")), chunk(text("", thoughtSignature="S")))[1:], [signed])
        self.assertEqual(fed(chunk({"thoughtSignature": "S"})), [signed])
        thought = {"text": "", "thought": True, "thoughtSignature": "S"}
        self.assertEqual(fed(chunk(thought)), [ThoughtDelta("", 0, "S")])

    def test_C07_text_and_image(self) -> None:
        """Texts, thoughts and pictures carry theirs."""
        picture = {"inlineData": {"mimeType": "image/png", "data": "QQ=="}, "thoughtSignature": "P"}
        events: list[Any] = fed(
            chunk(text("a", thoughtSignature="T"), picture, text("h", thought=True, thoughtSignature="H"))
        )
        self.assertEqual([event.signature for event in events], ["T", "P", "H"])

    def test_a_signature_is_no_output(self) -> None:
        """An answer of a signature alone ends as one without output."""
        failure = self.assertRaises(UpstreamFailure, run, chunk(text("", thoughtSignature="S"), finish="OTHER"))
        self.assertEqual(failure.kind, FailureKind.MALFORMED)


class StreamedCallTests(SynchronousTestCase):
    """Calls in pieces."""

    def test_B27_partial_call(self) -> None:
        """A streamed call comes whole, when its last piece is there."""
        string = {"jsonPath": "$.a", "stringValue": "B", "willContinue": True}
        pieces = [
            chunk(call("f", signature="S", willContinue=True)),
            chunk(call(None, partialArgs=[string], willContinue=True)),
            chunk(call(None, partialArgs=[{"jsonPath": "$.a", "stringValue": "o"}], willContinue=True)),
        ]
        self.assertEqual(fed(*pieces), [])
        self.assertEqual(
            fed(*pieces, chunk(call(None))),
            [ToolCallStart(0, "call_0", "f", "S"), ToolCallDelta(0, '{"a":"Bo"}'), ToolCallDone(0)],
        )

    def test_new_name_ends_a_partial_call(self) -> None:
        """A call that begins ends the one before it; the same id goes on with it."""
        events = fed(
            chunk(call("f", id="1", willContinue=True)),
            chunk(call("f", id="1", args={"a": 1}, willContinue=True)),
            chunk(call("g", id="2")),
        )
        self.assertEqual([e.name for e in events if isinstance(e, ToolCallStart)], ["f", "g"])
        self.assertEqual(events[1], ToolCallDelta(0, '{"a":1}'))

    def test_unfinished_partial_call(self) -> None:
        """Half a call is dropped behind MAX_TOKENS, and is malformed behind STOP."""
        half = call("f", willContinue=True)
        self.assertEqual(run(chunk(half, finish="MAX_TOKENS")), [Finished(FinishReason.LENGTH, "MAX_TOKENS")])
        failure = self.assertRaises(UpstreamFailure, run, chunk(half, finish="STOP"))
        self.assertEqual((failure.kind, failure.reason), (FailureKind.MALFORMED, "STOP"))

    @given(st.text(max_size=30), st.lists(st.integers(0, 30), max_size=5))
    def test_B27_any_cut_of_a_string(self, words: str, cuts: list[int]) -> None:
        """However a string is cut into pieces, the call holds it whole."""
        borders = [0, *sorted(cuts), len(words)]
        pieces = [words[start:end] for start, end in pairwise(borders)]
        partial = [{"jsonPath": "$.a", "stringValue": piece, "willContinue": True} for piece in pieces]
        chunks = [chunk(call("f", willContinue=True))]
        chunks += [chunk(call(None, partialArgs=[piece], willContinue=True)) for piece in partial]
        answer = fold(*chunks, chunk(call(None, partialArgs=[{"jsonPath": "$.a"}]), finish="STOP"))
        (made,) = answer.choices[0].parts
        assert isinstance(made, ToolCall)
        self.assertEqual(json.loads(made.arguments), {"a": words})
