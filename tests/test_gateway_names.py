"""Fields have the names that their client knows them by, in errors and in notices alike."""

from __future__ import annotations

from typing import Any

from agd.conversation import Notice
from agd.conversation.names import named, named_notice
from agd.errors import GatewayError
from agd.options import Options
from agd.protocols.completions import request as completions
from agd.protocols.responses import request as responses
from tests.gateways import MODEL, GatewayTestCase, prompt
from tests.upstream.script import Says, refusal
from tests.upstream.wire import chunk, sse, start

TOO_LONG = "The input token count (9) exceeds the maximum number of tokens allowed (5)."


class NameTests(GatewayTestCase):
    """Requests of protocols that are not chat."""

    def told(self, asked: Any) -> list[str]:
        """The fields that notices of a request name."""
        self.successResultOf(self.complete(asked))
        return [notice.param for notice in self.trail.notices]

    def refused(self, asked: Any, status: int = 400) -> str | None:
        """The field that the refusal of a request names, the same for a whole answer, a stream and a count."""
        params = [
            self.refused_with(work, status).param
            for work in (self.complete(asked), self.open(asked), self.count(asked))
        ]
        self.assertEqual(len(set(params)), 1, params)
        return params[0]

    def count(self, asked: Any) -> Any:
        """Count tokens."""
        return start(self.gateway.count(asked, self.trail))

    def ask(self, **body: Any) -> Any:
        """Make a Responses request."""
        return responses.read({"model": MODEL, "input": "hi", **body})

    def test_context_exceeded(self) -> None:
        """What is too long for the model is the input, or the prompt; in chat it is the messages."""
        refused = [refusal(400, grpc="INVALID_ARGUMENT", message=TOO_LONG)] * 3
        for asked, name in (
            (self.ask(), "input"),
            (completions.read({"model": MODEL, "prompt": "hi"}), "prompt"),
            (prompt(), "messages"),
        ):
            self.actor.lines = {each: list(refused) for each in self.names}
            found = self.refused_with(self.complete(asked), 400)
            self.assertEqual((found.code, found.param), ("context_length_exceeded", name))

    def test_responses_refusals(self) -> None:
        """What cannot be translated is named by its path in the request."""
        self.gateway.options = Options(excessive_max_tokens="reject")
        broken = {"type": "function", "name": "f", "parameters": {"type": "string"}}
        orphan = {"type": "function_call_output", "call_id": "call_1", "output": "1"}
        for body, name in (
            ({"max_output_tokens": 10_000_000}, "max_output_tokens"),
            ({"tools": [broken]}, "tools[0].parameters"),
            ({"text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": 1}}}}, "text.format.schema"),
            ({"input": [orphan]}, "input"),
        ):
            self.assertEqual(self.refused(self.ask(**body)), name)

    def test_responses_notices(self) -> None:
        """What was carried out otherwise is named so too, also when the answer shows it."""
        self.actor.lines = {name: [Says(sse(chunk("", "STOP")))] * 9 for name in self.names}
        self.gateway.options = Options(retry_empty=0)
        told = self.told(self.ask(max_output_tokens=10_000_000, instructions="Be brief.", input=""))
        self.assertEqual(set(told), {"max_output_tokens", "input"})

    def test_parts_of_fields(self) -> None:
        """A name also stands for what is in the field, and never for a field that only begins like it."""
        asked = self.ask()
        for ours, theirs in (
            ("messages[3].content", "input[3].content"),
            ("response_format", "text.format"),
            ("response_format.json_schema.schema", "text.format.schema"),
            ("max_tokens_to_sample", "max_tokens_to_sample"),
            ("tools", "tools"),
        ):
            self.assertEqual(named(asked, ours), theirs)
        same = Notice("tools", "why")
        self.assertIs(named_notice(asked, same), same)

    def test_images(self) -> None:
        """Images are asked for by a tool, so that is what is named."""
        asked = self.ask(tools=[{"type": "web_search"}, {"type": "image_generation"}])
        self.assertEqual(named(asked, "modalities"), "tools[1]")

    def test_errors_without_a_name(self) -> None:
        """One that names nothing still names nothing."""
        self.actor.lines = {name: [refusal(400, grpc="INVALID_ARGUMENT")] * 3 for name in self.names}
        found: GatewayError = self.refused_with(self.complete(self.ask()), 400)
        self.assertIsNone(found.param)
