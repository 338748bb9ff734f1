"""The input of a Responses request (OpenAI ``InputParam``): a string, or items in their order."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import define, field

from agd.conversation import Message, Notice, Text, ToolCall, ToolResult
from agd.protocols import contents
from agd.protocols.contents import Blocks, read_content, read_texts
from agd.protocols.fields import Fields, invalid, missing, shown, unsupported, wrong_type
from agd.protocols.signatures import read_signature

_WORDS: Blocks = {
    "input_text": contents.text,
    "output_text": contents.told_text,
    "text": contents.text,
}
_BLOCKS: Blocks = {
    **_WORDS,
    "input_image": contents.image,
    "input_file": contents.flat_file,
    "input_audio": contents.sound,
    "refusal": contents.refusal,
}
_ROLES = ("user", "assistant", "system", "developer")


@define
class Items:
    """A reader of one request's input; holds what is read so far. The ``role`` decides whose words they are."""

    notices: list[Notice]
    instructions: list[str] = field(factory=list)
    messages: list[Message] = field(factory=list)

    def read(self, fields: Fields) -> None:
        """Read ``input``; raises ``BadRequest`` with the path of what is wrong."""
        value = fields.get("input")
        if isinstance(value, str):
            self.messages.append(Message("user", (Text(value),)))
        elif isinstance(value, list):
            for item in fields.objects("input"):
                self._item(item)
        elif value is not None:
            raise wrong_type("input", "a string or an array of objects", value)

    def message(self, item: Fields) -> None:
        """Read a message; ``type`` may be left out."""
        role = item.one_of("role", _ROLES)
        if role is None:
            raise missing(item.at("role"))
        if role in {"system", "developer"}:
            self._instruct(item)
        else:
            parts = read_content(item, "content", _BLOCKS, self.notices)
            self.messages.append(Message("user" if role == "user" else "assistant", parts))

    def call(self, item: Fields) -> None:
        """Read a call of an earlier answer; ``call_id`` pairs it, ``id`` is only the item's own."""
        arguments = item.text("arguments") or ""
        call = ToolCall(
            id=item.required_text("call_id"),
            name=item.required_text("name"),
            arguments=arguments if arguments.strip() else "{}",
            signature=read_signature(item),
        )
        self.messages.append(Message("assistant", (call,)))

    def output(self, item: Fields) -> None:
        """Read what a tool answered; an incomplete answer counts as an error."""
        result = ToolResult(
            call_id=item.required_text("call_id"),
            output=read_content(item, "output", _BLOCKS, self.notices),
            name=item.text("name"),
            error=item.text("status") == "incomplete",
        )
        self.messages.append(Message("user", (result,)))

    def reasoning(self, item: Fields) -> None:
        """Leave out earlier reasoning: a summary is not an answer and is not sent back."""

    def _item(self, item: Fields) -> None:
        kind = item.text("type") or ("message" if item.get("role") is not None else None)
        if kind is None:
            raise missing(item.at("type"))
        if kind not in _KINDS:
            raise unsupported(item.at("type"), f"items of type {shown(kind)} cannot be read.")
        _KINDS[kind](self, item)

    def _instruct(self, item: Fields) -> None:
        notice = Notice("input[].role", "instructions that stand among the turns are sent in front of them")
        if self.messages and notice not in self.notices:
            self.notices.append(notice)
        self.instructions.extend(read_texts(item, "content", _WORDS, self.notices))


_KINDS: Mapping[str, Callable[[Items, Fields], None]] = {
    "message": Items.message,
    "function_call": Items.call,
    "function_call_output": Items.output,
    "reasoning": Items.reasoning,
}


def read_input(fields: Fields, notices: list[Notice]) -> Items:
    """Read ``instructions`` and ``input``; one of the two must say something."""
    items = Items(notices)
    instructions = fields.text("instructions")
    if instructions:
        items.instructions.append(instructions)
    items.read(fields)
    if not items.instructions and not items.messages:
        value = fields.get("input")
        raise missing("input") if not value else invalid("input", "it holds no message.")
    return items
