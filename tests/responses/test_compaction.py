"""Conversations made short, and those that are too long."""

from __future__ import annotations

from collections.abc import Sequence

from agd.conversation import Event, Message, Text, TextDelta
from agd.encoding import encode
from agd.errors import GatewayError
from agd.gateway import Trail
from tests.protocols.responses.telling import approved, kinds
from tests.responses.stage import ANN, BOB, STOP, EngineTestCase, words

LONG = [
    {"role": "user", "content": "Please mend the parser. " * 20},
    {"role": "assistant", "content": "I have looked at every line of it. " * 200},
    {"role": "user", "content": "And the tests?"},
]
TOO_LONG = GatewayError(
    400,
    "The input token count (2000) exceeds the maximum number of tokens allowed (1000).",
    code="context_length_exceeded",
)


class CompactTests(EngineTestCase):
    """``/v1/responses/compact``."""

    def compact(
        self, owner: str = ANN, summary: str = "The parser is mended; the tests are not.", **body: object
    ) -> dict:  # type: ignore[type-arg]
        """Have a conversation made short."""
        made = self.start(self.engine.compact({"model": "mine", **body}, owner, Trail("req_1")))
        self.asked().answer(self.answer(words(summary)))
        return self.successResultOf(made)

    def test_I43_smaller(self) -> None:
        """The result is smaller, keeps the user's newest words as they were, and says what the summary cost."""
        compacted = self.compact(input=LONG)
        self.assertEqual(compacted["object"], "response.compaction")
        self.assertLess(len(encode(compacted["output"])), len(encode(LONG)) / 2)
        *kept, item = compacted["output"]
        self.assertEqual(item["type"], "compaction")
        self.assertEqual(kept[-1]["content"], [{"type": "input_text", "text": "And the tests?"}])
        self.assertEqual(compacted["usage"]["total_tokens"], 5)

    def test_I43_answered_from(self) -> None:
        """A following turn answers from the summary, which nobody but its owner can read."""
        compacted = self.compact(input=LONG)
        sent = [*compacted["output"], {"role": "user", "content": "Go on."}]
        turn = self.begin(input=sent)
        said = [part.text for message in turn.prompt.messages for part in message.parts if isinstance(part, Text)]
        self.assertTrue(any("The parser is mended" in text for text in said), said)
        self.assertNotIn("mended", compacted["output"][-1]["encrypted_content"])
        foreign = self.begin(BOB, input=sent)
        self.assertFalse(any("mended" in str(message.parts) for message in foreign.prompt.messages))
        self.assertIn("input[].encrypted_content", [notice.param for notice in foreign.prompt.notices])

    def test_I43_gone_on_from(self) -> None:
        """What the client kept beside the summary stays in the conversation at every further turn."""
        compacted = self.compact(input=LONG)
        sent = [*compacted["output"], {"role": "user", "content": "Go on."}]
        before = self.whole(words("Long ago."), input="Hello")
        first = self.whole(words("Gone on."), input=sent, previous_response_id=before["id"])
        second = self.whole(words("Ready."), input="And then?", previous_response_id=first["id"])
        turn = self.begin(input="Well?", previous_response_id=second["id"])
        said = [part.text for message in turn.prompt.messages for part in message.parts if isinstance(part, Text)]
        self.assertEqual(said[1], "And the tests?")
        self.assertEqual(said[3:], ["Go on.", "Gone on.", "And then?", "Ready.", "Well?"])

    def test_I43_stored_conversation(self) -> None:
        """A stored conversation can be made short by the id of its end."""
        first = self.whole(words("I have looked."), input="Mend the parser.")
        self.compact(previous_response_id=first["id"])
        asked = self.asked().prompt
        self.assertEqual(asked.messages[1], Message("assistant", (Text("I have looked."),)))
        self.assertIn("handover note", str(asked.messages[-1].parts))

    def test_no_summary(self) -> None:
        """A model that writes no summary is an error: nothing is lost for it."""
        made = self.start(self.engine.compact({"model": "mine", "input": LONG}, ANN, Trail("")))
        self.asked().answer(self.answer([STOP]))
        error: GatewayError = self.failureResultOf(made, GatewayError).value
        self.assertEqual((error.status, error.code), (502, "compaction_failed"))


class TriggerTests(EngineTestCase):
    """A ``compaction_trigger`` at the end of a request's input."""

    def test_I23_triggered(self) -> None:
        """The answer is one compaction item, in a legal stream, and the next turn starts from it alone."""
        turn = self.begin(input=[*LONG, {"type": "compaction_trigger"}], stream=True)
        opened = self.start(turn.open())
        self.asked().answer(self.answer(words("A summary.")))
        source = self.successResultOf(opened)
        frames: list[tuple[str, bytes]] = []

        class Sink:
            def take(self, events: Sequence[Event]) -> None:
                frames.extend(turn.narration.write(events))

        self.successResultOf(source.pour(Sink()))
        events = approved([*frames, *self.get(turn.conclude())])
        self.assertEqual(
            kinds(events), ["created", "in_progress", "output_item.added", "output_item.done", "completed"]
        )
        self.assertEqual([item["type"] for item in events[-1]["response"]["output"]], ["compaction"])
        after = self.begin(previous_response_id=turn.id, input="Go on.")
        said = [part.text for message in after.prompt.messages for part in message.parts if isinstance(part, Text)]
        self.assertIn("A summary.", said[0])
        self.assertEqual(said[-1], "Go on.")
        self.assertNotIn("Please mend", "".join(said))

    def test_I23_tools(self) -> None:
        """Tools that were added before stay declared behind the summary."""
        tools = [{"type": "function", "name": "add", "parameters": {"type": "object"}}]
        added = {"type": "additional_tools", "role": "developer", "tools": tools}
        first = self.whole(input=[added, *LONG])
        whole = self.whole(
            words("A summary."), input=[{"type": "compaction_trigger"}], previous_response_id=first["id"]
        )
        after = self.begin(previous_response_id=whole["id"], input="Go on.")
        self.assertEqual([tool.name for tool in after.prompt.tools], ["add"])
        self.assertEqual(len(after.prompt.messages), 2)

    def test_I23_plain(self) -> None:
        """The same without a stream."""
        whole = self.whole(words("A summary."), input=[*LONG, {"type": "compaction_trigger"}])
        self.assertEqual([item["type"] for item in whole["output"]], ["compaction"])
        self.assertEqual(whole["status"], "completed")


class TruncationTests(EngineTestCase):
    """``truncation`` for a conversation that its model does not take."""

    def test_I34_auto(self) -> None:
        """The oldest rounds are left out, with a notice, until the model takes the rest."""
        turn = self.begin(input=LONG, truncation="auto")
        made = self.start(turn.whole())
        self.asked().fail(TOO_LONG)
        self.assertEqual([message.role for message in self.asked().prompt.messages], ["user"])
        self.asked().answer(self.answer())
        self.assertEqual(self.successResultOf(made)["truncation"], "auto")
        self.assertIn("truncation", [notice.param for notice in turn.trail.notices])

    def test_I34_summary(self) -> None:
        """So is what is to be made short: that is wanted when there is too much."""
        made = self.start(self.begin(input=[*LONG, {"type": "compaction_trigger"}], truncation="auto").whole())
        self.asked().fail(TOO_LONG)
        self.assertEqual(len(self.asked().prompt.messages), 2)
        self.asked().answer(self.answer(words("A summary.")))
        self.assertEqual([item["type"] for item in self.successResultOf(made)["output"]], ["compaction"])

    def test_I34_last_round(self) -> None:
        """What cannot be made shorter is refused as it is."""
        made = self.start(self.begin(input="hi", truncation="auto").whole())
        self.asked().fail(TOO_LONG)
        self.assertEqual(self.failureResultOf(made, GatewayError).value, TOO_LONG)

    def test_I34_disabled(self) -> None:
        """By default nothing is left out."""
        made = self.start(self.begin(input=LONG).whole())
        self.asked().fail(TOO_LONG)
        self.assertEqual(self.failureResultOf(made, GatewayError).value, TOO_LONG)


class CountTests(EngineTestCase):
    """``/v1/responses/input_tokens``."""

    def test_I43_counted(self) -> None:
        """What is counted is the whole conversation that would be sent."""
        first = self.whole(words("I am agd."))
        body = {"model": "mine", "input": "x", "previous_response_id": first["id"]}
        counted = self.start(self.engine.count(body, ANN, Trail("req_1")))
        self.assertEqual(len(self.asked().prompt.messages), 3)
        self.asked().answer(17)
        self.assertEqual(self.successResultOf(counted), {"object": "response.input_tokens", "input_tokens": 17})

    def test_stream_is_told(self) -> None:
        """A turn that streams is told as it comes."""
        turn = self.begin(stream=True)
        self.assertEqual(kinds(self.told(turn, [TextDelta("a"), STOP]))[-1], "completed")
