"""The turns of a chat request (OpenAI ``ChatCompletionRequestMessage``). Each message becomes one ``Message``;
system and developer texts become instructions, in their order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, field

from agd.conversation import Message, Notice, Text, ToolCall, ToolResult
from agd.options import DEFAULT, Options
from agd.protocols import contents
from agd.protocols.chat.memory import recall
from agd.protocols.chat.plain import read_plain
from agd.protocols.contents import Blocks, read_content, read_texts
from agd.protocols.fields import Fields, invalid, shown, unsupported
from agd.protocols.signatures import read_signature

_TEXT: Blocks = {"text": contents.text}
_USER: Blocks = {
    **_TEXT,
    "image_url": contents.image,
    "input_audio": contents.sound,
    "file": contents.nested_file,
    "video_url": contents.video,
}
_ASSISTANT: Blocks = {**_TEXT, "refusal": contents.refusal, "image_url": contents.signed_image}
_TOOL: Blocks = {**_TEXT, "image_url": contents.image, "file": contents.nested_file}


@define
class Turns:
    """A reader of one request's messages; holds what is read so far."""

    notices: list[Notice]
    options: Options = DEFAULT
    instructions: list[str] = field(factory=list)
    messages: list[Message] = field(factory=list)
    _legacy_calls: dict[str, str] = field(factory=dict)
    """The id made for the latest ``function_call`` of each name; old-style messages carry none."""

    def read(self, values: list[Any]) -> None:
        """Read all of ``messages``; raises ``BadRequest`` with the path of what is wrong."""
        for index, value in enumerate(values):
            plain = read_plain(value)
            if plain is not None:
                self.messages.append(plain)
                continue
            entry = Fields.of(value, f"messages[{index}]")
            role = entry.required_text("role")
            if role not in _ROLES:
                raise invalid(entry.at("role"), f"{shown(role)} is not one of {', '.join(_ROLES)}.")
            _ROLES[role](self, entry)

    def instruct(self, entry: Fields) -> None:
        """Read a system or developer message; one that stands among the turns is hoisted or stays there (A01)."""
        texts = (*self._speaker(entry), *(Text(text) for text in read_texts(entry, "content", _TEXT, self.notices)))
        if self.messages and self.options.late_system == "inline":
            self._note("messages[].role", "instructions that stand among the turns are sent there as the user's words")
            self.messages.append(Message("user", texts))
            return
        if self.messages:
            self._note("messages[].role", "instructions that stand among the turns are sent in front of them")
        self.instructions.extend(text.text for text in texts)

    def user(self, entry: Fields) -> None:
        """Read a user message."""
        parts = read_content(entry, "content", _USER, self.notices)
        self.messages.append(Message("user", (*self._speaker(entry), *parts)))

    def assistant(self, entry: Fields) -> None:
        """Read an earlier answer: text, refusal, images and calls, and the provider state that came with them.

        Reasoning is not sent back (C13).
        """
        if entry.get("audio") is not None:
            raise unsupported(entry.at("audio"), "earlier sound is not stored; send its words instead.")
        told = entry.get("content") is not None
        content = read_content(entry, "content", _ASSISTANT, self.notices) if told else ()
        refusal = entry.text("refusal")
        parts = recall(
            entry,
            content,
            tuple(contents.signed_image(image, self.notices) for image in entry.objects("images")),
            (*(_call(call) for call in entry.objects("tool_calls")), *self._legacy_call(entry)),
        )
        refused = (Text(refusal),) if refusal else ()
        self.messages.append(Message("assistant", (*self._speaker(entry), *parts, *refused)))

    def tool(self, entry: Fields) -> None:
        """Read what a tool answered; ``is_error``, an extension, says that it failed (B12)."""
        call_id = entry.required_text("tool_call_id")
        output = read_content(entry, "content", _TOOL, self.notices)
        failed = entry.flag("is_error") or False
        self.messages.append(Message("user", (ToolResult(call_id, output, entry.text("name"), failed),)))

    def function(self, entry: Fields) -> None:
        """Read an old-style answer of a function: it belongs to the latest call of its name."""
        name = entry.required_text("name")
        call_id = self._legacy_calls.get(name)
        if call_id is None:
            raise invalid(entry.at("name"), f"no earlier function_call is named {shown(name)}.")
        result = ToolResult(call_id, read_content(entry, "content", _TEXT, self.notices), name)
        self.messages.append(Message("user", (result,)))

    def _legacy_call(self, entry: Fields) -> tuple[ToolCall, ...]:
        call = entry.object("function_call")
        if call is None:
            return ()
        name = call.required_text("name")
        self._legacy_calls[name] = f"call_function_{len(self.messages)}"
        return (ToolCall(self._legacy_calls[name], name, _arguments(call), read_signature(call)),)

    def _speaker(self, entry: Fields) -> tuple[Text, ...]:
        """Return the speaker's name, to stand before the words, which it must not touch (A19)."""
        name = entry.text("name")
        if not name:
            return ()
        if self.options.message_names == "prefix":
            return (Text(f"{name}: "),)
        self._note("messages[].name", "ignored: the provider has no names for speakers")
        return ()

    def _note(self, param: str, why: str) -> None:
        notice = Notice(param, why)
        if notice not in self.notices:
            self.notices.append(notice)


_ROLES: Mapping[str, Callable[[Turns, Fields], None]] = {
    "system": Turns.instruct,
    "developer": Turns.instruct,
    "user": Turns.user,
    "assistant": Turns.assistant,
    "tool": Turns.tool,
    "function": Turns.function,
}


def _call(entry: Fields) -> ToolCall:
    kind = entry.text("type") or "function"
    if kind != "function":
        raise unsupported(entry.at("type"), f"only calls of functions can be read, not {shown(kind)}.")
    function = entry.required_object("function")
    call_id, name = entry.required_text("id"), function.required_text("name")
    return ToolCall(call_id, name, _arguments(function), read_signature(entry))


def _arguments(function: Fields) -> str:
    # OpenAI models write "" for a call without arguments; an empty text is not JSON and means {}.
    arguments = function.text("arguments") or ""
    return arguments if arguments.strip() else "{}"
