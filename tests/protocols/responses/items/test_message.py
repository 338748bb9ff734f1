"""Messages: probabilities of their tokens."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import CodePart, Event, LogProbs, TextDelta, ThoughtDelta, TokenLogprob
from agd.protocols.responses.narration import Narration
from tests.protocols.responses.telling import LOGPROBS, STOP, asking, narrate, output


def probable(*tokens: str) -> LogProbs:
    """Return probabilities of these tokens."""
    return LogProbs(tuple(TokenLogprob(token, -0.5, ((token, -0.5), ("x", -0.1))) for token in tokens))


def told(*writes: list[Event]) -> list[dict[str, Any]]:
    """Tell an answer to a client that wants probabilities."""
    return narrate(Narration(asking(LOGPROBS)), *writes)


def tokens(entries: list[dict[str, Any]]) -> list[str]:
    """Return the tokens of entries."""
    return [entry["token"] for entry in entries]


class LogprobTests(SynchronousTestCase):
    """I32: message.output_text.logprobs."""

    def test_I32_with_their_text(self) -> None:
        """Probabilities that come with their text are told with it, and once more with the whole."""
        events = told([TextDelta("Hel"), probable("Hel")], [TextDelta("lo"), probable("lo"), STOP])
        deltas = [tokens(event["logprobs"]) for event in events if event["type"] == "response.output_text.delta"]
        done = next(event for event in events if event["type"] == "response.output_text.done")
        self.assertEqual((deltas, tokens(done["logprobs"])), ([["Hel"], ["lo"]], ["Hel", "lo"]))
        part = output(events)[0]["content"][0]
        self.assertEqual(part["logprobs"], done["logprobs"])
        self.assertEqual(tokens(part["logprobs"][0]["top_logprobs"]), ["x", "Hel"])
        self.assertEqual(part["logprobs"][0]["bytes"], [72, 101, 108])

    def test_I32_at_the_end(self) -> None:
        """Probabilities that come with the last chunk are told when the text is complete."""
        events = told([TextDelta("Hel")], [TextDelta("lo")], [probable("Hel", "lo"), STOP])
        self.assertEqual(tokens(output(events)[0]["content"][0]["logprobs"]), ["Hel", "lo"])

    def test_I32_of_several_messages(self) -> None:
        """Each message has those of its own words; code that is shown in between has none."""
        said: list[Event] = [TextDelta("a"), CodePart("x", "python"), TextDelta("b"), ThoughtDelta("t"), TextDelta("c")]
        events = told([*said, probable("a", "b", "c"), STOP])
        found = [tokens(item["content"][0]["logprobs"]) for item in output(events) if item["type"] == "message"]
        self.assertEqual(found, [["a", "b"], ["c"]])

    def test_I32_too_late(self) -> None:
        """Those of a message that is closed are not put into the next one."""
        events = told([TextDelta("a"), ThoughtDelta("t"), TextDelta("c")], [probable("a", "c"), STOP])
        found = [tokens(item["content"][0]["logprobs"]) for item in output(events) if item["type"] == "message"]
        self.assertEqual(found, [[], ["c"]])

    def test_I32_not_wanted(self) -> None:
        """A client that did not ask for them gets none."""
        events = narrate(Narration(asking()), [TextDelta("a"), probable("a"), STOP])
        self.assertEqual(output(events)[0]["content"][0]["logprobs"], [])

    def test_cut_character(self) -> None:
        """The bytes of half a character are not known."""
        events = told([TextDelta("\N{SNOWMAN}"), probable("\N{REPLACEMENT CHARACTER}"), STOP])
        self.assertEqual(output(events)[0]["content"][0]["logprobs"][0]["bytes"], [])
