"""The SDK's other surfaces, and what it makes of errors and headers."""

from __future__ import annotations

from typing import Any

import openai

from tests.e2e.sdk import FLASH, ClientTestCase, user


class CompletionTests(ClientTestCase):
    """The legacy route."""

    def test_create(self) -> None:
        """A plain completion has text and usage."""
        answer = self.client.completions.create(model="gpt-3.5-turbo-instruct", prompt="Once upon a time")
        self.assertEqual(answer.object, "text_completion")
        self.assertIn("Once upon a time", answer.choices[0].text)
        self.assertEqual(answer.choices[0].finish_reason, "stop")
        assert answer.usage is not None
        self.assertGreater(answer.usage.total_tokens, 0)

    def test_stream(self) -> None:
        """A stream says the same as the plain completion."""
        plain = self.client.completions.create(model=FLASH, prompt="Once upon a time")
        chunks = list(self.client.completions.create(model=FLASH, prompt="Once upon a time", stream=True))
        self.assertEqual("".join(chunk.choices[0].text for chunk in chunks), plain.choices[0].text)
        self.assertEqual(chunks[-1].choices[0].finish_reason, "stop")
        self.assertGreater(len(chunks), 2)


class ResponseTests(ClientTestCase):
    """The Responses route."""

    def test_create(self) -> None:
        """A plain Response is completed and its text is where the SDK looks for it."""
        response = self.client.responses.create(model="gpt-5", instructions="Be brief.", input="hello there")
        self.assertEqual(response.status, "completed")
        self.assertIn("hello there", response.output_text)
        assert response.usage is not None
        self.assertEqual(response.usage.total_tokens, response.usage.input_tokens + response.usage.output_tokens)

    def test_stream(self) -> None:
        """The events come in their full order, numbered, each of a type the SDK knows."""
        events: list[Any] = list(self.client.responses.create(model=FLASH, input="hello there", stream=True))
        for event in events:
            self.assertNotIsInstance(event, dict)
            type(event).model_validate(event.model_dump(), strict=False)
        kinds = [event.type for event in events]
        deltas = kinds.count("response.output_text.delta")
        self.assertGreater(deltas, 1)
        self.assertEqual(
            kinds,
            [
                "response.created",
                "response.in_progress",
                "response.output_item.added",
                "response.content_part.added",
                *["response.output_text.delta"] * deltas,
                "response.output_text.done",
                "response.content_part.done",
                "response.output_item.done",
                "response.completed",
            ],
        )
        self.assertEqual([event.sequence_number for event in events], list(range(len(events))))
        text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        self.assertEqual(events[-1].response.output_text, text)
        plain = self.client.responses.create(model=FLASH, input="hello there")
        self.assertEqual(plain.output_text, text)

    def test_stream_helper(self) -> None:
        """The SDK's accumulator for Responses comes to the same end."""
        with self.client.responses.stream(model=FLASH, input="hello there") as stream:
            for _ in stream:
                pass
            final = stream.get_final_response()
        self.assertEqual(final.status, "completed")
        self.assertIn("hello there", final.output_text)


class ModelTests(ClientTestCase):
    """The list of models."""

    def test_list(self) -> None:
        """Each name on the list can be asked for and is a model to the SDK."""
        models = list(self.client.models.list())
        self.assertGreater(len(models), 10)
        self.assertEqual({model.object for model in models}, {"model"})
        self.assertEqual(len({model.id for model in models}), len(models))
        for model in models:
            self.assertEqual(self.client.models.retrieve(model.id).id, model.id)

    def test_retrieve(self) -> None:
        """One model is retrieved under the name asked for, with a slash in it as well."""
        self.assertEqual(self.client.models.retrieve("gpt-4o").id, "gpt-4o")
        retrieved = self.client.with_raw_response.models.retrieve("models/gemini-2.5-flash")
        self.assertEqual(retrieved.parse().id, "models/gemini-2.5-flash")
        self.assertEqual(retrieved.headers["x-mapped-model"], "gemini-2.5-flash")

    def test_unknown(self) -> None:
        """A name that nothing maps is not found."""
        error = self.assertRaises(openai.NotFoundError, self.client.models.retrieve, "no-such-model")
        self.assertEqual((error.code, error.param), ("model_not_found", "model"))


class ErrorTests(ClientTestCase):
    """Every failure is the SDK's exception for it, with code and param."""

    def ask(self, **more: Any) -> Any:
        """Ask for a chat answer."""
        return self.client.chat.completions.create(**{"model": FLASH, "messages": user("hi"), **more})

    def fail_with(self, **fault: Any) -> None:
        """Let every account fail, with accounts that nothing is known of."""
        self.stage.recast()
        for key in self.simulator.keys:
            self.simulator.fault(key, {"kind": "status", **fault})

    def test_bad_request(self) -> None:
        """A wrong value is refused with the field's name, and no upstream is asked."""
        error = self.assertRaises(openai.BadRequestError, self.ask, temperature="hot")
        self.assertEqual((error.param, error.type), ("temperature", "invalid_request_error"))
        error = self.assertRaises(openai.BadRequestError, self.ask, messages=[{"role": "wizard", "content": "hi"}])
        self.assertEqual(error.param, "messages[0].role")
        self.assertEqual(self.simulator.asked, [])

    def test_model_not_found(self) -> None:
        """A model that nothing maps is not found."""
        error = self.assertRaises(openai.NotFoundError, self.ask, model="no-such-model")
        self.assertEqual((error.code, error.param), ("model_not_found", "model"))

    def test_upstream_refusal(self) -> None:
        """What the provider refuses with 400 reaches the client at once, in the provider's words."""
        self.fail_with(status=400, message="The sky is not a valid value.")
        error = self.assertRaises(openai.BadRequestError, self.ask)
        self.assertIn("The sky is not a valid value.", error.message)
        self.assertEqual(len(self.simulator.asked), 1)
        self.assertEqual(error.response.headers["x-mapped-model"], FLASH)
        self.assertIn("@", error.response.headers["x-account-email"])

    def test_context_length(self) -> None:
        """A prompt that is too long has the code that clients look for."""
        words = "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."
        self.fail_with(status=400, message=words)
        self.assertEqual(self.assertRaises(openai.BadRequestError, self.ask).code, "context_length_exceeded")

    def test_rate_limit(self) -> None:
        """An exhausted pool is a rate limit, with the time to wait."""
        self.fail_with(status=429, retry_delay=12)
        error = self.assertRaises(openai.RateLimitError, self.ask)
        self.assertEqual(error.code, "rate_limit_exceeded")
        self.assertIn(int(error.response.headers["retry-after"]), range(10, 13))

    def test_server_error(self) -> None:
        """An upstream that fails is the server's error, never the client's."""
        for status, told in ((500, 502), (502, 503), (503, 503), (504, 504)):
            self.fail_with(status=status)
            error = self.assertRaises(openai.InternalServerError, self.ask)
            self.assertEqual(error.status_code, told)
            self.assertEqual(error.type, "server_error")
            self.assertIn("retry-after", error.response.headers)

    def test_stream_error(self) -> None:
        """A stream that breaks off midway raises within the loop, after the text that came."""
        self.stage.recast()
        for key in self.simulator.keys:
            self.simulator.fault(key, {"kind": "cut", "chunks": 2, "how": "reset"})
        seen: list[str] = []

        def read() -> None:
            seen.extend(chunk.choices[0].delta.content or "" for chunk in self.ask(stream=True))

        error = self.assertRaises(openai.APIError, read)
        self.assertEqual(error.code, "upstream_stream_interrupted")
        self.assertNotEqual(self.simulator.asked, [])


class AuthTests(ClientTestCase):
    """A daemon with keys, and its headers."""

    settings = '[proxy]\nauth_mode = "strict"\napi_keys = [{name = "sdk", key = "sk-e2e-made-up"}]\n'

    def test_wrong_key(self) -> None:
        """A wrong key is an authentication error."""
        client = self.client.with_options(api_key="sk-wrong")
        error = self.assertRaises(openai.AuthenticationError, client.models.list)
        self.assertEqual(error.code, "invalid_api_key")

    def test_headers(self) -> None:
        """The headers name the model really called, the account really used, and the request."""
        raw = self.client.chat.completions.with_raw_response.create(
            model="gpt-5", messages=user("hi"), extra_headers={"X-Request-Id": "from-the-client-1"}
        )
        self.assertEqual(raw.headers["x-mapped-model"], "gemini-3-flash-preview")
        self.assertIn(raw.headers["x-account-email"], ("account1@example.com", "account2@example.com"))
        self.assertEqual(raw.headers["x-request-id"], "from-the-client-1")
        self.assertEqual(raw.parse()._request_id, "from-the-client-1")

    def test_request_id(self) -> None:
        """Without one of the client's own, every answer has an id that no other has."""
        ids = {self.client.models.with_raw_response.list().headers["x-request-id"] for _ in range(3)}
        self.assertEqual(len(ids), 3)

    def test_stream_headers(self) -> None:
        """A stream's headers say the same."""
        with self.client.chat.completions.with_streaming_response.create(
            model="gpt-4o", messages=user("hi"), stream=True
        ) as raw:
            self.assertEqual(raw.headers["x-mapped-model"], "gemini-2.5-flash")
            self.assertIn("@example.com", raw.headers["x-account-email"])
            self.assertEqual(raw.headers["content-type"], "text/event-stream; charset=utf-8")
            list(raw.iter_bytes())
