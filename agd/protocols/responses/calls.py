"""Items of tools that the client runs: calls of earlier answers, and what came of them.

A call's ``call_id`` pairs it with its output, the item's ``id`` is only its own (I16). Arguments stay the text they
were; the kinds whose call is an object are written as the JSON text that the model sent.
"""

from __future__ import annotations

from agd.conversation import Media, Text, ToolCall, ToolResult
from agd.encoding import encode_text
from agd.protocols.contents import read_content
from agd.protocols.fields import Fields, missing, wrong_type
from agd.protocols.responses.declarations import declared_in
from agd.protocols.responses.history import History
from agd.protocols.responses.toolbox import Kind
from agd.protocols.responses.turns import BLOCKS
from agd.protocols.signatures import read_signature


def function_call(history: History, item: Fields) -> None:
    """Read a call of a function; no arguments at all are an empty object (B13)."""
    arguments = item.text("arguments") or ""
    _call(history, item, "function", arguments if arguments.strip() else "{}", item.required_text("name"))


def custom_call(history: History, item: Fields) -> None:
    """Read a call of a custom tool, whose input is raw text (I17)."""
    arguments = encode_text({"input": item.text("input") or ""})
    _call(history, item, "custom", arguments, item.required_text("name"))


def local_shell_call(history: History, item: Fields) -> None:
    """Read a call of ``local_shell``."""
    action = dict(item.required_object("action").values)
    action.pop("type", None)
    if item_id := item.text("id"):
        history.shells[item_id] = item.required_text("call_id")
    _call(history, item, "local_shell", encode_text(action))


def shell_call(history: History, item: Fields) -> None:
    """Read a call of ``shell``; where it ran is not the model's to know."""
    item.object("environment")
    _call(history, item, "shell", encode_text(item.required_object("action").values))


def apply_patch_call(history: History, item: Fields) -> None:
    """Read a call of ``apply_patch``."""
    _call(history, item, "apply_patch", encode_text(item.required_object("operation").values))


def tool_search_call(history: History, item: Fields) -> None:
    """Read a search for tools; one without a ``call_id`` ran at OpenAI, and only what it found counts."""
    arguments = item.get("arguments")
    item.get("execution")
    if item.text("call_id"):
        text = arguments if isinstance(arguments, str) else encode_text(arguments or {})
        _call(history, item, "tool_search", text)


def output(history: History, item: Fields) -> None:
    """Read what a function or a custom tool answered; an incomplete answer counts as an error (B12)."""
    parts = read_content(item, "output", BLOCKS, history.notices)
    item.text("namespace")
    error = item.text("status") == "incomplete"
    _result(history, item, item.required_text("call_id"), parts, name=item.text("name"), error=error)


def local_shell_output(history: History, item: Fields) -> None:
    """Read what ``local_shell`` answered; OpenAI's document names the call by ``id``, its guide by ``call_id``."""
    call_id = item.text("call_id")
    if call_id is None:
        item_id = item.required_text("id")
        call_id = history.shells.get(item_id, item_id)
    parts = read_content(item, "output", BLOCKS, history.notices)
    _result(history, item, call_id, parts, error=item.text("status") == "incomplete")


def shell_output(history: History, item: Fields) -> None:
    """Read what ``shell`` answered: its chunks, as the JSON they are."""
    item.integer("max_output_length")
    value = item.get("output")
    if not isinstance(value, str):
        value = encode_text([chunk.values for chunk in _chunks(item)])
    _result(history, item, item.required_text("call_id"), (Text(value),), error=item.text("status") == "incomplete")


def apply_patch_output(history: History, item: Fields) -> None:
    """Read how a patch went; without words its status is the answer."""
    status = item.one_of("status", ("completed", "failed")) or "completed"
    words = item.text("output") or status
    _result(history, item, item.required_text("call_id"), (Text(words),), error=status == "failed")


def tool_search_output(history: History, item: Fields) -> None:
    """Read which tools were found: their names, since their declarations are in the toolbox by now."""
    item.get("execution")
    names = [history.toolbox.flat(each.name, each.namespace, each.kind) for each in declared_in(item)]
    if call_id := item.text("call_id"):
        error = item.text("status") == "incomplete"
        _result(history, item, call_id, (Text(encode_text({"tools": names})),), error=error)


def _call(history: History, item: Fields, kind: Kind, arguments: str, name: str | None = None) -> None:
    namespace = item.text("namespace") if name is not None else None
    flat = history.toolbox.flat(name or kind, namespace, kind)
    _caller(history, item)
    history.assistant(ToolCall(item.required_text("call_id"), flat, arguments, read_signature(item)))


def _result(
    history: History,
    item: Fields,
    call_id: str,
    parts: tuple[Text | Media, ...],
    *,
    name: str | None = None,
    error: bool = False,
) -> None:
    _caller(history, item)
    history.user(ToolResult(call_id, parts, name, error))


def _caller(history: History, item: Fields) -> None:
    caller = item.object("caller")
    if caller is not None and caller.get("type") != "direct":
        history.note("input[].caller", "ignored: here the model itself calls every tool")


def _chunks(item: Fields) -> list[Fields]:
    if item.get("output") is None:
        raise missing(item.at("output"))
    if not isinstance(item.get("output"), list):
        raise wrong_type(item.at("output"), "an array of objects", item.get("output"))
    return item.objects("output")
