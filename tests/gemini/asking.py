"""How the tests of this room write a prompt and read what is sent."""

from __future__ import annotations

import json
from typing import Any

from agd.conversation import Media, Message, Part, Prompt, Text, ToolCall, ToolResult
from agd.gemini.models import NO_OVERRIDES
from agd.gemini.requests import Outgoing, write_request
from agd.options import DEFAULT

OLD = "gemini-2.5-flash"
NEW = "gemini-3-flash-preview"


def user(*parts: Part | str) -> Message:
    """Write a turn of the user."""
    return Message("user", tuple(Text(part) if isinstance(part, str) else part for part in parts))


def model(*parts: Part | str) -> Message:
    """Write a turn of the assistant."""
    return Message("assistant", tuple(Text(part) if isinstance(part, str) else part for part in parts))


def call(id: str, name: str = "f", arguments: str = "{}", signature: str | None = None) -> ToolCall:
    """Write a call."""
    return ToolCall(id, name, arguments, signature)


def result(id: str, *output: Text | Media | str, error: bool = False) -> ToolResult:
    """Write a result."""
    return ToolResult(id, tuple(Text(part) if isinstance(part, str) else part for part in output), error=error)


def prompt(*messages: Message, **fields: Any) -> Prompt:
    """Write a prompt."""
    return Prompt("m", messages, **fields)


def written(*messages: Message, to: str = OLD, **fields: Any) -> Outgoing:
    """Translate; ``options`` and ``overrides`` are those of ``write_request``, the rest are fields of the prompt."""
    options, overrides = fields.pop("options", DEFAULT), fields.pop("overrides", NO_OVERRIDES)
    return write_request(prompt(*messages, **fields), to, options, overrides)


def sent(*messages: Message, to: str = OLD, **fields: Any) -> dict[str, Any]:
    """Return the body that is sent."""
    body = json.loads(written(*messages, to=to, **fields).body)
    assert isinstance(body, dict)
    return body


def contents(*messages: Message, to: str = OLD) -> list[dict[str, Any]]:
    """Return the contents that are sent."""
    found = sent(*messages, to=to)["contents"]
    assert isinstance(found, list)
    return found


def said(role: str, *texts: str) -> dict[str, Any]:
    """Write a content of texts."""
    return {"role": role, "parts": [{"text": text} for text in texts]}


def noticed(*messages: Message, to: str = OLD, **fields: Any) -> list[str]:
    """Return the params of the notices."""
    return [notice.param for notice in written(*messages, to=to, **fields).notices]
