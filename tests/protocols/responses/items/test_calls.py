"""Calls of every kind of tool, as the items that clients know them by."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Event, Finished, FinishReason, ToolCallDelta, ToolCallStart
from agd.protocols.responses.items.custom import raw_input
from tests.protocols.answers import TOKEN, call
from tests.protocols.responses.telling import STOP, kinds, output, told


def item(name: str, arguments: str, signature: str | None = None) -> dict[str, Any]:
    """Return the item of one call."""
    (only,) = output(told(*call(0, name, arguments, signature=signature), STOP))
    return only


class FunctionTests(SynchronousTestCase):
    """function_call."""

    def test_I16_ids(self) -> None:
        """``call_id`` is the model's, ``id`` the item's own."""
        made = item("tool", "{}")
        self.assertEqual((made["call_id"], made["id"]), ("call_0", f"fc_{TOKEN}_0"))

    def test_I22_namespace(self) -> None:
        """A tool of a namespace is called by its own name, in its namespace."""
        made = item("files__read", "{}")
        self.assertEqual((made["name"], made["namespace"]), ("read", "files"))
        events = told(*call(0, "files__read", "{}"), STOP)
        self.assertEqual([event["name"] for event in events if "name" in event], ["read"])

    def test_signature(self) -> None:
        """The provider's signature stands where Google's own endpoint has it."""
        self.assertEqual(item("tool", "{}", "c2ln")["extra_content"], {"google": {"thought_signature": "c2ln"}})

    def test_undeclared(self) -> None:
        """A tool that nobody declared is a function."""
        self.assertEqual(item("other", "{}")["name"], "other")


class CustomTests(SynchronousTestCase):
    """custom_tool_call."""

    def test_I17_events(self) -> None:
        """The input is raw text again, told as its own events."""
        events = told(*call(0, "apply_patch", '{"input": "*** Begin', ' Patch"}'), STOP)
        inner = ["output_item.added", "custom_tool_call_input.delta", "custom_tool_call_input.done", "output_item.done"]
        self.assertEqual(kinds(events)[2:-1], inner)
        made = output(events)[0]
        self.assertEqual((made["id"], made["input"]), (f"ctc_{TOKEN}_0", "*** Begin Patch"))
        self.assertEqual((made["name"], made["call_id"], events[2]["item"]["input"]), ("apply_patch", "call_0", ""))

    @given(st.text())
    def test_I18_untouched(self, text: str) -> None:
        """No byte of the input changes."""
        self.assertEqual(raw_input(json.dumps({"input": text})), text)

    def test_I17_broken(self) -> None:
        """Arguments that are not what was asked for are the input themselves."""
        for arguments in ('{"input": "a', "plain", '{"other": "a"}', '{"input": 5}', "[]", ""):
            self.assertEqual(item("apply_patch", arguments)["input"], arguments)

    def test_cut(self) -> None:
        """An input that was cut is told as far as it came, and incomplete."""
        cut: list[Event] = [ToolCallStart(0, "c", "apply_patch"), ToolCallDelta(0, '{"input": "a')]
        (made,) = output(told(*cut, Finished(FinishReason.LENGTH, "MAX_TOKENS")))
        self.assertEqual((made["type"], made["status"], made["input"]),
                         ("custom_tool_call", "incomplete", '{"input": "a'))  # fmt: skip


class BuiltinTests(SynchronousTestCase):
    """OpenAI's own tools that run at the client's."""

    def test_I19_local_shell(self) -> None:
        """A local_shell_call has the command as words."""
        made = item("local_shell", '{"command": ["ls", "-l"], "timeout_ms": 5, "env": {"A": "b"}}')
        action = {"type": "exec", "command": ["ls", "-l"], "timeout_ms": 5, "env": {"A": "b"}}
        self.assertEqual((made["type"], made["id"], made["action"]), ("local_shell_call", f"lsh_{TOKEN}_0", action))

    def test_I19_wrapped(self) -> None:
        """An action may be wrapped, as the item has it."""
        made = item("local_shell", '{"action": {"type": "exec", "command": ["ls"], "env": null}}')
        self.assertEqual(made["action"], {"type": "exec", "command": ["ls"], "env": {}})

    def test_I19_shell(self) -> None:
        """A shell_call has lines, and events for each."""
        events = told(*call(0, "shell", '{"commands": ["ls", "pwd"], "timeout_ms": 9}'), STOP)
        line = [f"shell_call_command.{step}" for step in ("added", "delta", "done")]
        self.assertEqual(kinds(events)[2:-1], ["output_item.added", *line, *line, "output_item.done"])
        made = output(events)[0]
        action = {"commands": ["ls", "pwd"], "timeout_ms": 9, "max_output_length": None}
        self.assertEqual((made["type"], made["id"], made["action"]), ("shell_call", f"sh_{TOKEN}_0", action))

    def test_I19_apply_patch(self) -> None:
        """An apply_patch_call has one operation, its diff untouched (I18)."""
        for kind, fields in (("create_file", {"diff": "+a\n"}), ("update_file", {"diff": "@@"}), ("delete_file", {})):
            operation = {"type": kind, "path": "a b", **fields}
            for arguments in (operation, {"operation": operation}):
                made = item("patch", json.dumps(arguments))
                self.assertEqual((made["type"], made["id"], made["operation"]),
                                 ("apply_patch_call", f"apc_{TOKEN}_0", operation))  # fmt: skip

    def test_I22_tool_search(self) -> None:
        """A tool_search_call has its arguments as an object, and the client carries it out."""
        made = item("tool_search", '{"query": "files"}', "c2ln")
        self.assertEqual((made["execution"], made["arguments"]), ("client", {"query": "files"}))
        self.assertEqual((made["call_id"], made["id"]), ("call_0", f"tsc_{TOKEN}_0"))
        self.assertEqual(made["extra_content"], {"google": {"thought_signature": "c2ln"}})
        self.assertEqual(item("tool_search", "")["arguments"], {})

    def test_not_understood(self) -> None:
        """Arguments that say nothing to their tool are told as the function call that they are."""
        cases = [
            ("local_shell", '{"command": "ls"}'),
            ("shell", '{"commands": [1]}'),
            ("patch", '{"type": "rename_file", "path": "a"}'),
            ("patch", '{"type": "update_file", "path": "a"}'),
            ("patch", '{"type": 5}'),
            ("tool_search", '{"query": '),
            ("shell", "[]"),
        ]
        for name, arguments in cases:
            made = item(name, arguments)
            self.assertEqual((made["type"], made["arguments"], made["status"]),
                             ("function_call", arguments, "completed"))  # fmt: skip
