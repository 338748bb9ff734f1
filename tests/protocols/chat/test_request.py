"""Tests of agd.protocols.chat.request."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Notice, OutputFormat, Reasoning, Sampling, Tool, ToolChoice
from agd.errors import BadRequest
from agd.protocols.chat.request import LEGACY, read
from tests.protocols.refusals import refusal_of
from tests.protocols.schemas import validate

USER = {"role": "user", "content": "x"}
F = {"type": "function", "function": {"name": "f"}}
G = {"type": "function", "function": {"name": "g"}}


def body(**fields: Any) -> dict[str, Any]:
    """Return a small request with these fields added."""
    return {"model": "m", "messages": [USER], **fields}


def refused(**fields: Any) -> BadRequest:
    """Return why a request with these fields is refused."""
    return refusal_of(lambda: read(body(**fields)))


class SamplingTests(SynchronousTestCase):
    """How tokens are drawn."""

    def test_absent_stays_absent(self) -> None:
        """A client that says nothing, or null, leaves everything unset and gets no notice."""
        silent = ("temperature", "top_p", "n", "stop", "seed", "max_tokens", "tools", "logprobs", "stream_options")
        for request in (body(), body(**dict.fromkeys(silent))):
            prompt = read(request)
            self.assertEqual((prompt.sampling, prompt.notices, prompt.stream), (Sampling(), (), False))

    def test_all(self) -> None:
        """Every field arrives where it belongs."""
        request = body(temperature=1, top_p=0.5, top_k=7, max_tokens=9, stop="END", seed=-3, presence_penalty=-2)
        expected = Sampling(1, 0.5, 7, 9, ("END",), -3, -2, None)
        self.assertEqual(read(request).sampling, expected)

    def test_ranges(self) -> None:
        """Values out of OpenAI's ranges, and of the wrong type, are refused by name."""
        cases: dict[str, list[Any]] = {
            "temperature": [-0.1, 2.1, "1", True],
            "top_p": [-0.1, 1.1],
            "presence_penalty": [-2.1, 2.1],
            "frequency_penalty": [-2.1, 2.1],
            "max_tokens": [0, -1, 1.5],
            "max_completion_tokens": [0],
            "n": [0, 129, "1"],
            "stop": [5],
            "seed": ["1"],
            "stream": ["true"],
        }
        for name, values in cases.items():
            for value in values:
                with self.subTest(name=name, value=value):
                    self.assertEqual(refused(**{name: value}).param, name)

    def test_two_limits(self) -> None:
        """The newer token limit wins, and a differing older one is told of."""
        prompt = read(body(max_tokens=5, max_completion_tokens=9))
        self.assertEqual(prompt.sampling.max_tokens, 9)
        self.assertEqual([notice.param for notice in prompt.notices], ["max_tokens"])
        self.assertEqual(read(body(max_tokens=9, max_completion_tokens=9)).notices, ())

    def test_stream_options(self) -> None:
        """Stream options are read with a stream and refused without one."""
        self.assertTrue(read(body(stream=True, stream_options={"include_usage": True})).include_usage)
        self.assertEqual(refused(stream_options={"include_usage": True}).param, "stream_options")
        bad = refused(stream=True, stream_options={"include_usage": "yes"})
        self.assertEqual(bad.param, "stream_options.include_usage")


class SilentTests(SynchronousTestCase):
    """What asks for nothing."""

    def test_not_asked(self) -> None:
        """Fields with values that ask for nothing are fine."""
        prompt = read(body(logprobs=False, n=1, modalities=["text"], audio=None))
        self.assertEqual(prompt.notices, ())


class NoticeTests(SynchronousTestCase):
    """Nothing the client wrote is dropped in silence."""

    def test_every_known_parameter(self) -> None:
        """Every parameter of OpenAI's schema is read, refused or told of; only neutral values are passed over."""
        validate("CreateChatCompletionRequest", body())
        ignored: dict[str, Any] = {
            "user": "ann",
            "metadata": {"a": "b"},
            "store": True,
            "service_tier": "scale",
            "prompt_cache_key": "k",
            "prompt_cache_retention": "24h",
            "prompt_cache_options": {"mode": "auto"},
            "safety_identifier": "s",
            "verbosity": "low",
            "prediction": {"type": "content", "content": "x"},
            "logit_bias": {"5": 1},
            "moderation": {"model": "x"},
            "audio": {"voice": "Kore", "format": "wav"},
        }
        for name, value in ignored.items():
            with self.subTest(name=name):
                self.assertEqual([notice.param for notice in read(body(**{name: value})).notices], [name])

    def test_neutral_values(self) -> None:
        """Defaults that ask for nothing give no notice."""
        request = body(store=False, service_tier="auto", logit_bias={}, metadata={}, parallel_tool_calls=True)
        self.assertEqual(read(request).notices, ())

    def test_unknown(self) -> None:
        """An unknown parameter is told of."""
        self.assertEqual(read(body(mystery=1)).notices, (Notice("mystery", "unknown parameter, ignored"),))


class FormatTests(SynchronousTestCase):
    """Formats and reasoning."""

    def test_formats(self) -> None:
        """The three formats are read; a schema is kept as it stands."""
        schema = {"type": "object", "properties": {"$ref": {}}}
        nested = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema, "strict": True}}
        self.assertIsNone(read(body(response_format={"type": "text"})).output_format)
        self.assertEqual(read(body(response_format={"type": "json_object"})).output_format, OutputFormat("json_object"))
        expected = OutputFormat("json_schema", schema, "n", True)
        self.assertEqual(read(body(response_format=nested)).output_format, expected)

    def test_bad_formats(self) -> None:
        """A format without a schema, or of an unknown type, is refused by its path."""
        cases = {
            "response_format.json_schema.schema": {"type": "json_schema", "json_schema": {"name": "n"}},
            "response_format.json_schema": {"type": "json_schema"},
            "response_format.type": {"type": "yaml"},
            "response_format": "json",
        }
        for param, value in cases.items():
            self.assertEqual(refused(response_format=value).param, param)

    def test_effort(self) -> None:
        """Effort is a word or an object; an unknown word is refused."""
        self.assertEqual(read(body(reasoning_effort="xhigh")).reasoning, Reasoning("xhigh"))
        whole = {"effort": "low", "summary": "auto"}
        self.assertEqual(read(body(reasoning_effort=whole)).reasoning, Reasoning("low", True))
        self.assertEqual(read(body(reasoning=whole)).reasoning, Reasoning("low", True))
        self.assertEqual(refused(reasoning_effort="huge").param, "reasoning_effort")

    def test_two_efforts(self) -> None:
        """OpenAI's own field wins over the other, which is told of."""
        prompt = read(body(reasoning_effort="low", reasoning={"effort": "high", "summary": "auto"}))
        self.assertEqual(prompt.reasoning, Reasoning("low", True))
        self.assertEqual([notice.param for notice in prompt.notices], ["reasoning.effort"])


class ToolTests(SynchronousTestCase):
    """Tools and the choice among them."""

    def test_declaration(self) -> None:
        """A function is read whole; without parameters it has none."""
        schema = {"type": "object", "properties": {"title": {"type": "string"}}}
        function = {"name": "f", "description": "d", "parameters": schema, "strict": True}
        prompt = read(body(tools=[{"type": "function", "function": function}, G]))
        self.assertEqual(prompt.tools, (Tool("f", "d", schema, True), Tool("g")))

    def test_choices(self) -> None:
        """Every form of choice is read, allowed_tools in both shapes."""
        allowed = {"mode": "required", "tools": [F]}
        cases: list[tuple[Any, ToolChoice]] = [
            ("none", ToolChoice("none")),
            ("auto", ToolChoice("auto")),
            ("required", ToolChoice("required")),
            (F, ToolChoice("required", ("f",))),
            ({"type": "allowed_tools", "allowed_tools": allowed}, ToolChoice("required", ("f",))),
            ({"type": "allowed_tools", "mode": "auto", "tools": [F, G]}, ToolChoice("auto", ("f", "g"))),
        ]
        for value, expected in cases:
            self.assertEqual(read(body(tools=[F, G], tool_choice=value)).tool_choice, expected)

    def test_bad_choices(self) -> None:
        """A choice of what is not there is refused by its path."""
        unknown = {"type": "function", "function": {"name": "h"}}
        self.assertEqual(refused(tools=[F], tool_choice=unknown).param, "tool_choice.function.name")
        self.assertEqual(refused(tools=[F], tool_choice="any").param, "tool_choice")
        self.assertEqual(refused(tool_choice="required").param, "tool_choice")
        self.assertEqual(refused(tools=[F], tool_choice={"type": "custom"}).param, "tool_choice.type")

    def test_bad_tools(self) -> None:
        """Other kinds of tools, nameless ones and two functions of one name are refused by their place."""
        other = {"type": "function", "function": {"name": "f", "description": "another"}}
        self.assertEqual(refused(tools=[F, {"type": "custom", "custom": {}}]).param, "tools[1].type")
        self.assertEqual(refused(tools=[{"type": "function"}]).param, "tools[0].function")
        self.assertEqual(refused(tools=[{"type": "function", "function": {}}]).param, "tools[0].function.name")
        self.assertEqual(refused(tools=[F, other]).param, "tools[1].function.name")
        self.assertEqual(len(read(body(tools=[F, F])).tools), 1)

    def test_functions(self) -> None:
        """Old-style functions become tools, and the answer will speak of function_call."""
        prompt = read(body(functions=[{"name": "f"}], function_call={"name": "f"}))
        self.assertEqual((prompt.tools, prompt.tool_choice), ((Tool("f"),), ToolChoice("required", ("f",))))
        self.assertTrue(prompt.echo[LEGACY])
        self.assertEqual(read(body(tools=[F])).echo, {})

    def test_bad_functions(self) -> None:
        """A function_call that fits nothing is refused."""
        self.assertEqual(refused(function_call={"name": "f"}).param, "function_call")
        self.assertEqual(refused(functions=[{"name": "f"}], function_call={"name": "g"}).param, "function_call.name")
        self.assertEqual(refused(functions=[{"name": "f"}], tools=[F]).param, "functions")
