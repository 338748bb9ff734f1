"""Small chat requests to read."""

from __future__ import annotations

from typing import Any

from agd.conversation import Part, Prompt
from agd.errors import BadRequest
from agd.options import DEFAULT, Options
from agd.protocols.chat.request import read
from tests.protocols.refusals import refusal_of

PNG = "iVBORw0KGgo="
USER: dict[str, Any] = {"role": "user", "content": "x"}
F: dict[str, Any] = {"type": "function", "function": {"name": "f"}}
G: dict[str, Any] = {"type": "function", "function": {"name": "g"}}


def ask(options: Options = DEFAULT, /, **fields: Any) -> Prompt:
    """Read a small request with these fields added."""
    return read({"model": "m", "messages": [USER], **fields}, options)


def refused(options: Options = DEFAULT, /, **fields: Any) -> BadRequest:
    """Return why a request with these fields is refused."""
    return refusal_of(ask, options, **fields)


def told(options: Options = DEFAULT, /, **fields: Any) -> list[str]:
    """Return the parameters that a client is told of."""
    return [notice.param for notice in ask(options, **fields).notices]


def turns(*messages: Any, options: Options = DEFAULT) -> Prompt:
    """Read a request with these messages."""
    return ask(options, messages=list(messages))


def parts(*messages: Any, options: Options = DEFAULT) -> list[Part]:
    """Return the parts of all messages, one after another."""
    return [part for message in turns(*messages, options=options).messages for part in message.parts]


def block(entry: dict[str, Any]) -> dict[str, Any]:
    """Return a user message of one block."""
    return {"role": "user", "content": [entry]}


def image(url: str) -> dict[str, Any]:
    """Return a user message of one image."""
    return block({"type": "image_url", "image_url": {"url": url}})


def call(call_id: str, name: str = "f", arguments: str = "{}") -> dict[str, Any]:
    """Return an entry of ``tool_calls``."""
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def result(call_id: str, content: Any) -> dict[str, Any]:
    """Return what a tool answered."""
    return {"role": "tool", "tool_call_id": call_id, "content": content}
