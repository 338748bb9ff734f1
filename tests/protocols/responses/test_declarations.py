"""Tests of agd.protocols.responses.declarations and agd.protocols.responses.hosted: tools of every kind."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import CodeExecution, ImageOutput, Tool, WebSearch
from agd.errors import BadRequest
from agd.options import Options
from agd.protocols.responses.asked import asked_of
from agd.protocols.responses.toolbox import Binding
from tests.protocols.responses.requests import NEW, OLD, prompt, refused, sent, told

F = {"type": "function", "name": "f"}
UNKNOWN = ("file_search", "computer", "computer_use_preview", "mcp", "programmatic_tool_calling", "teleport")
NOTICE = Options(unsupported_tools="notice")


def namespace(name: str, *tools: Any, **fields: Any) -> dict[str, Any]:
    """Return a namespace of tools."""
    return {"type": "namespace", "name": name, "description": "", "tools": list(tools), **fields}


class FunctionTests(SynchronousTestCase):
    """Functions."""

    def test_I37_shapes(self) -> None:
        """Functions are flat; nested ones are read too and told of."""
        self.assertEqual(prompt(tools=[F]).tools, (Tool("f"),))
        nested = prompt(tools=[{"type": "function", "function": {"name": "f", "strict": True}}])
        self.assertEqual((nested.tools, told(nested)), ((Tool("f", strict=True),), ["tools[0].function"]))

    def test_settings_without_effect(self) -> None:
        """What a declaration asks beyond name, words and schema is told of, once for all tools."""
        deferred = {"defer_loading": True, "allowed_callers": ["programmatic"], "output_schema": {"type": "object"}}
        read_prompt = prompt(tools=[{**F, **deferred}, {"type": "function", "name": "g", **deferred}])
        expected = ["tools[].allowed_callers", "tools[].defer_loading", "tools[].output_schema"]
        self.assertEqual(sorted(told(read_prompt)), expected)
        self.assertEqual(told(prompt(tools=[{**F, "defer_loading": False, "allowed_callers": ["direct"]}])), [])

    def test_B31_names(self) -> None:
        """One name for two different tools is refused, the same tool twice is one."""
        self.assertEqual(prompt(tools=[F, F]).tools, (Tool("f"),))
        for other in ({**F, "description": "Other."}, {"type": "custom", "name": "f"}):
            self.assertEqual(refused(tools=[F, other]).param, "tools[1].name")
        self.assertEqual(refused(tools=[namespace("n", F, {**F, "strict": True})]).param, "tools[0].tools[1].name")

    def test_schema_errors(self) -> None:
        """A schema that is none is refused by the place where the client wrote it."""
        inner = {"type": "function", "name": "g", "parameters": {"type": "string"}}
        with self.assertRaises(BadRequest) as caught:
            sent(prompt(tools=[F, namespace("n", F, inner)]))
        self.assertEqual(caught.exception.param, "tools[1].tools[1].parameters")


class CustomTests(SynchronousTestCase):
    """Tools that take raw text (I17)."""

    def test_I17_text(self) -> None:
        """A custom tool is a function with one text."""
        [tool] = prompt(
            tools=[{"type": "custom", "name": "exec", "description": "Runs.", "format": {"type": "text"}}]
        ).tools
        self.assertEqual((tool.name, tool.description), ("exec", "Runs."))
        self.assertEqual((tool.parameters or {})["required"], ["input"])
        self.assertEqual((tool.parameters or {})["properties"]["input"]["type"], "string")

    def test_I17_grammar(self) -> None:
        """A grammar joins the description, byte for byte, with the name of its syntax."""
        for syntax, word in (("lark", "Lark grammar"), ("regex", "regular expression")):
            form = {"type": "grammar", "syntax": syntax, "definition": 'start: "a"\n  \u00e9+'}
            entry = {"type": "custom", "name": "exec", "description": "Runs.", "format": form}
            read_prompt = prompt(tools=[entry])
            words = read_prompt.tools[0].description or ""
            self.assertTrue(words.startswith("Runs.\n\n"))
            self.assertTrue(words.endswith(form["definition"]))
            self.assertIn(word, words)
            self.assertEqual(asked_of(read_prompt).toolbox.binding("exec"), Binding("custom", "exec"))
            chat = prompt(
                tools=[{"type": "custom", "custom": {**entry, "format": {"type": "grammar", "grammar": form}}}]
            )
            self.assertEqual((chat.tools, told(chat)), (read_prompt.tools, ["tools[0].custom"]))

    def test_refusals(self) -> None:
        """A format that is none is refused by its path."""
        cases: dict[str, dict[str, Any]] = {
            "tools[0].name": {"name": None},
            "tools[0].format.type": {"format": {"type": "json"}},
            "tools[0].format.syntax": {"format": {"type": "grammar", "syntax": "bnf", "definition": "x"}},
            "tools[0].format.definition": {"format": {"type": "grammar", "syntax": "lark"}},
        }
        for param, fields in cases.items():
            self.assertEqual(refused(tools=[{"type": "custom", "name": "f", **fields}]).param, param)


class NamespaceTests(SynchronousTestCase):
    """Namespaces (I22)."""

    def test_I22_flattened(self) -> None:
        """Each tool of a namespace has both names in one, and what is said of the namespace before its own words."""
        inner = [{**F, "description": "Goes."}, {"type": "custom", "name": "g"}]
        read_prompt = prompt(tools=[namespace("n", *inner, description="About.")])
        self.assertEqual([tool.name for tool in read_prompt.tools], ["n__f", "n__g"])
        self.assertEqual([tool.description for tool in read_prompt.tools], ["About.\n\nGoes.", "About."])
        toolbox = asked_of(read_prompt).toolbox
        self.assertEqual(toolbox.binding("n__f"), Binding("function", "f", "n"))
        self.assertEqual(toolbox.binding("n__g"), Binding("custom", "g", "n"))

    def test_I22_collisions(self) -> None:
        """A function keeps its name; tools of namespaces that would have the same one get others."""
        plain = {"type": "function", "name": "a__b__c"}
        inner = {"type": "function", "name": "b__c"}, {"type": "function", "name": "c"}
        read_prompt = prompt(tools=[namespace("a", inner[0]), namespace("a__b", inner[1]), plain])
        names = [tool.name for tool in read_prompt.tools]
        self.assertEqual((len(set(names)), names[2]), (3, "a__b__c"))
        toolbox = asked_of(read_prompt).toolbox
        self.assertEqual([toolbox.binding(name).namespace for name in names], ["a", "a__b", None])

    def test_I22_unusable(self) -> None:
        """A namespace holds functions and custom tools; anything else is refused by its place, or left out."""
        tools = [namespace("n", F, {"type": "mcp"})]
        self.assertEqual(refused(tools=tools).param, "tools[0].tools[1].type")
        lenient = prompt(tools=tools, options=NOTICE)
        self.assertEqual(([tool.name for tool in lenient.tools], told(lenient)), (["n__f"], ["tools[0].tools[1].type"]))


class BuiltinTests(SynchronousTestCase):
    """OpenAI's own tools that the client runs (I19)."""

    def test_I19_declared(self) -> None:
        """Each is a function with the documented action as its parameters, and is bound to its kind."""
        wanted = {"local_shell": "command", "shell": "commands", "apply_patch": "path"}
        read_prompt = prompt(tools=[{"type": kind} for kind in wanted])
        for tool, (kind, required) in zip(read_prompt.tools, wanted.items(), strict=True):
            self.assertIn(required, (tool.parameters or {})["required"])
            self.assertEqual(asked_of(read_prompt).toolbox.binding(tool.name).kind, kind)
        self.assertEqual(len(sent(read_prompt)["tools"][0]["functionDeclarations"]), 3)

    def test_I19_own_function_of_the_name(self) -> None:
        """A function of the client's that has the name of such a tool keeps it."""
        read_prompt = prompt(tools=[{"type": "shell"}, {"type": "function", "name": "shell"}])
        kinds = [asked_of(read_prompt).toolbox.binding(tool.name).kind for tool in read_prompt.tools]
        self.assertEqual((kinds, read_prompt.tools[1].name), (["shell", "function"], "shell"))

    def test_I19_containers(self) -> None:
        """A shell in a container of OpenAI's is refused by the setting, one at the client's is the tool itself."""
        hosted = {"type": "shell", "environment": {"type": "container_auto"}}
        self.assertEqual(refused(tools=[hosted]).param, "tools[0].environment.type")
        local = prompt(tools=[{"type": "shell", "environment": {"type": "local", "skills": [{"name": "s"}]}}])
        self.assertEqual((local.tools[0].name, told(local)), ("shell", ["tools[].environment.skills"]))

    def test_I22_tool_search(self) -> None:
        """A search that the client makes is a function with its own words and schema; OpenAI's own is refused."""
        schema = {"type": "object", "properties": {"query": {"type": "string"}}}
        entry = {"type": "tool_search", "execution": "client", "description": "Finds.", "parameters": schema}
        self.assertEqual(prompt(tools=[entry]).tools, (Tool("tool_search", "Finds.", schema),))
        for execution in ("server", None):
            self.assertEqual(refused(tools=[{**entry, "execution": execution}]).param, "tools[0].execution")


class HostedTests(SynchronousTestCase):
    """Tools that run at the provider."""

    def test_I20_web_search(self) -> None:
        """Every name of the web search is the provider's own; settings that it lacks are told of."""
        for kind in ("web_search", "web_search_2025_08_26", "web_search_preview", "web_search_preview_2025_03_11"):
            read_prompt = prompt(tools=[{"type": kind}])
            self.assertEqual((read_prompt.web_search, read_prompt.notices), (WebSearch("tools[0]", optional=True), ()))
            self.assertEqual(sent(read_prompt)["tools"], [{"googleSearch": {}}])
        codex = {"type": "web_search", "external_web_access": False, "search_content_types": ["text"]}
        expected = ["tools[0].external_web_access", "tools[0].search_content_types"]
        self.assertEqual(told(prompt(tools=[codex])), expected)

    def test_B42_web_search_beside_functions(self) -> None:
        """On a model that takes one kind only the search is dropped with a notice, unless it was chosen by name."""
        tools = [F, {"type": "web_search"}]
        self.assertEqual(
            [list(each) for each in sent(prompt(tools=tools), NEW)["tools"]],
            [["functionDeclarations"], ["googleSearch"]],
        )
        self.assertEqual([list(each) for each in sent(prompt(tools=tools), OLD)["tools"]], [["functionDeclarations"]])
        named = prompt(tools=tools, tool_choice={"type": "web_search"})
        with self.assertRaises(BadRequest) as caught:
            sent(named, OLD)
        self.assertEqual(caught.exception.param, "tools[1]")

    def test_code_interpreter(self) -> None:
        """Code is run by the provider and told as items; a container of OpenAI's is told to mean nothing."""
        read_prompt = prompt(tools=[{"type": "code_interpreter", "container": {"type": "auto"}}])
        self.assertEqual((read_prompt.code_execution, read_prompt.notices), (CodeExecution("tools[0]"), ()))
        self.assertTrue(asked_of(read_prompt).code_items)
        self.assertFalse(asked_of(prompt()).code_items)
        self.assertEqual(sent(read_prompt)["tools"], [{"codeExecution": {}}])
        self.assertEqual(
            told(prompt(tools=[{"type": "code_interpreter", "container": "cntr_1"}])), ["tools[0].container"]
        )

    def test_image_generation(self) -> None:
        """Images are asked of the model, where it makes any; how they should be is told to be its own affair."""
        read_prompt = prompt(tools=[{"type": "image_generation", "size": "auto", "quality": "high"}])
        self.assertEqual((read_prompt.modalities, told(read_prompt)), (("text", "image"), ["tools[0].quality"]))
        self.assertEqual(read_prompt.image_output, ImageOutput(asked_as="tools[0]"))
        generation = sent(read_prompt, "gemini-2.5-flash-image")["generationConfig"]
        self.assertEqual(generation["responseModalities"], ["TEXT", "IMAGE"])
        with self.assertRaises(BadRequest) as caught:
            sent(read_prompt, OLD)
        self.assertEqual(caught.exception.param, "tools[0]")


class UnknownTests(SynchronousTestCase):
    """Tools that cannot be used (I22)."""

    def test_I22_refused(self) -> None:
        """Any other tool is refused by its place."""
        for kind in UNKNOWN:
            self.assertEqual(refused(tools=[F, {"type": kind}]).param, "tools[1].type")

    def test_I22_left_out(self) -> None:
        """Where the options say so, it is left out and told of."""
        for kind in UNKNOWN:
            read_prompt = prompt(tools=[F, {"type": kind}], options=NOTICE)
            self.assertEqual((read_prompt.tools, told(read_prompt)), ((Tool("f"),), ["tools[1].type"]))
        server = prompt(tools=[F, {"type": "tool_search"}], options=NOTICE)
        self.assertEqual((server.tools, told(server)), ((Tool("f"),), ["tools[1].execution"]))


class AdditionalTests(SynchronousTestCase):
    """Tools that items bring along (I23)."""

    def added(self, *tools: Any, **fields: Any) -> dict[str, Any]:
        """Return an item that adds tools."""
        return {"type": "additional_tools", "id": "at_1", "role": "developer", "tools": list(tools), **fields}

    def test_I23_additional_tools(self) -> None:
        """Tools of an item join those of the request, hosted ones too; the item itself says nothing."""
        items = [self.added(namespace("n", F), {"type": "web_search"}), {"role": "user", "content": "x"}]
        read_prompt = prompt(tools=[F], input=items)
        self.assertEqual([tool.name for tool in read_prompt.tools], ["f", "n__f"])
        self.assertEqual(read_prompt.web_search, WebSearch("input[0].tools[1]", optional=True))
        self.assertEqual((len(read_prompt.messages), read_prompt.notices), (1, ()))

    def test_I23_declared_anew(self) -> None:
        """A later declaration of the same tool holds, and is told of where it is another."""
        items = [self.added(F), self.added({**F, "description": "New."}), {"role": "user", "content": "x"}]
        read_prompt = prompt(tools=[F], input=items)
        self.assertEqual((read_prompt.tools, told(read_prompt)), ((Tool("f", "New."),), ["input[1].tools"]))

    def test_I23_refusals(self) -> None:
        """Tools that cannot be used are refused in an item as well, and only a developer adds any."""
        self.assertEqual(refused(input=[self.added({"type": "mcp"})]).param, "input[0].tools[0].type")
        self.assertEqual(refused(input=[self.added(F, role="user")]).param, "input[0].role")
