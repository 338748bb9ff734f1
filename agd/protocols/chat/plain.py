"""The messages that long conversations are made of: words, calls of functions, and what those returned as words.

They are read here without a ``Fields`` each, which is most of what reading a conversation costs. What is read is what
``Turns`` would read; every message that is anything else, or that is wrong, is left to it and its errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agd.conversation import Message, Part, Text, ToolCall, ToolResult

_KEYS: Mapping[str, frozenset[str]] = {
    "user": frozenset({"role", "content"}),
    "assistant": frozenset({"role", "content", "tool_calls", "annotations", "reasoning", "reasoning_content"}),
    "tool": frozenset({"role", "content", "tool_call_id", "name"}),
}
"""All that a plain message of a role may hold: what is read here, and of an earlier answer what is not read at all
(C13). Clients that dump their objects send other keys as null."""


def read_plain(value: Any) -> Message | None:
    """Read one entry of ``messages``; None: it is not plain."""
    if not isinstance(value, dict) or not isinstance(role := value.get("role"), str):
        return None
    keys = _KEYS.get(role)
    if keys is None or not (keys.issuperset(value) or _others_null(value, keys)):
        return None
    content = value.get("content")
    words = (Text(content),) if isinstance(content, str) else _blocks(content)
    if role == "assistant":
        calls = value.get("tool_calls")
        if calls is not None:
            return _calls(words, calls) if words or content is None else None
        return Message("assistant", words) if words else None
    if not words:
        return None
    return Message("user", words) if role == "user" else _result(value, words)


def _others_null(value: dict[str, Any], keys: frozenset[str]) -> bool:
    return all(held is None for key, held in value.items() if key not in keys)


def _blocks(content: Any) -> tuple[Text, ...]:
    """Read blocks of nothing but texts; empty: there are others, or something else is told beside a text."""
    if not isinstance(content, list):
        return ()
    texts: list[Text] = []
    for block in content:
        words = block.get("text") if isinstance(block, dict) else None
        if not isinstance(words, str) or len(block) != 2 or block.get("type") != "text":
            return ()
        texts.append(Text(words))
    return tuple(texts)


def _result(value: dict[str, Any], words: tuple[Text, ...]) -> Message | None:
    call_id, name = value.get("tool_call_id"), value.get("name")
    if not (call_id and isinstance(call_id, str) and (name is None or isinstance(name, str))):
        return None
    return Message("user", (ToolResult(call_id, words, name),))


def _calls(words: tuple[Text, ...], calls: Any) -> Message | None:
    if not isinstance(calls, list):
        return None
    parts: list[Part] = [*words]
    for entry in calls:
        call = _call(entry)
        if call is None:
            return None
        parts.append(call)
    return Message("assistant", tuple(parts))


def _call(entry: Any) -> ToolCall | None:
    if not isinstance(entry, dict) or entry.get("type") != "function":
        return None
    extra, signature = entry.get("extra_content"), None
    if extra is not None and (signature := _signature(extra)) is None:
        return None
    call_id, function = entry.get("id"), entry.get("function")
    if not isinstance(function, dict):
        return None
    name, arguments = function.get("name"), function.get("arguments")
    if not (isinstance(call_id, str) and isinstance(name, str) and isinstance(arguments, str)):
        return None
    if not (call_id and name and arguments) or arguments.isspace():
        return None
    return ToolCall(call_id, name, arguments, signature)


def _signature(extra: Any) -> str | None:
    """Read the signature as agd and Google write it; None: there is none, or it is written otherwise."""
    google = extra.get("google") if isinstance(extra, dict) else None
    signature = google.get("thought_signature") if isinstance(google, dict) else None
    return signature if signature and isinstance(signature, str) else None
