"""Reading and translating whole conversations: nothing breaks, and everything is repeatable."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.cli.parity import read_rows
from agd.conversation import Text, ToolCall, ToolResult
from agd.errors import GatewayError
from agd.gemini.requests import write_request
from agd.options import Options
from agd.protocols.endpoint import Context
from agd.protocols.responses.asked import asked_of
from agd.protocols.responses.listing import listed
from agd.protocols.responses.past import Past
from agd.protocols.responses.request import read
from agd.protocols.responses.resource import resource
from tests.protocols.responses.requests import NEW, OLD, prompt
from tests.protocols.schemas import validate

TOOLS = [
    {"type": "function", "name": "f"},
    {"type": "custom", "name": "c"},
    {"type": "namespace", "name": "n", "description": "d", "tools": [{"type": "function", "name": "f"}]},
    {"type": "local_shell"},
    {"type": "shell"},
    {"type": "apply_patch"},
    {"type": "tool_search", "execution": "client", "parameters": {"type": "object", "properties": {}}},
    {"type": "web_search"},
]
_PATCH = {"type": "create_file", "path": "a", "diff": "+b"}
_CALLS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"type": "function_call", "name": "f", "arguments": "{}"}, {"type": "function_call_output", "output": "1"}),
    (
        {"type": "function_call", "name": "f", "namespace": "n", "arguments": ""},
        {"type": "function_call_output", "output": [{"type": "input_text", "text": "1"}]},
    ),
    ({"type": "custom_tool_call", "name": "c", "input": "i"}, {"type": "custom_tool_call_output", "output": "1"}),
    (
        {"type": "local_shell_call", "action": {"type": "exec", "command": ["ls"], "env": {}}},
        {"type": "local_shell_call_output", "output": "1"},
    ),
    (
        {"type": "shell_call", "action": {"commands": ["ls"]}},
        {"type": "shell_call_output", "output": [{"stdout": "", "stderr": "", "outcome": {"type": "timeout"}}]},
    ),
    (
        {"type": "apply_patch_call", "status": "completed", "operation": _PATCH},
        {"type": "apply_patch_call_output", "status": "completed"},
    ),
    (
        {"type": "tool_search_call", "execution": "client", "arguments": {}},
        {"type": "tool_search_output", "execution": "client", "tools": [{"type": "function", "name": "g"}]},
    ),
]
_said = st.builds(
    lambda role, text: [{"role": role, "content": text}],
    st.sampled_from(["user", "assistant", "developer", "system"]),
    st.text(min_size=1, max_size=5),
)
_quiet = st.sampled_from(
    [
        [{"type": "reasoning", "summary": [], "encrypted_content": "x"}],
        [{"type": "web_search_call", "id": "ws_1", "status": "completed"}],
        [{"type": "code_interpreter_call", "id": "ci_1", "status": "completed", "code": "1", "outputs": []}],
        [{"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "iVBORw0KGgo="}],
    ]
)


@st.composite
def rounds(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw parallel calls and their outputs, which come in any order."""
    pairs = draw(st.lists(st.sampled_from(_CALLS), min_size=1, max_size=4))
    named = [(f"call_{at}", pair) for at, pair in enumerate(pairs)]
    answered = draw(st.permutations(named))
    calls = [{**call, "call_id": name} for name, (call, _) in named]
    return [*calls, *({**output, "call_id": name} for name, (_, output) in answered)]


@st.composite
def dialogues(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw a conversation with every kind of item; no two have one id."""
    turns = draw(st.lists(st.one_of(_said, _quiet, rounds()), min_size=1, max_size=6))
    items = [{"role": "user", "content": "x"}, *(item for turn in turns for item in turn)]
    return [{**item, "id": f"it_{at}"} if "id" in item else item for at, item in enumerate(items)]


conversations = dialogues()


_WORDS = """
type role content id name tools call_id output message user function namespace function_call shell custom format
grammar environment mode allowed_tools effort
"""
_words = st.sampled_from(_WORDS.split())
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | _words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_words, inner, max_size=4),
)


EXAMPLES = [{"model": OLD, **row.example} for row in read_rows() if row.endpoint == "responses"]


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every array and object in a value, with each of its keys."""
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from _places(value[key])


class TranslationTests(SynchronousTestCase):
    """Conversations with every kind of item."""

    @given(conversations, st.sampled_from([OLD, NEW]))
    def test_repeatable(self, items: list[dict[str, Any]], model: str) -> None:
        """A conversation reads twice the same, and is sent to Gemini in the same bytes."""
        body = {"model": "m", "input": items, "tools": TOOLS}
        first, second = read(body), read(body)
        self.assertEqual(first, second)
        self.assertEqual(write_request(first, model), write_request(second, model))

    @given(conversations)
    def test_B08_every_round_is_whole(self, items: list[dict[str, Any]]) -> None:
        """Every call and every output arrives, and no tool has a name that is not declared."""
        read_prompt = prompt(input=items, tools=TOOLS)
        parts = [part for message in read_prompt.messages for part in message.parts]
        calls = [part for part in parts if isinstance(part, ToolCall)]
        results = [part for part in parts if isinstance(part, ToolResult)]
        self.assertEqual(
            len(calls), sum(item.get("type", "").endswith("_call") and "call_id" in item for item in items)
        )
        self.assertEqual(len(calls), len(results))
        self.assertLessEqual({call.name for call in calls}, {tool.name for tool in read_prompt.tools})

    @given(conversations, st.integers(0, 20))
    def test_I29_cut_anywhere(self, items: list[dict[str, Any]], cut: int) -> None:
        """A conversation of which the first half is stored reads as the same turns as the whole of it."""
        inline = Options(late_system="inline")
        whole = prompt(input=items, tools=TOOLS, options=inline)
        kept = listed(asked_of(whole).items, "t0")
        stored, rest = kept[:cut], kept[cut:]
        halves = prompt(input=rest, tools=TOOLS, past=Past(items=tuple(stored)), options=inline)
        self.assertEqual((halves.messages, halves.instructions), (whole.messages, whole.instructions))

    @given(_values)
    def test_nothing_breaks(self, value: Any) -> None:
        """Whatever stands in a request, it is read or refused as the client's fault."""
        for key in ("input", "tools", "tool_choice", "reasoning", "text", "include", "metadata"):
            try:
                prompt(**{key: value})
            except GatewayError as error:
                self.assertIn(error.status, {400, 404})
                self.assertTrue((error.param or "").startswith((key, "input")), error.param)

    @given(st.sampled_from(EXAMPLES), st.randoms(use_true_random=False), _values)
    def test_one_value_wrong(self, example: dict[str, Any], random: Random, value: Any) -> None:
        """Of a request in which one value is another one, or gone, the same holds when it is sent on."""
        body = deepcopy(example)
        place, key = random.choice(list(_places(body)))
        if random.random() < 0.7:
            place[key] = value
        else:
            del place[key]
        try:
            write_request(read(body), NEW)
        except GatewayError as error:
            self.assertIn(error.status, {400, 404})
            self.assertTrue(error.param)

    def test_I08_repeated_is_valid(self) -> None:
        """What a Response repeats fits OpenAI's schema for every tool and choice, and Open Responses' for functions."""
        checked = 0
        for example in EXAMPLES:
            try:
                told = resource(Context("t0", 1, read(example)), "completed")
            except GatewayError:
                continue
            validate("Response", told)
            if all(tool["type"] == "function" for tool in told["tools"]):
                validate("ResponseResource", told, "open-responses-2026-04-24.openapi.json")
                checked += 1
        self.assertGreater(checked, 50)

    def test_words_stay(self) -> None:
        """No byte of a text changes on the way."""
        text = 'é\u2028\n"\\ \U0001f600'
        self.assertEqual(prompt(input=text).messages[0].parts, (Text(text),))
