"""Content blocks of a message: text, images, sound and files, as chat and Responses write them.

Both protocols name the same things differently; a reader is told which names belong to it and refuses every other
block with the block's own path.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from agd.conversation import Media, Text
from agd.errors import BadRequest
from agd.protocols.fields import Fields, invalid, missing, shown, unsupported, wrong_type
from agd.protocols.media import read_base64, read_file, read_url

Block = Callable[[Fields], Text | Media]
"""Reads one content block, given the block's object."""

Blocks = Mapping[str, Block]
"""The blocks that may stand in one place, by their ``type``."""

_SOUNDS = {
    "wav": "audio/wav",
    "mp3": "audio/mp3",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "aiff": "audio/aiff",
    "m4a": "audio/m4a",
    "webm": "audio/webm",
    "pcm16": "audio/pcm",
}


def read_content(message: Fields, key: str, blocks: Blocks) -> tuple[Text | Media, ...]:
    """Read content that is a string or an array of blocks and must be there; order is kept."""
    value = message.get(key)
    if value is None:
        raise missing(message.at(key))
    if isinstance(value, str):
        return (Text(value),)
    if not isinstance(value, list):
        raise wrong_type(message.at(key), "a string or an array of objects", value)
    return tuple(_read_block(block, blocks) for block in message.objects(key))


def read_texts(message: Fields, key: str, blocks: Blocks) -> tuple[str, ...]:
    """Read content of which only text may be part, each block by itself."""
    return tuple(part.text for part in read_content(message, key, blocks) if isinstance(part, Text))


def text(block: Fields) -> Text:
    """Read a block's ``text``, byte for byte."""
    value = block.text("text")
    if value is None:
        raise missing(block.at("text"))
    return Text(value)


def refusal(block: Fields) -> Text:
    """Read a refusal of an earlier answer: words of the assistant like any other."""
    value = block.text("refusal")
    if value is None:
        raise missing(block.at("refusal"))
    return Text(value)


def image(block: Fields) -> Media:
    """Read ``image_url``: an object with ``url`` (chat) or the URL itself (Responses)."""
    if block.text("file_id") is not None:
        raise unsupported(block.at("file_id"), "files are not stored; send the image itself.")
    if isinstance(block.get("image_url"), str):
        return read_url(block.required_text("image_url"), block.at("image_url"), block.text("detail"))
    place = block.required_object("image_url")
    return read_url(place.required_text("url"), place.at("url"), place.text("detail"))


def sound(block: Fields) -> Media:
    """Read ``input_audio``: bare base64 and the name of its format."""
    place = block.required_object("input_audio")
    data = place.required_text("data")
    form = place.required_text("format").lower()
    if form not in _SOUNDS:
        raise invalid(place.at("format"), f"{shown(form)} is not one of {', '.join(_SOUNDS)}.")
    return read_base64(data, _SOUNDS[form], place.at("data"))


def nested_file(block: Fields) -> Media:
    """Read chat's ``file``."""
    return flat_file(block.required_object("file"))


def flat_file(block: Fields) -> Media:
    """Read ``file_data`` or ``file_url``; a file's id means nothing here, for no files are stored."""
    if block.text("file_id") is not None:
        raise unsupported(block.at("file_id"), "files are not stored; send 'file_data' instead.")
    url = block.text("file_url")
    if url is not None:
        return read_url(url, block.at("file_url"), code="invalid_value")
    return read_file(block.required_text("file_data"), block.text("filename"), block.at("file_data"))


def _read_block(block: Fields, blocks: Blocks) -> Text | Media:
    kind = block.required_text("type")
    read = blocks.get(kind)
    if read is None:
        raise _unknown(block, kind, blocks)
    return read(block)


def _unknown(block: Fields, kind: str, blocks: Blocks) -> BadRequest:
    return invalid(block.at("type"), f"{shown(kind)} is not one of {', '.join(map(repr, blocks))}.")
