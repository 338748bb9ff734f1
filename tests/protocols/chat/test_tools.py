"""Section B of PITFALLS, as far as it concerns reading the tools of a chat request."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Tool, ToolChoice, WebSearch
from agd.options import Options
from tests.protocols.chat.asking import USER, F, G, ask, parts, refused, told
from tests.protocols.chat.asking import call as called


class ToolTests(SynchronousTestCase):
    """Declarations."""

    def test_B31_duplicates(self) -> None:
        """One tool twice is one tool, two tools of one name are refused."""
        other = {"type": "function", "function": {"name": "f", "description": "another"}}
        self.assertEqual(ask(tools=[F, F]).tools, (Tool("f"),))
        self.assertEqual(refused(tools=[F, other]).param, "tools[1].function.name")

    def test_B33_other_kinds(self) -> None:
        """A tool of another kind never becomes a function: search is the provider's, all else is refused."""
        for kind in ("image_generation", "custom", "code_interpreter", "mcp"):
            self.assertEqual(refused(tools=[F, {"type": kind}]).param, "tools[1].type")
        for kind in ("web_search", "web_search_preview", "google_search"):
            prompt = ask(tools=[F, {"type": kind}])
            self.assertEqual((prompt.tools, prompt.web_search), ((Tool("f"),), WebSearch("tools[1]")))
        self.assertEqual(refused(tools=[{}]).param, "tools[0].type")

    def test_B34_strict(self) -> None:
        """Strictness is read as what it is."""
        self.assertEqual(
            ask(tools=[{"type": "function", "function": {"name": "f", "strict": True}}]).tools[0].strict, True
        )
        self.assertEqual(ask(tools=[F]).tools[0].strict, None)

    def test_web_search_options(self) -> None:
        """OpenAI's options ask for a search; what it cannot be told is told of."""
        here = {"type": "approximate", "approximate": {"country": "US"}}
        prompt = ask(web_search_options={"search_context_size": "medium"})
        self.assertEqual((prompt.web_search, prompt.notices), (WebSearch("web_search_options"), ()))
        options = {"search_context_size": "high", "user_location": here, "x": 1}
        names = ["search_context_size", "user_location", "x"]
        self.assertEqual(told(web_search_options=options), [f"web_search_options.{name}" for name in names])
        self.assertEqual(told(tools=[{"type": "web_search", "filters": {}}]), ["tools[0].filters"])
        self.assertEqual(
            refused(web_search_options={"search_context_size": "vast"}).param, "web_search_options.search_context_size"
        )


class ChoiceTests(SynchronousTestCase):
    """The choice among tools."""

    def test_B35_chat_reads_them_all(self) -> None:
        """None of the parameters that a known gateway drops is dropped here."""
        fields: dict[str, Any] = {
            "stop": ["s"],
            "seed": 1,
            "logprobs": True,
            "presence_penalty": 1,
            "frequency_penalty": 1,
        }
        prompt = ask(tools=[F], tool_choice="required", **fields)
        sampling = prompt.sampling
        self.assertEqual(prompt.tool_choice, ToolChoice("required"))
        self.assertEqual((sampling.stop, sampling.seed, sampling.logprobs), (("s",), 1, True))
        self.assertEqual((sampling.presence_penalty, sampling.frequency_penalty, prompt.notices), (1, 1, ()))

    def test_B36_named(self) -> None:
        """A named function is required by its name, in either shape; a name that no tool has is refused."""
        for choice in (F, {"type": "function", "name": "f"}):
            self.assertEqual(ask(tools=[F, G], tool_choice=choice).tool_choice, ToolChoice("required", ("f",)))
        self.assertEqual(refused(tools=[G], tool_choice=F).param, "tool_choice.function.name")

    def test_B37_allowed(self) -> None:
        """Allowed tools keep their mode and names."""
        for mode, expected in (("auto", ToolChoice("auto", ("f",))), ("required", ToolChoice("required", ("f",)))):
            choice = {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [F]}}
            self.assertEqual(ask(tools=[F, G], tool_choice=choice).tool_choice, expected)

    def test_B38_none(self) -> None:
        """Choosing none keeps the declarations."""
        prompt = ask(tools=[F, G], tool_choice="none")
        self.assertEqual((prompt.tool_choice, len(prompt.tools)), (ToolChoice("none"), 2))

    def test_B39_both_spellings(self) -> None:
        """A signature is read in either of Google's spellings."""
        for key in ("thought_signature", "thoughtSignature"):
            signed = {**called("c"), "extra_content": {"google": {key: "c2ln"}}}
            (part,) = parts(USER, {"role": "assistant", "tool_calls": [signed]})[1:]
            self.assertEqual(getattr(part, "signature", None), "c2ln")

    def test_B40_parallel(self) -> None:
        """That one call only is wanted is carried on, told of, or refused where it matters, by setting."""
        asked: dict[str, Any] = {"tools": [F, G], "parallel_tool_calls": False}
        self.assertEqual((ask(**asked).parallel_tool_calls, told(**asked)), (False, []))
        self.assertEqual(told(Options(parallel_tool_calls="ignore"), **asked), ["parallel_tool_calls"])
        strict = Options(parallel_tool_calls="reject")
        self.assertEqual(refused(strict, **asked).param, "parallel_tool_calls")
        self.assertEqual(ask(strict, tools=[F], parallel_tool_calls=False).notices, ())
        self.assertEqual((ask(parallel_tool_calls=True).parallel_tool_calls, ask().parallel_tool_calls), (True, None))
