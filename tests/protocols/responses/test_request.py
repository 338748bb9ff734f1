"""Tests of agd.protocols.responses.request and agd.protocols.responses.input."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import (
    Media,
    Message,
    OutputFormat,
    Prompt,
    Reasoning,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from agd.errors import BadRequest
from agd.protocols.responses.request import read
from agd.protocols.responses.resource import resource
from tests.protocols.answers import context
from tests.protocols.refusals import refusal_of

F = {"type": "function", "name": "f"}


def prompt(**fields: Any) -> Prompt:
    """Read a small request with these fields added."""
    return read({"model": "m", "input": "x", **fields})


def refused(**fields: Any) -> BadRequest:
    """Return why a request with these fields is refused."""
    return refusal_of(lambda: prompt(**fields))


class InputTests(SynchronousTestCase):
    """Items of the input."""

    def test_string(self) -> None:
        """A string is one user turn."""
        self.assertEqual(prompt().messages, (Message("user", (Text("x"),)),))

    def test_messages(self) -> None:
        """Messages with and without a type are read; the role decides whose words they are, not the block."""
        items = [
            {"role": "user", "content": "a"},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "b"}]},
            {"type": "message", "role": "assistant", "content": [{"type": "input_text", "text": "c"}]},
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "d"}]},
        ]
        roles = [(message.role, message.parts) for message in prompt(input=items).messages]
        expected = [
            ("user", (Text("a"),)),
            ("assistant", (Text("b"),)),
            ("assistant", (Text("c"),)),
            ("assistant", (Text("d"),)),
        ]
        self.assertEqual(roles, expected)

    def test_instructions_first(self) -> None:
        """Instructions come first, then developer and system texts in their order."""
        items = [{"role": "developer", "content": "b"}, {"role": "system", "content": "c"}]
        read_prompt = prompt(instructions="a", input=[*items, {"role": "user", "content": "u"}])
        self.assertEqual((read_prompt.instructions, len(read_prompt.messages)), (("a", "b", "c"), 1))

    def test_media(self) -> None:
        """Images and files are read in their places."""
        content = [
            {"type": "input_image", "image_url": "https://example.com/a", "detail": "high"},
            {"type": "input_file", "filename": "a.txt", "file_data": "aGk="},
            {"type": "input_text", "text": "t"},
        ]
        expected = (Media(None, uri="https://example.com/a", detail="high"), Media("text/plain", "aGk="), Text("t"))
        self.assertEqual(prompt(input=[{"role": "user", "content": content}]).messages[0].parts, expected)

    def test_tool_loop(self) -> None:
        """Calls are paired by call_id, results are text or blocks, reasoning is left out."""
        items = [
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"},
            {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": ""},
            {"type": "function_call_output", "call_id": "call_1", "output": "1"},
            {
                "type": "function_call_output",
                "call_id": "call_1",
                "output": [{"type": "input_text", "text": "2"}],
                "status": "incomplete",
            },
        ]
        expected = (
            Message("assistant", (ToolCall("call_1", "f", "{}"),)),
            Message("user", (ToolResult("call_1", (Text("1"),)),)),
            Message("user", (ToolResult("call_1", (Text("2"),), error=True),)),
        )
        self.assertEqual(prompt(input=items).messages, expected)

    def test_refusals(self) -> None:
        """What cannot be read is named by its path."""
        cases: list[tuple[Any, str]] = [
            (None, "input"),
            ([], "input"),
            (5, "input"),
            (["x"], "input[0]"),
            ([{"content": "x"}], "input[0].type"),
            ([{"type": "message", "content": "x"}], "input[0].role"),
            ([{"role": "bot", "content": "x"}], "input[0].role"),
            ([{"role": "user"}], "input[0].content"),
            ([{"type": "item_reference", "id": "x"}], "input[0].type"),
            ([{"type": "function_call", "name": "f"}], "input[0].call_id"),
            ([{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}], "input[0].content[0].file_id"),
            ([{"role": "user", "content": [{"type": "video"}]}], "input[0].content[0].type"),
        ]
        for value, param in cases:
            with self.subTest(param=param):
                self.assertEqual(refused(input=value).param, param)


class ParameterTests(SynchronousTestCase):
    """The rest of the request."""

    def test_refused(self) -> None:
        """What needs stored state, or is not done, is refused by name."""
        cases: dict[str, Any] = {
            "previous_response_id": "resp_1",
            "conversation": "conv_1",
            "prompt": {"id": "pmpt_1"},
            "background": True,
            "top_logprobs": 2,
            "truncation": "middle",
            "max_output_tokens": 0,
        }
        for name, value in cases.items():
            with self.subTest(name=name):
                self.assertEqual(refused(**{name: value}).param, name)

    def test_neutral(self) -> None:
        """Values that ask for nothing give no notice."""
        neutral = {"store": False, "background": False, "truncation": "disabled", "top_logprobs": 0, "include": []}
        self.assertEqual(prompt(**neutral, parallel_tool_calls=True, text={"verbosity": "medium"}).notices, ())

    def test_notices(self) -> None:
        """What has no effect is told of."""
        cases: dict[str, tuple[Any, str]] = {
            "store": (True, "store"),
            "truncation": ("auto", "truncation"),
            "include": (["reasoning.encrypted_content"], "include[0]"),
            "text": ({"verbosity": "low"}, "text.verbosity"),
            "parallel_tool_calls": (False, "parallel_tool_calls"),
            "max_tool_calls": (3, "max_tool_calls"),
            "service_tier": ("ultrafast", "service_tier"),
            "access_programs": ({"cyber": "x"}, "access_programs"),
            "background_options": ({"completion_window": "24h"}, "background_options"),
            "image": ({"context_compression": "auto"}, "image"),
            "mystery": (1, "mystery"),
        }
        for name, (value, param) in cases.items():
            with self.subTest(name=name):
                self.assertEqual([notice.param for notice in prompt(**{name: value}).notices], [param])

    def test_E20_tiers(self) -> None:
        """A tier that the provider has is asked of it and shown in the answer, ``fast`` under its other name."""
        self.assertEqual(prompt(service_tier="flex").service_tier, "flex")
        self.assertEqual(prompt(service_tier="fast").service_tier, "priority")
        self.assertEqual(resource(context(service_tier="flex"), "completed", [])["service_tier"], "flex")
        self.assertEqual(resource(context(), "completed", [])["service_tier"], "default")

    def test_D24_description(self) -> None:
        """What the client says of the answer's form is kept, and repeated in the Response."""
        place = {"type": "json_schema", "name": "n", "schema": {}, "description": "A sum."}
        form = prompt(text={"format": place}).output_format
        self.assertEqual(getattr(form, "description", None), "A sum.")
        self.assertEqual(
            resource(context(output_format=form), "completed", [])["text"]["format"]["description"], "A sum."
        )

    def test_A12_echoed_blocks(self) -> None:
        """What stood beside an earlier answer's text is no news; what else a block asks for is told of, once."""
        told = {"type": "output_text", "text": "y", "annotations": [{"type": "url_citation"}], "logprobs": [{}]}
        marked = {"type": "input_text", "text": "x", "cache_control": {"type": "ephemeral"}}
        items = [
            {"role": "user", "content": [marked, {**marked, "nothing": [], "null": None}]},
            {"role": "assistant", "content": [told]},
            {"role": "user", "content": [marked]},
        ]
        self.assertEqual([notice.param for notice in prompt(input=items).notices], ["input[].content[].cache_control"])

    def test_include(self) -> None:
        """An unknown name to include is refused."""
        self.assertEqual(refused(include=["everything"]).param, "include[0]")

    def test_tools(self) -> None:
        """Tools are flat; nested ones are read too and told of; other kinds are refused."""
        self.assertEqual(prompt(tools=[F]).tools, (Tool("f"),))
        nested = prompt(tools=[{"type": "function", "function": {"name": "f"}}])
        self.assertEqual((nested.tools, nested.notices[0].param), ((Tool("f"),), "tools[0].function"))
        self.assertEqual(refused(tools=[F, {"type": "web_search"}]).param, "tools[1].type")
        chosen = prompt(tools=[F], tool_choice=F).tool_choice
        self.assertEqual(chosen, ToolChoice("required", ("f",)))

    def test_format(self) -> None:
        """The schema is flat; a nested one is read too and told of; a missing one is refused."""
        flat = {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True}
        expected = OutputFormat("json_schema", {"type": "object"}, "n", True)
        self.assertEqual(prompt(text={"format": flat}).output_format, expected)
        nested = prompt(text={"format": {"type": "json_schema", "json_schema": flat}})
        self.assertEqual((nested.output_format, nested.notices[0].param), (expected, "text.format.json_schema"))
        self.assertEqual(refused(text={"format": {"type": "json_schema"}}).param, "text.format.schema")

    def test_reasoning(self) -> None:
        """Effort and the wish for a summary are read; details the provider lacks are told of."""
        self.assertEqual(prompt(reasoning={"effort": "high"}).reasoning, Reasoning("high"))
        self.assertEqual(prompt(reasoning={"summary": "auto"}).reasoning, Reasoning(None, True))
        self.assertEqual(prompt(reasoning={"summary": "none"}).reasoning, Reasoning())
        detailed = prompt(reasoning={"summary": "detailed", "mode": "x"})
        self.assertEqual({notice.param for notice in detailed.notices}, {"reasoning.summary", "reasoning.mode"})

    def test_metadata_limits(self) -> None:
        """Metadata beyond OpenAI's limits is refused; within them it is repeated."""
        self.assertEqual(prompt(metadata={"a": "b"}).echo["metadata"], {"a": "b"})
        self.assertEqual(refused(metadata={str(n): "" for n in range(17)}).param, "metadata")
        self.assertEqual(refused(metadata={"a": 1}).param, "metadata.a")
        self.assertEqual(refused(metadata={"a": "x" * 513}).param, "metadata.a")
