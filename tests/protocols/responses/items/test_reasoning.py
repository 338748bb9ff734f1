"""Reasoning items as carriers of provider state."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Event, MediaPart, OpaquePart, TextDelta, ThoughtDelta
from agd.protocols.responses.narration import Narration
from tests.protocols.answers import TOKEN, call
from tests.protocols.responses.telling import ENCRYPTED, STOP, asking, narrate, output, seal, unseal

CALL = {"kind": "call", "id": "call_0", "signature": "c2ln"}


def carried(*events: Event) -> list[Any]:
    """Return the output: the type of each item, and what it carries where it carries something."""
    items = output(narrate(Narration(asking(ENCRYPTED), seal), [*events, STOP]))
    return [(item["type"], unseal(sealed)) if (sealed := item.get("encrypted_content")) else item["type"]
            for item in items]  # fmt: skip


class CarrierTests(SynchronousTestCase):
    """I31, I32: reasoning.encrypted_content."""

    def test_I14_thoughts_carry(self) -> None:
        """An open reasoning item carries the signature of the call that ends it."""
        self.assertEqual(
            carried(ThoughtDelta("t"), *call(0, "tool", "{}", signature="c2ln")),
            [("reasoning", [CALL]), "function_call"],
        )

    def test_I32_before_a_call(self) -> None:
        """A signed call without thoughts is preceded by reasoning without words."""
        events = [TextDelta("a"), *call(0, "tool", "{}", signature="c2ln")]
        self.assertEqual(carried(*events), ["message", ("reasoning", [CALL]), "function_call"])

    def test_I32_after_a_message(self) -> None:
        """The signature of words is carried behind their message."""
        text = {"kind": "text", "id": f"msg_{TOKEN}_0", "length": 1, "signatures": [[1, "c2ln"]]}
        self.assertEqual(carried(TextDelta("a", signature="c2ln")), ["message", ("reasoning", [text])])

    def test_I32_at_the_end(self) -> None:
        """What nothing else carries is carried at the end."""
        image = {"kind": "image", "id": f"ig_{TOKEN}_0", "signature": "c2ln"}
        opaque = {"kind": "opaque", "after": f"ig_{TOKEN}_0", "data": {"x": {}}}
        events: list[Event] = [MediaPart("image/png", "aGk=", signature="c2ln"), OpaquePart({"x": {}})]
        self.assertEqual(carried(*events), ["image_generation_call", ("reasoning", [image, opaque])])

    def test_I14_encrypted_on_done(self) -> None:
        """State is shown when the item closes, not when it opens."""
        events = narrate(
            Narration(asking(ENCRYPTED), seal), [ThoughtDelta("t"), *call(0, "tool", signature="c2ln"), STOP]
        )
        shown = [event["type"] for event in events if "encrypted_content" in event.get("item", {})]
        self.assertEqual(shown, ["response.output_item.done"])

    def test_nothing_to_carry(self) -> None:
        """An answer without state has no carrier."""
        self.assertEqual(carried(ThoughtDelta("t"), TextDelta("a")), ["reasoning", "message"])

    def test_kept_instead(self) -> None:
        """A client that does not ask for it gets nothing sealed: the state is remembered."""
        for include, sealing in (((), seal), ((ENCRYPTED,), None)):
            narration = Narration(asking(*include), sealing)
            items = output(narrate(narration, [ThoughtDelta("t"), *call(0, "tool", signature="c2ln"), STOP]))
            self.assertNotIn("encrypted_content", items[0])
            self.assertEqual(narration.memory, [CALL])
