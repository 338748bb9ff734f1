"""Tests of agd.protocols.responses.request and of the parameters beside the conversation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import OutputFormat, Prompt, Reasoning, Sampling, Tool
from agd.errors import BadRequest
from agd.protocols.endpoints import CHAT
from agd.protocols.responses.asked import asked_of
from agd.protocols.responses.request import read
from agd.protocols.responses.resource import resource
from tests.protocols.answers import context
from tests.protocols.refusals import refusal_of
from tests.protocols.routes import RESPONSES


def prompt(**fields: Any) -> Prompt:
    """Read a small request with these fields added."""
    return read({"model": "m", "input": "x", **fields})


def refused(**fields: Any) -> BadRequest:
    """Return why a request with these fields is refused."""
    return refusal_of(lambda: prompt(**fields))


def repeated(**fields: Any) -> Mapping[str, Any]:
    """Return what the Response to a request with these fields repeats."""
    return asked_of(prompt(**fields)).repeated


class ParameterTests(SynchronousTestCase):
    """What stands beside the conversation and the tools."""

    def test_refused(self) -> None:
        """What only OpenAI's stores could give, and what is no value, is refused by name."""
        cases: dict[str, Any] = {
            "conversation": "conv_1",
            "prompt": {"id": "pmpt_1"},
            "top_logprobs": 21,
            "store": "yes",
            "max_tool_calls": 0,
            "client_metadata": "x",
            "safety_identifier": 5,
            "truncation": "middle",
            "max_output_tokens": 0,
        }
        for name, value in cases.items():
            with self.subTest(name=name):
                self.assertEqual(refused(**{name: value}).param, name)

    def test_neutral(self) -> None:
        """Values that ask for nothing give no notice."""
        neutral = {
            "background": False,
            "truncation": "disabled",
            "top_logprobs": 0,
            "include": [],
            "client_metadata": {},
        }
        self.assertEqual(prompt(**neutral, parallel_tool_calls=True, text={"verbosity": "medium"}).notices, ())
        kept = {"store": True, "background": True, "truncation": "auto", "client_metadata": {"session_id": "s"}}
        self.assertEqual(prompt(**kept).notices, ())

    def test_notices(self) -> None:
        """What has no effect is told of."""
        cases: dict[str, tuple[Any, str]] = {
            "include": (["file_search_call.results"], "include[0]"),
            "text": ({"verbosity": "low"}, "text.verbosity"),
            "context_management": ([{"type": "compaction"}], "context_management"),
            "prompt_cache_key": ("k", "prompt_cache_key"),
            "user": ("ann", "user"),
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

    def test_I32_include(self) -> None:
        """Every name that OpenAI has is taken, what is not given is told of, and an unknown one is refused."""
        honoured = ["reasoning.encrypted_content", "web_search_call.action.sources", "code_interpreter_call.outputs"]
        read_prompt = prompt(include=honoured)
        self.assertEqual((asked_of(read_prompt).include, read_prompt.notices), (frozenset(honoured), ()))
        self.assertEqual(refused(include=["reasoning.encrypted_content", "everything"]).param, "include[1]")
        self.assertEqual(refused(include=[1]).param, "include[0]")

    def test_logprobs(self) -> None:
        """Probabilities are asked of the provider when they are included, and the likeliest when they are counted."""
        self.assertEqual(
            prompt(include=["message.output_text.logprobs"]).sampling, Sampling(None, logprobs=True, top_logprobs=0)
        )
        for counted in (prompt(top_logprobs=3), prompt(top_logprobs=3, include=["reasoning.encrypted_content"])):
            self.assertEqual(counted.sampling, Sampling(None, logprobs=True, top_logprobs=3))
            self.assertIn("message.output_text.logprobs", asked_of(counted).include)
        self.assertEqual(prompt(top_logprobs=0).sampling, Sampling())

    def test_B40_parallel(self) -> None:
        """One call at a time is a wish that the prompt carries, repeated in the Response; true is the default (I38)."""
        self.assertIs(prompt(parallel_tool_calls=False).parallel_tool_calls, False)
        self.assertIs(repeated(parallel_tool_calls=False)["parallel_tool_calls"], False)
        self.assertIs(repeated()["parallel_tool_calls"], True)

    def test_I38_call_limit(self) -> None:
        """The limit of hosted calls is repeated, and told to have no effect."""
        limited = prompt(max_tool_calls=3)
        self.assertEqual(asked_of(limited).repeated["max_tool_calls"], 3)
        self.assertEqual([notice.param for notice in limited.notices], ["max_tool_calls"])

    def test_I39_few_tokens(self) -> None:
        """One token is enough, though OpenAI wants 16 at least."""
        self.assertEqual(prompt(max_output_tokens=1).sampling.max_tokens, 1)
        self.assertEqual(refused(max_output_tokens=0).param, "max_output_tokens")

    def test_I35_repeated(self) -> None:
        """Identifiers and metadata are repeated in the client's own words."""
        said = {"safety_identifier": "s", "prompt_cache_key": "k", "user": "u", "metadata": {"a": "b"}}
        told = repeated(**said, service_tier="flex", instructions="i", previous_response_id="resp_1")
        expected = {**said, "service_tier": "flex", "instructions": "i", "previous_response_id": "resp_1"}
        self.assertEqual({key: told[key] for key in expected}, expected)
        self.assertNotIn("user", repeated())

    def test_I29_previous_is_known(self) -> None:
        """A request that goes on from a response is told of nothing: what it names was looked up before it is read."""
        self.assertEqual(prompt(previous_response_id="resp_1").notices, ())

    def test_I40_keeping(self) -> None:
        """An answer is stored unless the client says otherwise; one that nobody waits for has to be."""
        default, off = asked_of(prompt()), asked_of(prompt(store=False, generate=False))
        self.assertEqual((default.store, default.background, default.generate), (True, False, True))
        self.assertEqual((off.store, off.generate), (False, False))
        self.assertTrue(asked_of(prompt(background=True)).background)
        self.assertEqual(refused(background=True, store=False).param, "background")

    def test_I34_truncation(self) -> None:
        """Whether a long conversation may be cut is kept for who sends it, and repeated."""
        self.assertEqual(asked_of(prompt(truncation="auto")).truncation, "auto")
        self.assertEqual((asked_of(prompt()).truncation, repeated()["truncation"]), ("disabled", "disabled"))

    def test_repeated_wording(self) -> None:
        """Format, verbosity, tools and the choice are repeated in the flat shape of Responses."""
        nested = {"type": "function", "function": {"name": "f"}}
        told = repeated(tools=[nested, {"type": "web_search"}], tool_choice=nested, text={"verbosity": "low"})
        function = {"type": "function", "name": "f", "description": None, "parameters": None, "strict": None}
        self.assertEqual(told["tools"], [function, {"type": "web_search"}])
        self.assertEqual(told["tool_choice"], {"type": "function", "name": "f"})
        self.assertEqual(told["text"], {"format": {"type": "text"}, "verbosity": "low"})

    def test_chat_shaped(self) -> None:
        """A chat request answered on this route stores nothing, and its own fields are what is repeated."""
        asked = asked_of(Prompt("m", (), tools=(Tool("f"),), sampling=Sampling(max_tokens=5)))
        self.assertFalse(asked.store)
        self.assertEqual(asked.repeated["max_output_tokens"], 5)
        self.assertEqual(asked.repeated["tools"][0]["name"], "f")

    def test_chat_route(self) -> None:
        """A Responses request on the chat route cannot go on from a response, nor have what chat has no words for."""
        cases: dict[str, Any] = {
            "previous_response_id": "resp_1",
            "background": True,
            "generate": False,
            "input": [{"role": "user", "content": "x"}, {"type": "compaction_trigger"}],
            "tools": [{"type": "custom", "name": "f"}],
        }
        for name, value in cases.items():
            with self.subTest(name=name):
                self.assertEqual(refusal_of(CHAT.read, {"model": "m", "input": "x", name: value}).param, name)

    def test_chat_route_without_state(self) -> None:
        """A plain one is read there, and told what it does without."""
        body = {"model": "m", "input": "x", "tools": [{"type": "function", "name": "f"}]}
        self.assertEqual(CHAT.read(body), RESPONSES.read(body))
        wishes = {"store": True, "include": ["reasoning.encrypted_content", "message.output_text.logprobs"]}
        self.assertEqual([notice.param for notice in CHAT.read({**body, **wishes}).notices], ["store", "include"])

    def test_I36_format(self) -> None:
        """The schema is flat; a nested one is read too and told of; a missing one is refused."""
        flat = {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True}
        expected = OutputFormat("json_schema", {"type": "object"}, "n", True)
        self.assertEqual(prompt(text={"format": flat}).output_format, expected)
        nested = prompt(text={"format": {"type": "json_schema", "json_schema": flat}})
        self.assertEqual((nested.output_format, nested.notices[0].param), (expected, "text.format.json_schema"))
        self.assertEqual(refused(text={"format": {"type": "json_schema"}}).param, "text.format.schema")

    def test_I44_reasoning(self) -> None:
        """Effort and the wish for a summary are read; details the provider lacks are told of."""
        self.assertEqual(prompt(reasoning={"effort": "high"}).reasoning, Reasoning("high"))
        self.assertEqual(prompt(reasoning={"summary": "auto"}).reasoning, Reasoning(None, True))
        self.assertEqual(prompt(reasoning={"summary": "none"}).reasoning, Reasoning())
        detailed = prompt(reasoning={"summary": "detailed", "mode": "x"})
        self.assertEqual({notice.param for notice in detailed.notices}, {"reasoning.summary", "reasoning.mode"})
        self.assertEqual(
            repeated(reasoning={"effort": "low", "summary": "detailed"})["reasoning"]["summary"], "detailed"
        )
        self.assertEqual(repeated(reasoning={"generate_summary": "auto"})["reasoning"]["summary"], "auto")
        self.assertIsNone(repeated(reasoning={"summary": "none"})["reasoning"]["summary"])
        self.assertEqual(prompt(reasoning="low").reasoning, Reasoning("low"))

    def test_reasoning_context(self) -> None:
        """All earlier reasoning goes back to the model; only the wish for less is told of."""
        self.assertEqual(prompt(reasoning={"context": "all_turns", "mode": "standard"}).notices, ())
        [notice] = prompt(reasoning={"context": "current_turn"}).notices
        self.assertEqual(notice.param, "reasoning.context")
        self.assertEqual(refused(reasoning={"context": "none"}).param, "reasoning.context")

    def test_metadata_limits(self) -> None:
        """Metadata beyond OpenAI's limits is refused; within them it is repeated."""
        self.assertEqual(repeated(metadata={"a": "b"})["metadata"], {"a": "b"})
        self.assertEqual(refused(metadata={str(n): "" for n in range(17)}).param, "metadata")
        self.assertEqual(refused(metadata={"a": 1}).param, "metadata.a")
        self.assertEqual(refused(metadata={"a": "x" * 513}).param, "metadata.a")
