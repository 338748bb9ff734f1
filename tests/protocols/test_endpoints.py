"""Tests of agd.protocols.endpoints: which reader reads which body."""

from __future__ import annotations

from openai.types.chat import ChatCompletion
from openai.types.responses import Response
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Finished, FinishReason, Message, Prompt, Text, TextDelta
from agd.protocols.endpoint import Context
from agd.protocols.endpoints import CHAT, COMPLETIONS
from tests.protocols.answers import TOKEN, fold
from tests.protocols.refusals import refusal_of
from tests.protocols.routes import RESPONSES

_ANSWER = fold([TextDelta("hi"), Finished(FinishReason.STOP, "STOP")])


def _context(prompt: Prompt) -> Context:
    return Context(TOKEN, 1, prompt)


class EndpointTests(SynchronousTestCase):
    """Bodies of one protocol at the other's door."""

    def test_responses_body_at_chat(self) -> None:
        """A Responses body on the chat route is read as such and answered in chat's shape."""
        prompt = CHAT.read({"model": "m", "instructions": "Be brief.", "input": "x", "max_output_tokens": 5})
        self.assertEqual((prompt.instructions, prompt.sampling.max_tokens), (("Be brief.",), 5))
        self.assertEqual(prompt.messages, (Message("user", (Text("x"),)),))
        answer = ChatCompletion.model_validate(CHAT.render(_ANSWER, _context(prompt)))
        self.assertEqual(answer.choices[0].message.content, "hi")

    def test_chat_body_at_responses(self) -> None:
        """Chat messages on the Responses route are read as such and answered with a Response."""
        body = {"model": "m", "messages": [{"role": "user", "content": "x"}], "temperature": 0.5}
        answer = Response.model_validate(RESPONSES.render(_ANSWER, _context(RESPONSES.read(body))))
        self.assertEqual((answer.output_text, answer.temperature, answer.model), ("hi", 0.5, "m"))

    def test_I29_I40_chat_body_at_responses(self) -> None:
        """Chat messages cannot go on from a response, nor be answered in the background: that is told, not ignored."""
        body = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
        for key, value in (("previous_response_id", "resp_1"), ("background", True)):
            self.assertEqual(refusal_of(RESPONSES.read, {**body, key: value}).param, key)
        self.assertEqual(RESPONSES.read({**body, "previous_response_id": None}).notices, ())

    def test_own_shape_wins(self) -> None:
        """Where both shapes are present the route's own is read, and the other is told of."""
        body = {"model": "m", "messages": [{"role": "user", "content": "a"}], "input": "b"}
        for endpoint, text, other in ((CHAT, "a", "input"), (RESPONSES, "b", "messages")):
            prompt = endpoint.read(body)
            self.assertEqual(prompt.messages, (Message("user", (Text(text),)),))
            self.assertEqual([notice.param for notice in prompt.notices], [other])

    def test_nothing_to_read(self) -> None:
        """A body without any content is refused by the name that belongs to the route."""
        for endpoint, param in ((CHAT, "messages"), (COMPLETIONS, "prompt"), (RESPONSES, "input")):
            error = refusal_of(endpoint.read, {"model": "m"})
            self.assertEqual((error.param, error.code), (param, "missing_required_parameter"))

    def test_model(self) -> None:
        """A request without a model is refused on every route."""
        for endpoint in (CHAT, COMPLETIONS, RESPONSES):
            for model in ({}, {"model": ""}, {"model": None}):
                error = refusal_of(endpoint.read, {"prompt": "x", "input": "x", **model})
                self.assertEqual(error.param, "model")
