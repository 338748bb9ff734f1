"""Declarations, choices and names of tools."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import CodeExecution, Tool, ToolChoice, WebSearch
from agd.errors import BadRequest
from agd.gemini.names import map_names
from agd.gemini.requests import write_request
from agd.options import Options
from tests.gemini.asking import NEW, OLD, call, model, noticed, prompt, result, sent, user

PLAIN = "gemini-2.0-flash"
F, G = Tool("f"), Tool("g")


def tools(*declared: Tool, choice: ToolChoice | None = None, to: str = OLD) -> dict[str, Any]:
    """Return the body of a request with tools."""
    return sent(user("q"), tools=declared, tool_choice=choice, to=to)


class DeclarationTests(SynchronousTestCase):
    """What is declared."""

    def test_B41_one_element(self) -> None:
        """All functions stand in one element, with their schemas."""
        schema = {"type": "object", "properties": {"a": {"type": ["string", "null"], "default": None}}}
        body = tools(Tool("f", "does it", schema), Tool("g", ""))
        declared = [{"name": "f", "description": "does it", "parametersJsonSchema": schema}, {"name": "g"}]
        self.assertEqual(body["tools"], [{"functionDeclarations": declared}])
        self.assertNotIn("toolConfig", body)

    def test_B32_no_parameters(self) -> None:
        """Empty parameters are left out; an object without properties stays."""
        empty: dict[str, Any] = {"type": "object", "properties": {}}
        first, second = tools(Tool("f", None, {}), Tool("g", None, empty))["tools"][0]["functionDeclarations"]
        self.assertEqual(first, {"name": "f"})
        self.assertEqual(second["parametersJsonSchema"], empty)

    def test_B31_duplicates(self) -> None:
        """Two tools of one name are refused, naming the second."""
        self.assertEqual(self.assertRaises(BadRequest, tools, F, G, F).param, "tools[2].function.name")

    def test_B32_no_parameters_in_the_subset(self) -> None:
        """A family of the other door gets no parameters at all rather than an object without properties."""
        for schema in ({"type": "object", "properties": {}}, {"type": "object"}, {}, None):
            body = tools(Tool("f", None, schema), to="gemini-1.5-pro")
            self.assertEqual(body["tools"], [{"functionDeclarations": [{"name": "f"}]}])

    def test_B34_strict(self) -> None:
        """Strict is not sent; it switches on the validated mode, or is noticed where that is not wanted or there."""
        strict = Tool("f", strict=True)
        body = tools(strict, G)
        self.assertEqual(body["tools"][0]["functionDeclarations"], [{"name": "f"}, {"name": "g"}])
        self.assertEqual(body["toolConfig"], {"functionCallingConfig": {"mode": "VALIDATED"}})
        self.assertEqual(tools(strict, choice=ToolChoice("auto"))["toolConfig"], body["toolConfig"])
        self.assertEqual(noticed(user("q"), tools=(strict,)), [])
        for fields in ({"options": Options(strict_tools="ignore")}, {"to": PLAIN}):
            self.assertNotIn("toolConfig", sent(user("q"), tools=(strict,), **fields))
            self.assertEqual(noticed(user("q"), tools=(strict,), **fields), ["tools"])
        self.assertNotIn("toolConfig", tools(Tool("f", strict=False)))
        chosen = tools(strict, choice=ToolChoice("required"))
        self.assertEqual(chosen["toolConfig"], {"functionCallingConfig": {"mode": "ANY"}})

    def test_B40_parallel(self) -> None:
        """That calls come one at a time cannot be said; where that is all, it is noticed."""
        ignore = Options(parallel_tool_calls="ignore")
        fields: dict[str, Any] = {"tools": (F,), "parallel_tool_calls": False}
        self.assertEqual(noticed(user("q"), options=ignore, **fields), ["parallel_tool_calls"])
        self.assertEqual(noticed(user("q"), **fields), [])
        self.assertEqual(sent(user("q"), **fields), sent(user("q"), tools=(F,)))


class ProvidedTests(SynchronousTestCase):
    """The provider's own tools."""

    SEARCH = WebSearch("web_search_options")

    def test_B33_B41_search(self) -> None:
        """Search is an element of its own, never a function, and stands there once."""
        native: dict[str, Any] = {"tools": [{"google_search": {}, "url_context": {}}, {"codeExecution": {}}]}
        body = sent(user("q"), web_search=self.SEARCH, native=native)
        self.assertEqual(body["tools"], [{"googleSearch": {}}, {"urlContext": {}}, {"codeExecution": {}}])
        self.assertNotIn("toolConfig", body)

    def test_B42_with_functions(self) -> None:
        """Models that take one kind only are asked for one only, as the options say."""
        error = self.assertRaises(BadRequest, sent, user("q"), tools=(F,), web_search=self.SEARCH)
        self.assertEqual(error.param, "web_search_options")
        self.assertIn("remove", error.message)
        drop: dict[str, Any] = {"tools": (F,), "options": Options(native_tools_with_functions="drop")}
        for fields, param in (
            ({"web_search": self.SEARCH}, "web_search_options"),
            ({"native": {"tools": [{"url_context": {}}]}}, "extra_body.google.tools"),
        ):
            self.assertEqual(sent(user("q"), **drop, **fields), sent(user("q"), tools=(F,)))
            self.assertEqual(noticed(user("q"), **drop, **fields), [param])

    def test_B42_dispensable_search(self) -> None:
        """A search that the client can do without is dropped beside functions, whatever the options say of others."""
        search = WebSearch("tools[1]", optional=True)
        self.assertEqual(sent(user("q"), tools=(F,), web_search=search), sent(user("q"), tools=(F,)))
        self.assertEqual(noticed(user("q"), tools=(F,), web_search=search), ["tools[1]"])
        self.assertEqual(sent(user("q"), web_search=search)["tools"], [{"googleSearch": {}}])

    def test_B42_code_execution(self) -> None:
        """Code that the provider runs is an element of its own, and follows the same rule beside functions."""
        run = CodeExecution("tools[1]")
        self.assertEqual(sent(user("q"), code_execution=run)["tools"], [{"codeExecution": {}}])
        error = self.assertRaises(BadRequest, sent, user("q"), tools=(F,), code_execution=run)
        self.assertEqual(error.param, "tools[1]")

    def test_B42_B43_gemini_3(self) -> None:
        """Gemini 3 takes both, and says what its own tools did only when it is told to."""
        body = sent(user("q"), to=NEW, tools=(F,), web_search=self.SEARCH)
        self.assertEqual(body["tools"], [{"functionDeclarations": [{"name": "f"}]}, {"googleSearch": {}}])
        self.assertEqual(body["toolConfig"], {"includeServerSideToolInvocations": True})
        for fields in ({"tools": (F,)}, {"web_search": self.SEARCH}):
            self.assertNotIn("toolConfig", sent(user("q"), to=NEW, **fields))
        vertex = {"gemini-3": {"server_tool_calls": False}}
        self.assertNotIn("toolConfig", sent(user("q"), to=NEW, tools=(F,), web_search=self.SEARCH, overrides=vertex))


class ChoiceTests(SynchronousTestCase):
    """tool_choice."""

    def calling(self, choice: ToolChoice, to: str = OLD) -> Any:
        """Return the calling configuration for a choice between f and g."""
        body = tools(F, G, choice=choice, to=to)
        self.assertEqual(len(body["tools"][0]["functionDeclarations"]), 2)
        return body.get("toolConfig", {}).get("functionCallingConfig")

    def test_B36_B38_modes(self) -> None:
        """Every choice has its mode, and the declarations stay."""
        self.assertIsNone(self.calling(ToolChoice("auto")))
        self.assertEqual(self.calling(ToolChoice("none")), {"mode": "NONE"})
        self.assertEqual(self.calling(ToolChoice("required")), {"mode": "ANY"})
        self.assertEqual(self.calling(ToolChoice("required", ("g",))), {"mode": "ANY", "allowedFunctionNames": ["g"]})

    def test_B37_free_choice_among_some(self) -> None:
        """A free choice among some is VALIDATED where that exists, and fewer declarations elsewhere."""
        choice = ToolChoice("auto", ("g",))
        self.assertEqual(self.calling(choice), {"mode": "VALIDATED", "allowedFunctionNames": ["g"]})
        body = tools(F, G, choice=choice, to=PLAIN)
        self.assertEqual(body["tools"], [{"functionDeclarations": [{"name": "g"}]}])
        self.assertNotIn("toolConfig", body)

    def test_B36_unknown_name(self) -> None:
        """A choice of a tool that is not there is refused."""
        for choice, declared in (
            (ToolChoice("required", ("x",)), (F,)),
            (ToolChoice("auto", ("x",)), (F,)),
            (ToolChoice("required"), ()),
        ):
            error = self.assertRaises(BadRequest, tools, *declared, choice=choice)
            self.assertEqual(error.param, "tool_choice")

    def test_choice_without_tools(self) -> None:
        """A choice that demands nothing is left out when there are no tools."""
        for mode in ("auto", "none"):
            self.assertEqual(set(tools(choice=ToolChoice(mode))), {"contents"})


class NameTests(SynchronousTestCase):
    """Names that the provider refuses."""

    def test_B30_everywhere_the_same(self) -> None:
        """A changed name is the same in tools, history, results and choice, and leads back."""
        name = "mcp/files read"
        outgoing = write_request(
            prompt(
                user("q"),
                model(call("1", name)),
                user(result("1", "x")),
                tools=(Tool(name),),
                tool_choice=ToolChoice("required", (name,)),
            ),
            NEW,
        )
        body = json.loads(outgoing.body)
        sent_name = body["tools"][0]["functionDeclarations"][0]["name"]
        self.assertTrue(sent_name.startswith("mcp_files_read_"))
        self.assertEqual(body["contents"][1]["parts"][0]["functionCall"]["name"], sent_name)
        self.assertEqual(body["contents"][2]["parts"][0]["functionResponse"]["name"], sent_name)
        self.assertEqual(body["toolConfig"]["functionCallingConfig"]["allowedFunctionNames"], [sent_name])
        self.assertEqual(outgoing.names, {sent_name: name})

    def test_B30_accepted_names_stay(self) -> None:
        """A name that is allowed is not touched."""
        self.assertEqual(map_names(["a", "_x", "mcp:files.v2-b"], 64).outward, {})

    def test_B30_length_by_family(self) -> None:
        """A name of 90 characters is too long for older families only."""
        long = "n" * 90
        self.assertEqual(tools(Tool(long), to=NEW)["tools"][0]["functionDeclarations"][0]["name"], long)
        self.assertLessEqual(len(tools(Tool(long), to=OLD)["tools"][0]["functionDeclarations"][0]["name"]), 64)

    def test_stable_over_requests(self) -> None:
        """A name is changed in the same way whatever stands beside it."""
        self.assertEqual(map_names(["a/b"], 64)["a/b"], map_names(["x", "ä", "a/b"], 64)["a/b"])

    @given(st.lists(st.text(max_size=80), max_size=8), st.sampled_from([64, 128]))
    def test_B30_reversible(self, names: list[str], longest: int) -> None:
        """Every name is allowed as sent, no two become one, and all lead back."""
        mapping = map_names([*names, *(map_names(names, longest)[name] for name in names[:1])], longest)
        sent_names = {name: mapping[name] for name in names}
        self.assertEqual(len(set(sent_names.values())), len(set(names)))
        for name, changed in sent_names.items():
            self.assertRegex(changed, rf"\A[A-Za-z_][A-Za-z0-9_.:-]{{0,{longest - 1}}}\Z")
            self.assertEqual(mapping.back.get(changed, changed), name)
