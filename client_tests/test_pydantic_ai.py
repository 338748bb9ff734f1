"""Pydantic AI: https://ai.pydantic.dev."""

from __future__ import annotations

from client_tests import conversations
from client_tests.clients import CLASSIC, SIGNED, TALK


class PydanticAITests(conversations.ConversationTestCase):
    """``Agent`` over ``OpenAIChatModel``."""

    program = ("python", "-m", "client_tests.programs.pydantic_agent")

    def test_usage(self) -> None:
        """The tokens are where Pydantic AI keeps them."""
        seen = self.see("plain", CLASSIC, TALK)
        self.assertEqual(seen["tokens"], len(seen["text"].split()))

    def test_function(self) -> None:
        """An output type is filled by a forced call."""
        for model in (CLASSIC, SIGNED):
            self.assert_reads_out("function", model)

    def test_schema(self) -> None:
        """``NativeOutput`` is filled by a structured answer."""
        self.assert_reads_out("schema", CLASSIC)


class PydanticAIResponsesTests(conversations.ConversationTestCase):
    """``Agent`` over ``OpenAIResponsesModel``."""

    program = PydanticAITests.program
    surface = "responses"

    def test_function(self) -> None:
        """An output type is filled by a forced call."""
        self.assert_reads_out("function", SIGNED)
