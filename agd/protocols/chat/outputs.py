"""What kinds of output a chat request wants: text, images, sound, and how they shall be (E22)."""

from __future__ import annotations

from attrs import frozen

from agd.conversation import ImageOutput, Notice, Speech
from agd.protocols.fields import Fields, invalid, missing, shown, unsupported
from agd.protocols.parameters import leftovers_within
from agd.protocols.voices import VOICES

_MODALITIES = ("text", "image", "audio")
_FORMATS = ("wav", "aac", "mp3", "flac", "opus", "pcm16")


@frozen
class Outputs:
    """The part of a request that ``Prompt`` holds under the same names."""

    modalities: tuple[str, ...]
    image_output: ImageOutput | None
    speech: Speech | None


def read_outputs(fields: Fields, notices: list[Notice]) -> Outputs:
    """Read ``modalities``, ``image_config`` and ``audio``."""
    modalities = _read_modalities(fields)
    return Outputs(modalities, _read_image(fields, notices), _read_speech(fields, modalities, notices))


def _read_modalities(fields: Fields) -> tuple[str, ...]:
    modalities = fields.texts("modalities")
    for index, modality in enumerate(modalities):
        if modality not in _MODALITIES:
            raise invalid(f"modalities[{index}]", f"{shown(modality)} is not one of 'text', 'image', 'audio'.")
    return modalities


def _read_image(fields: Fields, notices: list[Notice]) -> ImageOutput | None:
    config = fields.object("image_config")
    if config is None:
        return None
    ratio = config.text("aspect_ratio") or config.text("aspectRatio")
    size = config.text("image_size") or config.text("imageSize") or config.text("size")
    notices.extend(leftovers_within(config))
    return ImageOutput(ratio, size) if ratio or size else None


def _read_speech(fields: Fields, modalities: tuple[str, ...], notices: list[Notice]) -> Speech | None:
    audio = fields.object("audio")
    if "audio" not in modalities:
        if audio is not None:
            notices.append(Notice("audio", "ignored: 'modalities' does not ask for sound"))
        return None
    if audio is None:
        raise missing("audio")
    speech = Speech(_read_voice(audio, notices), _read_sound_format(audio, fields.flag("stream") or False))
    notices.extend(leftovers_within(audio))
    return speech


def _read_voice(audio: Fields, notices: list[Notice]) -> str:
    if isinstance(audio.get("voice"), dict):
        raise unsupported(audio.at("voice"), "voices of one's own are not stored; name one of the provider's.")
    name = audio.required_text("voice")
    voice = VOICES.get(name)
    if voice is None:
        return name
    notices.append(Notice(audio.at("voice"), f"the provider has no voice {name}; {voice} is used"))
    return voice


def _read_sound_format(audio: Fields, stream: bool) -> str:
    """The provider gives bare PCM, so only what needs no encoder can be given; a stream has no length for a header."""
    form = audio.one_of("format", _FORMATS)
    if form is None:
        raise missing(audio.at("format"))
    allowed = ("pcm16",) if stream else ("pcm16", "wav")
    if form not in allowed:
        raise unsupported(audio.at("format"), f"{form} cannot be made here; send {' or '.join(allowed)}.")
    return form
