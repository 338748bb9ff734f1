"""What real clients send is readable, and comes to what they mean."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import ToolCall, ToolResult
from agd.encoding import decode
from agd.gemini.requests import write_request
from agd.protocols.endpoints import CHAT
from agd.protocols.responses.asked import asked_of
from agd.protocols.responses.toolbox import Binding, Toolbox
from tests import shared_data
from tests.protocols.routes import RESPONSES

_ENDPOINTS = {"/v1/chat/completions": CHAT, "/v1/responses": RESPONSES}


def _captured(pattern: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(shared_data.require("clients").glob(pattern)):
        for request in json.loads(path.read_bytes()):
            if request["method"] == "POST" and request["path"] in _ENDPOINTS:
                yield request["path"], request["body"]


class ClientTests(SynchronousTestCase):
    """Requests captured from clients."""

    def test_python_clients(self) -> None:
        """Every captured request of openai-python, llm and langchain is read, without a single notice."""
        requests = list(_captured("openai-python-*.json"))
        self.assertGreater(len(requests), 10)
        for path, body in requests:
            prompt = _ENDPOINTS[path].read(body)
            self.assertEqual((prompt.model, prompt.notices), (body["model"], ()))
            self.assertEqual(prompt.stream, body.get("stream", False))
            self.assertEqual(len(prompt.tools), len(body.get("tools", ())))

    def test_calls_and_results(self) -> None:
        """A captured tool loop keeps its calls, their ids, their arguments and the results."""
        for path, body in _captured("openai-python-*.json"):
            parts = [part for message in _ENDPOINTS[path].read(body).messages for part in message.parts]
            calls = {part.id: part.arguments for part in parts if isinstance(part, ToolCall)}
            answered = {part.call_id for part in parts if isinstance(part, ToolResult)}
            self.assertEqual(set(calls), answered)
            self.assertTrue(all(arguments in json.dumps(body).replace('\\"', '"') for arguments in calls.values()))


class CodexTests(SynchronousTestCase):
    """Requests captured from Codex in all its situations, over HTTP and over its WebSocket."""

    def requests(self) -> list[dict[str, Any]]:
        """Return every body; a frame's own ``type`` belongs to the socket."""
        bodies = [
            {key: value for key, value in request["body"].items() if key != "type"}
            for path in sorted(shared_data.require("clients").glob("codex-*.json"))
            for request in json.loads(path.read_bytes())
            if isinstance(request["body"], dict)
        ]
        self.assertGreater(len(bodies), 7)
        return bodies

    def test_I22_read_and_sent(self) -> None:
        """Every request reads, twice the same, and makes a body for models with and without tool combination."""
        for body in self.requests():
            prompt = RESPONSES.read(body)
            self.assertEqual(prompt, RESPONSES.read(body))
            for model in ("gemini-2.5-flash", "gemini-3-flash-preview"):
                sent = decode(write_request(prompt, model).body)
                names = [each["name"] for each in sent["tools"][0]["functionDeclarations"]]
                self.assertEqual(names, [tool.name for tool in prompt.tools])
                self.assertEqual({"googleSearch": {}} in sent["tools"], self.searches(body) and "-3-" in model)

    def test_I22_every_tool_leads_back(self) -> None:
        """Every tool that Codex declares, in a namespace or an item too, can be called and is known by its own name."""
        for body in self.requests():
            toolbox = asked_of(RESPONSES.read(body)).toolbox
            declared = [*body.get("tools", ()), *(t for item in body["input"] for t in item.get("tools", ()))]
            self.assertEqual(list(map(toolbox.binding, self.names(toolbox))), list(self.bindings(declared)))

    def test_I17_custom_tools(self) -> None:
        """The grammar of ``apply_patch`` reaches the model whole, and its call is a custom tool's."""
        [body] = [body for body in self.requests() if body["model"] == "gpt-5.5"]
        prompt = RESPONSES.read(body)
        [entry] = [tool for tool in body["tools"] if tool["type"] == "custom"]
        [tool] = [tool for tool in prompt.tools if tool.name == entry["name"]]
        self.assertIn(entry["format"]["definition"], tool.description or "")
        self.assertEqual(asked_of(prompt).toolbox.binding(tool.name).kind, "custom")

    def test_notices(self) -> None:
        """What is told of Codex's requests is only what Gemini has no counterpart for."""
        found = {notice.param for body in self.requests() for notice in RESPONSES.read(body).notices}
        settings = {re.sub(r"\[\d+\]", "[]", param) for param in found}
        searching = {"tools[].external_web_access", "tools[].search_content_types"}
        self.assertEqual(settings, {"prompt_cache_key", "text.verbosity", *searching})

    def test_state(self) -> None:
        """Codex wants the state of reasoning sealed, and says which of its requests is a warm-up."""
        asked = [asked_of(RESPONSES.read(body)) for body in self.requests()]
        self.assertTrue(all("reasoning.encrypted_content" in each.include for each in asked))
        self.assertEqual([each.generate for each in asked], [body.get("generate", True) for body in self.requests()])
        self.assertEqual([each.store for each in asked], [body["store"] for body in self.requests()])

    def searches(self, body: dict[str, Any]) -> bool:
        """Tell whether a request declares a web search."""
        return any(tool["type"] == "web_search" for tool in body.get("tools", ()))

    def names(self, toolbox: Toolbox) -> list[str]:
        """Return the names of a toolbox."""
        return [tool.name for tool in toolbox.tools]

    def bindings(self, declared: list[dict[str, Any]], namespace: str | None = None) -> Iterator[Binding]:
        """Yield what declarations bind, in their order."""
        for tool in declared:
            if tool["type"] == "namespace":
                yield from self.bindings(tool["tools"], tool["name"])
            elif tool["type"] != "web_search":
                yield Binding(tool["type"], tool.get("name", tool["type"]), namespace)
