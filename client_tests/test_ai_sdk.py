"""Vercel's AI SDK: https://ai-sdk.dev/providers/ai-sdk-providers/openai, its Responses model."""

from __future__ import annotations

from collections.abc import Mapping

from client_tests import conversations
from client_tests.clients import PROJECT, SIGNED, SIGNER, TALK

REASONS = "gpt-5"
"""A name that the SDK knows as one of a model that reasons, so that it asks otherwise; agd maps it to ``SIGNED``."""


class AiSdkTests(conversations.ConversationTestCase):
    """``generateText`` and ``streamText`` where responses are kept: the second step refers to items of the first."""

    program = ("node", str(PROJECT / "client_tests" / "node" / "ai_sdk.mjs"))
    variables: Mapping[str, str] = {"STORE": "true"}

    def test_finish(self) -> None:
        """The reason and the tokens are where the SDK keeps them."""
        self.simulator.cue({"thought": "The sea it is.", "text": "It is wet."})
        seen = self.see("plain", SIGNED, TALK)
        self.assertEqual((seen["text"], seen["finish"], seen["tokens"]), ("It is wet.", "stop", 4 + 3))

    def test_parse(self) -> None:
        """``Output.object`` gives what the zod schema describes."""
        self.assert_reads_out("parse", SIGNED)

    def test_thought_goes_round(self) -> None:
        """What was thought and said before a call comes back to the model, with the signature of the call."""
        call = {"name": "get_weather", "args": {"city": "Rome", "days": 1}}
        for model in (SIGNED, REASONS):
            self.simulator.cue({"thought": "A city.", "text": "I look.", "calls": [call]}, {"text": "Rain."})
            self.assertEqual(self.see("tools", model, TALK)["text"], "Rain.")
            *_, called, _ = self.simulator.last["body"]["contents"]
            self.assertEqual([part["text"] for part in called["parts"] if "text" in part], ["I look."])
            (made,) = (part for part in called["parts"] if "functionCall" in part)
            self.assertEqual(made["functionCall"]["args"], call["args"])
            self.assertTrue(made["thoughtSignature"].startswith(SIGNER), made)


class AiSdkStatelessTests(AiSdkTests):
    """The same where nothing is kept: the second step sends the items of the first, encrypted reasoning with them."""

    variables = {"STORE": "false"}
