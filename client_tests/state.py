"""What a client of Responses must be able to do with what agd keeps; its test module says how the client is run."""

from __future__ import annotations

import json
from typing import Any

from client_tests.clients import CLASSIC, SIGNED, TALK, TWO_CITIES, ClientTestCase
from tests.e2e.processes import until

TOLD = ("First.", "Second.", "Third.")
ASKED = (TALK, "And then?", "And at last?")
SLOWLY = "[[chunk=1 pause=0.02 words=60]]"
SUMMARY = "They talked two hundred times about the sea."


def assert_whole_conversation(case: ClientTestCase, contents: Any) -> None:
    """See that the last of three turns was asked with all that had been said before it."""
    said = [(content["role"], "".join(part.get("text", "") for part in content["parts"])) for content in contents]
    first, second, third = ASKED
    case.assertEqual(said, [("user", first), ("model", TOLD[0]), ("user", second), ("model", TOLD[1]), ("user", third)])


class StateTestCase(ClientTestCase):
    """Conversations, stored responses, background, counting, compaction, sockets."""

    def test_chain(self) -> None:
        """Three turns by ``previous_response_id``: the upstream gets the whole conversation, in order, signed."""
        for model in (CLASSIC, SIGNED):
            self.simulator.cue(*({"text": text} for text in TOLD))
            seen = self.see("chain", model, TALK)
            self.assertEqual(seen["texts"], list(TOLD))
            self.assertEqual(seen["previous"], [None, *seen["ids"][:2]])
            assert_whole_conversation(self, self.simulator.last["body"]["contents"])

    def test_chain_tools(self) -> None:
        """Results alone are enough: their calls are known, with their signatures."""
        seen = self.see("chain_tools", SIGNED, TWO_CITIES)
        self.assert_tools_went_round(TWO_CITIES, seen)

    def test_stored(self) -> None:
        """A response is kept as it was told, with what was asked; deleted, it is known to nobody."""
        seen = self.see("stored", SIGNED, TALK)
        self.assertEqual((seen["same"], seen["asked"], seen["metadata"]), (True, [TALK], {"topic": "sea"}))
        self.assertEqual(seen["gone"]["status"], 404)
        self.assertEqual(
            seen["followed"], {"status": 400, "code": "previous_response_not_found", "param": "previous_response_id"}
        )

    def test_unstored(self) -> None:
        """``store: false`` keeps nothing."""
        seen = self.see("unstored", SIGNED, TALK)
        self.assertEqual((seen["store"], seen["gone"]["status"]), (False, 404))

    def test_background(self) -> None:
        """A background response is begun at once and done later."""
        seen = self.see("background", SIGNED, f"{TALK} {SLOWLY}")
        self.assertIn(seen["begun"], {"queued", "in_progress"})
        self.assertEqual((seen["status"], seen["background"]), ("completed", True))
        self.assertIn(TALK, seen["text"])

    def test_cancel(self) -> None:
        """A cancelled response stays cancelled, and the upstream's call is aborted."""
        seen = self.see("cancel", SIGNED, f"{TALK} [[words=5000 pause=0.05]]")
        self.assertEqual((seen["cancelled"], seen["status"]), (["cancelled"] * 2, "cancelled"))
        until("the end of the call", lambda: self.simulator.record["live"] == 0)
        self.assertNotIn("complete", [call["outcome"] for call in self.simulator.record["calls"]])

    def test_resumed(self) -> None:
        """A stream that was left is taken up where it was left: no event is missing, none comes twice."""
        seen = self.see("resumed", SIGNED, f"{TALK} {SLOWLY}")
        self.assertEqual(seen["numbers"], list(range(len(seen["types"]))))
        self.assertEqual((seen["types"][0], seen["types"][-1]), ("response.created", "response.completed"))
        self.assertEqual("".join(seen["deltas"]), seen["text"])
        self.assertTrue(seen["again"])
        self.assertEqual(self.simulator.record["total"], 1)

    def test_count(self) -> None:
        """Tokens are counted as the model counts them, with the conversation before."""
        seen = self.see("count", CLASSIC, TALK)
        self.assertEqual(seen["alone"], seen["used"])
        self.assertGreater(seen["after"], 2 * seen["alone"])

    def test_compact(self) -> None:
        """What is left of a long conversation is smaller, and the next turn is asked with that and nothing else."""
        self.simulator.cue({"text": SUMMARY}, {"text": TOLD[1]})
        seen = self.see("compact", SIGNED, TALK)
        self.assertEqual((seen["object"], seen["text"]), ("response.compaction", TOLD[1]))
        self.assertIn("compaction", seen["types"])
        self.assertGreater(seen["tokens"], 0)
        before, after = seen["sizes"]
        self.assertLess(after, before)
        asked = json.dumps(self.simulator.last["body"]["contents"])
        self.assertIn(SUMMARY, asked)
        self.assertNotIn(f'"{TALK} 0"', asked)

    def test_socket(self) -> None:
        """Three turns on one socket with nothing stored; an unknown response is an error, and the socket lives on."""
        self.simulator.cue(*({"text": text} for text in TOLD))
        seen = self.see("socket", SIGNED, TALK)
        self.assertEqual((seen["types"][0], seen["types"][-1]), ("response.created", "response.completed"))
        self.assertEqual(["".join(deltas) for deltas in seen["deltas"]], list(TOLD))
        self.assertEqual(seen["texts"], list(TOLD))
        self.assertEqual(seen["previous"], [None, *seen["ids"][:2]])
        self.assertEqual(seen["gone"]["status"], 404)
        self.assertEqual(seen["wrong"], {"type": "error", "status": 400, "code": "previous_response_not_found"})
        self.assertEqual(seen["alive"], "response.completed")

    def test_socket_tools(self) -> None:
        """A round of tools on one socket with nothing stored: the connection keeps the signatures."""
        self.assert_tools_went_round(TWO_CITIES, self.see("socket_tools", SIGNED, TWO_CITIES))
