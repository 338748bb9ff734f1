"""openai-node: https://github.com/openai/openai-node."""

from __future__ import annotations

from client_tests import conversations, state
from client_tests.clients import CLASSIC, PROJECT, SIGNED, TALK


class OpenAINodeTests(conversations.ConversationTestCase):
    """The library with its tool runner and its zod helpers."""

    program = ("node", str(PROJECT / "client_tests" / "node" / "openai_node.mjs"))

    def test_finish(self) -> None:
        """Plain and stream tell the same reason, and the model is the one asked for."""
        plain, stream = self.see("plain", CLASSIC, TALK), self.see("stream", CLASSIC, TALK)
        self.assertEqual((plain["finish"], plain["model"], stream["finish"]), ("stop", CLASSIC, "stop"))

    def test_parse(self) -> None:
        """``parse`` gives what the zod schema describes."""
        self.assert_reads_out("parse", CLASSIC)

    def test_stream_parse(self) -> None:
        """``stream`` parses what came in pieces."""
        self.assert_reads_out("stream_parse", SIGNED)

    def test_refused(self) -> None:
        """A wrong key is the library's ``AuthenticationError``, and no account is asked."""
        self.assertEqual(self.see("refused", CLASSIC, TALK), {"status": 401, "code": "invalid_api_key"})
        self.assertEqual(self.simulator.asked, [])


class OpenAINodeResponsesTests(conversations.ConversationTestCase):
    """The library's Responses."""

    program = ("node", str(PROJECT / "client_tests" / "node" / "openai_node_responses.mjs"))

    def test_parse(self) -> None:
        """``responses.parse`` gives what the zod schema describes."""
        self.assert_reads_out("parse", SIGNED)


class OpenAINodeStateTests(state.StateTestCase):
    """The library's Responses that are kept."""

    program = ("node", str(PROJECT / "client_tests" / "node" / "openai_node_state.mjs"))
