"""Items that are said rather than called: messages, reasoning, summaries, and what hosted tools made."""

from __future__ import annotations

from agd.conversation import Code, Media, Text
from agd.protocols import contents
from agd.protocols.contents import Blocks, read_content, read_texts
from agd.protocols.fields import Fields, missing, unsupported
from agd.protocols.media import read_base64, read_url
from agd.protocols.responses.history import History
from agd.protocols.responses.memory import entries_in

WORDS: Blocks = {
    "input_text": contents.text,
    "output_text": contents.told_text,
    "text": contents.text,
}
BLOCKS: Blocks = {
    **WORDS,
    "input_image": contents.image,
    "input_file": contents.flat_file,
    "input_audio": contents.sound,
    "input_video": contents.video,
    "refusal": contents.refusal,
}
"""What a message, or the output of a tool, may be made of."""

_ROLES = ("user", "assistant", "system", "developer")


def message(history: History, item: Fields) -> None:
    """Read a message; the ``role`` decides whose words they are, whatever its parts are called (I25)."""
    role = item.one_of("role", _ROLES)
    if role is None:
        raise missing(item.at("role"))
    if role in {"system", "developer"}:
        history.instruct(read_texts(item, "content", WORDS, history.notices))
    elif role == "user":
        history.user(*read_content(item, "content", BLOCKS, history.notices))
    else:
        history.assistant(*read_content(item, "content", BLOCKS, history.notices))


def reasoning(history: History, item: Fields) -> None:
    """Take the provider's state out of earlier reasoning. Its summary is no answer and is never sent back (I45)."""
    for key in ("summary", "content"):
        item.array(key)
    sealed = item.text("encrypted_content")
    if not sealed:
        return
    opened = history.open(sealed)
    if isinstance(opened, list):
        history.entries.extend(entries_in(opened, len(history.messages)))
    else:
        _foreign(history, "reasoning")


def compaction(history: History, item: Fields) -> None:
    """Read the summary that agd made of what was said before; it takes the user's turn."""
    opened = history.open(item.required_text("encrypted_content"))
    summary = opened.get("summary") if isinstance(opened, dict) else None
    if isinstance(summary, str):
        history.user(Text(summary))
    else:
        _foreign(history, "summary")


def search(history: History, item: Fields) -> None:
    """Pass over a search that the provider made: what it found is in the answer's words."""
    item.object("action")


def picture(history: History, item: Fields) -> None:
    """Read an image of an earlier answer; without a result there is none to show (I48)."""
    result = item.text("result")
    form = item.text("output_format")
    for key in ("action", "background", "quality", "revised_prompt", "size", "error", "svg_usage"):
        item.get(key)
    if result:
        history.assistant(read_base64(result, f"image/{form}" if form else None, item.at("result")))


def code(history: History, item: Fields) -> None:
    """Read code that the provider ran, and what it printed as far as that was told."""
    item.get("container_id")
    parts: list[Code | Media] = []
    if source := item.text("code"):
        parts.append(Code(source, "python"))
    logs = list[str]()
    images = list[Media]()
    for output in item.objects("outputs"):
        if output.one_of("type", ("logs", "image")) == "image":
            images.append(read_url(output.required_text("url"), output.at("url")))
        else:
            logs.append(output.text("logs") or "")
    if parts and item.get("outputs") is not None:
        outcome = "OUTCOME_FAILED" if item.get("status") == "failed" else ""
        parts.append(Code("".join(logs), "python", result=True, outcome=outcome))
    if parts or images:
        history.assistant(*parts, *images)


def nothing(history: History, item: Fields) -> None:
    """Pass over an item that says nothing by itself: the wish for a summary, which ``Asked.compacts`` tells."""


def tools(history: History, item: Fields) -> None:
    """Pass over declarations of tools: they are in the toolbox by now (I23)."""
    if item.get("role") not in (None, "developer"):
        raise unsupported(item.at("role"), "only a developer adds tools.")
    item.array("tools")


def _foreign(history: History, what: str) -> None:
    history.note("input[].encrypted_content", f"ignored: this {what} was not sealed here, or not for this client")
