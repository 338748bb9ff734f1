"""From a ``Prompt`` to the body of ``generateContent`` and ``streamGenerateContent`` (v1beta), which is the same.

Translation is a pure function: the same prompt gives the same bytes, so a retry sends what the first attempt sent.
Nothing is added that the client did not ask for: no persona, no sampling, no safety settings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from agd.conversation import Notice, Prompt, ToolCall
from agd.encoding import InvalidJSON, encode
from agd.errors import BadRequest
from agd.gemini.contents import ContentsWriter
from agd.gemini.generation import write_generation
from agd.gemini.models import family
from agd.gemini.names import map_names
from agd.gemini.tools import write_tools


@frozen
class Outgoing:
    """A request ready to be sent: JSON in UTF-8.

    ``notices`` are those of this translation, to be put behind the prompt's own. ``names`` leads from the names of
    tools as sent to the client's, for those that had to change; ``AnswerReader`` takes it.
    """

    body: bytes
    notices: tuple[Notice, ...]
    names: Mapping[str, str]


def write_request(prompt: Prompt, model: str) -> Outgoing:
    """Translate a prompt for the upstream model ``model`` (``gemini-...``).

    Raises ``BadRequest``, ``param`` naming the field, for what the provider cannot be asked.
    """
    traits = family(model)
    names = map_names(_names(prompt), traits.name_length)
    writer = ContentsWriter(traits, names)
    body = _conversation(prompt, writer)
    tools, of_tools = write_tools(prompt, traits, names)
    generation, of_generation = write_generation(prompt, traits)
    body |= tools
    if generation:
        body["generationConfig"] = generation
    notices = dict.fromkeys([*writer.notices, *of_tools, *of_generation])
    return Outgoing(_encode(body), tuple(notices), names.back)


def _conversation(prompt: Prompt, writer: ContentsWriter) -> dict[str, Any]:
    """Return ``systemInstruction`` and ``contents``; instructions without any turn become the user's turn."""
    instructions = [{"text": text} for text in prompt.instructions if text]
    contents = writer.write(prompt.messages)
    if contents:
        system = {"systemInstruction": {"parts": instructions}} if instructions else {}
        return {**system, "contents": contents}
    if not instructions:
        raise BadRequest("The messages say nothing.", "messages")
    writer.notices.append(Notice("messages", "the instructions were sent as a user turn, since there was none"))
    return {"contents": [{"role": "user", "parts": instructions}]}


def _names(prompt: Prompt) -> Iterator[str]:
    """Yield every name of a tool in the request, declared ones first."""
    yield from (tool.name for tool in prompt.tools)
    yield from (part.name for message in prompt.messages for part in message.parts if isinstance(part, ToolCall))


def _encode(body: dict[str, Any]) -> bytes:
    try:
        return encode(body)
    except InvalidJSON:
        raise BadRequest("The request is nested too deeply.") from None
