"""Tests of agd.protocols.responses.calls: calls of tools that the client runs, and what came of them."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Media, Message, Text, ToolCall, ToolResult
from agd.encoding import decode
from tests.protocols.responses.requests import OLD, parts, prompt, refused, sent, told

USER = {"role": "user", "content": "x"}
CUSTOM = {"type": "custom", "name": "apply_patch"}


def call(call_id: str = "call_1", name: str = "f", **fields: Any) -> dict[str, Any]:
    """Return a function call."""
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": "{}", **fields}


def output(call_id: str = "call_1", value: Any = "1", **fields: Any) -> dict[str, Any]:
    """Return what a function answered."""
    return {"type": "function_call_output", "call_id": call_id, "output": value, **fields}


class FunctionTests(SynchronousTestCase):
    """Functions."""

    def test_I16_call_id(self) -> None:
        """``call_id`` pairs a call with its output, ``id`` is only the item's own."""
        found = parts(USER, call(id="fc_1"), output(id="fco_1"))
        self.assertEqual(found[1:], [ToolCall("call_1", "f", "{}"), ToolResult("call_1", (Text("1"),))])
        self.assertEqual(refused(input=[{**call(), "call_id": None, "id": "fc_1"}]).param, "input[0].call_id")

    def test_B13_no_arguments(self) -> None:
        """A call without arguments has an empty object."""
        for empty in ("", " ", None):
            self.assertEqual(parts(USER, call(arguments=empty))[1], ToolCall("call_1", "f", "{}"))

    def test_I46_outputs(self) -> None:
        """An output is text as it stands, or parts; one that is incomplete is an error."""
        blocks = [
            {"type": "input_text", "text": "00123"},
            {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo="},
            {"type": "input_file", "filename": "a.txt", "file_data": "aGk="},
        ]
        media = (Media("image/png", "iVBORw0KGgo="), Media("text/plain", "aGk="))
        self.assertEqual(parts(USER, call(), output(value="00123"))[2], ToolResult("call_1", (Text("00123"),)))
        self.assertEqual(parts(USER, call(), output(value=blocks))[2], ToolResult("call_1", (Text("00123"), *media)))
        self.assertEqual(parts(call(), output(status="incomplete"))[1], ToolResult("call_1", (Text("1"),), error=True))
        self.assertEqual(refused(input=[call(), output(value=None)]).param, "input[1].output")

    def test_B08_parallel_calls(self) -> None:
        """Parallel calls that come as separate items are one turn, and so are their outputs, in the calls' order."""
        items = [
            USER,
            call("a", "f"),
            {"type": "reasoning", "summary": []},
            call("b", "g"),
            output("b", "2"),
            output("a"),
        ]
        contents = sent(prompt(input=items), OLD)["contents"]
        self.assertEqual([content["role"] for content in contents], ["user", "model", "user"])
        self.assertEqual([part["functionCall"]["name"] for part in contents[1]["parts"]], ["f", "g"])
        answers = [part["functionResponse"]["response"]["output"] for part in contents[2]["parts"]]
        self.assertEqual(answers, ["1", "2"])

    def test_I22_namespace(self) -> None:
        """A call of a tool in a namespace has the name under which the tool is declared, or would be."""
        tools = [{"type": "namespace", "name": "n", "description": "", "tools": [{"type": "function", "name": "f"}]}]
        for declared in (tools, []):
            self.assertEqual(parts(call(namespace="n"), tools=declared), [ToolCall("call_1", "n__f", "{}")])

    def test_caller(self) -> None:
        """A call that the model made itself is nothing special, one that a program made is told of."""
        self.assertEqual(told(prompt(input=[call(caller={"type": "direct"}), output(caller={"type": "direct"})])), [])
        self.assertEqual(told(prompt(input=[call(caller={"type": "program", "caller_id": "p"})])), ["input[].caller"])


class CustomTests(SynchronousTestCase):
    """Tools that take raw text."""

    @given(st.text())
    def test_I17_raw_input(self, text: str) -> None:
        """The input comes back to the model byte for byte, as the one argument that it gave."""
        item = {"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_1", "name": "apply_patch", "input": text}
        [made] = parts(item, tools=[CUSTOM])
        self.assertIsInstance(made, ToolCall)
        self.assertEqual((made.name, decode(made.arguments)), ("apply_patch", {"input": text}))  # type: ignore[union-attr]  # asserted

    def test_I17_history(self) -> None:
        """A custom tool's call and its output make a round that Gemini takes."""
        items = [
            USER,
            {"type": "custom_tool_call", "call_id": "call_1", "name": "apply_patch", "input": "*** Begin Patch"},
            {"type": "custom_tool_call_output", "call_id": "call_1", "output": "Done."},
        ]
        _, model, user = sent(prompt(input=items, tools=[CUSTOM]), OLD)["contents"]
        self.assertEqual(model["parts"][0]["functionCall"]["args"], {"input": "*** Begin Patch"})
        self.assertEqual(user["parts"][0]["functionResponse"]["name"], "apply_patch")
        self.assertEqual(user["parts"][0]["functionResponse"]["response"], {"output": "Done."})


class ShellTests(SynchronousTestCase):
    """OpenAI's own tools that the client runs (I19)."""

    def test_I19_local_shell(self) -> None:
        """The action is the arguments; the output may name the call by ``call_id``, or by the item's id."""
        action = {"command": ["ls", "-l"], "env": {}, "timeout_ms": 5}
        item = {"type": "local_shell_call", "id": "lsh_1", "call_id": "call_1", "action": {"type": "exec", **action}}
        for name in ({"call_id": "call_1"}, {"id": "lsh_1"}, {"id": "call_1"}):
            made, answer = parts(
                {**item, "status": "completed"}, {"type": "local_shell_call_output", "output": "a", **name}
            )
            self.assertEqual((made.name, decode(made.arguments)), ("local_shell", action))  # type: ignore[union-attr]  # a call
            self.assertEqual(answer, ToolResult("call_1", (Text("a"),)))

    def test_I19_shell(self) -> None:
        """The action is the arguments, the chunks of output are one JSON text."""
        chunks = [{"stdout": "a", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}]
        made, answer = parts(
            {
                "type": "shell_call",
                "call_id": "call_1",
                "action": {"commands": ["ls"]},
                "environment": {"type": "local"},
            },
            {"type": "shell_call_output", "call_id": "call_1", "output": chunks, "max_output_length": 9},
        )
        self.assertEqual(made, ToolCall("call_1", "shell", '{"commands":["ls"]}'))
        self.assertEqual(decode(answer.output[0].text), chunks)  # type: ignore[union-attr]  # a result
        for value, param in ((None, "input[0].output"), (5, "input[0].output"), ([1], "input[0].output[0]")):
            item = {"type": "shell_call_output", "call_id": "call_1", "output": value}
            self.assertEqual(refused(input=[item]).param, param)

    def test_I19_apply_patch(self) -> None:
        """The operation is the arguments; a patch that failed is an error, in words if there are any."""
        operation = {"type": "update_file", "path": "a", "diff": "@@\n-b\n+c"}
        item = {"type": "apply_patch_call", "call_id": "call_1", "status": "completed", "operation": operation}
        answer = {"type": "apply_patch_call_output", "call_id": "call_1"}
        made, done = parts(item, {**answer, "status": "completed"})
        self.assertEqual((made.name, decode(made.arguments)), ("apply_patch", operation))  # type: ignore[union-attr]  # a call
        self.assertEqual(done, ToolResult("call_1", (Text("completed"),)))
        failed = parts(item, {**answer, "status": "failed", "output": "no such file"})[1]
        self.assertEqual(failed, ToolResult("call_1", (Text("no such file"),), error=True))
        self.assertEqual(refused(input=[{**item, "operation": None}]).param, "input[0].operation")


class ToolSearchTests(SynchronousTestCase):
    """Searching for tools (I22)."""

    FOUND = [{"type": "namespace", "name": "mcp", "tools": [{"type": "function", "name": "h", "defer_loading": True}]}]

    def test_I22_client_search(self) -> None:
        """What the client found can be called from then on; the model is told the names."""
        read_prompt = prompt(
            tools=[{"type": "tool_search", "execution": "client"}],
            input=[
                USER,
                {"type": "tool_search_call", "call_id": "call_1", "execution": "client", "arguments": {"query": "q"}},
                {"type": "tool_search_output", "call_id": "call_1", "execution": "client", "tools": self.FOUND},
            ],
        )
        self.assertEqual([tool.name for tool in read_prompt.tools], ["tool_search", "mcp__h"])
        self.assertEqual(read_prompt.messages[1].parts, (ToolCall("call_1", "tool_search", '{"query":"q"}'),))
        expected = ToolResult("call_1", (Text('{"tools":["mcp__h"]}'),))
        self.assertEqual((read_prompt.messages[2].parts, told(read_prompt)), ((expected,), []))

    def test_I22_server_search(self) -> None:
        """A search that ran at OpenAI is no call of the client's; what it found can be called all the same."""
        read_prompt = prompt(
            input=[
                USER,
                {"type": "tool_search_call", "call_id": None, "execution": "server", "arguments": {"paths": ["mcp"]}},
                {"type": "tool_search_output", "call_id": None, "execution": "server", "tools": self.FOUND},
            ]
        )
        self.assertEqual(read_prompt.messages, (Message("user", (Text("x"),)),))
        self.assertEqual([tool.name for tool in read_prompt.tools], ["mcp__h"])
