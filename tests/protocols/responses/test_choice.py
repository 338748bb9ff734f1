"""Tests of agd.protocols.responses.choice: ``tool_choice`` in all its forms."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Prompt, ToolChoice, WebSearch
from tests.protocols.responses.requests import OLD, prompt, refused, sent, told

F, G = {"type": "function", "name": "f"}, {"type": "function", "name": "g"}
CUSTOM = {"type": "custom", "name": "c"}
SPACE = {"type": "namespace", "name": "n", "description": "", "tools": [F, {"type": "custom", "name": "c"}]}
SEARCH, CODE = {"type": "web_search"}, {"type": "code_interpreter", "container": {"type": "auto"}}
TOOLS = [F, G, CUSTOM, SPACE, {"type": "shell"}, {"type": "local_shell"}, {"type": "apply_patch"}, SEARCH, CODE]


def chosen(choice: Any, tools: Any = TOOLS) -> Prompt:
    """Read a request with these tools and a choice among them."""
    return prompt(tools=tools, tool_choice=choice)


def allowed(*tools: Any, mode: str = "auto") -> dict[str, Any]:
    """Return a choice of some tools."""
    return {"type": "allowed_tools", "mode": mode, "tools": list(tools)}


class ChoiceTests(SynchronousTestCase):
    """What may be called."""

    def test_B35_modes(self) -> None:
        """A mode is a mode; without functions there is nothing to say of them, and nothing to require."""
        for mode in ("auto", "required", "none"):
            self.assertEqual(chosen(mode, [F]).tool_choice, ToolChoice(mode))
        self.assertIsNone(chosen("auto", []).tool_choice)
        self.assertEqual(refused(tool_choice="required").param, "tool_choice")
        self.assertEqual(refused(tools=[F], tool_choice="any").param, "tool_choice")
        self.assertEqual(refused(tools=[F], tool_choice=5).param, "tool_choice")

    def test_B38_none(self) -> None:
        """No tool at all is no hosted one either; functions stay declared."""
        read_prompt = chosen("none")
        self.assertEqual((read_prompt.web_search, read_prompt.code_execution), (None, None))
        self.assertEqual(len(read_prompt.tools), 8)

    def test_B36_one_tool(self) -> None:
        """One function, custom tool or tool of OpenAI's that the client runs is required under its flat name."""
        cases: list[tuple[Any, str]] = [
            (F, "f"),
            ({"type": "function", "function": {"name": "f"}}, "f"),
            ({**F, "namespace": "n"}, "n__f"),
            (CUSTOM, "c"),
            ({**CUSTOM, "namespace": "n"}, "n__c"),
            ({"type": "shell"}, "shell"),
            ({"type": "local_shell"}, "local_shell"),
            ({"type": "apply_patch"}, "apply_patch"),
        ]
        for choice, name in cases:
            with self.subTest(choice=choice):
                read_prompt = chosen(choice)
                self.assertEqual(
                    (read_prompt.tool_choice, read_prompt.web_search), (ToolChoice("required", (name,)), None)
                )

    def test_B37_allowed(self) -> None:
        """Some tools are allowed or required, a namespace is all of its tools, and hosted ones stay only if named."""
        read_prompt = chosen(allowed(F, SPACE, {"type": "shell"}, SEARCH))
        self.assertEqual(read_prompt.tool_choice, ToolChoice("auto", ("f", "n__f", "n__c", "shell")))
        self.assertEqual((read_prompt.web_search, read_prompt.code_execution), (WebSearch("tools[7]"), None))
        required = chosen(allowed(F, G, mode="required"))
        self.assertEqual(required.tool_choice, ToolChoice("required", ("f", "g")))
        nested = chosen({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [F]}})
        self.assertEqual(nested.tool_choice, ToolChoice("auto", ("f",)))

    def test_B37_sent(self) -> None:
        """Gemini is told the allowed names and no other tool."""
        body = sent(chosen(allowed(F, SPACE), [F, G, SPACE]))
        expected = {"mode": "VALIDATED", "allowedFunctionNames": ["f", "n__f", "n__c"]}
        self.assertEqual(body["toolConfig"]["functionCallingConfig"], expected)

    def test_I20_hosted(self) -> None:
        """A hosted tool cannot be forced: the others are kept away, and that is told."""
        for kind in ("web_search_preview", "web_search"):
            read_prompt = chosen({"type": kind})
            self.assertEqual((read_prompt.tool_choice, told(read_prompt)), (ToolChoice("none"), ["tool_choice"]))
            self.assertEqual((read_prompt.web_search, read_prompt.code_execution), (WebSearch("tools[7]"), None))
        alone = chosen({"type": "code_interpreter"}, [CODE])
        self.assertEqual((alone.tool_choice, sent(alone, OLD)["tools"]), (None, [{"codeExecution": {}}]))
        self.assertEqual(told(chosen("required", [SEARCH])), ["tool_choice"])
        self.assertEqual(told(chosen(allowed(SEARCH))), [])

    def test_refusals(self) -> None:
        """A tool that was not declared, and one that cannot be, is refused by its place in the choice."""
        cases: list[tuple[Any, str]] = [
            ({"type": "function", "name": "x"}, "tool_choice.name"),
            ({"type": "custom", "name": "f"}, "tool_choice.name"),
            ({"type": "function", "name": "c"}, "tool_choice.name"),
            ({"type": "function"}, "tool_choice.name"),
            ({"type": "mcp", "server_label": "s"}, "tool_choice.type"),
            ({"type": "file_search"}, "tool_choice.type"),
            ({"type": "computer_use"}, "tool_choice.type"),
            ({"type": "image_generation"}, "tool_choice.type"),
            ({"type": "tool_search"}, "tool_choice.type"),
            ({}, "tool_choice.type"),
            (allowed(), "tool_choice.tools"),
            (allowed(F, mode="none"), "tool_choice.mode"),
            (allowed(F, {"type": "namespace", "name": "x"}), "tool_choice.tools[1].name"),
            (allowed({"type": "mcp", "server_label": "s"}), "tool_choice.tools[0].type"),
        ]
        for choice, param in cases:
            with self.subTest(choice=choice):
                self.assertEqual(refused(tools=TOOLS, tool_choice=choice).param, param)
