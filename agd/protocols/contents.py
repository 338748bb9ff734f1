"""Content blocks of a message: text, images, sound and files, as chat and Responses write them.

Both protocols name the same things differently; a reader is told which names belong to it and refuses every other
block with the block's own path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping

from attrs import evolve

from agd.conversation import Media, Notice, Text
from agd.errors import BadRequest
from agd.protocols.fields import Fields, invalid, missing, shown, unsupported, wrong_type
from agd.protocols.media import read_base64, read_file, read_url
from agd.protocols.signatures import read_signature

Notices = list[Notice]

Block = Callable[[Fields, Notices], Text | Media]
"""Reads one content block, given the block's object, and tells of what it overlooks within it."""

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


_ABOUT_TEXT = ("annotations", "logprobs")
_NEUTRAL: tuple[object, ...] = (False, "", [], {})
_PLACE = re.compile(r"\[\d+\]")


def read_content(message: Fields, key: str, blocks: Blocks, notices: Notices) -> tuple[Text | Media, ...]:
    """Read content that is a string or an array of blocks and must be there; order is kept.

    Every key of a block that asks for something and is not read gives a notice, one for all its places.
    """
    value = message.get(key)
    if value is None:
        raise missing(message.at(key))
    if isinstance(value, str):
        return (Text(value),)
    if not isinstance(value, list):
        raise wrong_type(message.at(key), "a string or an array of objects", value)
    return tuple(_read_block(block, blocks, notices) for block in message.objects(key))


def read_texts(message: Fields, key: str, blocks: Blocks, notices: Notices) -> tuple[str, ...]:
    """Read content of which only text may be part, each block by itself."""
    return tuple(part.text for part in read_content(message, key, blocks, notices) if isinstance(part, Text))


def text(block: Fields, notices: Notices) -> Text:
    """Read a block's ``text``, byte for byte."""
    value = block.text("text")
    if value is None:
        raise missing(block.at("text"))
    return Text(value)


def told_text(block: Fields, notices: Notices) -> Text:
    """Read the text of an earlier answer; what was told about it then says nothing new and is left out."""
    for key in _ABOUT_TEXT:
        block.get(key)
    return text(block, notices)


def refusal(block: Fields, notices: Notices) -> Text:
    """Read a refusal of an earlier answer: words of the assistant like any other."""
    value = block.text("refusal")
    if value is None:
        raise missing(block.at("refusal"))
    return Text(value)


def image(block: Fields, notices: Notices) -> Media:
    """Read ``image_url``: an object with ``url`` (chat) or the URL itself (Responses)."""
    if block.text("file_id") is not None:
        raise unsupported(block.at("file_id"), "files are not stored; send the image itself.")
    if isinstance(block.get("image_url"), str):
        return read_url(block.required_text("image_url"), block.at("image_url"), block.text("detail"))
    place = block.required_object("image_url")
    media = read_url(place.required_text("url"), place.at("url"), place.text("detail"))
    overlook(place, notices)
    return media


def video(block: Fields, notices: Notices) -> Media:
    """Read ``video_url``, an extension: an object with ``url``, or the URL itself (H12)."""
    if isinstance(block.get("video_url"), str):
        return read_url(block.required_text("video_url"), block.at("video_url"), code="invalid_value")
    place = block.required_object("video_url")
    media = read_url(place.required_text("url"), place.at("url"), code="invalid_value")
    overlook(place, notices)
    return media


def signed_image(block: Fields, notices: Notices) -> Media:
    """Read an image of an earlier answer, with the provider state that came with it (C07)."""
    return evolve(image(block, notices), signature=read_signature(block))


def sound(block: Fields, notices: Notices) -> Media:
    """Read ``input_audio``: bare base64 and the name of its format."""
    place = block.required_object("input_audio")
    data = place.required_text("data")
    form = place.required_text("format").lower()
    if form not in _SOUNDS:
        raise invalid(place.at("format"), f"{shown(form)} is not one of {', '.join(_SOUNDS)}.")
    overlook(place, notices)
    return read_base64(data, _SOUNDS[form], place.at("data"))


def nested_file(block: Fields, notices: Notices) -> Media:
    """Read chat's ``file``."""
    place = block.required_object("file")
    media = flat_file(place, notices)
    overlook(place, notices)
    return media


def flat_file(block: Fields, notices: Notices) -> Media:
    """Read ``file_data`` or ``file_url``; a file's id means nothing here, for no files are stored."""
    if block.text("file_id") is not None:
        raise unsupported(block.at("file_id"), "files are not stored; send 'file_data' instead.")
    url, filename = block.text("file_url"), block.text("filename")
    if url is not None:
        return read_url(url, block.at("file_url"), code="invalid_value")
    return read_file(block.required_text("file_data"), filename, block.at("file_data"))


def overlook(place: Fields, notices: Notices, quiet: Collection[str] = ()) -> None:
    """Tell of what nobody has read in an object, once for all objects of an array: clients mark many alike.

    Keys in ``quiet`` ask for nothing, whatever they hold.
    """
    for key, value in place.unread():
        if value not in _NEUTRAL and key not in quiet:
            notice = Notice(_PLACE.sub("[]", place.at(key))[:80], "ignored: it has no effect here")
            if notice not in notices:
                notices.append(notice)


def _read_block(block: Fields, blocks: Blocks, notices: Notices) -> Text | Media:
    kind = block.required_text("type")
    read = blocks.get(kind)
    if read is None:
        raise _unknown(block, kind, blocks)
    part = read(block, notices)
    overlook(block, notices)
    return part


def _unknown(block: Fields, kind: str, blocks: Blocks) -> BadRequest:
    return invalid(block.at("type"), f"{shown(kind)} is not one of {', '.join(map(repr, blocks))}.")
