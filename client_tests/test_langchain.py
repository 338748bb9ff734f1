"""langchain-openai: https://docs.langchain.com."""

from __future__ import annotations

from client_tests import conversations
from client_tests.clients import CLASSIC, SIGNED, TALK


class LangChainTests(conversations.ConversationTestCase):
    """``ChatOpenAI``."""

    program = ("python", "-m", "client_tests.programs.langchain_chat")

    def test_finish(self) -> None:
        """The reason and the tokens are where LangChain keeps them."""
        seen = self.see("plain", CLASSIC, TALK)
        self.assertEqual((seen["finish"], seen["tokens"]), ("stop", len(seen["text"].split())))

    def test_asynchronous(self) -> None:
        """``ainvoke`` and ``astream`` see the same."""
        seen, said = self.see("asynchronous", SIGNED, TALK), self.said(SIGNED, TALK)
        self.assertEqual((seen["text"], "".join(seen["deltas"])), (said, said))

    def test_schema(self) -> None:
        """``with_structured_output`` gives an instance of the pydantic model."""
        self.assert_reads_out("schema", CLASSIC)

    def test_function(self) -> None:
        """So it does by a forced call."""
        self.assert_reads_out("function", SIGNED)


class LangChainResponsesTests(conversations.ConversationTestCase):
    """``ChatOpenAI`` with ``use_responses_api``."""

    program = LangChainTests.program
    surface = "responses"

    def test_schema(self) -> None:
        """``with_structured_output`` gives an instance of the pydantic model."""
        self.assert_reads_out("schema", SIGNED)
