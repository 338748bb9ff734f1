"""What real clients send is readable, or refused by the name of what agd does not do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import ToolCall, ToolResult
from agd.protocols.endpoints import CHAT
from tests import shared_data
from tests.protocols.refusals import refusal_of
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

    def test_codex_tools(self) -> None:
        """Codex's namespaces and hosted tools are refused by their place in the list."""
        for path, body in _captured("codex-*-shell-tool-loop.json"):
            error = refusal_of(_ENDPOINTS[path].read, body)
            place = next(index for index, tool in enumerate(body["tools"]) if tool["type"] != "function")
            self.assertEqual(error.param, f"tools[{place}].type")

    def test_codex_without_hosted_tools(self) -> None:
        """The same requests with function tools only are read whole."""
        for _, body in _captured("codex-*-shell-tool-loop.json"):
            tools = [tool for tool in body["tools"] if tool["type"] == "function"]
            prompt = RESPONSES.read({**body, "tools": tools})
            self.assertTrue(prompt.instructions)
            self.assertTrue(prompt.reasoning.summary)
            self.assertEqual(
                {notice.param for notice in prompt.notices}, {"include[0]", "prompt_cache_key", "client_metadata"}
            )
