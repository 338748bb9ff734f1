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
from agd.gemini.insertion import with_suffix
from agd.gemini.models import NO_OVERRIDES, Overrides, family
from agd.gemini.names import map_names
from agd.gemini.native import read_native
from agd.gemini.schema import SchemaWriter
from agd.gemini.schema_source import Budget
from agd.gemini.tools import ToolsWriter
from agd.options import DEFAULT, Options

_NOT_WITH_CACHE = ("systemInstruction", "tools", "toolConfig")


@frozen
class Outgoing:
    """A request ready to be sent: JSON in UTF-8.

    ``notices`` are those of this translation, to be put behind the prompt's own. ``names`` leads from the names of
    tools as sent to the client's, for those that had to change; ``AnswerReader`` takes it. ``stops`` are stop strings
    that the provider was not told: whoever reads the answer must end it at the first of them. ``candidates`` is how
    many answers this one call asks for; when the prompt wants more, as many calls are to be made.
    """

    body: bytes
    notices: tuple[Notice, ...]
    names: Mapping[str, str]
    stops: tuple[str, ...] = ()
    candidates: int = 1


def write_request(
    prompt: Prompt,
    model: str,
    options: Options = DEFAULT,
    overrides: Overrides = NO_OVERRIDES,
    dialect: str = "gemini",
) -> Outgoing:
    """Translate a prompt for the upstream model ``model`` (``gemini-...``).

    ``prompt.messages`` alone is one conversation: ``further``, ``best_of`` and ``silent`` are the caller's. Links that
    the provider does not read itself must have been fetched. ``overrides`` corrects what is known of models;
    ``dialect``, of ``dialects.DIALECTS``, is the one that the request is for.

    Raises ``GatewayError``, ``param`` naming the field, for what the provider cannot be asked: ``BadRequest``, or 413
    for too much media.
    """
    traits, native = family(model, overrides, dialect), read_native(prompt.native)
    prompt, notices = with_suffix(prompt)
    names = map_names(_names(prompt), traits.name_length)
    schemas = SchemaWriter(traits, Budget(options.schema_limit))
    contents, tools = ContentsWriter(traits, names, options), ToolsWriter(traits, names, schemas, options)
    body = _conversation(prompt, contents)
    body |= tools.write(prompt, native)
    generation = write_generation(
        prompt, traits, native, schemas, options, details=contents.details, tools="tools" in body
    )
    if generation.config:
        body["generationConfig"] = generation.config
    if prompt.service_tier is not None:
        if traits.service_tier:
            body["serviceTier"] = prompt.service_tier
        else:
            notices.append(Notice("service_tier", "service_tier is ignored: this upstream has no tiers"))
    body |= native.body
    _check_cache(body)
    notices += [*contents.notices, *tools.notices, *generation.notices, *schemas.notices]
    return Outgoing(_encode(body), tuple(dict.fromkeys(notices)), names.back, generation.stops, generation.candidates)


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
    for message in prompt.messages:
        if message.role == "assistant":
            for part in message.parts:
                if isinstance(part, ToolCall):
                    yield part.name


def _check_cache(body: Mapping[str, Any]) -> None:
    """What is cached holds instructions and tools already, and the provider refuses others beside it."""
    if "cachedContent" not in body:
        return
    for key in _NOT_WITH_CACHE:
        if key in body:
            raise BadRequest(f"{key} cannot be sent with cached content.", "extra_body.google.cached_content")


def _encode(body: dict[str, Any]) -> bytes:
    try:
        return encode(body)
    except InvalidJSON:
        raise BadRequest("The request is nested too deeply.") from None
