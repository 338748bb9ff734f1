"""What every client must be able to do; its test module says how the client is run."""

from __future__ import annotations

from client_tests.clients import CLASSIC, INVOICE, READ_OUT, SIGNED, TALK, TWO_CITIES, WEATHER, ClientTestCase


class ConversationTestCase(ClientTestCase):
    """A plain answer, a stream and a round of tools, on models with and without signatures."""

    def test_plain(self) -> None:
        """The client has the text as agd wrote it."""
        seen = self.see("plain", CLASSIC, TALK)
        self.assertEqual(seen["text"], self.said(CLASSIC, TALK))

    def test_stream(self) -> None:
        """The client gets the text in pieces that make the plain answer, and the upstream was asked for a stream."""
        seen = self.see("stream", SIGNED, TALK)
        self.assertEqual(self.simulator.record["calls"][-1]["op"], "streamGenerateContent")
        self.assertGreater(len(seen["deltas"]), 3)
        self.assertEqual("".join(seen["deltas"]), self.said(SIGNED, TALK))

    def test_tools(self) -> None:
        """A call, its result, and an answer that knows the result."""
        self.assert_round("tools")

    def test_stream_tools(self) -> None:
        """The same with streams, which the client puts together by itself."""
        self.assert_round("stream_tools")

    def assert_round(self, scenario: str) -> None:
        """One call goes round, and two that come together do."""
        for model, text in ((CLASSIC, WEATHER), (SIGNED, TWO_CITIES)):
            self.assert_tools_went_round(text, self.see(scenario, model, text))

    def assert_reads_out(self, scenario: str, model: str) -> None:
        """The client makes its own object of a structured answer."""
        self.assertEqual(self.see(scenario, model, INVOICE), READ_OUT)
