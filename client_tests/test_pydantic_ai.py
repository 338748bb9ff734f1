"""Pydantic AI: https://ai.pydantic.dev."""

from __future__ import annotations

from client_tests import conversations
from client_tests.clients import CLASSIC, SIGNED, TALK, TWO_CITIES, WEATHER, ClientTestCase
from client_tests.state import SLOWLY, TOLD, assert_whole_conversation


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


class PydanticAIStateTests(ClientTestCase):
    """``OpenAIResponsesModel`` with what agd keeps."""

    program = ("python", "-m", "client_tests.programs.pydantic_agent_state")

    def test_chain(self) -> None:
        """``openai_previous_response_id="auto"``: the upstream gets the whole conversation."""
        self.simulator.cue(*({"text": text} for text in TOLD))
        self.assertEqual(self.see("chain", SIGNED, TALK)["texts"], list(TOLD))
        assert_whole_conversation(self, self.simulator.last["body"]["contents"])

    def test_background(self) -> None:
        """``openai_background``: the agent looks until it is done, in each step of a round of tools."""
        text = f"{WEATHER} {SLOWLY}"
        seen = self.see("background", SIGNED, text)
        self.assertEqual(seen["calls"], [["get_weather", {"city": "Berlin", "days": 3}]])
        self.assert_results_arrived(WEATHER, seen["text"])

    def test_stateless(self) -> None:
        """``openai_store=False``: the thought before a call goes round as encrypted reasoning."""
        call = {"name": "get_weather", "args": {"city": "Rome", "days": 1}}
        self.simulator.cue({"thought": "A city.", "calls": [call]}, {"text": "Rain."})
        self.assertEqual(
            self.see("stateless", SIGNED, TALK), {"calls": [["get_weather", call["args"]]], "text": "Rain."}
        )

    def test_socket(self) -> None:
        """``openai_transport="websocket"``: a round of tools on one socket, of which nothing is stored."""
        self.assert_tools_went_round(TWO_CITIES, self.see("socket", SIGNED, TWO_CITIES))
        self.assertNotIn("POST /v1/responses", self.log)

    def test_lanes(self) -> None:
        """Four rounds at once on one socket, each on its lane (``stream_id``), do not mix."""
        for seen in self.see("lanes", SIGNED, TWO_CITIES):
            self.assert_tools_went_round(TWO_CITIES, seen)
        self.assertNotIn("POST /v1/responses", self.log)
        self.assertEqual(self.simulator.record["total"], 8)
