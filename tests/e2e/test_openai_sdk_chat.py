"""The SDK's chat surface: what it sends is understood, what it gets it can read."""

from __future__ import annotations

import json
from typing import Any

from openai.types.chat import ChatCompletionToolParam
from pydantic import BaseModel

from tests.e2e.sdk import FLASH, ClientTestCase, user

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
WEATHER: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tell the weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city"],
        },
    },
}


class Invoice(BaseModel):
    """What is to be read out of a text."""

    customer: str
    total: float
    items: list[str]


class ChatTests(ClientTestCase):
    """``chat.completions``."""

    def test_create(self) -> None:
        """A plain answer has text, a finish reason and usage that adds up."""
        answer = self.client.chat.completions.create(model="gpt-4o", messages=user("hello there"))
        (choice,) = answer.choices
        self.assertEqual((choice.finish_reason, choice.message.role), ("stop", "assistant"))
        self.assertIn("hello there", choice.message.content or "")
        assert answer.usage is not None
        self.assertGreater(answer.usage.prompt_tokens, 0)
        self.assertEqual(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens)

    def test_stream(self) -> None:
        """A stream begins with the role, ends with the reason, and says the same as the plain answer."""
        plain = self.client.chat.completions.create(model=FLASH, messages=user("hello there"))
        chunks = list(self.client.chat.completions.create(model=FLASH, messages=user("hello there"), stream=True))
        self.assertEqual(chunks[0].choices[0].delta.role, "assistant")
        self.assertEqual(chunks[-1].choices[0].finish_reason, "stop")
        self.assertGreater(len(chunks), 3)
        self.assertEqual(len({chunk.id for chunk in chunks}), 1)
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        self.assertEqual(text, plain.choices[0].message.content)
        self.assertEqual([chunk.usage for chunk in chunks], [None] * len(chunks))

    def test_stream_usage(self) -> None:
        """With ``include_usage`` one more chunk comes, without choices, with the plain answer's numbers."""
        plain = self.client.chat.completions.create(model=FLASH, messages=user("hello"))
        *_, before, last = self.client.chat.completions.create(
            model=FLASH, messages=user("hello"), stream=True, stream_options={"include_usage": True}
        )
        self.assertEqual(before.choices[0].finish_reason, "stop")
        self.assertEqual(last.choices, [])
        self.assertEqual(last.usage, plain.usage)

    def test_roles(self) -> None:
        """Every role reaches the upstream in its place."""
        self.client.chat.completions.create(
            model=FLASH,
            messages=[
                {"role": "system", "content": "Be brief."},
                {"role": "developer", "content": "Be kind."},
                {"role": "user", "content": "First."},
                {"role": "assistant", "content": "Second."},
                {"role": "user", "content": "Third."},
            ],
        )
        body = self.simulator.last["body"]
        self.assertIn("Be brief.", json.dumps(body["systemInstruction"]))
        self.assertIn("Be kind.", json.dumps(body["systemInstruction"]))
        said = [(turn["role"], turn["parts"][0]["text"]) for turn in body["contents"]]
        self.assertEqual(said, [("user", "First."), ("model", "Second."), ("user", "Third.")])

    def test_sampling(self) -> None:
        """Sampling parameters arrive under the provider's names with the client's values."""
        self.client.chat.completions.create(
            model=FLASH,
            messages=user("hi"),
            temperature=0.25,
            top_p=0.5,
            stop=["END", "FIN"],
            max_tokens=500,
            seed=7,
            n=1,
        )
        sent = self.simulator.last["body"]["generationConfig"]
        expected = {
            "temperature": 0.25,
            "topP": 0.5,
            "stopSequences": ["END", "FIN"],
            "maxOutputTokens": 500,
            "seed": 7,
        }
        self.assertEqual({name: sent.get(name) for name in expected}, expected)

    def test_length(self) -> None:
        """An answer that meets ``max_completion_tokens`` says so."""
        answer = self.client.chat.completions.create(model=FLASH, messages=user("hi"), max_completion_tokens=3)
        self.assertEqual(answer.choices[0].finish_reason, "length")

    def test_image(self) -> None:
        """An image in a data URL arrives as it is."""
        url = f"data:image/png;base64,{PIXEL}"
        content: Any = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": url}}]
        answer = self.client.chat.completions.create(model=FLASH, messages=[{"role": "user", "content": content}])
        self.assertIn("image/png", answer.choices[0].message.content or "")
        parts = self.simulator.last["body"]["contents"][0]["parts"]
        self.assertEqual(parts[0], {"text": "What is this?"})
        self.assertEqual(parts[1], {"inlineData": {"mimeType": "image/png", "data": PIXEL}})

    def test_json_schema(self) -> None:
        """``response_format`` with a schema gives JSON of that shape."""
        schema: Any = {"name": "invoice", "schema": Invoice.model_json_schema(), "strict": True}
        answer = self.client.chat.completions.create(
            model=FLASH,
            messages=user("Read the invoice."),
            response_format={"type": "json_schema", "json_schema": schema},
        )
        Invoice.model_validate_json(answer.choices[0].message.content or "")

    def test_json_object(self) -> None:
        """``json_object`` gives a JSON object."""
        answer = self.client.chat.completions.create(
            model=FLASH, messages=user("Answer in JSON."), response_format={"type": "json_object"}
        )
        self.assertIsInstance(json.loads(answer.choices[0].message.content or ""), dict)

    def test_parse(self) -> None:
        """The SDK's ``parse`` gives an instance of the pydantic model."""
        answer = self.client.chat.completions.parse(
            model="gpt-4o", messages=user("Read the invoice."), response_format=Invoice
        )
        self.assertIsInstance(answer.choices[0].message.parsed, Invoice)

    def test_stream_helper(self) -> None:
        """The SDK's accumulator makes of the stream what the plain answer is."""
        plain = self.client.chat.completions.create(model=FLASH, messages=user("hello"))
        with self.client.chat.completions.stream(model=FLASH, messages=user("hello")) as stream:
            kinds = {event.type for event in stream}
            final = stream.get_final_completion()
        self.assertLessEqual({"chunk", "content.delta", "content.done"}, kinds)
        self.assertEqual(final.choices[0].message.content, plain.choices[0].message.content)
        self.assertEqual(final.choices[0].finish_reason, "stop")

    def test_stream_helper_parses(self) -> None:
        """The accumulator parses a structured answer as well."""
        with self.client.chat.completions.stream(
            model=FLASH, messages=user("Read the invoice."), response_format=Invoice
        ) as stream:
            final = stream.get_final_completion()
        self.assertIsInstance(final.choices[0].message.parsed, Invoice)


class ToolTests(ClientTestCase):
    """Function calls, and what goes back."""

    def loop(self, model: str, text: str) -> tuple[list[Any], str]:
        """Ask, answer every call, and return the calls and the final text."""
        messages = user(text)
        answer = self.client.chat.completions.create(model=model, messages=messages, tools=[WEATHER])
        (choice,) = answer.choices
        self.assertEqual(choice.finish_reason, "tool_calls")
        calls: list[Any] = list(choice.message.tool_calls or [])
        said: Any = choice.message.model_dump(exclude_none=True)
        messages.append(said)
        messages += [
            {"role": "tool", "tool_call_id": call.id, "content": json.dumps({"degrees": number})}
            for number, call in enumerate(calls, 20)
        ]
        final = self.client.chat.completions.create(model=model, messages=messages, tools=[WEATHER])
        self.assertEqual(final.choices[0].finish_reason, "stop")
        return calls, final.choices[0].message.content or ""

    def test_loop(self) -> None:
        """A call, its result, and an answer that knows the result; on both generations of models."""
        for model in (FLASH, "gemini-3-flash"):
            calls, text = self.loop(model, "Weather in Berlin, please")
            (call,) = calls
            self.assertEqual(call.function.name, "get_weather")
            self.assertIn("city", json.loads(call.function.arguments))
            self.assertIn("get_weather answered", text)
            self.assertIn("20", text)

    def test_parallel(self) -> None:
        """Two calls in one answer have ids of their own, and both results arrive, in order."""
        for model in (FLASH, "gemini-3-flash"):
            calls, _ = self.loop(model, "Weather in two cities, in parallel")
            self.assertEqual(len({call.id for call in calls}), 2)
            turn = self.simulator.last["body"]["contents"][-1]
            results = [part["functionResponse"] for part in turn["parts"]]
            outputs = [json.loads(result["response"]["output"]) for result in results]
            self.assertEqual(outputs, [{"degrees": 20}, {"degrees": 21}])

    def test_stream(self) -> None:
        """Streamed calls are accumulated by the SDK to the same calls."""
        with self.client.chat.completions.stream(
            model="gemini-3-flash", messages=user("Weather in two cities, in parallel"), tools=[WEATHER]
        ) as stream:
            final = stream.get_final_completion()
        (choice,) = final.choices
        self.assertEqual(choice.finish_reason, "tool_calls")
        calls: list[Any] = list(choice.message.tool_calls or [])
        self.assertEqual([call.function.name for call in calls], ["get_weather"] * 2)
        self.assertEqual(len({call.id for call in calls}), 2)
        for call in calls:
            self.assertIn("city", json.loads(call.function.arguments))

    def test_choice(self) -> None:
        """``tool_choice`` required and none are carried out."""
        create = self.client.chat.completions.create
        asked = create(model=FLASH, messages=user("hi"), tools=[WEATHER], tool_choice="none")
        self.assertEqual(asked.choices[0].finish_reason, "stop")
        asked = create(model=FLASH, messages=user("hi"), tools=[WEATHER], tool_choice="required")
        self.assertEqual(asked.choices[0].finish_reason, "tool_calls")
        config = self.simulator.last["body"]["toolConfig"]["functionCallingConfig"]
        self.assertEqual(config["mode"], "ANY")
