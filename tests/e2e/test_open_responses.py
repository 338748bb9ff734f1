"""Open Responses (https://www.openresponses.org), as its published compliance tests ask over the wire.

Each request is made plain, as a stream and over a WebSocket; all that comes back is held against the schemas of Open
Responses and of OpenAI and against the types of OpenAI's library.
"""

from __future__ import annotations

from typing import Any

from tests.e2e.exchange import ask
from tests.e2e.responses import MODEL, PATH, made, told
from tests.e2e.stage import StagedTestCase
from tests.e2e.websocket import WebSocket
from tests.protocols.responses.legality import check
from tests.protocols.schemas import OPEN_RESPONSES, validate, validate_event, validate_response

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "Get the current weather for a location",
    "parameters": {
        "type": "object",
        "properties": {"location": {"type": "string", "description": "The city and state, e.g. San Francisco, CA"}},
        "required": ["location"],
    },
}
DOT = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
)


def said(role: str, content: Any) -> dict[str, Any]:
    """Return a message."""
    return {"type": "message", "role": role, "content": content}


class OpenResponsesTests(StagedTestCase):
    """One test for each published one, over every transport."""

    def everywhere(self, *cues: dict[str, Any], **body: Any) -> list[dict[str, Any]]:
        """Ask in all three ways, with the same cues, and return what the three Responses are in the end."""
        ends = []
        for ask_one in (self._plain, self._streamed, self._over_a_socket):
            self.simulator.cue(*cues)
            ends.append(ask_one(body))
            validate_response(ends[-1])
        kinds = [[item["type"] for item in end["output"]] for end in ends]
        self.assertEqual(kinds[1:], kinds[:-1])
        return ends

    def _plain(self, body: dict[str, Any]) -> dict[str, Any]:
        return made(self.port, **body)

    def _streamed(self, body: dict[str, Any]) -> dict[str, Any]:
        return self._valid(told(self.port, **body))

    def _over_a_socket(self, body: dict[str, Any]) -> dict[str, Any]:
        with WebSocket(self.port) as socket:
            events = socket.ask(model=MODEL, **body)
        check(events)
        return self._valid(events)

    def _valid(self, events: list[dict[str, Any]]) -> dict[str, Any]:
        for event in events:
            validate_event(event)
        response: dict[str, Any] = events[-1]["response"]
        return response

    def assert_completed(self, *cues: dict[str, Any], **body: Any) -> None:
        """See that there is an output, and that it is complete."""
        for end in self.everywhere(*cues, **body):
            self.assertEqual(end["status"], "completed")
            self.assertTrue(end["output"])

    def test_basic(self) -> None:
        """A simple message of the user."""
        self.assert_completed(input=[said("user", "Say hello in exactly 3 words.")])

    def test_string(self) -> None:
        """The same as a string."""
        self.assert_completed(input="Say hello in exactly 3 words.")

    def test_system_prompt(self) -> None:
        """A message of the system goes before."""
        messages = [said("system", "You are a pirate. Always respond in pirate speak."), said("user", "Say hello.")]
        self.assert_completed(input=messages)
        self.assertIn("pirate", str(self.simulator.last["body"]["systemInstruction"]))

    def test_tool(self) -> None:
        """A function is called, and its arguments are told piece by piece and whole."""
        asked = [said("user", 'What is the weather like in "San Francisco"?')]
        for end in self.everywhere(input=asked, tools=[WEATHER]):
            (call,) = (item for item in end["output"] if item["type"] == "function_call")
            self.assertEqual((call["name"], call["arguments"]), ("get_weather", '{"location":"San Francisco"}'))

    def test_picture(self) -> None:
        """A picture of the user."""
        content = [{"type": "input_text", "text": "What do you see?"}, {"type": "input_image", "image_url": DOT}]
        self.assert_completed(input=[said("user", content)])

    def test_turns(self) -> None:
        """A conversation sent whole."""
        turns = [
            said("user", "My name is Alice."),
            said("assistant", "Hello Alice! Nice to meet you. How can I help you today?"),
            said("user", "What is my name?"),
        ]
        self.assert_completed(input=turns)
        self.assertEqual([turn["role"] for turn in self.simulator.last["body"]["contents"]], ["user", "model", "user"])

    def test_reasoning(self) -> None:
        """Thoughts are an item of their own, before the message."""
        cue = {"thought": "A greeting.", "text": "Hello."}
        for end in self.everywhere(cue, input="Hello", reasoning={"summary": "auto"}):
            self.assertEqual([item["type"] for item in end["output"]], ["reasoning", "message"])

    def test_incomplete(self) -> None:
        """An answer that reached its limit is incomplete."""
        for end in self.everywhere({"text": "It goes", "finish": "MAX_TOKENS"}, input="Tell", max_output_tokens=16):
            self.assertEqual(
                (end["status"], end["incomplete_details"]), ("incomplete", {"reason": "max_output_tokens"})
            )

    def test_cut(self) -> None:
        """An answer that breaks off ends with the event that says so, after all that had come."""
        for ask_one in (self._streamed, self._over_a_socket):
            for key in self.simulator.keys:
                self.simulator.fault(key, {"kind": "cut", "chunks": 3, "times": 1})
            end = ask_one({"input": "Tell"})
            self.assertEqual(end["status"], "failed")
            self.assertTrue(end["output"])

    def test_continues(self) -> None:
        """A turn by ``previous_response_id``, one with nothing stored on a socket among them."""
        first = made(self.port, input="My name is Alice.")
        second = self._streamed({"input": "What is it?", "previous_response_id": first["id"]})
        third = self._over_a_socket({"input": "Sure?", "previous_response_id": second["id"]})
        self.assertEqual([end["previous_response_id"] for end in (second, third)], [first["id"], second["id"]])
        self.assertEqual(len(self.simulator.last["body"]["contents"]), 5)

    def test_socket_in_sequence(self) -> None:
        """Several turns on one socket; what only the socket keeps is unknown to another one."""
        with WebSocket(self.port) as socket:
            first = self._valid(socket.ask(model=MODEL, input="My name is Alice.", store=False))
            chained = {"model": MODEL, "input": "What is it?", "previous_response_id": first["id"], "store": False}
            self.assertEqual(self._valid(socket.ask(**chained))["status"], "completed")
        with WebSocket(self.port) as socket:
            (error,) = socket.ask(**chained)
            validate("WebSocketErrorEvent", error, OPEN_RESPONSES)
            self.assertEqual((error["status"], error["error"]["code"]), (400, "previous_response_not_found"))
            self.assertEqual(self._valid(socket.ask(model=MODEL, input="Hello"))["status"], "completed")

    def test_compact(self) -> None:
        """A compacted conversation is what its schema says, and a turn goes on from it."""
        self.simulator.cue({"text": "Alice said her name."}, {"text": "Alice."})
        talk = [said("user", "My name is Alice."), said("assistant", "Hello Alice! " * 50)]
        reply = ask(self.port, f"{PATH}/compact", {"model": MODEL, "input": talk})
        self.assertEqual(reply.status, 200, reply)
        validate("CompactResource", reply.json, OPEN_RESPONSES)
        end = made(self.port, input=[*reply.json["output"], said("user", "What is my name?")])
        self.assertIn("Alice.", str(end["output"]))
        self.assertIn("Alice said her name.", str(self.simulator.last["body"]["contents"]))
