"""What a legal stream of a Response is: a strict reader that takes its events one by one and believes nothing.

A stream is ``created queued? in_progress item* terminal``. An item is ``output_item.added``, the events of its kind
(``GRAMMAR``), ``output_item.done``; the next one is opened after that. What is told piece by piece must add up to what
is told at the close, and the items' closes to the output of the terminal event.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from attrs import define, field

TERMINAL = frozenset({"completed", "incomplete", "failed"})
PREFIXES = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "custom_tool_call": "ctc",
    "local_shell_call": "lsh",
    "shell_call": "sh",
    "apply_patch_call": "apc",
    "tool_search_call": "tsc",
    "web_search_call": "ws",
    "code_interpreter_call": "ci",
    "image_generation_call": "ig",
    "compaction": "cmp",
}

_TEXT = "content_part.added (output_text.delta |output_text.annotation.added )*output_text.done content_part.done "
_REFUSAL = "content_part.added (refusal.delta )*refusal.done content_part.done "
_SUMMARY = (
    "reasoning_summary_part.added (reasoning_summary_text.delta )+"
    "reasoning_summary_text.done reasoning_summary_part.done "
)
_RUN = (
    "code_interpreter_call.in_progress (code_interpreter_call_code.delta )*code_interpreter_call_code.done "
    "code_interpreter_call.interpreting (code_interpreter_call.completed )?"
)

GRAMMAR = {
    "message": f"({_TEXT}|{_REFUSAL})*",
    "reasoning": f"({_SUMMARY})*",
    "function_call": "(function_call_arguments.delta )*function_call_arguments.done ",
    "custom_tool_call": "(custom_tool_call_input.delta )*custom_tool_call_input.done ",
    "local_shell_call": "",
    "shell_call": "(shell_call_command.added (shell_call_command.delta )*shell_call_command.done )*",
    "apply_patch_call": "",
    "tool_search_call": "",
    "web_search_call": "web_search_call.in_progress web_search_call.searching (web_search_call.completed )?",
    "code_interpreter_call": _RUN,
    "image_generation_call": "image_generation_call.in_progress image_generation_call.completed ",
    "compaction": "",
}
"""What may stand between the two ends of an item of each kind."""

_DONE = {
    "output_text.done": "text",
    "refusal.done": "refusal",
    "reasoning_summary_text.done": "text",
    "function_call_arguments.done": "arguments",
    "custom_tool_call_input.done": "input",
    "code_interpreter_call_code.done": "code",
    "shell_call_command.done": "command",
}
"""The events that tell once more what deltas have told, and where."""


class Illegal(AssertionError):
    """A stream broke a rule."""


def demand(truth: bool, rule: str, event: object) -> None:
    """Raise ``Illegal`` where a rule is broken."""
    if not truth:
        raise Illegal(f"{rule}: {event!r}")


@define
class _Open:
    """The item that is under way."""

    item: dict[str, Any]
    names: list[str] = field(factory=list)
    deltas: list[str] = field(factory=list)
    parts: list[dict[str, Any]] = field(factory=list)
    notes: list[dict[str, Any]] = field(factory=list)
    told: dict[str, str] = field(factory=dict)


@define
class Reader:
    """Reads one stream. ``over``: its terminal event has come."""

    over: bool = False
    done: list[dict[str, Any]] = field(factory=list)
    _number: int = 0
    _stage: str = "nothing"
    _first: dict[str, Any] = field(factory=dict)
    _open: _Open | None = None

    def take(self, event: dict[str, Any]) -> None:
        """Read one event; raises ``Illegal`` where it must not stand."""
        demand(not self.over, "nothing follows the terminal event", event)
        demand(event["sequence_number"] == self._number, "events are numbered from 0 without a gap", event)
        self._number += 1
        name = event["type"].removeprefix("response.")
        if "response" in event:
            self._lifecycle(name, event["response"])
        else:
            demand(self._stage == "in_progress", "items are told while the answer is in progress", event)
            self._within(name, event)

    def _lifecycle(self, name: str, whole: dict[str, Any]) -> None:
        legal = {"nothing": {"created"}, "created": {"queued", "in_progress"}, "queued": {"in_progress"}}
        demand(name in legal.get(self._stage, TERMINAL), f"{name} does not follow {self._stage}", whole)
        self._first = self._first or whole
        for key in ("id", "object", "model", "created_at"):
            demand(whole[key] == self._first[key], f"{key} never changes", whole)
        keys = whole.keys() - {"x_agd"}  # notices that came too late for the head of the answer
        demand(keys == self._first.keys() - {"x_agd"}, "every lifecycle event has the whole Response", whole)
        self._stage = name
        if name in TERMINAL:
            self._end(name, whole)
        else:
            queued = whole["status"] == "queued" and name != "in_progress"
            demand(queued or whole["status"] == "in_progress", "a Response that has begun is in progress", whole)
            demand(whole["output"] == [] and whole["usage"] is None, "nothing is told in advance", whole)

    def _end(self, name: str, whole: dict[str, Any]) -> None:
        self.over = True
        cancelled = name == "incomplete" and whole["status"] == "cancelled"
        demand(cancelled or whole["status"] == name, "the status is the event's", whole)
        demand((whole["error"] is not None) == (name == "failed"), "who fails says why", whole)
        incomplete = name == "incomplete" and not cancelled
        demand((whole["incomplete_details"] is not None) == incomplete, "who is incomplete says why", whole)
        demand((whole["completed_at"] is not None) == (name == "completed"), "completed_at is for completed", whole)
        self._check_output(whole, broken=cancelled or name == "failed")
        usage = whole["usage"]
        if usage is not None:
            demand(usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"], "usage adds up", usage)
            demand("cached_tokens" in usage["input_tokens_details"], "usage has all fields", usage)
            demand("reasoning_tokens" in usage["output_tokens_details"], "usage has all fields", usage)

    def _check_output(self, whole: dict[str, Any], *, broken: bool) -> None:
        expected = list(self.done)
        if self._open is not None:
            demand(broken, "all items are closed before a good end", whole)
            last = whole["output"][-1]
            demand(last["id"] == self._open.item["id"], "an open item stays in the output", whole)
            demand(last["status"] in {"incomplete", "failed"}, "an open item is incomplete", last)
            expected.append(last)
        demand(whole["output"] == expected, "the output is what was closed", whole)
        texts = [
            part["text"]
            for item in expected
            for part in item.get("content", ())
            if item["type"] == "message" and part["type"] == "output_text"
        ]
        demand(whole["output_text"] == "".join(texts), "output_text is the words of all messages", whole)

    def _within(self, name: str, event: dict[str, Any]) -> None:
        demand(event["output_index"] == len(self.done), "an item's index is its place in the output", event)
        if name == "output_item.added":
            self._add(event["item"])
            return
        opened = self._open
        demand(opened is not None, "an item is open", event)
        if opened is None:
            return
        if name == "output_item.done":
            self._close(opened, event["item"])
        else:
            demand(event.get("item_id", opened.item["id"]) == opened.item["id"], "an id never changes", event)
            opened.names.append(name)
            _fill(opened, name, event)

    def _add(self, item: dict[str, Any]) -> None:
        demand(self._open is None, "an item is closed before the next one opens", item)
        token = self._first["id"].removeprefix("resp_")
        demand(item["id"].startswith(f"{PREFIXES[item['type']]}_{token}_"), "an id says what it names", item)
        demand(item["id"] not in {done["id"] for done in self.done}, "ids differ", item)
        demand(item.get("status", "in_progress") == "in_progress", "an item that opens is in progress", item)
        self._open = _Open(item)

    def _close(self, opened: _Open, item: dict[str, Any]) -> None:
        kind = item["type"]
        demand((item["id"], kind) == (opened.item["id"], opened.item["type"]), "an item stays what it is", item)
        demand(item.get("status") != "in_progress", "an item that is closed is not in progress", item)
        told = "".join(f"{name} " for name in opened.names)
        demand(re.fullmatch(GRAMMAR[kind].replace(".", r"\."), told) is not None, f"{kind} is told in order", told)
        if kind in {"message", "reasoning"}:
            demand(item["content" if kind == "message" else "summary"] == opened.parts, "parts make the item", item)
        for key, text in opened.told.items():
            demand(item[key] == text, f"{key} is what was told", item)
        self.done.append(item)
        self._open = None


def _fill(opened: _Open, name: str, event: dict[str, Any]) -> None:
    """Take an event within an item."""
    for key in ("content_index", "summary_index", "command_index"):
        demand(event.get(key, len(opened.parts)) == len(opened.parts), f"{key} counts within the item", event)
    if name.endswith(".delta"):
        demand(event["delta"] != "", "no delta is empty", event)
        opened.deltas.append(event["delta"])
    elif name == "output_text.annotation.added":
        demand(event["annotation_index"] == len(opened.notes), "annotations are counted", event)
        opened.notes.append(event["annotation"])
    elif name in _DONE:
        text = event[_DONE[name]]
        demand(text == "".join(opened.deltas), "deltas make the text", event)
        opened.deltas.clear()
        opened.told = {_DONE[name]: text} if "content_index" not in event and "summary_index" not in event else {}
        if name == "shell_call_command.done":
            opened.parts.append({"command": text})
            opened.told = {}
    elif name in {"content_part.done", "reasoning_summary_part.done"}:
        demand(event["part"].get("annotations", []) == opened.notes, "annotations are told one by one", event)
        opened.parts.append(event["part"])
        opened.notes.clear()


def check(events: Iterable[dict[str, Any]], *, whole: bool = True) -> Reader:
    """Read a stream; ``whole``: it must have come to its end."""
    reader = Reader()
    for event in events:
        reader.take(event)
    demand(reader.over or not whole, "a stream has a terminal event", "the end")
    return reader


def check_stream(stream: bytes) -> list[dict[str, Any]]:
    """Read server-sent events to their end and return them: named as they are typed, then ``[DONE]``, then nothing."""
    demand(stream.count(b"data: [DONE]\n\n") == 1, "[DONE] comes once", stream)
    demand(stream.endswith(b"data: [DONE]\n\n"), "[DONE] comes last", stream)
    events = []
    for block in stream.decode().split("\n\n")[:-2]:
        if not block.startswith(":"):
            name, _, data = block.partition("\ndata: ")
            events.append(json.loads(data))
            demand(name == f"event: {events[-1]['type']}", "an event is named as it is typed", block)
    check(events)
    return events
