"""Requests that agd works on itself, end to end: several choices, many stop strings, forgetful clients, old prompts."""

from __future__ import annotations

import json
from typing import Any

import openai
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam

from tests.e2e.exchange import ask
from tests.e2e.sdk import FLASH, ClientTestCase, user

GEMINI3 = "gemini-3-pro-preview"
TOOL: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "look_up",
        "parameters": {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]},
    },
}


class ChoiceTests(ClientTestCase):
    """More than one choice."""

    def test_E10_streamed(self) -> None:
        """Three choices of a stream come together, each whole and finished, with one usage for all."""
        single = self.client.chat.completions.create(model=GEMINI3, messages=user("hello there"))
        chunks = list(
            self.client.chat.completions.create(
                model=GEMINI3, messages=user("hello there"), n=3, stream=True, stream_options={"include_usage": True}
            )
        )
        texts, ends = {0: "", 1: "", 2: ""}, []
        for chunk in chunks:
            for choice in chunk.choices:
                texts[choice.index] += choice.delta.content or ""
                ends += [choice.index] if choice.finish_reason == "stop" else []
        self.assertEqual(set(texts.values()), {single.choices[0].message.content})
        self.assertEqual(sorted(ends), [0, 1, 2])
        usages = [chunk.usage for chunk in chunks if chunk.usage is not None]
        assert single.usage is not None
        self.assertEqual([usage.total_tokens for usage in usages], [3 * single.usage.total_tokens])
        self.assertEqual(len(self.simulator.asked), 4)

    def test_E09_whole(self) -> None:
        """Three choices of a plain answer stand in order."""
        answer = self.client.chat.completions.create(model=GEMINI3, messages=user("hello there"), n=3)
        self.assertEqual([choice.index for choice in answer.choices], [0, 1, 2])
        self.assertEqual(len({choice.message.content for choice in answer.choices}), 1)


class StopTests(ClientTestCase):
    """Eight stop strings."""

    def test_E02_eight(self) -> None:
        """A stop string beyond the fifth ends the answer as well, streamed and whole, and is not in it."""
        whole = self.client.chat.completions.create(model=FLASH, messages=user("hello there")).choices[0].message
        text = whole.content or ""
        stops = [f"@{n}@" for n in range(7)]
        for word in (text[30:36], text[60:63]):
            for place in (0, 7):
                wanted = [*stops[:place], word, *stops[place:]]
                answer = self.client.chat.completions.create(model=FLASH, messages=user("hello there"), stop=wanted)
                expected = text[: text.index(word)]
                self.assertEqual(answer.choices[0].message.content, expected)
                self.assertEqual(answer.choices[0].finish_reason, "stop")
                stream = self.client.chat.completions.create(
                    model=FLASH, messages=user("hello there"), stop=wanted, stream=True
                )
                pieces = [chunk.choices[0].delta.content or "" for chunk in stream]
                self.assertEqual("".join(pieces), expected)


class ForgetfulTests(ClientTestCase):
    """Clients that give back ids, names and arguments of calls, and nothing else."""

    def turn(self, *, stream: bool) -> list[ChatCompletionMessageParam]:
        """Let the model call a tool; return the conversation as such a client goes on with it."""
        asked = user("look up gateway")
        if stream:
            pieces = [
                call
                for chunk in self.client.chat.completions.create(
                    model=GEMINI3, messages=asked, tools=[TOOL], tool_choice="required", stream=True
                )
                for choice in chunk.choices
                for call in choice.delta.tool_calls or []
            ]
            name, arguments = "", ""
            for piece in pieces:
                assert piece.function is not None
                name = name or piece.function.name or ""
                arguments += piece.function.arguments or ""
            called = pieces[0].id or ""
        else:
            answer = self.client.chat.completions.create(
                model=GEMINI3, messages=asked, tools=[TOOL], tool_choice="required"
            )
            (call,) = answer.choices[0].message.tool_calls or []
            assert call.type == "function"
            name, arguments, called = call.function.name, call.function.arguments, call.id
        function: Any = {"name": name, "arguments": arguments}
        return [
            *asked,
            {"role": "assistant", "tool_calls": [{"id": called, "type": "function", "function": function}]},
            {"role": "tool", "tool_call_id": called, "content": "a door"},
        ]

    def test_C02_signature_is_put_back(self) -> None:
        """The provider gets its own signature with the call, although the client dropped it."""
        for stream in (False, True):
            conversation = self.turn(stream=stream)
            answer = self.client.chat.completions.create(model=GEMINI3, messages=conversation, tools=[TOOL])
            self.assertEqual(answer.choices[0].finish_reason, "stop")
            part = self.simulator.last["body"]["contents"][1]["parts"][0]
            self.assertGreater(len(part["thoughtSignature"]), 60)

    def test_C09_foreign_call(self) -> None:
        """A call that nobody remembers is sent with Google's bypass, and is accepted."""
        conversation = json.loads(json.dumps(self.turn(stream=False)))
        conversation[1]["tool_calls"][0]["id"] = conversation[2]["tool_call_id"] = "call_of_another_model"
        answer = self.client.chat.completions.create(model=GEMINI3, messages=conversation, tools=[TOOL])
        self.assertEqual(answer.choices[0].finish_reason, "stop")
        part = self.simulator.last["body"]["contents"][1]["parts"][0]
        self.assertEqual(part["thoughtSignature"], "skip_thought_signature_validator")

    def test_C10_corrupted(self) -> None:
        """A signature that the provider refuses is left out at once; the client does not notice."""
        conversation = json.loads(json.dumps(self.turn(stream=False)))
        google = {"google": {"thought_signature": "bm90IHRoZWlycw=="}}
        conversation[1]["tool_calls"][0]["extra_content"] = google
        before = len(self.simulator.asked)
        answer = self.client.chat.completions.create(model=GEMINI3, messages=conversation, tools=[TOOL])
        self.assertEqual(answer.choices[0].finish_reason, "stop")
        first, second = self.simulator.asked[before:]
        self.assertEqual(first, second)


class CompletionTests(ClientTestCase):
    """Legacy completions."""

    def test_J01_prompts(self) -> None:
        """Every prompt of a list has its own answers, in order, streamed and whole."""
        answer = self.client.completions.create(model=GEMINI3, prompt=["alpha one", "beta two"], n=2, echo=True)
        self.assertEqual([choice.index for choice in answer.choices], [0, 1, 2, 3])
        starts = [choice.text[:5] for choice in answer.choices]
        self.assertEqual(starts, ["alpha", "alpha", "beta ", "beta "])
        texts = dict.fromkeys(range(4), "")
        stream = self.client.completions.create(
            model=GEMINI3, prompt=["alpha one", "beta two"], n=2, echo=True, stream=True
        )
        for chunk in stream:
            for choice in chunk.choices:
                texts[choice.index] += choice.text
        self.assertEqual(list(texts.values()), [choice.text for choice in answer.choices])

    def test_J04_echo_only(self) -> None:
        """With no token to be made nobody is asked, and the prompt comes back."""
        answer = self.client.completions.create(model=FLASH, prompt=["alpha", "beta"], echo=True, max_tokens=0)
        self.assertEqual([choice.text for choice in answer.choices], ["alpha", "beta"])
        self.assertEqual([choice.finish_reason for choice in answer.choices], ["length", "length"])
        self.assertEqual(self.simulator.asked, [])

    def test_J05_suffix(self) -> None:
        """What shall follow the answer is told to the model."""
        self.client.completions.create(model=FLASH, prompt="def f(", suffix="return x", max_tokens=50)
        self.assertIn("return x", json.dumps(self.simulator.last["body"]))

    def test_J06_best_of(self) -> None:
        """Of several answers one is given, and all are paid for."""
        single = self.client.completions.create(model=GEMINI3, prompt="alpha")
        answer = self.client.completions.create(model=GEMINI3, prompt="alpha", best_of=3)
        assert single.usage is not None
        assert answer.usage is not None
        self.assertEqual((len(answer.choices), answer.choices[0].index), (1, 0))
        self.assertEqual(answer.usage.total_tokens, 3 * single.usage.total_tokens)

    def test_J07_logprobs(self) -> None:
        """Probabilities are asked for by their number."""
        answer = self.client.completions.create(model=FLASH, prompt="alpha", logprobs=2)
        self.assertEqual(self.simulator.last["body"]["generationConfig"]["logprobs"], 2)
        self.assertEqual(len(answer.choices), 1)


class LinkTests(ClientTestCase):
    """Pictures by their address."""

    settings = "[translation]\nfetch_seconds = 2\n"

    def picture(self, url: str) -> Any:
        """Make a message with a picture."""
        image = {"type": "image_url", "image_url": {"url": url}}
        return [{"role": "user", "content": [{"type": "text", "text": "what is it?"}, image]}]

    def test_H02_own_network(self) -> None:
        """An address of the daemon's own network is refused by its name, and nobody is asked."""
        for url in (f"https://127.0.0.1:{self.simulator.port}/x.png", "https://[::1]/x.png", "file:///etc/passwd"):
            with self.assertRaises(openai.BadRequestError):
                self.client.chat.completions.create(model=FLASH, messages=self.picture(url))
        self.assertEqual(self.simulator.asked, [])

    def test_H12_kept(self) -> None:
        """An address that the provider reads itself is passed on."""
        url = "https://generativelanguage.googleapis.com/v1beta/files/abc"
        self.client.chat.completions.create(model=FLASH, messages=self.picture(url))
        parts = self.simulator.last["body"]["contents"][0]["parts"]
        self.assertEqual(parts[1]["fileData"]["fileUri"], url)


class StrictTests(ClientTestCase):
    """strict_parameters."""

    settings = "[translation]\nstrict_parameters = true\n"

    def test_ignored_parameter(self) -> None:
        """What would be ignored is refused by its name, with a header that says not to ask again."""
        body = {"model": FLASH, "messages": user("hi"), "user": "ann"}
        reply = ask(self.port, "/v1/chat/completions", body)
        self.assertEqual((reply.status, reply.json["error"]["param"]), (400, "user"))
        self.client.chat.completions.create(model=FLASH, messages=user("hi"))
