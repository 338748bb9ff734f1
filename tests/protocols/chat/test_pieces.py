"""Sections B, C, E and F of PITFALLS, as far as they concern writing chat answers, plain and streamed."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import (
    Citation,
    CodePart,
    Details,
    Event,
    Finished,
    FinishReason,
    LogProbs,
    MediaPart,
    OutputFormat,
    RefusalDelta,
    Speech,
    TextDelta,
    ThoughtDelta,
    TokenLogprob,
)
from agd.errors import GatewayError
from agd.options import Options
from agd.protocols.chat.answer import render
from agd.protocols.chat.request import LEGACY
from agd.protocols.chat.stream import ChatStream
from agd.protocols.endpoint import Context
from tests.protocols.answers import call, context, fold
from tests.protocols.chat.test_equality import added_up, written

STOP = Finished(FinishReason.STOP, "STOP")
CALLS = Finished(FinishReason.TOOL_CALLS, "STOP")


def both(self: SynchronousTestCase, events: list[Event], about: Context | None = None) -> list[dict[str, Any]]:
    """Return the choices of an answer, and check that plain and streamed they are the same."""
    about = about or context()
    choices: list[dict[str, Any]] = render(fold(events), about)["choices"]
    self.assertEqual(added_up(written([events], about)), choices)
    return choices


def deltas(events: list[Event], about: Context | None = None) -> list[dict[str, Any]]:
    """Return the deltas of a streamed answer."""
    return [choice["delta"] for chunk in written([events], about or context()) for choice in chunk["choices"]]


class CallTests(SynchronousTestCase):
    """Calls."""

    def test_B22_B23_indices(self) -> None:
        """Calls are counted over the whole stream, however they are cut into writes."""
        events = [event for index in range(4) for event in call(index, "f", "{}")]
        pieces: list[list[Event]] = [[TextDelta("t"), *events[:6]], events[6:], [CALLS]]
        chunks = written(pieces, context())
        found = [entry["index"] for chunk in chunks for entry in chunk["choices"][0]["delta"].get("tool_calls", ())]
        self.assertEqual(found, [0, 0, 1, 1, 2, 2, 3, 3])

    def test_B24_B25_every_part(self) -> None:
        """Text before and after a call, in one write, is all there."""
        events: list[Event] = [TextDelta("a"), TextDelta("b"), *call(0, "f", "{}"), TextDelta("c"), CALLS]
        (choice,) = both(self, events)
        self.assertEqual((choice["message"]["content"], len(choice["message"]["tool_calls"])), ("abc", 1))

    def test_B26_name_once(self) -> None:
        """A call's id and name come once, with empty arguments, and the arguments follow."""
        first, second = deltas([*call(0, "f", '{"a":1}'), CALLS])[1:3]
        function = {"name": "f", "arguments": ""}
        self.assertEqual(
            first, {"tool_calls": [{"index": 0, "id": "call_0", "type": "function", "function": function}]}
        )
        self.assertEqual(second, {"tool_calls": [{"index": 0, "function": {"arguments": '{"a":1}'}}]})

    def test_B27_fragments(self) -> None:
        """Arguments that come in fragments are the JSON that they make."""
        (choice,) = both(self, [*call(0, "f", '{"a"', ":", '"x"}'), CALLS])
        self.assertEqual(choice["message"]["tool_calls"][0]["function"]["arguments"], '{"a":"x"}')

    def test_B28_one_finish(self) -> None:
        """The finish comes once and last, and is null before."""
        events: list[Event] = [*call(0, "f", "{}"), TextDelta("t"), CALLS]
        reasons = [chunk["choices"][0]["finish_reason"] for chunk in written([events], context())]
        self.assertEqual((set(reasons[:-1]), reasons[-1]), ({None}, "tool_calls"))

    def test_B29_cut_after_calls(self) -> None:
        """An answer that was cut, or filtered, says so although it holds calls."""
        for reason in (FinishReason.LENGTH, FinishReason.CONTENT_FILTER):
            (choice,) = both(self, [*call(0, "f", "{}"), Finished(reason, "X")])
            self.assertEqual(choice["finish_reason"], reason.value)

    def test_B40_one_call(self) -> None:
        """The old protocol has room for one call and is given the first; leaving others out is not the writer's."""
        events = [*call(0, "f", "{}"), *call(1, "g", "{}"), CALLS]
        (choice,) = both(self, events, context(echo={LEGACY: True}, parallel_tool_calls=False))
        self.assertEqual(choice["message"]["function_call"]["name"], "f")
        (choice,) = both(self, events, context(parallel_tool_calls=False))
        self.assertEqual(len(choice["message"]["tool_calls"]), 2)


class ThoughtTests(SynchronousTestCase):
    """Thoughts."""

    def test_C11_fields(self) -> None:
        """Thoughts have the names that the options ask for, and are never content."""
        cases: list[tuple[Options, list[str]]] = [
            (Options(), ["reasoning_content"]),
            (Options(reasoning_field="both"), ["reasoning_content", "reasoning"]),
            (Options(reasoning_field="off"), []),
        ]
        for options, names in cases:
            about = context(options=options)
            (choice,) = both(self, [ThoughtDelta("t"), TextDelta("a"), STOP], about)
            thoughts = {key: value for key, value in choice["message"].items() if key.startswith("reasoning")}
            self.assertEqual((thoughts, choice["message"]["content"]), (dict.fromkeys(names, "t"), "a"))

    def test_C12_think_tags(self) -> None:
        """Tags in the text are text."""
        events: list[Event] = [TextDelta("<thi"), TextDelta("nk>x</think>"), STOP]
        self.assertEqual(both(self, events)[0]["message"]["content"], "<think>x</think>")

    def test_C15_joined_alike(self) -> None:
        """Thoughts are joined without anything between them, streamed or not."""
        events: list[Event] = [ThoughtDelta("a"), TextDelta("x"), ThoughtDelta("b"), STOP]
        self.assertEqual(both(self, events)[0]["message"]["reasoning_content"], "ab")

    def test_C16_only_results(self) -> None:
        """Thoughts leave no image behind: only images of the answer are shown."""
        (choice,) = both(self, [ThoughtDelta("t"), MediaPart("image/png", "aGk="), STOP])
        self.assertEqual(len(choice["message"]["images"]), 1)


class LogProbTests(SynchronousTestCase):
    """Probabilities of tokens."""

    def test_E18_shape(self) -> None:
        """A token has its bytes and the likeliest in its place, best first; half a character has no known bytes."""
        tokens = (TokenLogprob("é", -0.5, (("a", -2.0), ("é", -0.5))), TokenLogprob("\ufffd", -1.0))
        (choice,) = both(self, [TextDelta("é"), LogProbs(tokens), STOP])
        first = {"token": "é", "logprob": -0.5, "bytes": [195, 169]}
        top = [first, {"token": "a", "logprob": -2.0, "bytes": [97]}]
        second = {"token": "\ufffd", "logprob": -1.0, "bytes": None, "top_logprobs": []}
        self.assertEqual(choice["logprobs"], {"content": [{**first, "top_logprobs": top}, second], "refusal": None})

    def test_E19_late(self) -> None:
        """Probabilities that come at the end are given there, in a chunk before the finish."""
        chunks = written([[TextDelta("a"), LogProbs((TokenLogprob("a", -1.0),)), STOP]], context())
        told = [chunk["choices"][0]["logprobs"] is not None for chunk in chunks]
        self.assertEqual(told, [False, False, True, False])


class FinishTests(SynchronousTestCase):
    """Ends and refusals."""

    def test_F02_F04_words(self) -> None:
        """The reason is one of OpenAI's words, whatever the provider's was; a limit is a limit."""
        for reason, native in ((FinishReason.LENGTH, "MAX_TOKENS"), (FinishReason.STOP, "SOMETHING_NEW")):
            (choice,) = both(self, [TextDelta("a"), Finished(reason, native)])
            self.assertEqual((choice["finish_reason"], choice["native_finish_reason"]), (reason.value, native))

    def test_F07_F12_refusal(self) -> None:
        """A blocked prompt is one choice: no content, a refusal in words, content_filter."""
        (choice,) = both(self, [RefusalDelta("Blocked: SAFETY."), Finished(FinishReason.CONTENT_FILTER, "SAFETY")])
        message = {"role": "assistant", "content": None, "refusal": "Blocked: SAFETY."}
        self.assertEqual((choice["message"], choice["finish_reason"]), (message, "content_filter"))

    def test_F07_error(self) -> None:
        """By setting it is an error, before anything else was sent; an answer that had begun stays one."""
        about = context(options=Options(blocked_prompt="error"))
        end = Finished(FinishReason.CONTENT_FILTER, "SAFETY")
        blocked: list[Event] = [RefusalDelta("Blocked."), end]
        error = self.assertRaises(GatewayError, render, fold(blocked), about)
        self.assertEqual((error.status, error.code, error.message), (400, "content_policy_violation", "Blocked."))
        writer = ChatStream(about)
        self.assertEqual(writer.write(blocked) + writer.close(), writer.fail(error))
        (choice,) = both(self, [TextDelta("a"), *blocked], about)
        self.assertEqual((choice["message"]["content"], choice["message"]["refusal"]), ("a", "Blocked."))

    def test_F11_late_text(self) -> None:
        """Text, however late, comes before the finish."""
        found = deltas([Details({"a": 1}), TextDelta("late"), STOP])
        self.assertEqual(found, [{"role": "assistant", "content": ""}, {"content": "late"}, {}])

    def test_F13_absent_keys(self) -> None:
        """No delta holds a null."""
        events: list[Event] = [ThoughtDelta("t"), TextDelta(""), TextDelta("a"), *call(0, "f"), STOP]
        self.assertNotIn(None, [value for delta in deltas(events) for value in delta.values()])

    def test_F14_content_is_there(self) -> None:
        """Every message has content, if need be null or empty."""
        for events, content in (([], ""), (call(0, "f"), None)):
            self.assertEqual(both(self, [*events, STOP])[0]["message"]["content"], content)

    def test_F39_details(self) -> None:
        """What the provider tells beside an answer is given by setting only."""
        events: list[Event] = [Details({"a": 1}), TextDelta("x"), Details({"b": 2}), STOP]
        self.assertNotIn("provider_details", both(self, events)[0])
        (choice,) = both(self, events, context(options=Options(provider_details=True)))
        self.assertEqual(choice["provider_details"], {"a": 1, "b": 2})


class MixedTests(SynchronousTestCase):
    """Images, code, sources and sound."""

    def test_F15_images(self) -> None:
        """Images are beside the text, or by setting in it."""
        events: list[Event] = [TextDelta("a"), MediaPart("image/png", "aGk="), STOP]
        (choice,) = both(self, events)
        self.assertEqual((choice["message"]["content"], len(choice["message"]["images"])), ("a", 1))
        (inside,) = both(self, events, context(options=Options(images="markdown")))
        self.assertEqual(inside["message"]["content"], "a\n![image](data:image/png;base64,aGk=)\n")
        self.assertNotIn("images", inside["message"])

    def test_F16_image_numbers(self) -> None:
        """Images are numbered by choice."""
        events: list[Event] = [*[MediaPart("image/png", "aGk=")] * 2, MediaPart("image/png", "aGk=", 1), STOP]
        first, second = both(self, [*events, Finished(FinishReason.STOP, "STOP", 1)], context(n=2))
        self.assertEqual([image["index"] for image in first["message"]["images"]], [0, 1])
        self.assertEqual([image["index"] for image in second["message"]["images"]], [0])

    def test_F17_F18_code(self) -> None:
        """Code stands where it ran, or by setting nowhere."""
        events: list[Event] = [
            TextDelta("a"),
            CodePart("1+1", "python"),
            CodePart("2", result=True),
            TextDelta("b"),
            STOP,
        ]
        shown = "a\n```python\n1+1\n```\n\n```\n2\n```\nb"
        self.assertEqual(both(self, events)[0]["message"]["content"], shown)
        (hidden,) = both(self, events, context(options=Options(code="hidden")))
        self.assertEqual(hidden["message"]["content"], "ab")

    def test_F19_sources(self) -> None:
        """Sources are url_citations whose offsets hold in the text as it is shown, with code between the words."""
        cited = Citation(1, 4, "https://a.example/", "A")
        events: list[Event] = [
            TextDelta("é cd"),
            cited,
            CodePart("x", "python"),
            TextDelta("efg"),
            Citation(4, 7, "", "B"),
            STOP,
        ]
        (choice,) = both(self, events)
        content = choice["message"]["content"]
        first, second = (entry["url_citation"] for entry in choice["message"]["annotations"])
        self.assertEqual((first["url"], first["title"], second["url"]), ("https://a.example/", "A", ""))
        self.assertEqual(content[first["start_index"] : first["end_index"]], " cd")
        self.assertEqual(content[second["start_index"] : second["end_index"]], "efg")

    def test_D26_no_judgement(self) -> None:
        """An answer that does not fit its schema is written as it is: judging it is not the writer's part."""
        strict = context(output_format=OutputFormat("json_schema", {"type": "object"}, strict=True))
        self.assertEqual(both(self, [TextDelta("[1]"), STOP], strict)[0]["message"]["content"], "[1]")

    def test_E22_sound(self) -> None:
        """Sound is given as PCM in one base64 text, or behind a WAV header; its words stand beside it."""
        piece = MediaPart("audio/L16;codec=pcm;rate=16000", "AQI=")
        events: list[Event] = [TextDelta("hi"), piece, piece, STOP]
        (choice,) = both(self, events, context(speech=Speech("Kore", "pcm16")))
        audio = choice["message"]["audio"]
        self.assertEqual((b64decode(audio["data"]), audio["transcript"]), (b"\1\2\1\2", "hi"))
        self.assertEqual((choice["message"]["content"], audio["expires_at"]), ("hi", 1_700_000_000))
        plain = render(fold(events), context(speech=Speech("Kore", "wav")))["choices"][0]["message"]["audio"]
        data = b64decode(plain["data"])
        self.assertEqual(
            (data[:4], data[8:16], data[24:28], data[44:]), (b"RIFF", b"WAVEfmt ", b"\x80>\0\0", b"\1\2\1\2")
        )

    def test_E22_odd_sound(self) -> None:
        """Sound that is no PCM gets no header, and what is not base64 is passed on as the provider wrote it."""
        for mime, data in (("audio/mp3", "aGlo"), ("audio/L16", "@")):
            answer = fold([MediaPart(mime, data), STOP])
            message = render(answer, context(speech=Speech("Kore", "wav")))["choices"][0]["message"]
            self.assertEqual((message["audio"]["data"], message["content"]), (data, None))
