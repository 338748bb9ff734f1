"""Sections F and G of PITFALLS, for the frame of a chat answer: ids, usage, first and last chunks."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Event, Finished, FinishReason, TextDelta, Usage, UsageReport
from agd.errors import GatewayError
from agd.protocols.chat.answer import render
from agd.protocols.chat.stream import ChatStream
from tests.protocols.answers import TOKEN, context, fold, frames
from tests.protocols.chat.test_equality import written

STOP = Finished(FinishReason.STOP, "STOP")
USAGE = UsageReport(Usage(prompt=7, completion=5, reasoning=3, cached=2, prompt_audio=1))
DONE = b"data: [DONE]\n\n"


class FrameTests(SynchronousTestCase):
    """What is the same in every chunk."""

    def test_F26_id_created_model(self) -> None:
        """The id has OpenAI's prefix, the time is the gateway's, the model is the client's word."""
        plain = render(fold([TextDelta("a"), STOP]), context())
        expected = (f"chatcmpl-{TOKEN}", 1_700_000_000, "gemini-3-flash")
        self.assertEqual((plain["id"], plain["created"], plain["model"]), expected)

    def test_F27_one_id(self) -> None:
        """Id, time and model are those of the plain answer in every chunk."""
        chunks = written([[TextDelta("a")], [TextDelta("b"), STOP, USAGE]], context(include_usage=True))
        plain = render(fold([TextDelta("a"), STOP]), context())
        for chunk in chunks:
            self.assertEqual(
                [chunk[key] for key in ("id", "created", "model")], [plain[key] for key in ("id", "created", "model")]
            )

    def test_F37_first_chunk(self) -> None:
        """Nothing is sent before the first event; then the role with empty content, once for each choice."""
        self.assertEqual(ChatStream(context()).write([]), b"")
        other = Finished(FinishReason.STOP, "STOP", 1)
        chunks = written([[TextDelta("a"), TextDelta("b", 1), TextDelta("c"), STOP, other]], context(n=2))
        first = [chunk["choices"][0]["index"] for chunk in chunks if "role" in chunk["choices"][0]["delta"]]
        self.assertEqual(first, [0, 1])
        self.assertEqual(chunks[0]["choices"][0]["delta"], {"role": "assistant", "content": ""})

    def test_F38_finish_chunk(self) -> None:
        """The finish is a chunk of its own with an empty delta."""
        last = written([[TextDelta("a"), STOP]], context())[-1]["choices"][0]
        self.assertEqual((last["delta"], last["finish_reason"]), ({}, "stop"))


class UsageTests(SynchronousTestCase):
    """Counts of tokens."""

    def test_F28_sum(self) -> None:
        """The total is the sum, and the details are parts of it."""
        usage = render(fold([STOP, USAGE]), context())["usage"]
        self.assertEqual((usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]), (7, 5, 12))
        self.assertEqual(usage["prompt_tokens_details"], {"cached_tokens": 2, "audio_tokens": 1})
        self.assertEqual(usage["completion_tokens_details"]["reasoning_tokens"], 3)

    def test_F34_unknown(self) -> None:
        """Usage that is not known is not made up."""
        self.assertIsNone(render(fold([TextDelta("a"), STOP]), context()).get("usage"))
        chunks = written([[TextDelta("a"), STOP]], context(include_usage=True))
        self.assertEqual({chunk["usage"] for chunk in chunks}, {None})

    def test_F35_F36_only_if_asked(self) -> None:
        """Only where it was asked for, usage is null in every chunk and counted in a last one without choices."""
        events: list[Event] = [TextDelta("a"), STOP, USAGE]
        *chunks, last = written([events], context(include_usage=True))
        self.assertEqual([chunk["usage"] for chunk in chunks], [None] * len(chunks))
        self.assertEqual((last["choices"], last["usage"]["total_tokens"]), ([], 12))
        self.assertNotIn("usage", [key for chunk in written([events], context()) for key in chunk])


class EndTests(SynchronousTestCase):
    """How a stream ends."""

    def test_G14_error(self) -> None:
        """An error in the middle is told in OpenAI's shape, and no [DONE] follows."""
        writer = ChatStream(context())
        begun = writer.write([TextDelta("a")])
        told = writer.fail(GatewayError(502, "Gone.", type="server_error", code="x"))
        self.assertEqual(
            frames(told), [{"error": {"message": "Gone.", "type": "server_error", "param": None, "code": "x"}}]
        )
        self.assertNotIn(DONE, begun + told)

    def test_G22_one_done(self) -> None:
        """A whole answer ends with one [DONE], after everything else."""
        for include_usage in (True, False):
            writer = ChatStream(context(include_usage))
            stream = writer.write([TextDelta("a"), STOP, USAGE]) + writer.close()
            self.assertTrue(stream.endswith(DONE))
            self.assertEqual(stream.count(DONE), 1)
