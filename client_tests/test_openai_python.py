"""openai-python: https://github.com/openai/openai-python."""

from __future__ import annotations

from client_tests import conversations, state
from client_tests.clients import CLASSIC, INVOICE, READ_OUT, SIGNED, TALK, TWO_CITIES


class OpenAIPythonTests(conversations.ConversationTestCase):
    """The library, its helpers and its asynchronous client."""

    program = ("python", "-m", "client_tests.programs.openai_python")

    def test_finish(self) -> None:
        """Plain and stream tell the same reason, the model is the one asked for, and the stream has usage."""
        plain, stream = self.see("plain", CLASSIC, TALK), self.see("stream", CLASSIC, TALK)
        self.assertEqual((plain["finish"], plain["model"], stream["finish"]), ("stop", CLASSIC, "stop"))
        self.assertEqual(stream["tokens"], len(plain["text"].split()))

    def test_asynchronous(self) -> None:
        """The asynchronous client sees the same."""
        seen, said = self.see("asynchronous", CLASSIC, TALK), self.said(CLASSIC, TALK)
        self.assertEqual((seen["text"], "".join(seen["deltas"])), (said, said))

    def test_asynchronous_tools(self) -> None:
        """The asynchronous client gets through a round of tools."""
        self.assert_tools_went_round(TWO_CITIES, self.see("asynchronous_tools", SIGNED, TWO_CITIES))

    def test_parse(self) -> None:
        """``parse`` gives an instance of the pydantic model."""
        self.assert_reads_out("parse", CLASSIC)

    def test_stream_parse(self) -> None:
        """``stream`` parses what came in pieces."""
        seen = self.see("stream_parse", SIGNED, INVOICE)
        self.assertEqual(seen["parsed"], READ_OUT)
        self.assertGreater(seen["pieces"], 0)

    def test_refused(self) -> None:
        """A wrong key is the library's ``AuthenticationError``, and no account is asked."""
        self.assertEqual(self.see("refused", CLASSIC, TALK), {"status": 401, "code": "invalid_api_key"})
        self.assertEqual(self.simulator.asked, [])


class OpenAIPythonResponsesTests(conversations.ConversationTestCase):
    """The library's Responses."""

    program = ("python", "-m", "client_tests.programs.openai_python_responses")

    def test_parse(self) -> None:
        """``responses.parse`` gives an instance of the pydantic model."""
        self.assert_reads_out("parse", SIGNED)


class OpenAIPythonStateTests(state.StateTestCase):
    """The library's Responses that are kept."""

    program = ("python", "-m", "client_tests.programs.openai_python_state")
