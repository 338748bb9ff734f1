"""The three routes' languages, and the rule for bodies that came to the wrong one of two doors.

Some clients send a Responses body to the chat route, or chat messages to the Responses route. The body's own shape
decides how it is read, the route decides how it is answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agd.conversation import Prompt
from agd.protocols.chat import answer as chat_answer
from agd.protocols.chat import request as chat_request
from agd.protocols.chat.stream import ChatStream
from agd.protocols.completions import answer as completion_answer
from agd.protocols.completions import request as completion_request
from agd.protocols.completions.stream import CompletionStream
from agd.protocols.endpoint import Endpoint, Language
from agd.protocols.responses import answer as response_answer
from agd.protocols.responses import request as response_request
from agd.protocols.responses.stream import ResponseStream


def _has(body: Mapping[str, Any], *keys: str) -> bool:
    return any(body.get(key) is not None for key in keys)


def _read_chat(body: Mapping[str, Any]) -> Prompt:
    if not _has(body, "messages") and _has(body, "input", "instructions"):
        return response_request.read(body)
    return chat_request.read(body)


def _read_response(body: Mapping[str, Any]) -> Prompt:
    if _has(body, "messages") and not _has(body, "input"):
        return chat_request.read(body)
    return response_request.read(body)


CHAT: Endpoint = Language(_read_chat, chat_answer.render, ChatStream)
"""``POST /v1/chat/completions``."""

COMPLETIONS: Endpoint = Language(completion_request.read, completion_answer.render, CompletionStream)
"""``POST /v1/completions``."""

RESPONSES: Endpoint = Language(_read_response, response_answer.render, ResponseStream)
"""``POST /v1/responses``."""
