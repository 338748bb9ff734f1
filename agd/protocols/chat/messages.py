"""The turns of a chat request (OpenAI ``ChatCompletionRequestMessage``). Each message becomes one ``Message``;
system and developer texts become instructions, in their order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import define, field

from agd.conversation import Message, Notice, Part, Text, ToolCall, ToolResult
from agd.protocols import contents
from agd.protocols.contents import Blocks, read_content, read_texts
from agd.protocols.fields import Fields, invalid, missing, shown, unsupported
from agd.protocols.media import read_url

_TEXT: Blocks = {"text": contents.text}
_USER: Blocks = {
    **_TEXT,
    "image_url": contents.image,
    "input_audio": contents.sound,
    "file": contents.nested_file,
}
_ASSISTANT: Blocks = {**_TEXT, "refusal": contents.refusal, "image_url": contents.image}
_TOOL: Blocks = {**_TEXT, "image_url": contents.image, "file": contents.nested_file}


@define
class Turns:
    """A reader of one request's messages; holds what is read so far."""

    notices: list[Notice]
    instructions: list[str] = field(factory=list)
    messages: list[Message] = field(factory=list)
    _legacy_calls: dict[str, str] = field(factory=dict)
    """The id made for the latest ``function_call`` of each name; old-style messages carry none."""

    def read(self, entries: list[Fields]) -> None:
        """Read all messages; raises ``BadRequest`` with the path of what is wrong."""
        for entry in entries:
            role = entry.required_text("role")
            if role not in _ROLES:
                raise invalid(entry.at("role"), f"{shown(role)} is not one of {', '.join(_ROLES)}.")
            _ROLES[role](self, entry)

    def instruct(self, entry: Fields) -> None:
        """Read a system or developer message, wherever it stands."""
        if self.messages:
            self._note("messages[].role", "instructions that stand among the turns are sent in front of them")
        self._ignore_name(entry)
        self.instructions.extend(read_texts(entry, "content", _TEXT))

    def user(self, entry: Fields) -> None:
        """Read a user message."""
        self._ignore_name(entry)
        self.messages.append(Message("user", read_content(entry, "content", _USER)))

    def assistant(self, entry: Fields) -> None:
        """Read an earlier answer: text, refusal, images, then calls; reasoning is not sent back."""
        self._ignore_name(entry)
        if entry.get("audio") is not None:
            raise unsupported(entry.at("audio"), "earlier sound is not stored; send its words instead.")
        parts: list[Part] = []
        if entry.get("content") is not None:
            parts.extend(read_content(entry, "content", _ASSISTANT))
        if refusal := entry.text("refusal"):
            parts.append(Text(refusal))
        parts.extend(_image(image) for image in entry.objects("images"))
        parts.extend(_call(call) for call in entry.objects("tool_calls"))
        parts.extend(self._legacy_call(entry))
        self.messages.append(Message("assistant", tuple(parts)))

    def tool(self, entry: Fields) -> None:
        """Read what a tool answered."""
        call_id = entry.required_text("tool_call_id")
        result = ToolResult(call_id, read_content(entry, "content", _TOOL), entry.text("name"))
        self.messages.append(Message("user", (result,)))

    def function(self, entry: Fields) -> None:
        """Read an old-style answer of a function: it belongs to the latest call of its name."""
        name = entry.required_text("name")
        call_id = self._legacy_calls.get(name)
        if call_id is None:
            raise invalid(entry.at("name"), f"no earlier function_call is named {shown(name)}.")
        result = ToolResult(call_id, read_content(entry, "content", _TEXT), name)
        self.messages.append(Message("user", (result,)))

    def _legacy_call(self, entry: Fields) -> tuple[ToolCall, ...]:
        call = entry.object("function_call")
        if call is None:
            return ()
        name = call.required_text("name")
        self._legacy_calls[name] = f"call_function_{len(self.messages)}"
        return (ToolCall(self._legacy_calls[name], name, _arguments(call)),)

    def _ignore_name(self, entry: Fields) -> None:
        if entry.text("name"):
            self._note("messages[].name", "ignored: the provider has no names for speakers")

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


def read_signature(fields: Fields) -> str | None:
    """Read provider state from Google's own place for it: ``extra_content.google.thought_signature``."""
    extra = fields.object("extra_content")
    google = extra.object("google") if extra is not None else None
    return google.text("thought_signature") if google is not None else None


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


def _image(entry: Fields) -> Part:
    # The counterpart of the images that answers carry (``delta.images``, ``message.images``).
    place = entry.required_object("image_url")
    url = place.text("url")
    if url is None:
        raise missing(place.at("url"))
    return read_url(url, place.at("url"))
